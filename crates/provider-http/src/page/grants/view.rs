//! The view of `/grants`.

use doorward_protocol::ids::SessionId;
use doorward_provider::{model::session::Session, use_case::access::ClientWithAccess};
use leptos::prelude::*;

use crate::page::{
    layout::{Layout, document, hidden},
    utc_time::utc_time,
};
use crate::{http::csrf, texts::Texts};

/// What the page shows.
pub(crate) struct Grants {
    pub(crate) action: String,
    pub(crate) home: String,
    pub(crate) logout: String,
    pub(crate) form_token: String,
    pub(crate) clients: Vec<ClientWithAccess>,
    /// The link to the next page of clients, if there are more.
    pub(crate) more_clients: Option<String>,
    pub(crate) sessions: Vec<Session>,
    /// The link to the next page of sessions, if there are more.
    pub(crate) more_sessions: Option<String>,
    /// The `sid` of the browser's own session.
    pub(crate) current: SessionId,
}

pub(crate) fn grants(layout: &Layout, grants: Grants) -> String {
    let t = layout.texts;
    document(layout, t.access_and_sessions, move || {
        let Grants { action, home, logout, form_token, clients, sessions, current, .. } = grants;
        let more_clients = grants.more_clients.map(|href| more(href, t.more_applications));
        let more_sessions = grants.more_sessions.map(|href| more(href, t.older_sessions));
        let buttons = Buttons { texts: t, action, form_token };
        let nobody =
            clients.is_empty().then(|| view! { <p class="muted">{t.nobody_has_access}</p> });
        let sessions = sessions
            .into_iter()
            .map(|session| {
                let logout = (session.authentication.sid == current).then(|| logout.clone());
                self::session(&buttons, session, logout)
            })
            .collect_view();
        view! {
            <h1>{t.access_and_sessions}</h1>
            <section class="stack" aria-labelledby="applications">
                <h2 class="card-title" id="applications">{t.with_access}</h2>
                {nobody}
                <ul class="scope-list">
                    {clients.into_iter().map(|access| client(&buttons, access)).collect_view()}
                </ul>
                {more_clients}
            </section>
            <section class="stack" aria-labelledby="sessions">
                <h2 class="card-title" id="sessions">{t.where_signed_in}</h2>
                <ul class="scope-list">{sessions}</ul>
                {more_sessions}
            </section>
            <a class="btn btn-quiet btn-block" href=home>{t.back}</a>
        }
    })
}

/// A link to the next page of a list.
fn more(href: String, text: &'static str) -> impl IntoView + use<> {
    view! { <a class="btn btn-quiet btn-small" href=href>{text}</a> }
}

/// What all forms of the page share.
pub(crate) struct Buttons {
    pub(crate) texts: &'static Texts,
    pub(crate) action: String,
    pub(crate) form_token: String,
}

impl Buttons {
    /// A form with one button that posts this field.
    fn button(
        &self,
        name: &'static str,
        value: String,
        text: &'static str,
        label: String,
    ) -> impl IntoView + use<> {
        view! {
            <form method="post" action=self.action.clone()>
                {hidden(csrf::FIELD, self.form_token.clone())}
                {hidden(name, value)}
                <button class="btn btn-danger btn-small" aria-label=label>{text}</button>
            </form>
        }
    }
}

fn client(buttons: &Buttons, access: ClientWithAccess) -> impl IntoView + use<> {
    let t = buttons.texts;
    let scopes: Vec<String> =
        access.scopes.into_iter().map(|own| t.scope(own).display_name).collect();
    let used = match access.used {
        Some(used) => {
            view! { {t.since}" "{utc_time(used.since)}", "{t.last_used}" "{utc_time(used.last)} }
                .into_any()
        }
        None => view! { {t.not_in_use} }.into_any(),
    };
    let label = t.take_back_from.with(&access.name);
    let open_label = t.open_application.with(&access.name);
    let open = access.open.map(|href| {
        view! { <a class="btn btn-small" href=href aria-label=open_label>{t.open}</a> }
    });
    view! {
        <li class="stack-tight">
            <div class="row row-spread">
                <strong>{access.name}</strong>
                <span class="row">
                    {open}
                    {buttons.button("client_id", access.client_id.into(), t.take_back, label)}
                </span>
            </div>
            <p>{scopes.join(", ")}</p>
            <p class="muted">{used}</p>
        </li>
    }
}

/// `logout` is the link that ends the session, if it is the one of this browser.
pub(crate) fn session(
    buttons: &Buttons,
    session: Session,
    logout: Option<String>,
) -> impl IntoView + use<> {
    let t = buttons.texts;
    let browser = session.device.browser.unwrap_or_else(|| t.unknown_browser.to_owned());
    let address = session.device.address.map(|address| format!(", {} {address}", t.address));
    let end = if let Some(logout) = logout {
        view! {
            <span class="row">
                <span class="badge badge-ok">{t.this_browser}</span>
                <a class="btn btn-small" href=logout>{t.sign_out}</a>
            </span>
        }
        .into_any()
    } else {
        let label = t.end_session_in.with(&browser);
        buttons.button("sid", session.authentication.sid.into(), t.end, label).into_any()
    };
    view! {
        <li class="stack-tight">
            <div class="row row-spread">
                <strong>{browser}</strong>
                {end}
            </div>
            <p class="muted">
                {t.signed_in_at}" "{utc_time(session.authentication.auth_time)}{address}
            </p>
        </li>
    }
}

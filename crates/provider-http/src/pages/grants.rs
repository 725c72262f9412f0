//! The page with the clients that have access, and the user's sessions.

use doorward_provider::{access::ClientWithAccess, resource::ScopeDescription, session::Session, time::Timestamp};
use leptos::prelude::*;

use super::{Frame, document, hidden, moment};
use crate::csrf;

/// What the page shows.
pub(crate) struct Grants {
    pub(crate) action: String,
    pub(crate) home: String,
    pub(crate) logout: String,
    pub(crate) form_token: String,
    pub(crate) clients: Vec<ClientWithAccess>,
    pub(crate) sessions: Vec<Session>,
    /// The `sid` of the browser's own session.
    pub(crate) current: String,
}

pub(crate) fn page(frame: &Frame, grants: Grants) -> String {
    document(frame, "Access and sessions", move || {
        let Grants { action, home, logout, form_token, clients, sessions, current } = grants;
        let form = Form { action, form_token };
        let nobody =
            clients.is_empty().then(|| view! { <p class="muted">"No application has access at the moment."</p> });
        let sessions = sessions
            .into_iter()
            .map(|session| {
                let logout = (session.authentication.sid == current).then(|| logout.clone());
                self::session(&form, session, logout)
            })
            .collect_view();
        view! {
            <h1>"Access and sessions"</h1>
            <section class="stack" aria-labelledby="applications">
                <h2 class="card-title" id="applications">"Applications with access"</h2>
                {nobody}
                <ul class="scope-list">{clients.into_iter().map(|access| client(&form, access)).collect_view()}</ul>
            </section>
            <section class="stack" aria-labelledby="sessions">
                <h2 class="card-title" id="sessions">"Where you are signed in"</h2>
                <ul class="scope-list">{sessions}</ul>
            </section>
            <a class="btn btn-quiet btn-block" href=home>"Back"</a>
        }
    })
}

/// What every form of the page has in common.
struct Form {
    action: String,
    form_token: String,
}

impl Form {
    /// A form with one button, which sends this field.
    fn button(&self, name: &'static str, value: String, text: &'static str, label: String) -> impl IntoView + use<> {
        view! {
            <form method="post" action=self.action.clone()>
                {hidden(csrf::FIELD, self.form_token.clone())}
                {hidden(name, value)}
                <button class="btn btn-danger btn-small" aria-label=label>{text}</button>
            </form>
        }
    }
}

fn client(form: &Form, access: ClientWithAccess) -> impl IntoView + use<> {
    let scopes: Vec<String> =
        access.scopes.into_iter().map(|ScopeDescription { display_name, .. }| display_name).collect();
    let used = match access.used {
        Some(used) => view! { "Since "{time(used.since)}", last used "{time(used.last)} }.into_any(),
        None => view! { "Allowed, not in use" }.into_any(),
    };
    let label = format!("Take back the access of {}", access.name);
    view! {
        <li class="stack-tight">
            <div class="row row-spread">
                <strong>{access.name}</strong>
                {form.button("client_id", access.client_id, "Take back", label)}
            </div>
            <p>{scopes.join(", ")}</p>
            <p class="muted">{used}</p>
        </li>
    }
}

/// `logout` is the way to end it if it is the browser's own.
fn session(form: &Form, session: Session, logout: Option<String>) -> impl IntoView + use<> {
    let browser = session.device.browser.unwrap_or_else(|| "Unknown browser".to_owned());
    let address = session.device.address.map(|address| format!(", address {address}"));
    let end = if let Some(logout) = logout {
        view! {
            <span class="row">
                <span class="badge badge-ok">"This browser"</span>
                <a class="btn btn-small" href=logout>"Sign out"</a>
            </span>
        }
        .into_any()
    } else {
        let label = format!("End the session in {browser}");
        form.button("sid", session.authentication.sid, "End", label).into_any()
    };
    view! {
        <li class="stack-tight">
            <div class="row row-spread">
                <strong>{browser}</strong>
                {end}
            </div>
            <p class="muted">"Signed in "{time(session.authentication.auth_time)}{address}</p>
        </li>
    }
}

fn time(at: Timestamp) -> impl IntoView + use<> {
    let written = moment::utc(at);
    view! { <time datetime=written.iso>{written.text}</time> }
}

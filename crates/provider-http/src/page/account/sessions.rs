//! `GET` and `POST /account/sessions`: the browsers in which the user is signed in, each with a
//! button that ends its session, and one that ends all others.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{ids::SessionId, params};
use doorward_provider::model::session::{Session, SessionCursor};
use leptos::prelude::*;

use super::{PATH, view};
use crate::{
    AppState,
    http::{
        csrf::{self, FormToken},
        form::{PageForm, PageQuery},
        fresh_session::SignedIn,
        peer::Peer,
        return_url::AccountPage,
        user_agent,
    },
    page::{
        error::PageError,
        grants,
        layout::hidden,
        logout,
        response::{html, see_other, with_cookie},
    },
    texts::Localized,
};

const OWN_PATH: &str = AccountPage::Sessions.path();

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    SignedIn(session): SignedIn,
    query: Result<PageQuery, PageError>,
) -> Result<Response, PageError> {
    let after = query.ok().and_then(|query| grants::session_cursor(&query.0));
    let sub = &session.authentication.sub;
    let sessions = state.provider.access().sessions_of(sub, after.as_ref()).await;
    let (mut sessions, next) = sessions.map_err(|error| state.error(error))?;
    // The session of this browser comes first, since the user looks for it.
    sessions.retain(|other| other.authentication.sid != session.authentication.sid);
    let has_others = !sessions.is_empty() || after.is_some();
    if after.is_none() {
        sessions.insert(0, session.clone());
    }
    let token = FormToken::for_page(&headers, &state.cookies);
    let list = List { current: session, sessions, next, has_others, form_token: token.value };
    Ok(with_cookie(html(StatusCode::OK, list.page(&state)), token.set_cookie))
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let session = state.session(&headers).await?;
    let session = session
        .filter(|_| csrf::is_genuine(&state.provider, &state.cookies, &headers, &form))
        .map(|session| session.authentication);
    let device = user_agent::device(&headers, &peer);
    let sid = form.get("sid").and_then(|sid| SessionId::parse(sid).ok());
    let done = match (session, sid, form.is_sent("all")) {
        (Some(session), None, true) => {
            state.provider.access().end_all_other_sessions(&session, device).await
        }
        // The session of this browser ends at `/account/logout`, which also signs out in frames.
        (Some(session), Some(sid), false) if session.sid != sid => {
            state.provider.access().end_one_session(&session, &sid, device).await
        }
        // The form is not from our page, or the user has signed out: show the page again.
        _ => Ok(()),
    };
    done.map_err(|error| state.error(error))?;
    Ok(see_other(&state.base.join(OWN_PATH)))
}

/// What the page shows.
struct List {
    current: Session,
    sessions: Vec<Session>,
    next: Option<SessionCursor>,
    has_others: bool,
    form_token: String,
}

impl List {
    fn page(self, state: &AppState) -> String {
        let t = state.texts;
        let (action, logout) = (state.base.join(OWN_PATH), state.base.join(logout::PATH));
        let more = self.next.map(|SessionCursor { auth_time, sid }| {
            let cursor = format!("{}.{sid}", auth_time.seconds());
            let query = params::encode([("sessions", cursor.as_str())]);
            state.base.join(&format!("{OWN_PATH}?{query}"))
        });
        let own_page = state.base.join(PATH);
        view::section(&state.layout(), t.own_page.sessions, None, own_page, move || {
            let buttons = grants::Buttons {
                texts: t,
                action: action.clone(),
                form_token: self.form_token.clone(),
            };
            let rows = self.sessions.into_iter().map(|session| {
                let is_own = session.authentication.sid == self.current.authentication.sid;
                grants::session(&buttons, session, is_own.then(|| logout.clone()))
            });
            let more = more.map(|href| {
                view! { <a class="btn btn-quiet btn-small" href=href>{t.older_sessions}</a> }
            });
            let end_all = if self.has_others {
                view! {
                    <form method="post" action=action>
                        {hidden(csrf::FIELD, self.form_token)}
                        {hidden("all", "true".to_owned())}
                        <button class="btn btn-danger btn-block">
                            {t.own_page.end_all_others}
                        </button>
                    </form>
                }
                .into_any()
            } else {
                view! { <p class="muted">{t.own_page.no_other_session}</p> }.into_any()
            };
            view! {
                <ul class="scope-list">{rows.collect_view()}</ul>
                {more}
                {end_all}
            }
        })
    }
}

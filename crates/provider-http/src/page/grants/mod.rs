//! `GET` and `POST /grants`: the clients with access to the signed-in user's data and the sessions
//! of the user, each with a button that ends it.

mod view;

pub(crate) use self::view::{Buttons, session};

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use doorward_protocol::{
    ids::{ClientId, SessionId},
    params::{self, Params},
};
use doorward_provider::model::{paths, session::SessionCursor, time::Timestamp};

use crate::{
    http::{
        csrf::{self, FormToken},
        form::{PageForm, PageQuery},
        peer::Peer,
        user_agent,
    },
    page::{
        error::PageError,
        logout,
        response::{html, see_other, with_cookie},
    },
    texts::Localized,
};

pub(crate) const PATH: &str = "/grants";

/// Where the lists of the page begin: `?applications=page&sessions=1800000000.abc`. Anything else
/// shows the beginning.
#[derive(Debug, Default)]
struct Position {
    clients: Option<ClientId>,
    sessions: Option<SessionCursor>,
}

impl Position {
    fn parse(query: &Params) -> Self {
        let sessions = session_cursor(query);
        let clients = query.get("applications").and_then(|last| ClientId::parse(last).ok());
        Self { clients, sessions }
    }
}

/// Where a list of sessions begins: `?sessions=1800000000.abc`.
pub(crate) fn session_cursor(query: &Params) -> Option<SessionCursor> {
    let (auth_time, sid) = query.get("sessions")?.split_once('.')?;
    let auth_time = Timestamp::from_seconds(auth_time.parse().ok()?);
    Some(SessionCursor { auth_time, sid: SessionId::parse(sid).ok()? })
}

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    query: Result<PageQuery, PageError>,
) -> Result<Response, PageError> {
    let position = query.map_or_else(|_| Position::default(), |query| Position::parse(&query.0));
    let Some(session) = state.session(&headers).await? else {
        return Ok(see_other(&state.base.join(paths::LOGIN)));
    };
    let sub = &session.authentication.sub;
    let clients = state.provider.access().clients_with_access(sub, position.clients.as_ref()).await;
    let (clients, next_clients) = clients.map_err(|error| state.error(error))?;
    let more_clients = next_clients.map(|last| {
        let query = params::encode([("applications", last.as_str())]);
        state.base.join(&format!("{PATH}?{query}"))
    });
    let sessions = state.provider.access().sessions_of(sub, position.sessions.as_ref()).await;
    let (mut sessions, next_sessions) = sessions.map_err(|error| state.error(error))?;
    // The session of this browser comes first, since the user looks for it.
    sessions.retain(|other| other.authentication.sid != session.authentication.sid);
    if position.sessions.is_none() {
        sessions.insert(0, session.clone());
    }
    let more_sessions = next_sessions.map(|SessionCursor { auth_time, sid }| {
        let cursor = format!("{}.{sid}", auth_time.seconds());
        let query = params::encode([("sessions", cursor.as_str())]);
        state.base.join(&format!("{PATH}?{query}"))
    });
    let token = FormToken::for_page(&headers, &state.cookies);
    let grants = view::Grants {
        action: state.base.join(PATH),
        home: state.base.join("/"),
        logout: state.base.join(logout::PATH),
        form_token: token.value,
        clients,
        more_clients,
        sessions,
        more_sessions,
        current: session.authentication.sid.clone(),
    };
    let page = html(StatusCode::OK, view::grants(&state.layout(), grants));
    Ok(with_cookie(page, token.set_cookie))
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
    // What is not an identifier names nothing.
    let client_id = form.get("client_id").map(ClientId::parse).transpose().unwrap_or_default();
    let sid = form.get("sid").map(SessionId::parse).transpose().unwrap_or_default();
    let done = match (session, client_id, sid) {
        (Some(session), Some(client_id), None) => {
            let device = user_agent::device(&headers, &peer);
            state.provider.access().take_access_back(&session, &client_id, device).await
        }
        // The session of this browser ends at `/account/logout`, which also signs out in frames.
        (Some(session), None, Some(sid)) if sid != session.sid => {
            let device = user_agent::device(&headers, &peer);
            state.provider.access().end_one_session(&session, &sid, device).await
        }
        // The form is not from our page, or the user has signed out: show the page again.
        _ => Ok(()),
    };
    done.map_err(|error| state.error(error))?;
    Ok(see_other(&state.base.join(PATH)))
}

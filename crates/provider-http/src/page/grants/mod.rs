//! `GET` and `POST /grants`: the clients with access to the signed-in user's data and the sessions
//! of the user, each with a button that ends it.

mod view;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use crate::{
    http::{
        csrf::{self, FormToken},
        form::PageForm,
        peer::Peer,
    },
    page::{
        error::PageError,
        response::{html, see_other, with_cookie},
    },
    texts::Localized,
};

const PATH: &str = "/grants";

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(session) = state.session(&headers).await? else {
        return Ok(see_other(&state.base.join("/account/login")));
    };
    let sub = &session.authentication.sub;
    let clients = state.provider.clients_with_access(sub).await;
    let sessions = state.provider.sessions_of(sub).await;
    let token = FormToken::for_page(&headers, &state.cookies);
    let grants = view::Grants {
        action: state.base.join(PATH),
        home: state.base.join("/"),
        logout: state.base.join("/account/logout"),
        form_token: token.value,
        clients: clients.map_err(|error| state.error(error))?,
        sessions: sessions.map_err(|error| state.error(error))?,
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
    let done = match (session, form.get("client_id"), form.get("sid")) {
        (Some(session), Some(client_id), None) => {
            state.provider.revoke_access(&session, client_id, &peer.0).await
        }
        // The session of this browser ends at `/account/logout`, which also signs out in frames.
        (Some(session), None, Some(sid)) if sid != session.sid => {
            state.provider.end_other_session(&session, sid, &peer.0).await
        }
        // The form is not from our page, or the user has signed out: show the page again.
        _ => Ok(()),
    };
    done.map_err(|error| state.error(error))?;
    Ok(see_other(&state.base.join(PATH)))
}

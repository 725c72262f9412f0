//! `GET` and `POST /grants`: the clients with access to the signed-in user's data, the user's
//! sessions, and their end.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::error::ErrorCode;
use doorward_provider::{model::session::Session, store::StoreError};

use crate::{
    AppState,
    cookies::Cookie,
    csrf::{self, FormToken},
    form::Form,
    page::{html, see_other, with_cookie},
    pages,
    peer::Peer,
    texts::Localized,
};

const PATH: &str = "/grants";

pub(crate) async fn get(Localized(state): Localized, headers: HeaderMap) -> Response {
    match show(&state, &headers).await {
        Ok(response) => response,
        Err(error) => state.unavailable(&error),
    }
}

async fn show(state: &AppState, headers: &HeaderMap) -> Result<Response, StoreError> {
    let Some(session) = signed_in(state, headers).await? else {
        return Ok(see_other(&state.base.join("/account/login")));
    };
    let sub = &session.authentication.sub;
    let token = FormToken::for_page(headers, &state.cookies);
    let view = pages::grants::Grants {
        action: state.base.join(PATH),
        home: state.base.join("/"),
        logout: state.base.join("/account/logout"),
        form_token: token.value,
        clients: state.provider.clients_with_access(sub).await?,
        sessions: state.provider.sessions_of(sub).await?,
        current: session.authentication.sid.clone(),
    };
    let page = html(StatusCode::OK, pages::grants::page(&state.frame(), view));
    Ok(with_cookie(page, token.set_cookie))
}

pub(crate) async fn post(Localized(state): Localized, peer: Peer, request: Request) -> Response {
    let headers = request.headers().clone();
    let form = match Form::read(request).await {
        Ok(Form(form)) => form,
        Err(error) => {
            return state.error_page(
                error.status(),
                &ErrorCode::InvalidRequest,
                &error.to_string(),
            );
        }
    };
    let session = match signed_in(&state, &headers).await {
        Ok(session) => {
            session.filter(|_| csrf::is_genuine(&state.provider, &state.cookies, &headers, &form))
        }
        Err(error) => return state.unavailable(&error),
    };
    let done = match (session, form.get("client_id"), form.get("sid")) {
        (Some(session), Some(client_id), None) => {
            state.provider.revoke_access(&session.authentication, client_id, &peer.0).await
        }
        // The browser's own session ends at `/account/logout`, which tells clients in frames, too.
        (Some(session), None, Some(sid)) if sid != session.authentication.sid => {
            state.provider.end_other_session(&session.authentication, sid, &peer.0).await
        }
        // Not from our page, or nobody is signed in any more: the page shows what there is.
        _ => Ok(()),
    };
    match done {
        Ok(()) => see_other(&state.base.join(PATH)),
        Err(error) => state.unavailable(&error),
    }
}

async fn signed_in(state: &AppState, headers: &HeaderMap) -> Result<Option<Session>, StoreError> {
    state.provider.session(state.cookies.read(headers, Cookie::Session).as_ref()).await
}

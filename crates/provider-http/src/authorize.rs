//! `GET` and `POST /connect/authorize` (OIDC Core section 3.1.2.1).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::error::ErrorCode;
use doorward_provider::discovery::paths;

use crate::{AppState, cookies::Cookie, csrf, form::RawForm, page::see_other};

pub(crate) async fn get(State(state): State<AppState>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    authorize(&state, request.headers(), query.as_bytes()).await
}

pub(crate) async fn post(State(state): State<AppState>, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = match RawForm::read(request).await {
        Ok(RawForm(body)) => body,
        Err(error) => return state.error_page(error.status(), &ErrorCode::InvalidRequest, &error.to_string()),
    };
    if !csrf::comes_from_here(&headers, state.provider.issuer()) {
        return same_request_by_get(&state, paths::AUTHORIZE, &body);
    }
    authorize(&state, &headers, &body).await
}

/// A form posted from another site comes without our SameSite=Lax cookie. The same request by GET, which is a top-level
/// navigation, comes with it.
pub(crate) fn same_request_by_get(state: &AppState, path: &str, body: &[u8]) -> Response {
    const LONGEST_QUERY: usize = 16 * 1024;
    match std::str::from_utf8(body) {
        Ok(query) if query.bytes().all(|byte| byte.is_ascii_graphic()) && query.len() <= LONGEST_QUERY => {
            see_other(&state.base.join(&format!("{path}?{query}")))
        }
        _ => {
            let message = "The request is too long or not in application/x-www-form-urlencoded.";
            state.error_page(StatusCode::BAD_REQUEST, &ErrorCode::InvalidRequest, message)
        }
    }
}

async fn authorize(state: &AppState, headers: &HeaderMap, encoded: &[u8]) -> Response {
    let cookie = state.cookies.read(headers, Cookie::Session);
    state.respond(state.provider.authorize(encoded, cookie.as_ref()).await, headers)
}

/// For a page that was opened with an address to return to which does not hold.
pub(crate) fn foreign_return_url(state: &AppState) -> Response {
    let message = crate::return_url::ForeignReturnUrl.to_string();
    state.error_page(StatusCode::BAD_REQUEST, &ErrorCode::InvalidRequest, &message)
}

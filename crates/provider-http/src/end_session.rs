//! `GET` and `POST /connect/endsession` (OIDC RP-Initiated Logout section 2).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{error::ErrorCode, params::Params};
use doorward_provider::discovery::paths;

use crate::{AppState, account::logout, authorize::same_request_by_get, csrf, form::RawForm};

pub(crate) async fn get(State(state): State<AppState>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    end_session(&state, request.headers(), query.as_bytes()).await
}

pub(crate) async fn post(State(state): State<AppState>, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = match RawForm::read(request).await {
        Ok(RawForm(body)) => body,
        Err(error) => return state.error_page(error.status(), &ErrorCode::InvalidRequest, &error.to_string()),
    };
    if !csrf::comes_from_here(&headers, state.provider.issuer()) {
        return same_request_by_get(&state, paths::END_SESSION, &body);
    }
    end_session(&state, &headers, &body).await
}

async fn end_session(state: &AppState, headers: &HeaderMap, encoded: &[u8]) -> Response {
    match Params::parse(encoded) {
        Ok(params) => logout::requested(state, headers, &params).await,
        Err(error) => state.error_page(StatusCode::BAD_REQUEST, &ErrorCode::InvalidRequest, &error.to_string()),
    }
}

//! `GET` and `POST /connect/endsession` (OIDC RP-Initiated Logout section 2).

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use doorward_protocol::{error::ErrorCode, params::Params};
use doorward_provider::discovery::paths;

use crate::{AppState, account::logout, front_channel};

pub(crate) async fn get_or_post(State(state): State<AppState>, request: Request) -> Response {
    let (headers, encoded) = match front_channel::read(&state, paths::END_SESSION, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    match Params::parse(encoded) {
        Ok(params) => logout::requested(&state, &headers, &params).await,
        Err(error) => state.error_page(StatusCode::BAD_REQUEST, &ErrorCode::InvalidRequest, &error.to_string()),
    }
}

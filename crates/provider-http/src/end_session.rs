//! `GET` and `POST /connect/endsession` (OIDC RP-Initiated Logout section 2).

use axum::{extract::Request, http::StatusCode, response::Response};
use doorward_protocol::{error::ErrorCode, params::Params};
use doorward_provider::model::paths;

use crate::{account::logout, front_channel, peer::Peer, texts::Localized};

pub(crate) async fn get_or_post(
    Localized(state): Localized,
    peer: Peer,
    request: Request,
) -> Response {
    let (headers, encoded) = match front_channel::read(&state, paths::END_SESSION, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    match Params::parse(encoded) {
        Ok(params) => {
            let state = state.speaking(params.get("ui_locales"));
            logout::requested(&state, &headers, &peer, &params).await
        }
        Err(error) => state.error_page(
            StatusCode::BAD_REQUEST,
            &ErrorCode::InvalidRequest,
            &error.to_string(),
        ),
    }
}

//! `GET` and `POST /connect/endsession` (OIDC RP-Initiated Logout section 2).

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::params::Params;

use crate::{
    http::{form::FormError, get_or_post::GetOrPost, peer::Peer},
    page::{error::PageError, logout},
    texts::Localized,
};

pub(crate) async fn get_or_post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    request: GetOrPost,
) -> Result<Response, PageError> {
    let GetOrPost::Whole(encoded) = request else {
        return Err(state.error(FormError::Body(StatusCode::PAYLOAD_TOO_LARGE)));
    };
    let params = Params::parse(encoded).map_err(|error| state.error(FormError::from(error)))?;
    let state = state.in_language(params.get("ui_locales"));
    logout::requested(&state, &headers, &peer, &params).await
}

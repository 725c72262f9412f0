//! `GET /.well-known/webauthn`: the other origins that may use the passkeys of this provider
//! (Web Authentication Level 3 section 5.11).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use doorward_provider::Provider;
use serde_json::json;

/// The path, at the root of the host whatever the path of the issuer is.
pub(crate) const PATH: &str = "/.well-known/webauthn";

pub(crate) async fn get(State(provider): State<Arc<Provider>>) -> Response {
    let origins = &provider.settings().second_factor.related_origins;
    if origins.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(json!({ "origins": origins })).into_response()
}

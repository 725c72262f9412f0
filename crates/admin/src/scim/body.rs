//! The body of a request.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};

use http::{StatusCode, header::CONTENT_TYPE};
use serde_json::Value;

use super::error::ScimError;

/// The largest body in bytes: a group with some thousand members.
pub const MOST_BYTES: usize = 256 * 1024;

/// A JSON body.
pub struct Body(pub Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ScimError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ScimError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !["application/scim+json", "application/json"]
            .iter()
            .any(|known| kind.eq_ignore_ascii_case(known))
        {
            return Err(ScimError::not_json());
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ScimError::too_large(MOST_BYTES),
            _ => ScimError::syntax("The body did not arrive whole."),
        })?;
        let value = serde_json::from_slice(&bytes);
        value
            .map(Self)
            .map_err(|error| ScimError::syntax(format!("The body is not JSON: {error}.")))
    }
}

/// Refuses a body that does not say by `schemas` what it is.
pub fn require_schema(body: &Value, urn: &str) -> Result<(), ScimError> {
    let members = body.as_object().into_iter().flatten();
    let named = members.filter(|(name, _)| name.eq_ignore_ascii_case("schemas"));
    let mut urns = named.filter_map(|(_, value)| value.as_array()).flatten();
    let is_named = urns.any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(urn)));
    if is_named { Ok(()) } else { Err(ScimError::syntax(format!("schemas: name {urn}."))) }
}

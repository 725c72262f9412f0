//! The headers of RFC 9449: `DPoP`, which carries a proof, and `DPoP-Nonce`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use doorward_protocol::{
    dpop::{HEADER, NONCE_HEADER, ProofError},
    error::ErrorCode,
};
use doorward_provider::Provider;

use crate::http::refusal::Refused;

/// Extension of a response to a client whose proofs must carry a nonce, so that the client has one
/// for its next request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NextNonce;

/// The one proof of a request, if there is one (section 4.3, step 1).
pub(crate) fn proof(headers: &HeaderMap) -> Result<Option<&str>, ProofError> {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => only.to_str().map(Some).map_err(|_| ProofError::NotOneHeader),
        (Some(_), Some(_)) => Err(ProofError::NotOneHeader),
    }
}

/// Layer that adds `DPoP-Nonce` to a response that asks for it: to the error `use_dpop_nonce`
/// (section 8), and to a success with [`NextNonce`] (section 8.2).
pub(crate) async fn provide_nonce(
    State(provider): State<Arc<Provider>>,
    mut response: Response,
) -> Response {
    let extensions = response.extensions();
    let refused_for_it =
        extensions.get::<Refused>().is_some_and(|Refused(code)| *code == ErrorCode::UseDpopNonce);
    if (refused_for_it || extensions.get::<NextNonce>().is_some())
        && let Ok(nonce) = HeaderValue::from_str(&provider.proofs().nonce())
    {
        response.headers_mut().insert(NONCE_HEADER, nonce);
    }
    response
}

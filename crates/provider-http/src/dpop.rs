//! The headers of RFC 9449: `DPoP`, which carries a proof, and `DPoP-Nonce`.

use axum::{
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use doorward_protocol::dpop::{HEADER, NONCE_HEADER, ProofError};
use doorward_provider::Provider;

/// The one proof of a request, if there is one (section 4.3, step 1).
pub(crate) fn proof(headers: &HeaderMap) -> Result<Option<&str>, ProofError> {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => only.to_str().map(Some).map_err(|_| ProofError::NotOneHeader),
        (Some(_), Some(_)) => Err(ProofError::NotOneHeader),
    }
}

/// The answer with the nonce that the client's next proofs are to carry (section 8.2).
pub(crate) fn with_nonce(mut answer: Response, provider: &Provider) -> Response {
    if let Ok(nonce) = HeaderValue::from_str(&provider.dpop_nonce()) {
        answer.headers_mut().insert(NONCE_HEADER, nonce);
    }
    answer
}

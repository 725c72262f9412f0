//! Which pages of other origins may call (the Fetch standard's CORS protocol).

use std::time::Duration;

use doorward_protocol::dpop;
use http::{
    HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, DATE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember a preflight's answer.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_mins(10);

/// A layer that lets pages of exactly these origins read the answers, the challenge of a refusal
/// included. Cookies play no part, so credentials are not allowed.
pub fn cors(origins: impl IntoIterator<Item = HeaderValue>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET])
        .allow_headers([AUTHORIZATION, HeaderName::from_static(dpop::HEADER)])
        // Date, so that a client on a device with a wrong clock can date its proofs.
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER, DATE])
        .max_age(PREFLIGHT_MAX_AGE)
}

//! Which pages of other origins may call the API (the Fetch standard's CORS protocol).

use std::time::Duration;

use doorward_protocol::dpop::NONCE_HEADER;
use http::{
    HeaderValue, Method,
    header::{DATE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE},
};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// What a client must put into its DPoP proofs.
const DPOP_NONCE: HeaderName = HeaderName::from_static(NONCE_HEADER);

/// How long a browser may cache the answer to a preflight request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// A layer that lets pages of exactly these origins call the API and read its answers, the
/// challenge of a refusal included.
///
/// It allows GET, HEAD, POST, PUT, PATCH and DELETE, and any request header. Cookies are not
/// allowed: access tokens are not sent by them. The result is a [`CorsLayer`] of `tower-http`, so
/// each of these can be changed:
///
/// ```
/// use doorward_resource_server::cors;
/// use http::{HeaderName, HeaderValue, Method, header};
///
/// let origins = [HeaderValue::from_static("https://app.example.com")];
/// let layer = cors(origins)
///     .allow_methods([Method::GET, Method::POST])
///     .expose_headers([
///         header::WWW_AUTHENTICATE,
///         header::ETAG,
///         // What a client needs for its DPoP proofs.
///         header::DATE,
///         HeaderName::from_static("dpop-nonce"),
///     ]);
/// # let router: axum::Router = axum::Router::new().layer(layer);
/// ```
pub fn cors(origins: impl IntoIterator<Item = HeaderValue>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        // Only `Authorization` gives a right here, so a listed origin may send any header.
        .allow_headers(AllowHeaders::mirror_request())
        // With `Date`, a client whose clock is wrong can date its DPoP proofs.
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER, DATE, DPOP_NONCE])
        .max_age(PREFLIGHT_MAX_AGE)
}

//! CORS at the endpoints that scripts call: for the origins that a client lists, and no others.

use std::{sync::Arc, time::Duration};

use axum::http::{
    HeaderName, Method,
    header::{DATE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use doorward_protocol::dpop;
use doorward_provider::Provider;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// The layer. It never allows credentials: no endpoint below it reads a cookie. So a page of a
/// listed origin may send any header, as those that interceptors and tracing add to every request.
pub(crate) fn layer(provider: Arc<Provider>) -> CorsLayer {
    let listed = AllowOrigin::predicate(move |origin, _| {
        origin.to_str().is_ok_and(|origin| provider.client_directory().allows_cors_origin(origin))
    });
    CorsLayer::new()
        .allow_origin(listed)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        // `Date` lets a client on a device with a wrong clock check the times in a token.
        .expose_headers([
            WWW_AUTHENTICATE,
            RETRY_AFTER,
            DATE,
            HeaderName::from_static(dpop::NONCE_HEADER),
        ])
        .max_age(Duration::from_hours(1))
}

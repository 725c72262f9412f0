//! CORS for the endpoints that browser code calls: only for origins that a client lists.

use std::{sync::Arc, time::Duration};

use axum::http::{
    HeaderName, Method,
    header::{AUTHORIZATION, CONTENT_TYPE, DATE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use doorward_protocol::dpop;
use doorward_provider::Provider;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The layer. Cookies are never allowed: no endpoint under it reads one.
pub(crate) fn layer(provider: Arc<Provider>) -> CorsLayer {
    let listed = AllowOrigin::predicate(move |origin, _| {
        origin.to_str().is_ok_and(|origin| provider.allows_cors_origin(origin))
    });
    CorsLayer::new()
        .allow_origin(listed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static(dpop::HEADER)])
        // Date, so that a client on a device with a wrong clock can tell the time when it checks a
        // token.
        .expose_headers([
            WWW_AUTHENTICATE,
            RETRY_AFTER,
            DATE,
            HeaderName::from_static(dpop::NONCE_HEADER),
        ])
        .max_age(Duration::from_hours(1))
}

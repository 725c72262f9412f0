//! One span and one line of log for each request: method, route, status and time; never the query, cookies or bodies.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use doorward_provider::time::{Entropy as _, SystemEntropy};
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Numbers requests, under a prefix of this process.
#[derive(Debug, Clone)]
pub struct RequestIds(Arc<(u32, AtomicU64)>);

impl RequestIds {
    /// Numbers from one under a random prefix.
    pub fn new() -> Self {
        let [a, b, c, d, ..] = SystemEntropy.bytes();
        Self(Arc::new((u32::from_be_bytes([a, b, c, d]), AtomicU64::new(1))))
    }

    fn next(&self) -> String {
        let (prefix, next) = &*self.0;
        format!("{prefix:08x}-{:08x}", next.fetch_add(1, Relaxed))
    }
}

/// Gives the request an identifier, which the answer carries, too, and logs what became of it.
pub async fn observe(State(ids): State<RequestIds>, request: Request, next: Next) -> Response {
    let id = ids.next();
    let method = method_name(request.method());
    // The template of the route, never the path: paths are without number.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("request", id, method, route);
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    let microseconds = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), microseconds, "answered");
        } else {
            tracing::debug!(status = status.as_u16(), microseconds, "answered");
        }
    });
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Anyone can make up a method; the log knows these.
fn method_name(method: &Method) -> &str {
    let known = [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS, Method::PUT, Method::PATCH, Method::DELETE];
    if known.contains(method) { method.as_str() } else { "other" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_and_have_one_length() {
        let ids = RequestIds::new();
        let (one, two) = (ids.next(), ids.next());
        assert_ne!(one, two);
        assert_eq!((one.len(), two.len()), (17, 17));
    }

    #[test]
    fn made_up_methods_have_no_name() {
        assert_eq!(method_name(&Method::GET), "GET");
        assert_eq!(method_name(&Method::from_bytes(b"MADE-UP").unwrap_or_default()), "other");
    }
}

//! One span and one log line for each request: method, route, status and time. Never the query,
//! cookies or bodies.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use doorward_provider::model::time::{Entropy as _, SystemEntropy};
use doorward_provider_http::{Network, RequestId};
use metrics::SharedString;
use tracing::Instrument as _;

use super::layers::in_time;
use crate::process::traces::RequestSpan;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Numbers requests, under a prefix of this process.
#[derive(Debug, Clone)]
pub struct RequestIds(Arc<(u32, AtomicU32)>);

impl RequestIds {
    /// Numbers from one with a random prefix. After four billion they start again.
    pub fn new() -> Self {
        let [a, b, c, d, ..] = SystemEntropy.bytes();
        Self(Arc::new((u32::from_be_bytes([a, b, c, d]), AtomicU32::new(1))))
    }

    fn next(&self) -> String {
        let (prefix, next) = &*self.0;
        // The same as {:08x}, in a tenth of the time.
        let digits = |number: u32| {
            (0..8).rev().map(move |place| {
                char::from(b"0123456789abcdef"[(number >> (4 * place) & 15) as usize])
            })
        };
        let number = next.fetch_add(1, Relaxed);
        digits(*prefix).chain(['-']).chain(digits(number)).collect()
    }
}

/// Observes the requests of one listener.
#[derive(Debug, Clone)]
pub struct Observer {
    /// The listener's name in metrics.
    listener: &'static str,
    /// Numbers its requests.
    ids: RequestIds,
    /// Proxies whose identifiers are taken over.
    proxies: Arc<[Network]>,
}

impl Observer {
    /// For the listener with this name. Identifiers from these proxies are taken over, so that a
    /// request has the same one in all logs. Anyone else could forge them.
    pub fn new(listener: &'static str, proxies: Vec<Network>) -> Self {
        Self { listener, ids: RequestIds::new(), proxies: proxies.into() }
    }

    fn id(&self, request: &Request) -> String {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let is_proxy =
            peer.is_some_and(|peer| self.proxies.iter().any(|network| network.contains(peer)));
        let brought =
            request.headers().get(REQUEST_ID).filter(|_| is_proxy).and_then(|id| id.to_str().ok());
        brought.filter(|id| is_sane(id)).map_or_else(|| self.ids.next(), str::to_owned)
    }
}

/// Whether an identifier is harmless in a log line.
fn is_sane(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Gives the request and its answer an identifier, logs the outcome and counts it.
pub async fn observe(
    State(observer): State<Observer>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = observer.id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = known_method(request.method());
    // The route's template, never the path: there are infinitely many paths.
    let route = Route(request.extensions().get::<MatchedPath>().cloned());
    let label = method.unwrap_or("other");
    let span = tracing::info_span!("request", id, method = label, route = route.as_str());
    let traced = RequestSpan::begin(&id, method, route.template(), request.headers());
    let began = Instant::now();
    let mut response = in_time(next.run(request)).instrument(span.clone()).await;
    let status = response.status();
    traced.end(status.as_u16());
    count(observer.listener, label, &route, status, began.elapsed());
    let microseconds = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        if !status.is_server_error() || route.is_health() {
            tracing::debug!(status = status.as_u16(), microseconds, "answered");
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(status = status.as_u16(), microseconds, "answered");
        } else {
            tracing::error!(status = status.as_u16(), microseconds, "answered");
        }
    });
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The method's name, if it is a usual one: anyone can make up others.
fn known_method(method: &Method) -> Option<&'static str> {
    const KNOWN: [&str; 7] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|known| *known == method.as_str())
}

/// The route of a request, if it has one.
struct Route(Option<MatchedPath>);

impl Route {
    fn template(&self) -> Option<&str> {
        self.0.as_ref().map(MatchedPath::as_str)
    }

    /// Whether it asks for health. A negative answer is then not an error of the server.
    fn is_health(&self) -> bool {
        self.template().is_some_and(|template| template.starts_with("/health/"))
    }

    fn as_str(&self) -> &str {
        self.template().unwrap_or("none")
    }
}

/// Every label has few values: the routes in the source, known methods, statuses.
fn count(
    listener: &'static str,
    method: &'static str,
    route: &Route,
    status: StatusCode,
    took: Duration,
) {
    let route = SharedString::from(route.as_str().to_owned());
    let labels = [
        ("listener", SharedString::const_str(listener)),
        ("method", method.into()),
        ("route", route),
    ];
    metrics::histogram!("doorward_http_request_seconds", &labels).record(took);
    let [listener, method, route] = labels;
    let status = ("status", status.as_str().to_owned().into());
    metrics::counter!("doorward_http_requests_total", &[listener, method, route, status])
        .increment(1);
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
        let ids = RequestIds(Arc::new((0xab, AtomicU32::new(u32::MAX))));
        assert_eq!([ids.next(), ids.next()], ["000000ab-ffffffff", "000000ab-00000000"]);
    }

    #[test]
    fn only_proxies_bring_identifiers_and_only_sane_ones() {
        let proxies = ["10.0.0.0/8".parse().unwrap_or_else(|problem| panic!("{problem}"))];
        let observer = Observer::new("app", proxies.to_vec());
        let id = |peer: [u8; 4], brought: &str| {
            let mut request = Request::default();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 1))));
            request
                .headers_mut()
                .insert(REQUEST_ID, HeaderValue::from_str(brought).unwrap_or(HeaderValue::from(0)));
            observer.id(&request)
        };
        assert_eq!(id([10, 0, 0, 1], "4bf92f35-77b3.4da6_a3ce"), "4bf92f35-77b3.4da6_a3ce");
        assert_eq!(id([192, 0, 2, 1], "brought").len(), 17);
        for odd in ["", "two words", "a\"b", &"x".repeat(65)] {
            assert_eq!(id([10, 0, 0, 1], odd).len(), 17, "{odd}");
        }
    }

    #[test]
    fn made_up_methods_have_no_name() {
        assert_eq!(known_method(&Method::GET), Some("GET"));
        assert_eq!(known_method(&Method::from_bytes(b"MADE-UP").unwrap_or_default()), None);
    }
}

//! Routes that are passed on to an API with the user's access token, for pages with scripts
//! (backend for frontend). The token stays on the server.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::any,
};
use doorward_protocol::{
    challenge::{Challenge, Scheme},
    dpop::NONCE_HEADER,
    error::ErrorCode,
    host::is_loopback,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        CONNECTION, CONTENT_SECURITY_POLICY, SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
};
use reqwest::redirect::Policy;
use serde_json::json;
use url::Url;

use crate::{
    AccessTokenError, Refusal, SettingsError, SignedIn, refusal::session_challenge,
    settings::is_literal,
};

/// The header that each request must have, with any value. A page of another origin can't send it
/// unless the application allows that by CORS.
const CSRF_HEADER: &str = "x-csrf";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the API may be silent.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest request body unless something else is set, in bytes.
const LONGEST_BODY: usize = 2 * 1024 * 1024;

/// The request headers that are passed on, beside those that begin with `if-`. Cookies and
/// credentials are not among them.
const PASSED_ON: [&str; 11] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-language",
    "content-type",
    "idempotency-key",
    "prefer",
    "range",
    "traceparent",
    "tracestate",
];

/// The response headers that are not passed on: those of one connection (RFC 9110 section 7.6.1),
/// and those that would speak for the application's origin: what browsers keep for it, and to whom
/// they report its addresses, which may have codes in them.
const KEPT_BACK: [&str; 21] = [
    "clear-site-data",
    "connection",
    "content-security-policy",
    "content-security-policy-report-only",
    // It is for the proofs, which are made here.
    NONCE_HEADER,
    "keep-alive",
    "nel",
    "proxy-authenticate",
    "proxy-connection",
    "refresh",
    "report-to",
    "reporting-endpoints",
    "secure-session-registration",
    "service-worker-allowed",
    "set-login",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "alt-svc",
];

/// Passes requests of the application's own pages on to APIs, with the access token of the user.
///
/// Only what is listed is passed on: a path of the application, with all that is below it, to one
/// address, by these methods. Each request must have the header `X-CSRF`, and whoever is not signed
/// in gets 401.
///
/// ```
/// use axum::Router;
/// use doorward_axum::{ApiProxy, http::Method};
///
/// let proxy = ApiProxy::new()
///     .allow("/api/orders", "https://orders.example.com/v1/orders", [Method::GET, Method::POST])?;
/// let app: Router = Router::new().merge(proxy.router());
/// # Ok::<(), doorward_axum::SettingsError>(())
/// ```
///
/// In the page: `fetch("/api/orders/7", { headers: { "X-CSRF": "1" } })`.
#[derive(Debug, Clone)]
pub struct ApiProxy {
    routes: Vec<Arc<Route>>,
    longest_body: usize,
}

impl Default for ApiProxy {
    fn default() -> Self {
        Self { routes: Vec::new(), longest_body: LONGEST_BODY }
    }
}

#[derive(Debug)]
struct Route {
    path: String,
    api: Url,
    methods: Vec<Method>,
    http: reqwest::Client,
    /// The nonce for the next proof, if the API asks for one (RFC 9449 section 9).
    nonce: Mutex<Option<String>>,
}

impl ApiProxy {
    /// A proxy that passes nothing on yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Passes a path and what is below it on to the API at this address, by these methods.
    ///
    /// # Errors
    /// The address is not https, nor http on this machine, or has a query; the path is none, or was
    /// given before; or there is no HTTP client.
    pub fn allow(
        mut self,
        path: &str,
        api: &str,
        methods: impl IntoIterator<Item = Method>,
    ) -> Result<Self, SettingsError> {
        let path = path.trim_end_matches('/').to_owned();
        if !is_literal(&path) {
            return Err(SettingsError(format!("{path:?} is not a path such as /api/orders")));
        }
        if self.routes.iter().any(|route| route.path == path) {
            return Err(SettingsError(format!("{path:?} is passed on already")));
        }
        let url = Url::parse(api).ok().filter(|url| {
            let is_protected =
                url.scheme() == "https" || url.scheme() == "http" && is_loopback(url);
            is_protected && url.query().is_none() && url.fragment().is_none()
        });
        let Some(api) = url else {
            return Err(SettingsError(format!(
                "the API must be at an https address without a query, or on this machine, not at \
                    {api:?}"
            )));
        };
        let (http, methods) = (http_client(&api)?, methods.into_iter().collect());
        let nonce = Mutex::default();
        self.routes.push(Arc::new(Route { path, api, methods, http, nonce }));
        Ok(self)
    }

    /// The longest request body, in bytes. Default: 2 MiB.
    #[must_use]
    pub fn longest_body(mut self, bytes: usize) -> Self {
        self.longest_body = bytes;
        self
    }

    /// The routes. Merge them into the application before [`Auth::attach`](crate::Auth::attach).
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let mut router = Router::new();
        for route in &self.routes {
            let (proxy, own) = (self.clone(), Arc::clone(route));
            let handler = any(async move |request: Request| proxy.pass(&own, request).await);
            // What is below the path has at least one character.
            router = router
                .route(&route.path, handler.clone())
                .route(&format!("{}/", route.path), handler.clone())
                .route(&format!("{}/{{*rest}}", route.path), handler);
        }
        router
    }

    async fn pass(&self, route: &Route, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if !route.methods.contains(&parts.method) {
            return refused(StatusCode::METHOD_NOT_ALLOWED, "this method is not passed on");
        }
        if !parts.headers.contains_key(CSRF_HEADER) {
            return refused(StatusCode::FORBIDDEN, "the header X-CSRF is missing");
        }
        let user = match SignedIn::of_request(&parts).await {
            Ok((Some(user), _)) => user,
            Ok((None, slot)) => return Refusal::without_page(&parts, &slot).into_response(),
            Err(refusal) => return refusal.into_response(),
        };
        let Some(url) = route.target(parts.uri.path(), parts.uri.query()) else {
            return refused(StatusCode::BAD_REQUEST, "this path is not passed on");
        };
        let Ok(body) = to_bytes(body, self.longest_body).await else {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long");
        };
        let call = Call { method: parts.method, url, headers: passed_on(&parts.headers), body };
        match route.send(&user, call).await {
            Ok(response) => answered(response),
            Err(NotSent::Token(AccessTokenError::Expired)) => {
                refused(StatusCode::UNAUTHORIZED, "the access token expired: sign in again")
            }
            Err(NotSent::Token(AccessTokenError::NotRenewed)) => {
                refused(StatusCode::SERVICE_UNAVAILABLE, "the provider is away")
            }
            Err(NotSent::Token(problem @ AccessTokenError::NoProof)) => {
                tracing::warn!(%problem, "a call is not passed on");
                refused(StatusCode::INTERNAL_SERVER_ERROR, "the call can't be proven")
            }
            Err(NotSent::Failed(error)) => {
                tracing::warn!(error = %error.without_url(), "an API did not answer");
                refused(StatusCode::BAD_GATEWAY, "the API does not answer")
            }
        }
    }
}

/// A call that is passed on.
#[derive(Clone)]
struct Call {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

/// Why an API was not called.
enum NotSent {
    Token(AccessTokenError),
    Failed(reqwest::Error),
}

impl Route {
    /// Calls the API, once more if it asks for a nonce in the proof: it did nothing yet (RFC 9449
    /// section 9).
    async fn send(&self, user: &SignedIn, call: Call) -> Result<reqwest::Response, NotSent> {
        let before = self.known_nonce().clone();
        let response = self.send_once(user, call.clone(), before.as_deref()).await?;
        if !user.is_bound() {
            return Ok(response);
        }
        let asked = response.headers().get(NONCE_HEADER).and_then(|nonce| nonce.to_str().ok());
        let Some(nonce) = asked.map(str::to_owned) else {
            return Ok(response);
        };
        *self.known_nonce() = Some(nonce.clone());
        if before.as_ref() != Some(&nonce) && asks_for_nonce(&response) {
            return self.send_once(user, call, Some(&nonce)).await;
        }
        Ok(response)
    }

    async fn send_once(
        &self,
        user: &SignedIn,
        call: Call,
        nonce: Option<&str>,
    ) -> Result<reqwest::Response, NotSent> {
        let credentials = user.credentials(&call.method, call.url.as_str(), nonce);
        let request = self
            .http
            .request(call.method, call.url)
            .headers(call.headers)
            .headers(credentials.map_err(NotSent::Token)?)
            .body(call.body);
        request.send().await.map_err(NotSent::Failed)
    }

    fn known_nonce(&self) -> MutexGuard<'_, Option<String>> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address at the API. `None` for paths that servers may read in several ways: they could
    /// lead above the allowed one.
    fn target(&self, path: &str, query: Option<&str>) -> Option<Url> {
        let rest = path.strip_prefix(&self.path)?;
        let lower = rest.to_ascii_lowercase();
        let is_ambiguous = ["..", "//", "\\", "%2e", "%2f", "%5c", "%00", "%25"]
            .iter()
            .any(|part| lower.contains(part));
        if is_ambiguous || !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        let mut url = self.api.clone();
        url.set_path(&format!("{}{rest}", self.api.path().trim_end_matches('/')));
        url.set_query(query);
        Some(url)
    }
}

fn http_client(api: &Url) -> Result<reqwest::Client, SettingsError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .redirect(Policy::none());
    if is_loopback(api) {
        // A proxy on another machine can't reach the loopback addresses of this one.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| SettingsError(format!("no HTTP client: {error}")))
}

/// Whether an API refused a proof because it has not the API's nonce.
fn asks_for_nonce(response: &reqwest::Response) -> bool {
    let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
    response.status() == StatusCode::UNAUTHORIZED
        && challenges
            .filter_map(|value| Challenge::parse_all(value.to_str().ok()?).ok())
            .flatten()
            .any(|challenge| challenge.error() == Some(ErrorCode::UseDpopNonce))
}

fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let is_passed_on =
        |name: &HeaderName| PASSED_ON.contains(&name.as_str()) || name.as_str().starts_with("if-");
    headers
        .iter()
        .filter(|(name, _)| is_passed_on(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The API's answer, without what is not for the browser.
fn answered(response: reqwest::Response) -> Response {
    let response: http::Response<reqwest::Body> = response.into();
    let (mut parts, body) = response.into_parts();
    // What `Connection` names is of the connection, too.
    let named: Vec<String> = parts
        .headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in KEPT_BACK.iter().copied().chain(named.iter().map(String::as_str)) {
        parts.headers.remove(name);
    }
    parts.headers.remove(SET_COOKIE);
    let cors: Vec<HeaderName> = parts
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in cors {
        parts.headers.remove(name);
    }
    let challenges = token_challenges(&parts.headers);
    parts.headers.remove(WWW_AUTHENTICATE);
    for challenge in challenges {
        parts.headers.append(WWW_AUTHENTICATE, challenge);
    }
    // An API that repeats its input as HTML must not run scripts of the application.
    parts.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    parts.headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    parts.version = http::Version::HTTP_11;
    Response::from_parts(parts, Body::new(body))
}

/// The challenges that ask for tokens, which scripts read: they say that another sign-in is needed
/// (RFC 9470). By others, as `Basic` and `Negotiate`, browsers would ask the user for a password,
/// and send it to the application with each request.
fn token_challenges(headers: &HeaderMap) -> Vec<HeaderValue> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values
        .filter_map(|value| Challenge::parse_all(value.to_str().ok()?).ok())
        .flatten()
        .filter(|challenge| matches!(challenge.scheme(), Scheme::Bearer | Scheme::Dpop))
        .filter_map(|challenge| HeaderValue::from_str(&challenge.to_string()).ok())
        .collect()
}

fn refused(status: StatusCode, description: &str) -> Response {
    let error = match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        _ => "invalid_request",
    };
    let body = Json(json!({ "error": error, "error_description": description }));
    let mut response = (status, body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().extend(session_challenge());
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_stays_below_the_allowed_one() {
        let route = Route {
            path: "/api/orders".to_owned(),
            api: Url::parse("https://orders.example/v1/").unwrap(),
            methods: Vec::new(),
            http: reqwest::Client::new(),
            nonce: Mutex::default(),
        };
        let target = |path, query| route.target(path, query).map(String::from);
        assert_eq!(target("/api/orders", None).unwrap(), "https://orders.example/v1");
        assert_eq!(target("/api/orders/", None).unwrap(), "https://orders.example/v1/");
        assert_eq!(
            target("/api/orders/7", Some("x=%2F..")).unwrap(),
            "https://orders.example/v1/7?x=%2F.."
        );
        for hostile in [
            "/api/orders/../admin",
            "/api/orders/%2e%2e/admin",
            "/api/orders/..%2fadmin",
            "/api/orders//evil.example",
            "/api/orders/\\evil.example",
            "/api/orders/%252e%252e/admin",
            "/api/ordersadmin",
            "/api/orders@evil.example",
            "/elsewhere",
        ] {
            assert_eq!(target(hostile, None), None, "{hostile}");
        }
    }

    #[test]
    fn no_challenge_of_an_api_makes_the_browser_ask_for_a_password() {
        let passed_on = |values: &[&str]| {
            let named = |value: &&str| (WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
            let values = token_challenges(&values.iter().map(named).collect());
            values.iter().map(|own| own.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let step_up = r#"Bearer error="insufficient_user_authentication", max_age="5""#;
        let bound = r#"DPoP realm="api", algs="ES256""#;
        assert_eq!(passed_on(&[bound, step_up]), [bound, step_up]);
        let mixed = format!(r#"Negotiate, Basic realm="api", {step_up}, Digest realm="api""#);
        assert_eq!(passed_on(&["NTLM", &mixed, "basic"]), [step_up]);
        // Browsers may read what is not well-formed.
        assert!(passed_on(&[r#"Basic realm="api"#, "=, Negotiate"]).is_empty());
    }

    #[test]
    fn a_page_learns_that_the_session_is_not_enough() {
        let of = |status| refused(status, "why").headers().get(WWW_AUTHENTICATE).cloned();
        assert_eq!(of(StatusCode::UNAUTHORIZED).unwrap(), "Session");
        assert_eq!(of(StatusCode::FORBIDDEN), None);
    }

    #[test]
    fn tokens_go_to_protected_addresses_only() {
        let allow = |path: &str, api: &str| ApiProxy::new().allow(path, api, [Method::GET]);
        assert!(allow("/api", "https://api.example/v1").is_ok());
        assert!(allow("/api", "http://127.0.0.1:8000").is_ok());
        for api in ["http://api.example", "api.example", "https://api.example?x=1", "file:///etc"] {
            assert!(allow("/api", api).is_err(), "{api}");
        }
        assert!(allow("api", "https://api.example").is_err());
        for path in ["/{x}", "/:x", "/a/../b", "/", "/a?x=1"] {
            assert!(allow(path, "https://api.example").is_err(), "{path}");
        }
        let twice = allow("/api", "https://api.example").unwrap();
        assert!(twice.allow("/api/", "https://other.example", [Method::GET]).is_err());
    }
}

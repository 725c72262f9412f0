//! Requests that are passed on to an API with the user's token.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::IntoResponse,
};
use doorward_axum::{ApiProxy, Auth, MemorySessions, Secret, SignInSettings};

use crate::support::{Browser, ORIGIN, Provider};

type Seen = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// An API on a port of its own, which notes what it gets.
async fn api() -> (String, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let answer = async move |request: Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let line = format!("{} {}", parts.method, parts.uri);
        noted.lock().unwrap().push((line, parts.headers, String::from_utf8_lossy(&body).into()));
        let headers = [
            ("set-cookie", "session=planted"),
            ("access-control-allow-origin", "*"),
            ("connection", "x-secret"),
            ("x-secret", "1"),
            ("x-kept", "1"),
            ("clear-site-data", "\"*\""),
            ("service-worker-allowed", "/"),
            ("nel", r#"{"report_to":"api","max_age":86400,"include_subdomains":true}"#),
            ("report-to", r#"{"group":"api","max_age":86400,"endpoints":[{"url":"https://api"}]}"#),
            ("reporting-endpoints", "default=\"https://api/reports\""),
            ("content-security-policy-report-only", "default-src 'none'; report-uri https://api"),
            ("set-login", "logged-out"),
            ("www-authenticate", r#"Basic realm="api", Bearer error="invalid_token""#),
            ("secure-session-registration", "(ES256);path=\"/register\""),
        ];
        (StatusCode::CREATED, headers, "from the API").into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, seen)
}

async fn signed_in() -> (Browser, Seen) {
    let (address, seen) = api().await;
    let proxy = ApiProxy::new()
        .allow("/api/orders", &format!("{address}/v1"), [Method::GET, Method::POST])
        .unwrap()
        .allow("/api/away", "http://127.0.0.1:9", [Method::GET])
        .unwrap()
        .longest_body(10);
    let provider = Provider::start().await;
    let settings = SignInSettings::new(&*provider.issuer, "shop", format!("{ORIGIN}/signin-oidc"))
        .client_secret(Secret::new("secret"));
    let auth = Auth::new(settings, MemorySessions::default()).unwrap();
    let browser = Browser::new(&auth.attach(proxy.router()));
    let to_provider = browser.open("/signin").await.location().to_owned();
    browser.open(&provider.authorize(&to_provider)).await;
    (browser, seen)
}

fn call(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("origin", ORIGIN).header("x-csrf", "1")
}

#[tokio::test]
async fn an_allowed_call_has_the_token_and_no_cookie() {
    let (browser, seen) = signed_in().await;
    let request = call("POST", "/api/orders/7?x=%2F")
        .header("content-type", "text/plain")
        .header("authorization", "Bearer of-the-page")
        .header("connection", "x-hop")
        .header("x-hop", "1");
    let answer = browser.send(request, "body").await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::CREATED, "from the API"));
    assert_eq!(answer.header("x-kept"), "1");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-security-policy"), "sandbox");
    assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    for kept_back in [
        "set-cookie",
        "access-control-allow-origin",
        "connection",
        "x-secret",
        "clear-site-data",
        "service-worker-allowed",
        "nel",
        "report-to",
        "reporting-endpoints",
        "content-security-policy-report-only",
        "set-login",
        "secure-session-registration",
    ] {
        assert!(!answer.headers.contains_key(kept_back), "{kept_back}");
    }
    let (line, headers, body) = seen.lock().unwrap().pop().unwrap();
    assert_eq!((&*line, &*body), ("POST /v1/7?x=%2F", "body"));
    assert!(headers["authorization"].to_str().unwrap().starts_with("Bearer access-"));
    assert_eq!(headers["content-type"], "text/plain");
    for kept_back in ["cookie", "origin", "x-csrf", "x-hop"] {
        assert!(!headers.contains_key(kept_back), "{kept_back}");
    }
}

#[tokio::test]
async fn a_path_and_what_is_below_it_are_passed_on() {
    let (browser, seen) = signed_in().await;
    for (path, at_api) in [
        ("/api/orders", "GET /v1"),
        ("/api/orders/", "GET /v1/"),
        ("/api/orders/7", "GET /v1/7"),
        ("/api/orders/7/", "GET /v1/7/"),
    ] {
        assert_eq!(browser.send(call("GET", path), "").await.status, StatusCode::CREATED, "{path}");
        assert_eq!(seen.lock().unwrap().pop().unwrap().0, at_api);
    }
}

#[tokio::test]
async fn what_is_not_allowed_does_not_reach_the_api() {
    let (browser, seen) = signed_in().await;
    let without_header = Request::get("/api/orders");
    assert_eq!(browser.send(without_header, "").await.status, StatusCode::FORBIDDEN);
    for (method, path, body, status) in [
        ("DELETE", "/api/orders/7", "", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/api/orders/%2e%2e/admin", "", StatusCode::BAD_REQUEST),
        ("GET", "/api/orders//evil.example", "", StatusCode::BAD_REQUEST),
        ("GET", "/api/other", "", StatusCode::NOT_FOUND),
        ("POST", "/api/orders", "longer than ten", StatusCode::PAYLOAD_TOO_LARGE),
        ("GET", "/api/away", "", StatusCode::BAD_GATEWAY),
    ] {
        let answer = browser.send(call(method, path), body).await;
        assert_eq!(answer.status, status, "{method} {path} {}", answer.body);
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_gets_a_status_even_by_a_link() {
    let (browser, seen) = signed_in().await;
    browser.post("/signout", "").await;
    let request = call("GET", "/api/orders").header("sec-fetch-mode", "navigate");
    assert_eq!(browser.send(request, "").await.status, StatusCode::UNAUTHORIZED);
    assert!(seen.lock().unwrap().is_empty());
}

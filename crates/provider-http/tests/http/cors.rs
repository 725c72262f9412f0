//! Cross-origin requests: allowed for the origins that a client lists, at the endpoints that
//! browser code calls.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};

use crate::support::{Answer, World, with_header};

const LISTED: &str = "http://localhost:5001";
const OPEN: [(&str, Method); 9] = [
    ("/.well-known/openid-configuration", Method::GET),
    ("/.well-known/oauth-authorization-server", Method::GET),
    ("/.well-known/openid-configuration/jwks", Method::GET),
    ("/connect/token", Method::POST),
    ("/connect/par", Method::POST),
    ("/connect/revocation", Method::POST),
    ("/connect/deviceauthorization", Method::POST),
    ("/connect/userinfo", Method::GET),
    ("/connect/userinfo", Method::POST),
];
const CLOSED: [&str; 9] = [
    "/connect/authorize",
    "/connect/endsession",
    "/connect/introspect",
    "/device",
    "/account/login",
    "/account/logout",
    "/consent",
    "/",
    "/nowhere",
];

async fn from_origin(world: &World, method: &Method, path: &str, origin: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    world.send(with_header(request, "origin", origin)).await
}

async fn preflight(world: &World, method: &Method, path: &str, origin: &str) -> Answer {
    let request = Request::options(path)
        .header("origin", origin)
        .header("access-control-request-method", method.as_str())
        .header("access-control-request-headers", "authorization,content-type,dpop");
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_listed_origin_may_read_answers_and_errors() {
    let world = World::new().await;
    for (path, method) in &OPEN {
        let answer = from_origin(&world, method, path, LISTED).await;
        assert_eq!(answer.header("access-control-allow-origin"), LISTED, "{path}");
        assert!(answer.header("vary").to_ascii_lowercase().contains("origin"), "{path}");
        assert!(
            answer.header("access-control-expose-headers").contains("www-authenticate"),
            "{path}"
        );
        assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{path}");
    }
}

#[tokio::test]
async fn a_listed_origin_passes_the_preflight() {
    let world = World::new().await;
    for (path, method) in &OPEN {
        let answer = preflight(&world, method, path, LISTED).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), LISTED);
        assert!(answer.header("access-control-allow-methods").contains(method.as_str()));
        let allowed = answer.header("access-control-allow-headers");
        assert!(
            allowed.contains("authorization")
                && allowed.contains("content-type")
                && allowed.contains("dpop"),
            "{allowed}"
        );
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
}

/// Interceptors and tracing add headers to every request, and these endpoints read no cookie.
#[tokio::test]
async fn a_listed_origin_may_send_any_header() {
    let world = World::new().await;
    let asked = "traceparent,x-requested-with,mcp-protocol-version";
    for (path, method) in &OPEN {
        let request = Request::options(*path)
            .header("origin", LISTED)
            .header("access-control-request-method", method.as_str())
            .header("access-control-request-headers", asked)
            .body(Body::empty())
            .unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.header("access-control-allow-headers"), asked, "{path}");
        let vary = answer.header("vary").to_ascii_lowercase();
        assert!(vary.contains("access-control-request-headers"), "{path}: {vary}");
    }
}

#[tokio::test]
async fn no_other_origin_is_allowed() {
    let world = World::new().await;
    for origin in [
        "null",
        "http://localhost:5002",
        "https://localhost:5001",
        "http://localhost:5001.evil.example",
        "http://LOCALHOST:5001",
        "http://localhost:5001/",
        "https://evil.example",
        // Of a disabled client.
        "http://disabled.example",
    ] {
        for (path, method) in &OPEN {
            for answer in [
                from_origin(&world, method, path, origin).await,
                preflight(&world, method, path, origin).await,
            ] {
                assert!(
                    !answer.headers.contains_key("access-control-allow-origin"),
                    "{origin} at {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn pages_and_redirecting_endpoints_are_never_open() {
    let world = World::new().await;
    for path in CLOSED {
        for answer in [
            from_origin(&world, &Method::GET, path, LISTED).await,
            preflight(&world, &Method::POST, path, LISTED).await,
        ] {
            assert!(
                answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")),
                "{path}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn requests_without_an_origin_are_served() {
    let world = World::new().await;
    let answer = world.get("/.well-known/openid-configuration").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

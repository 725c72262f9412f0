//! Pages of other origins: the configured ones may call and read, others may not.

use axum::{
    body::Body,
    http::{Method, Request, header},
};

use crate::support::{ADMIN_ROUTE, Answer, Setup, send};

const PAGE: &str = "https://app.example.com";

async fn setup() -> Setup {
    Setup::with_settings(|settings| settings.allowed_origins = vec![PAGE.to_owned()]).await
}

async fn preflight(setup: &Setup, origin: &str) -> Answer {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(ADMIN_ROUTE)
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,dpop");
    send(&setup.api, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_listed_page_may_call() {
    let setup = setup().await;
    let answer = preflight(&setup, PAGE).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(answer.header("access-control-allow-headers"), Some("authorization,dpop"));
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert_eq!(methods, "GET,HEAD,POST,PUT,PATCH,DELETE");
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn a_listed_page_reads_refusals_too() {
    let setup = setup().await;
    let request = Request::get(ADMIN_ROUTE).header(header::ORIGIN, PAGE);
    let answer = send(&setup.api, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    let exposed = answer.header("access-control-expose-headers").unwrap();
    assert!(["www-authenticate", "date", "dpop-nonce"].iter().all(|own| exposed.contains(own)));
    assert!(answer.header("vary").unwrap().contains("origin"));
}

#[tokio::test]
async fn other_pages_may_not() {
    for origin in ["https://evil.example.com", "https://app.example.com.evil.com", "null"] {
        let answer = preflight(&setup().await, origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    let same_origin_only = Setup::new().await;
    let answer = preflight(&same_origin_only, PAGE).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

/// What browsers ask before a call with JSON, from a page with tracing.
#[tokio::test]
async fn calls_with_a_body_and_any_header_are_allowed() {
    let setup = setup().await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri(ADMIN_ROUTE)
            .header(header::ORIGIN, PAGE)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, method)
            .header(
                header::ACCESS_CONTROL_REQUEST_HEADERS,
                "authorization,content-type,traceparent,x-requested-with",
            );
        let answer = send(&setup.api, request.body(Body::empty()).unwrap()).await;
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(methods.split(',').any(|own| own == method), "{methods}");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("authorization,content-type,traceparent,x-requested-with")
        );
    }
}

//! Authorization requests by POST (OIDC Core section 3.1.2.1).

use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use crate::support::{Browser, REDIRECT, World, authorize_url, form_request, with_header};

/// The request as a posted form.
fn posted(url: &str) -> Request<Body> {
    let (path, query) = url.split_once('?').unwrap();
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    request.body(Body::from(query.to_owned())).unwrap()
}

#[tokio::test]
async fn a_form_is_answered_like_a_query() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.send(posted(&authorize_url(&[]))).await.expect_login();
    let refused = browser.send(posted(&authorize_url(&[("scope", "unknown")]))).await;
    refused.expect_redirect_error(REDIRECT, "invalid_scope");
    let unknown = browser.send(posted(&authorize_url(&[("client_id", "Nobody")]))).await;
    unknown.expect_error_page(StatusCode::BAD_REQUEST);
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.send(posted(&authorize_url(&[]))).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn the_query_of_a_posted_request_does_not_count() {
    let world = World::new().await;
    let answer = world.send(form_request(&authorize_url(&[]), &[("x", "y")])).await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_form_posted_from_another_site_becomes_the_same_request_by_get() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let url = authorize_url(&[("state", "a b&c")]);
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "http://localhost:5001"), ("origin", "null")]
    {
        let answer = browser.send(with_header(posted(&url), name, value)).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, url.as_str()));
    }
    // Too long for a query, or not what a form looks like.
    let long = posted(&authorize_url(&[("state", &"s".repeat(20_000))]));
    let answer = browser.send(with_header(long, "origin", "null")).await;
    answer.expect_error_page(StatusCode::PAYLOAD_TOO_LARGE);
    let spaced = posted(&format!("{url}&nonce=a b"));
    let answer = browser.send(with_header(spaced, "origin", "null")).await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_that_is_no_form_or_too_large_gets_the_error_page() {
    let world = World::new().await;
    for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let request = Request::post("/connect/authorize").header("content-type", content_type);
        let answer = world.send(request.body(Body::from("{}")).unwrap()).await;
        answer.expect_error_page(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let large = "x".repeat(65 * 1024);
    let answer = world.send(form_request("/connect/authorize", &[("x", &large)])).await;
    answer.expect_error_page(StatusCode::PAYLOAD_TOO_LARGE);
    // Without a request object, the client is none the wiser.
    let answer = world.send(posted(&authorize_url(&[("x", &large)]))).await;
    answer.expect_error_page(StatusCode::PAYLOAD_TOO_LARGE);
    let larger = "x".repeat(257 * 1024);
    let answer = world.send(posted(&authorize_url(&[("request", &larger)]))).await;
    answer.expect_error_page(StatusCode::PAYLOAD_TOO_LARGE);
}

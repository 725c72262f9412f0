//! Requests that another site's page makes the browser send.

use axum::http::{Request, StatusCode, request::Builder};

use crate::support::{Kept, ORIGIN, World};

fn post(headers: &[(&str, &str)]) -> Builder {
    headers.iter().fold(Request::post("/"), |request, (name, value)| request.header(*name, *value))
}

#[tokio::test]
async fn only_own_pages_change_something() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        for own in [("origin", ORIGIN), ("sec-fetch-site", "same-origin")] {
            assert_eq!(browser.send(post(&[own]), "").await.body, "changed by alice");
        }
        for foreign in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost:5002"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let answer = browser.send(post(&[foreign]), "").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{foreign:?}");
            assert_eq!(answer.json()["error"], "cross_site_request");
        }
        let sign_out = Request::post("/signout").header("origin", "https://evil.example");
        assert_eq!(browser.send(sign_out, "").await.status, StatusCode::FORBIDDEN);
        assert_eq!(browser.open("/").await.body, "alice", "{kept:?}");
    }
}

/// As the browser sends it from a page with `Referrer-Policy: no-referrer`.
#[tokio::test]
async fn a_page_of_the_application_may_hide_its_origin() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    let token = browser.open("/form").await.body;
    let (hidden, site) = (("origin", "null"), "sec-fetch-site");
    for own in [[hidden, (site, "same-origin")], [hidden, ("x-csrf-token", &*token)]] {
        assert_eq!(browser.send(post(&own), "").await.body, "changed by alice", "{own:?}");
    }
    let foreign = [hidden, (site, "cross-site"), ("x-csrf-token", &*token)];
    assert_eq!(browser.send(post(&foreign), "").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_says_nothing_needs_the_token_of_the_session() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    let token = browser.open("/form").await.body;
    assert_eq!(browser.send(post(&[]), "").await.status, StatusCode::FORBIDDEN);
    let with_header = post(&[("x-csrf-token", &token)]);
    assert_eq!(browser.send(with_header, "").await.body, "changed by alice");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let field = format!("a=b&csrf_token={token}");
    assert_eq!(browser.send(post(&form), &field).await.body, "changed by alice");
    for wrong in [post(&[("x-csrf-token", "wrong")]), post(&form)] {
        let answer = browser.send(wrong, "csrf_token=wrong").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let of_another = world.signed_in().await.open("/form").await.body;
    let answer = browser.send(post(&[("x-csrf-token", &of_another)]), "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_websocket() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    for (origin, status) in
        [(ORIGIN, StatusCode::OK), ("https://evil.example", StatusCode::FORBIDDEN)]
    {
        let request = Request::get("/").header("upgrade", "websocket").header("origin", origin);
        assert_eq!(browser.send(request, "").await.status, status, "{origin}");
    }
}

#[tokio::test]
async fn a_request_without_a_session_has_nothing_to_lose() {
    let world = World::new().await;
    let foreign = post(&[("origin", "https://partner.example")]);
    assert_eq!(world.browser().send(foreign, "").await.body, "nobody");
}

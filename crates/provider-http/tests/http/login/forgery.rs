//! Forged login forms are refused: the form token and `Origin` must both hold.

use axum::http::StatusCode;

use crate::support::{Browser, ISSUER, World, authorize_url, form_request, with_header};

/// Right credentials in a form with this token.
fn form(token: &str) -> axum::http::Request<axum::body::Body> {
    let pairs =
        [("form_token", token), ("username", "alice"), ("password", "alice"), ("action", "login")];
    form_request("/account/login", &pairs)
}

/// A browser with the login page open, and the page's form token.
async fn opened(world: &World) -> (Browser<'_>, String) {
    let mut browser = Browser::new(world);
    let page = browser.login_page(None).await;
    (browser, page.value("form_token").unwrap().to_owned())
}

async fn assert_refused(browser: &mut Browser<'_>, request: axum::http::Request<axum::body::Body>) {
    let answer = browser.send(request).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert!(answer.page().input("password").is_some(), "the login page again");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn a_missing_wrong_or_foreign_form_token_is_refused() {
    let world = World::new().await;
    let (mut browser, token) = opened(&world).await;
    let (_, of_another_browser) = opened(&world).await;
    let mut altered = token.clone();
    altered.replace_range(0..1, if token.starts_with('A') { "B" } else { "A" });
    for wrong in ["", "x", &of_another_browser, &altered, &token[1..]] {
        assert_refused(&mut browser, with_header(form(wrong), "origin", ISSUER)).await;
    }
    let without = form_request(
        "/account/login",
        &[("username", "alice"), ("password", "alice"), ("action", "login")],
    );
    assert_refused(&mut browser, with_header(without, "origin", ISSUER)).await;
}

#[tokio::test]
async fn a_form_token_without_its_cookie_is_refused() {
    let world = World::new().await;
    let (mut browser, token) = opened(&world).await;
    browser.forget_cookies();
    assert_refused(&mut browser, with_header(form(&token), "origin", ISSUER)).await;
}

#[tokio::test]
async fn a_form_from_another_origin_is_refused_even_with_the_token() {
    let world = World::new().await;
    let (mut browser, token) = opened(&world).await;
    for origin in [
        "null",
        "http://localhost:5001",
        "https://localhost:6001",
        "http://localhost",
        "http://localhost:6001.evil.example",
        "http://evil.example",
        "",
    ] {
        assert_refused(&mut browser, with_header(form(&token), "origin", origin)).await;
    }
    for site in ["cross-site", "same-site", "none"] {
        assert_refused(&mut browser, with_header(form(&token), "sec-fetch-site", site)).await;
    }
}

#[tokio::test]
async fn the_genuine_form_is_accepted() {
    let world = World::new().await;
    for (name, value) in [
        ("origin", ISSUER),
        ("sec-fetch-site", "same-origin"),
        ("x-nothing", "older browsers send neither"),
    ] {
        let (mut browser, token) = opened(&world).await;
        let answer = browser.send(with_header(form(&token), name, value)).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{answer:?}");
        assert!(browser.session().is_some());
    }
}

#[tokio::test]
async fn forged_forms_do_not_count_as_failed_sign_ins() {
    let world = World::new().await;
    let (mut browser, _) = opened(&world).await;
    for _ in 0..10 {
        assert_refused(&mut browser, with_header(form("x"), "origin", ISSUER)).await;
    }
    assert_eq!(browser.sign_in("alice", "alice", None).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn cancelling_needs_the_form_token_too() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let url = authorize_url(&[]);
    let pairs = [("return_url", url.as_str()), ("action", "cancel")];
    let answer = browser.post("/account/login", &pairs).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.location(), "");
}

#[tokio::test]
async fn the_form_token_stands_in_a_cookie_that_scripts_and_other_sites_do_not_see() {
    let world = World::new().await;
    let answer = world.get("/account/login").await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("doorward.form="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
}

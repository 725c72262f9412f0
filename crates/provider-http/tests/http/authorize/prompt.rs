//! `prompt`, `max_age` and the age of sessions (OIDC Core section 3.1.2.1).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    Answer, BACKEND_REDIRECT, Browser, REDIRECT, START, World, authorize_url, claims,
    client_settings, code_request,
};

/// The `auth_time` that the client learns.
async fn auth_time(world: &World, answer: &Answer) -> Value {
    let tokens = world.token(&code_request(&answer.expect_code(REDIRECT))).await;
    claims(&tokens.json()["id_token"])["auth_time"].clone()
}

#[tokio::test]
async fn somebody_not_signed_in_goes_to_the_login_page_and_comes_back() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let answer = browser.authorize_signing_in(&authorize_url(&[("state", "a b&c")]), "alice").await;
    answer.expect_code(REDIRECT);
    assert_eq!(answer.redirect_param("state").as_deref(), Some("a b&c"));
}

#[tokio::test]
async fn a_session_spares_the_login_page() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for prompt in ["", "none"] {
        browser.get(&authorize_url(&[("prompt", prompt)])).await.expect_code(REDIRECT);
    }
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let world = World::new().await;
    let none = authorize_url(&[("prompt", "none")]);
    world.get(&none).await.expect_redirect_error(REDIRECT, "login_required");

    let mut browser = Browser::signed_in(&world, "alice").await;
    let backend =
        [("client_id", "PkceCodeBackend"), ("redirect_uri", BACKEND_REDIRECT), ("prompt", "none")];
    browser
        .get(&authorize_url(&backend))
        .await
        .expect_redirect_error(BACKEND_REDIRECT, "consent_required");

    world.clock.advance(2);
    for max_age in ["1", "0"] {
        let stale = authorize_url(&[("prompt", "none"), ("max_age", max_age)]);
        browser.get(&stale).await.expect_redirect_error(REDIRECT, "login_required");
    }

    world.disable("alice").await;
    browser.get(&none).await.expect_redirect_error(REDIRECT, "login_required");
}

#[tokio::test]
async fn prompt_login_and_select_account_sign_in_anew_and_auth_time_moves() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let first = browser.get(&authorize_url(&[])).await;
    assert_eq!(auth_time(&world, &first).await, START);
    for (passed, prompt) in [(100, "login"), (200, "select_account")] {
        world.clock.advance(100);
        let answer =
            browser.authorize_signing_in(&authorize_url(&[("prompt", prompt)]), "alice").await;
        assert_eq!(auth_time(&world, &answer).await, START + passed);
    }
}

#[tokio::test]
async fn prompt_consent_asks_also_for_a_client_that_needs_no_consent() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let answer = browser.get(&authorize_url(&[("prompt", "consent")])).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.page().form_action(), "/consent");
}

#[tokio::test]
async fn prompt_login_consent_asks_for_both_in_that_order() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    world.clock.advance(100);
    let question =
        browser.authorize_signing_in(&authorize_url(&[("prompt", "login consent")]), "alice").await;
    assert_eq!(question.status, StatusCode::OK, "{question:?}");
    let answer = browser.submit(&question.page(), &[("action", "allow")]).await;
    assert_eq!(auth_time(&world, &answer).await, START + 100);
}

#[tokio::test]
async fn a_sign_in_older_than_max_age_is_repeated_once() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[("max_age", "1")]);
    world.clock.advance(1);
    assert_eq!(auth_time(&world, &browser.get(&url).await).await, START);
    world.clock.advance(1);
    let answer = browser.authorize_signing_in(&url, "alice").await;
    assert_eq!(auth_time(&world, &answer).await, START + 2);
    world.clock.advance(1);
    let at_once = authorize_url(&[("max_age", "0")]);
    let answer = browser.authorize_signing_in(&at_once, "alice").await;
    assert_eq!(auth_time(&world, &answer).await, START + 3);
}

#[tokio::test]
async fn a_client_may_set_how_old_sign_ins_may_be() {
    let world =
        World::with_clients(vec![client_settings("Bank", json!({"user_sso_lifetime": 60}))]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[("client_id", "Bank"), ("max_age", "1000")]);
    world.clock.advance(60);
    browser.get(&url).await.expect_code(REDIRECT);
    world.clock.advance(1);
    let silent = authorize_url(&[("client_id", "Bank"), ("prompt", "none")]);
    browser.get(&silent).await.expect_redirect_error(REDIRECT, "login_required");
    browser.authorize_signing_in(&url, "alice").await.expect_code(REDIRECT);
    browser.get(&silent).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn sessions_end_after_their_lifetime() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    world.clock.advance(3599);
    browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
    world.clock.advance(1);
    browser.get(&authorize_url(&[])).await.expect_login();
}

#[tokio::test]
async fn a_disabled_users_session_counts_no_more() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    world.disable("alice").await;
    browser.get(&authorize_url(&[])).await.expect_login();
}

#[tokio::test]
async fn an_unknown_or_planted_session_cookie_is_nobody() {
    let world = World::new().await;
    let session = Browser::signed_in(&world, "alice").await.session().unwrap();
    for cookie in
        ["x".repeat(43), "short".to_owned(), format!("{session}; doorward.session={session}")]
    {
        let mut browser = Browser::new(&world);
        browser.set_cookie("doorward.session", &cookie);
        browser.get(&authorize_url(&[])).await.expect_login();
    }
}

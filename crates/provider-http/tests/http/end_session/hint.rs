//! Requests proven by an ID token of the browser's session, and those that are not (section 2).

use axum::http::StatusCode;
use doorward_protocol::base64url;
use serde_json::json;

use super::{assert_problem, assert_signed_out_page, id_token, is_signed_in, question, url};
use crate::support::{
    Browser, REDIRECT, Setup, World, basic, claims, client_settings, form_request,
};

#[tokio::test]
async fn a_hint_of_the_session_signs_out_at_once_and_returns_to_the_client() {
    let world = World::new().await;
    for with_client_id in [false, true] {
        let mut browser = Browser::signed_in(&world, "alice").await;
        let (hint, session) = (id_token(&mut browser).await, browser.session().unwrap());
        let mut pairs = vec![
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", REDIRECT),
            ("state", "a b&c"),
        ];
        pairs.extend(with_client_id.then_some(("client_id", "PkceJS")));
        let answer = browser.get(&url(&pairs)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert_eq!(answer.location(), format!("{REDIRECT}?state=a+b%26c"));
        assert_eq!(browser.session(), None, "the cookie is removed");
        let mut stolen = Browser::new(&world);
        stolen.set_cookie("doorward.session", &session);
        assert!(!is_signed_in(&mut stolen).await, "the session itself has ended");
    }
}

#[tokio::test]
async fn an_expired_hint_is_as_good() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let hint = id_token(&mut browser).await;
    world.clock.advance(400);
    let answer = browser
        .get(&url(&[("id_token_hint", &hint), ("post_logout_redirect_uri", REDIRECT)]))
        .await;
    assert_eq!(answer.location(), REDIRECT);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_posted_form_is_as_good() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let hint = id_token(&mut browser).await;
    let pairs =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", REDIRECT), ("state", "1")];
    let answer = browser.send(form_request("/connect/endsession", &pairs)).await;
    assert_eq!(answer.location(), format!("{REDIRECT}?state=1"));
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_hint_of_another_session_or_user_is_asked_about() {
    let world = World::new().await;
    let other_session = id_token(&mut Browser::signed_in(&world, "alice").await).await;
    let other_user = id_token(&mut Browser::signed_in(&world, "carol").await).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for hint in [other_session, other_user] {
        let answer = browser
            .get(&url(&[("id_token_hint", &hint), ("post_logout_redirect_uri", REDIRECT)]))
            .await;
        question(&mut browser, &answer).await;
    }
}

#[tokio::test]
async fn a_hint_that_is_no_id_token_of_this_provider_is_asked_about_and_never_leads_to_a_redirect()
{
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    let good = tokens["id_token"].as_str().unwrap();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("{good}")
    };
    let mut changed = claims(&tokens["id_token"]);
    changed["exp"] = json!(9_999_999_999_i64);
    let changed = base64url::encode(changed.to_string());
    let unsigned = base64url::encode(r#"{"alg":"none","typ":"JWT"}"#);
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    for hint in [
        format!("{header}.{changed}.{signature}"),
        format!("{unsigned}.{payload}."),
        format!("{header}.{payload}."),
        "x".to_owned(),
        access,
    ] {
        let pairs = [
            ("id_token_hint", hint.as_str()),
            ("client_id", "PkceJS"),
            ("post_logout_redirect_uri", REDIRECT),
        ];
        let answer = browser.get(&url(&pairs)).await;
        question(&mut browser, &answer).await;
        let signed_out = world.get(&url(&pairs)).await;
        assert_signed_out_page(&signed_out);
        assert_problem(&signed_out, "id_token_hint");
    }
    let answer = browser
        .get(&url(&[
            ("id_token_hint", "x"),
            ("client_id", "PkceJS"),
            ("post_logout_redirect_uri", REDIRECT),
        ]))
        .await;
    assert_problem(&answer, "id_token_hint");
    let page = question(&mut browser, &answer).await;
    let signed_out = browser.submit(&page, &[("action", "logout")]).await;
    assert_signed_out_page(&signed_out);
    assert_problem(&signed_out, "id_token_hint");
}

#[tokio::test]
async fn a_client_id_that_is_not_the_hints_is_an_error() {
    let world = World::with_clients(vec![client_settings(
        "Other",
        json!({"post_logout_redirect_uris": [REDIRECT]}),
    )])
    .await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let hint = id_token(&mut browser).await;
    let pairs = [
        ("id_token_hint", hint.as_str()),
        ("client_id", "Other"),
        ("post_logout_redirect_uri", REDIRECT),
    ];
    browser.get(&url(&pairs)).await.expect_error_page(StatusCode::BAD_REQUEST);
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_hint_under_another_issuer_identifier_proves_nothing() {
    let elsewhere =
        World::with(Setup { issuer: "http://localhost:7001", ..Setup::default() }).await;
    let pairs = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", "alice"),
        ("scope", "openid"),
    ];
    let tokens = elsewhere.token_as(&basic("MyBackend", "secret"), &pairs).await.json();
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let answer =
        browser.get(&url(&[("id_token_hint", tokens["id_token"].as_str().unwrap())])).await;
    question(&mut browser, &answer).await;
}

#[tokio::test]
async fn offline_refresh_tokens_outlive_the_session() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    browser.get(&url(&[("id_token_hint", hint)])).await;
    assert_eq!(world.refresh(&tokens["refresh_token"]).await.status, StatusCode::OK);
}

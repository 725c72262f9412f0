//! `grant_type=authorization_code` (RFC 6749 section 4.1.3, RFC 7636 section 4.6, RFC 9700 section
//! 4.5).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, ISSUER, REDIRECT, World, authorize_url, basic, changed, claims,
    client_settings, code_request,
};

#[track_caller]
fn assert_invalid_grant(answer: &Answer) {
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

#[tokio::test]
async fn a_replayed_code_is_refused_and_revokes_everything_issued_from_it() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let other = browser.tokens(&[]).await;
    let code = browser.code(&[]).await;
    let tokens = world.token(&code_request(&code)).await.json();
    let renewed = world.refresh(&tokens["refresh_token"]).await.json();

    assert_invalid_grant(&world.token(&code_request(&code)).await);
    for dead in [&tokens, &renewed] {
        assert_invalid_grant(&world.refresh(&dead["refresh_token"]).await);
        world
            .userinfo(&dead["access_token"])
            .await
            .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    }
    // Another grant of the same user and client goes on.
    assert_eq!(world.userinfo(&other["access_token"]).await.status, StatusCode::OK);
    assert_eq!(world.refresh(&other["refresh_token"]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_replay_after_the_codes_end_revokes_too() {
    let world = World::new().await;
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let tokens = world.token(&code_request(&code)).await.json();
    world.clock.advance(61);
    assert_invalid_grant(&world.token(&code_request(&code)).await);
    assert_invalid_grant(&world.refresh(&tokens["refresh_token"]).await);
}

#[tokio::test]
async fn a_code_ends_after_its_lifetime() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let (first, second) = (browser.code(&[]).await, browser.code(&[]).await);
    world.clock.advance(59);
    assert_eq!(world.token(&code_request(&first)).await.status, StatusCode::OK);
    world.clock.advance(1);
    assert_invalid_grant(&world.token(&code_request(&second)).await);
}

#[tokio::test]
async fn an_unknown_code_is_refused() {
    let world = World::new().await;
    for code in ["x", &"A".repeat(43), "' OR 1=1 --", &"x".repeat(10_000)] {
        assert_invalid_grant(&world.token(&code_request(code)).await);
    }
}

#[tokio::test]
async fn another_clients_code_is_refused_and_stays_good_for_its_owner() {
    let world = World::with_clients(vec![client_settings("Other", json!({}))]).await;
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    assert_invalid_grant(
        &world.token(&changed(code_request(&code), &[("client_id", "Other")])).await,
    );
    let backend = changed(code_request(&code), &[("client_id", "")]);
    assert_invalid_grant(&world.token_as(&basic("PkceCodeBackend", "secret"), &backend).await);
    assert_eq!(world.token(&code_request(&code)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_redirect_uri_must_be_that_of_the_authorization_request() {
    let world = World::new().await;
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    for redirect_uri in
        ["", "http://127.0.0.1:5001/callback", "http://localhost:5001/OpenId/Login/JS/", "x"]
    {
        assert_invalid_grant(
            &world.token(&changed(code_request(&code), &[("redirect_uri", redirect_uri)])).await,
        );
    }
    assert_eq!(world.token(&code_request(&code)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn for_a_loopback_address_the_port_must_be_the_same() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let redirect_uri = "http://127.0.0.1:49152/callback";
    let answer = browser.get(&authorize_url(&[("redirect_uri", redirect_uri)])).await;
    let request = code_request(&answer.expect_code(redirect_uri));
    let elsewhere = changed(request.clone(), &[("redirect_uri", "http://127.0.0.1:5001/callback")]);
    assert_invalid_grant(&world.token(&elsewhere).await);
    assert_eq!(
        world.token(&changed(request, &[("redirect_uri", redirect_uri)])).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_redirect_uri_that_was_omitted_may_be_omitted_again() {
    let world = World::with_clients(vec![client_settings("OneUri", json!({}))]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url =
        authorize_url(&[("client_id", "OneUri"), ("redirect_uri", ""), ("scope", "MyBackendApi2")]);
    for (redirect_uri, status) in [("", 200), (REDIRECT, 200), ("http://localhost:5001/other", 400)]
    {
        let code = browser.get(&url).await.expect_code(REDIRECT);
        let request = changed(
            code_request(&code),
            &[("client_id", "OneUri"), ("redirect_uri", redirect_uri)],
        );
        assert_eq!(world.token(&request).await.status.as_u16(), status, "{redirect_uri}");
    }
}

#[tokio::test]
async fn a_missing_malformed_or_wrong_verifier_is_refused() {
    let world = World::new().await;
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let challenge = crate::support::verifier().challenge();
    let (short, long, wrong) = ("a".repeat(42), "a".repeat(129), "a".repeat(43));
    for verifier in
        ["", &short, &long, &wrong, challenge.as_str(), &format!("{short}+"), &format!("{short}ä")]
    {
        assert_invalid_grant(
            &world.token(&changed(code_request(&code), &[("code_verifier", verifier)])).await,
        );
    }
    assert_eq!(world.token(&code_request(&code)).await.status, StatusCode::OK);
}

/// RFC 6749 section 4.1.2 wants a replay to revoke what the code gave. That needs the verifier:
/// whoever merely saw a code, in a log or a history, must not be able to sign its user out.
#[tokio::test]
async fn a_replay_revokes_by_the_right_verifier_only() {
    let world = World::new().await;
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let tokens = world.token(&code_request(&code)).await.json();
    let wrong = "w".repeat(43);
    assert_invalid_grant(
        &world.token(&changed(code_request(&code), &[("code_verifier", &wrong)])).await,
    );
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);
    assert_invalid_grant(&world.token(&code_request(&code)).await);
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::UNAUTHORIZED);
    assert_invalid_grant(&world.refresh(&tokens["refresh_token"]).await);
}

/// RFC 9700 section 4.8.2: somebody took the challenge out of the request.
#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let lax = json!({
        "require_pkce": false, "require_client_secret": true,
        "client_secrets": [{"plain": "secret"}],
    });
    let world = World::with_clients(vec![client_settings("Lax", lax)]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[
        ("client_id", "Lax"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ]);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    let request = changed(code_request(&code), &[("client_id", "")]);
    let secret = basic("Lax", "secret");
    assert_invalid_grant(&world.token_as(&secret, &request).await);
    let without = changed(request, &[("code_verifier", "")]);
    assert_eq!(world.token_as(&secret, &without).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_user_disabled_since_the_sign_in_gets_no_tokens() {
    let world = World::new().await;
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    world.disable("alice").await;
    assert_invalid_grant(&world.token(&code_request(&code)).await);
}

#[tokio::test]
async fn a_client_disabled_since_the_sign_in_gets_no_tokens() {
    let world = World::new().await;
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let world = world.restarted("PkceJS", json!({"enabled": false})).await;
    let answer = world.token(&code_request(&code)).await;
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
}

#[tokio::test]
async fn what_was_taken_from_the_client_since_the_sign_in_is_not_granted() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let (code, other) = (browser.code(&[]).await, browser.code(&[]).await);
    let less = json!({"allowed_scopes": ["openid", "profile"], "allow_offline_access": false});
    let world = world.restarted("PkceJS", less).await;
    let tokens = world.token(&code_request(&code)).await.json();
    assert_eq!(tokens["scope"], "openid profile");
    assert!(tokens["refresh_token"].is_null(), "{tokens}");
    let access_token = claims(&tokens["access_token"]);
    assert_eq!((&access_token["aud"], &access_token["role"]), (&json!(ISSUER), &Value::Null));
    // What was asked for the token is judged by the rest.
    let api = [("resource", "MyBackendApi2")];
    let refused = world.token(&changed(code_request(&other), &api)).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_target");
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice")
        .await
        .tokens(&[("scope", "openid MyBackendApi2")])
        .await;
    assert!(tokens.get("refresh_token").is_none(), "{tokens}");
    assert!(tokens["id_token"].is_string());
}

#[tokio::test]
async fn a_restart_loses_neither_session_nor_code_nor_refresh_token() {
    let before = World::new().await;
    let mut browser = Browser::signed_in(&before, "alice").await;
    let tokens = browser.tokens(&[]).await;
    let (code, session) = (browser.code(&[]).await, browser.session().unwrap());
    let after = before.restarted("PkceJS", json!({})).await;
    assert_eq!(after.token(&code_request(&code)).await.status, StatusCode::OK);
    assert_eq!(after.refresh(&tokens["refresh_token"]).await.status, StatusCode::OK);
    assert_eq!(after.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);
    let mut browser = Browser::new(&after);
    browser.set_cookie("doorward.session", &session);
    browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
}

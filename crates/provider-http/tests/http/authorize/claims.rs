//! The `claims` parameter (OIDC Core section 5.5).

use serde_json::{Value, json};

use crate::support::{
    BACKEND_REDIRECT, Browser, REDIRECT, World, authorize_url, basic, changed, claims, code_request,
};

/// ID token claims and userinfo for a request with scope openid alone and these claims.
async fn requested(world: &World, claims_parameter: &Value) -> (Value, Value) {
    let mut browser = Browser::signed_in(world, "alice").await;
    let tokens =
        browser.tokens(&[("scope", "openid"), ("claims", &claims_parameter.to_string())]).await;
    (claims(&tokens["id_token"]), world.userinfo(&tokens["access_token"]).await.json())
}

#[tokio::test]
async fn claims_are_put_where_they_are_asked_for() {
    let world = World::new().await;
    let parameter = json!({
        "userinfo": {"email": {"essential": true}, "unknown": null},
        "id_token": {"name": {"essential": true}, "email_verified": null},
    });
    let (id_token, userinfo) = requested(&world, &parameter).await;
    assert_eq!(userinfo, json!({"sub": "alice", "email": "alice@example.com"}));
    assert_eq!((&id_token["name"], &id_token["email_verified"]), (&json!("ALICE"), &json!(true)));
    assert!(id_token.get("email").is_none() && id_token.get("unknown").is_none());
}

#[tokio::test]
async fn what_the_protocol_sets_can_not_be_asked_for() {
    let world = World::new().await;
    let names = ["iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "sid", "at_hash"];
    let all: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let (id_token, userinfo) = requested(&world, &json!({"id_token": all, "userinfo": all})).await;
    assert_eq!((&id_token["aud"], &id_token["nonce"]), (&json!("PkceJS"), &json!("nonce-1")));
    assert_eq!(userinfo, json!({"sub": "alice"}));
}

/// The client may ask for a claim in this way or by a scope, but not for more than its scopes give.
#[tokio::test]
async fn claims_beyond_the_clients_scopes_are_not_given() {
    let world = World::new().await;
    let parameter = json!({"userinfo": {"phone_number": null}, "id_token": {"phone_number": null}});
    let (id_token, userinfo) = requested(&world, &parameter).await;
    assert!(id_token.get("phone_number").is_none(), "{id_token}");
    assert_eq!(userinfo, json!({"sub": "alice"}));
}

/// The name in the ID token and in userinfo, after the user ticked these scopes on the consent
/// page.
async fn name_after_consent(world: &World, ticked: &str) -> (Value, Value) {
    let mut browser = Browser::signed_in(world, "alice").await;
    let parameter = json!({"userinfo": {"name": null}, "id_token": {"name": null}}).to_string();
    let url = authorize_url(&[
        ("client_id", "PkceCodeBackend"),
        ("redirect_uri", BACKEND_REDIRECT),
        ("scope", "openid profile"),
        ("claims", &parameter),
    ]);
    let question = browser.get(&url).await.page();
    let answer = browser
        .submit(
            &question,
            &[
                ("scope", "openid"),
                ("scope", ticked),
                ("remember_consent", ""),
                ("action", "allow"),
            ],
        )
        .await;
    let code = answer.expect_code(BACKEND_REDIRECT);
    let request =
        changed(code_request(&code), &[("client_id", ""), ("redirect_uri", BACKEND_REDIRECT)]);
    let tokens = world.token_as(&basic("PkceCodeBackend", "secret"), &request).await.json();
    let userinfo = world.userinfo(&tokens["access_token"]).await.json();
    (claims(&tokens["id_token"])["name"].clone(), userinfo["name"].clone())
}

#[tokio::test]
async fn what_the_user_did_not_consent_to_is_not_given() {
    let world = World::new().await;
    assert_eq!(name_after_consent(&world, "profile").await, (json!("ALICE"), json!("ALICE")));
    assert_eq!(name_after_consent(&world, "").await, (Value::Null, Value::Null));
}

/// OIDC Core section 5.5.1.1.
#[tokio::test]
async fn an_authentication_context_is_refused_only_where_it_is_essential_and_can_not_be_reached() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url =
        |acr: Value| authorize_url(&[("claims", &json!({"id_token": {"acr": acr}}).to_string())]);
    let reached = "urn:doorward:acr:1";
    for met in [
        json!(null),
        json!({"value": "gold"}),
        json!({"essential": true}),
        json!({"essential": true, "value": reached}),
        json!({"essential": true, "values": ["gold", reached]}),
    ] {
        browser.get(&url(met)).await.expect_code(REDIRECT);
    }
    for unmet in [
        json!({"essential": true, "value": "gold"}),
        json!({"essential": true, "values": ["gold", "silver"]}),
    ] {
        let answer = browser.get(&url(unmet)).await;
        answer.expect_redirect_error(REDIRECT, "unmet_authentication_requirements");
    }
}

#[tokio::test]
async fn a_subject_that_is_not_the_users_gives_login_required() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = |sub: &str, prompt: &str| {
        let parameter = json!({"id_token": {"sub": {"value": sub}}}).to_string();
        authorize_url(&[("claims", &parameter), ("prompt", prompt)])
    };
    browser.get(&url("alice", "none")).await.expect_code(REDIRECT);
    browser.get(&url("carol", "none")).await.expect_redirect_error(REDIRECT, "login_required");
    let answer = browser.authorize_signing_in(&url("carol", ""), "alice").await;
    answer.expect_redirect_error(REDIRECT, "login_required");
    browser.authorize_signing_in(&url("carol", ""), "carol").await.expect_code(REDIRECT);
}

#[tokio::test]
async fn a_subject_that_contradicts_the_hint_gives_login_required() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let hint = browser.tokens(&[]).await["id_token"].as_str().unwrap().to_owned();
    let parameter = json!({"id_token": {"sub": {"value": "carol"}}}).to_string();
    let answer =
        browser.get(&authorize_url(&[("claims", &parameter), ("id_token_hint", &hint)])).await;
    answer.expect_redirect_error(REDIRECT, "login_required");
}

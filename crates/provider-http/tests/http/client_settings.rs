//! Client settings that no endpoint's own tests show.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    Browser, REDIRECT, Setup, World, authorize_url, basic, changed, claims, client_settings,
    code_request,
};

async fn tokens(world: &World, client_id: &str) -> Value {
    let mut browser = Browser::signed_in(world, "alice").await;
    let code = browser.get(&authorize_url(&[("client_id", client_id)])).await.expect_code(REDIRECT);
    world.token(&changed(code_request(&code), &[("client_id", client_id)])).await.json()
}

fn lifetime(token: &Value) -> i64 {
    let claims = claims(token);
    claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
}

#[tokio::test]
async fn a_client_without_local_login_takes_no_sign_in_by_password() {
    let world = World::with_clients(vec![client_settings(
        "Elsewhere",
        json!({"enable_local_login": false}),
    )])
    .await;
    let request = authorize_url(&[("client_id", "Elsewhere")]);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let to_login = browser.get(&request).await;
    to_login.expect_login();
    let page = browser.get(to_login.location()).await.page();
    assert!(page.text.contains("takes no passwords"), "{}", page.text);
    assert!(page.input("password").is_none() && page.input("username").is_none());
    // The form of another client's login page is no way around it.
    let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
    let refused = browser.submit(&page, &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    browser.sign_in("alice", "alice", None).await;
    browser.get(&request).await.expect_login();
    browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
    browser.sign_in_by(&["swk", "user", "mfa"]).await;
    browser.get(&request).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn where_there_can_be_no_passkeys_a_client_without_local_login_is_told() {
    let clients = vec![client_settings("Elsewhere", json!({"enable_local_login": false}))];
    let issuer = "http://127.0.0.1:6001";
    let world = World::with(Setup { issuer, clients, ..Setup::default() }).await;
    let request = authorize_url(&[("client_id", "Elsewhere")]);
    let refused = Browser::new(&world).get(&request).await;
    assert!(refused.location().contains("error=login_required"), "{refused:?}");
}

#[tokio::test]
async fn client_claims_are_in_tokens_about_users_only_if_always_sent() {
    let own = json!({
        "claims": {"tier": "gold"}, "always_send_client_claims": true,
        "client_claims_prefix": "app_",
    });
    let world = World::with_clients(vec![
        client_settings("Always", own),
        client_settings("Seldom", json!({"claims": {"tier": "gold"}})),
        json!({
            "client_id": "Machine", "allowed_grant_types": ["client_credentials"],
            "claims": {"tier": "gold"},
            "client_secrets": [{"plain": "secret"}], "allowed_scopes": ["MyBackendApi2"],
        }),
    ])
    .await;
    assert_eq!(claims(&tokens(&world, "Always").await["access_token"])["app_tier"], "gold");
    assert_eq!(claims(&tokens(&world, "Seldom").await["access_token"])["client_tier"], Value::Null);
    let machine = world
        .token_as(&basic("Machine", "secret"), &[("grant_type", "client_credentials")])
        .await
        .json();
    assert_eq!(claims(&machine["access_token"])["client_tier"], "gold");
}

#[tokio::test]
async fn lifetimes_of_tokens_are_those_of_the_client() {
    let own = json!({"identity_token_lifetime": 77, "access_token_lifetime": 88});
    let world = World::with_clients(vec![client_settings("Brief", own)]).await;
    let tokens = tokens(&world, "Brief").await;
    assert_eq!((lifetime(&tokens["id_token"]), lifetime(&tokens["access_token"])), (77, 88));
    assert_eq!(tokens["expires_in"], 88);
}

#[tokio::test]
async fn a_code_lives_as_long_as_the_client_says() {
    let world = World::with_clients(vec![client_settings(
        "Slow",
        json!({"authorization_code_lifetime": 200}),
    )])
    .await;
    for (seconds, status) in [(199, 200), (200, 400)] {
        let mut browser = Browser::signed_in(&world, "alice").await;
        let code =
            browser.get(&authorize_url(&[("client_id", "Slow")])).await.expect_code(REDIRECT);
        world.clock.advance(seconds);
        let answer = world.token(&changed(code_request(&code), &[("client_id", "Slow")])).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
}

#[tokio::test]
async fn a_device_code_lives_as_long_as_the_client_says() {
    let own = json!({
        "allowed_grant_types": ["device_code"], "redirect_uris": [], "device_code_lifetime": 200,
    });
    let world = World::with_clients(vec![client_settings("Slow", own)]).await;
    let begun = world
        .post("/connect/deviceauthorization", &[("client_id", "Slow"), ("scope", "openid")])
        .await
        .json();
    assert_eq!(begun["expires_in"], 200);
    let code = begun["device_code"].as_str().unwrap();
    let poll = [("grant_type", crate::device::GRANT), ("client_id", "Slow"), ("device_code", code)];
    for (seconds, error) in [(199, "authorization_pending"), (1, "expired_token")] {
        world.clock.advance(seconds);
        world.token(&poll).await.expect_json_error(StatusCode::BAD_REQUEST, error);
    }
}

#[tokio::test]
async fn user_claims_are_in_the_id_token_only_where_the_client_wants_them_there() {
    let own = json!({"always_include_user_claims_in_id_token": true});
    let world = World::with_clients(vec![
        client_settings("Always", own),
        client_settings("Seldom", json!({})),
    ])
    .await;
    for (client_id, expected) in [("Always", json!("ALICE")), ("Seldom", Value::Null)] {
        let tokens = tokens(&world, client_id).await;
        assert_eq!(claims(&tokens["id_token"])["name"], expected, "{client_id}");
        assert_eq!(claims(&tokens["id_token"])["email"], Value::Null, "not in the scope");
        assert_eq!(world.userinfo(&tokens["access_token"]).await.json()["name"], "ALICE");
    }
}

#[tokio::test]
async fn the_consent_page_shows_what_the_client_says_of_itself() {
    let own = json!({
        "require_consent": true, "description": "Reads your <orders>.",
        "client_uri": "https://app.example/home", "logo_uri": "https://pictures.example/logo.svg",
    });
    let world = World::with_clients(vec![client_settings("Shown", own)]).await;
    let answer = Browser::signed_in(&world, "alice")
        .await
        .get(&authorize_url(&[("client_id", "Shown")]))
        .await;
    let page = answer.page();
    assert!(
        page.text.contains("Reads your <orders>.")
            && page.text.contains("https://app.example/home")
    );
    let logo = page.all("img").next().unwrap();
    assert_eq!(logo.attribute("src"), Some("https://pictures.example/logo.svg"));
    assert_eq!(logo.attribute("alt"), Some(""));
    let policy = answer.header("content-security-policy");
    assert!(policy.contains(" img-src 'self' https://pictures.example;"), "{policy}");
}

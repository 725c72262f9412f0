//! Clients of the store: added, changed and removed while the provider runs.

use axum::http::{Request, StatusCode, header::ORIGIN};
use doorward_protocol::secret::Secret;
use doorward_provider::model::shared_secret::SecretSettings;
use serde_json::{Value, json};

use crate::support::{
    Browser, REDIRECT, World, authorize_url, basic, changed, client_settings, code_request,
};

fn machine(secrets: &[&str]) -> Value {
    let secrets: Vec<Value> = secrets.iter().map(|secret| hashed(secret)).collect();
    client_settings(
        "Added",
        json!({
            "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
            "client_secrets": secrets, "allowed_scopes": ["MyBackendApi2"],
        }),
    )
}

fn hashed(secret: &str) -> Value {
    json!({"sha256": SecretSettings::of(&Secret::new(secret), None, None).sha256})
}

async fn token(world: &World, secret: &str) -> StatusCode {
    world.token_as(&basic("Added", secret), &[("grant_type", "client_credentials")]).await.status
}

#[tokio::test]
async fn an_added_client_is_served_once_the_provider_looked() {
    let world = World::new().await;
    assert_eq!(token(&world, "first").await, StatusCode::UNAUTHORIZED);
    world.put_client(machine(&["first"])).await;
    assert_eq!(token(&world, "first").await, StatusCode::UNAUTHORIZED, "it has not looked yet");
    assert!(world.provider.clients().refresh().await.unwrap());
    assert_eq!(token(&world, "first").await, StatusCode::OK);
    assert!(!world.provider.clients().refresh().await.unwrap(), "nothing changed");
}

#[tokio::test]
async fn secrets_overlap_until_the_old_one_is_removed() {
    let world = World::new().await;
    for (secrets, old, new) in [
        (&["old"][..], StatusCode::OK, StatusCode::UNAUTHORIZED),
        (&["old", "new"], StatusCode::OK, StatusCode::OK),
        (&["new"], StatusCode::UNAUTHORIZED, StatusCode::OK),
    ] {
        world.put_client(machine(secrets)).await;
        world.provider.clients().refresh().await.unwrap();
        assert_eq!(
            (token(&world, "old").await, token(&world, "new").await),
            (old, new),
            "{secrets:?}"
        );
    }
}

#[tokio::test]
async fn a_removed_client_has_nothing_left_even_when_it_comes_back() {
    let page = client_settings("Page", json!({}));
    let world = World::new().await;
    world.put_client(page.clone()).await;
    world.provider.clients().refresh().await.unwrap();
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[("client_id", "Page"), ("scope", "openid offline_access")]);
    let redeem = |code: &str| changed(code_request(code), &[("client_id", "Page")]);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    let tokens = world.token(&redeem(&code)).await.json();
    let unused = browser.get(&url).await.expect_code(REDIRECT);

    world.remove_client("Page").await;
    world.provider.clients().refresh().await.unwrap();
    world
        .userinfo(&tokens["access_token"])
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    world
        .token(&redeem(&unused))
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    assert_eq!(browser.get(&url).await.status, StatusCode::BAD_REQUEST, "a page, not a redirect");

    world.put_client(page).await;
    world.provider.clients().refresh().await.unwrap();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "Page"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    world.token(&refresh).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    world.token(&redeem(&unused)).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    world
        .userinfo(&tokens["access_token"])
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
}

#[tokio::test]
async fn what_clients_may_do_follows_them_into_cors_discovery_and_frames() {
    let world = World::new().await;
    let origin = "https://added.example";
    let allowed = || async {
        let request = Request::get("/.well-known/openid-configuration").header(ORIGIN, origin);
        let answer = world.send(request.body(axum::body::Body::empty()).unwrap()).await;
        answer.headers.contains_key("access-control-allow-origin")
    };
    let metadata = || async { world.get("/.well-known/openid-configuration").await.json() };
    let framed = || async {
        let answer = world.get("/connect/checksession").await;
        answer.headers["content-security-policy"].to_str().unwrap().contains(origin)
    };
    assert!(!allowed().await && !framed().await);
    assert_eq!(metadata().await["subject_types_supported"], json!(["public"]));
    let salt = "a salt of sixteen characters";
    let changes = json!({
        "allowed_cors_origins": [origin], "redirect_uris": ["https://added.example/callback"],
        "pair_wise_subject_salt": salt,
    });
    world.put_client(client_settings("Page", changes)).await;
    world.provider.clients().refresh().await.unwrap();
    assert!(allowed().await && framed().await);
    assert_eq!(metadata().await["subject_types_supported"], json!(["public", "pairwise"]));
    world.remove_client("Page").await;
    world.provider.clients().refresh().await.unwrap();
    assert!(!allowed().await && !framed().await);
}

#[tokio::test]
async fn one_whose_settings_do_not_hold_disturbs_no_other() {
    let world = World::new().await;
    world.put_client(client_settings("Broken", json!({"allowed_scopes": ["no-such-scope"]}))).await;
    world.put_client(client_settings("Newer", json!({"a_key_of_a_newer_version": true}))).await;
    world.put_client(machine(&["first"])).await;
    world.provider.clients().refresh().await.unwrap();
    assert_eq!(token(&world, "first").await, StatusCode::OK);
    for client_id in ["Broken", "Newer"] {
        let answer = world.get(&authorize_url(&[("client_id", client_id)])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn configured_clients_are_in_the_store_without_their_plain_secrets() {
    let world = World::new().await;
    let stored = world.stored_clients().await;
    let backend = stored.iter().find(|client| client.client_id == "PkceCodeBackend").unwrap();
    assert!(stored.iter().all(|client| client.configured));
    assert!(!serde_json::to_string(&backend.settings).unwrap().contains("\"secret\""));
    assert_eq!(backend.settings["client_secrets"][0]["sha256"], hashed("secret")["sha256"]);
}

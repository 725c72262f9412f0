//! Reference access tokens (`access_token_type = "reference"`): opaque, asked about, revoked at
//! once.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    Browser, REDIRECT, World, authorize_url, basic, changed, client_settings, code_request,
    form_request, refresh_request, with_header,
};

async fn world() -> World {
    let secrets = json!([{"plain": "secret"}]);
    let service = json!({
        "client_id": "Service", "allowed_grant_types": ["client_credentials"],
        "client_secrets": secrets,
        "allowed_scopes": ["MyBackendApi2"], "access_token_type": "reference",
    });
    World::with_clients(vec![
        client_settings("Opaque", json!({"access_token_type": "reference"})),
        service,
    ])
    .await
}

async fn tokens(world: &World) -> Value {
    let mut browser = Browser::signed_in(world, "alice").await;
    let code = browser.get(&authorize_url(&[("client_id", "Opaque")])).await.expect_code(REDIRECT);
    let answer = world.token(&changed(code_request(&code), &[("client_id", "Opaque")])).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn introspect(world: &World, token: &Value) -> Value {
    let request = form_request("/connect/introspect", &[("token", token.as_str().unwrap())]);
    world
        .send(with_header(request, "authorization", &basic("MyBackendApi2", "api-secret")))
        .await
        .json()
}

async fn revoke(world: &World, client_id: &str, token: &Value) {
    let pairs = [("client_id", client_id), ("token", token.as_str().unwrap())];
    assert_eq!(world.post("/connect/revocation", &pairs).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_token_is_opaque_and_says_the_same_when_asked_about() {
    let world = world().await;
    let tokens = tokens(&world).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert!(token.len() == 43 && !token.contains('.'), "{token}");
    let told = introspect(&world, &tokens["access_token"]).await;
    for (name, value) in [
        ("active", json!(true)),
        ("sub", json!("alice")),
        ("aud", json!("MyBackendApi2")),
        ("scope", json!("MyBackendApi2")),
        ("role", json!("admin")),
        ("token_type", json!("Bearer")),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert_eq!(world.userinfo(&tokens["access_token"]).await.json()["sub"], "alice");
}

#[tokio::test]
async fn it_ends_at_its_expiry() {
    let world = world().await;
    let tokens = tokens(&world).await;
    world.clock.advance(3600);
    assert_eq!(introspect(&world, &tokens["access_token"]).await, json!({"active": false}));
    let answer = world.userinfo(&tokens["access_token"]).await;
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    assert!(world.provider.upkeep().maintain().await.unwrap() > 0);
    assert_eq!(introspect(&world, &tokens["access_token"]).await, json!({"active": false}));
}

#[tokio::test]
async fn revoked_it_ends_at_once_and_alone() {
    let world = world().await;
    let tokens = tokens(&world).await;
    revoke(&world, "PkceJS", &tokens["access_token"]).await;
    assert_eq!(
        introspect(&world, &tokens["access_token"]).await["active"],
        true,
        "another client's is left alone"
    );
    revoke(&world, "Opaque", &tokens["access_token"]).await;
    assert_eq!(introspect(&world, &tokens["access_token"]).await, json!({"active": false}));
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::UNAUTHORIZED);
    let refresh = changed(
        refresh_request(tokens["refresh_token"].as_str().unwrap()),
        &[("client_id", "Opaque")],
    );
    assert_eq!(world.token(&refresh).await.status, StatusCode::OK, "the client goes on");
}

#[tokio::test]
async fn each_refresh_gives_another() {
    let world = world().await;
    let first = tokens(&world).await;
    let refresh = changed(
        refresh_request(first["refresh_token"].as_str().unwrap()),
        &[("client_id", "Opaque")],
    );
    let second = world.token(&refresh).await.json();
    assert_ne!(first["access_token"], second["access_token"]);
    for tokens in [&first, &second] {
        assert_eq!(introspect(&world, &tokens["access_token"]).await["active"], true);
    }
}

/// A token without a user has no grant to revoke: it ends by itself.
#[tokio::test]
async fn a_clients_own_is_revoked_by_itself() {
    let world = world().await;
    let service = basic("Service", "secret");
    let grant = [("grant_type", "client_credentials")];
    let one = world.token_as(&service, &grant).await.json();
    let other = world.token_as(&service, &grant).await.json();
    let request =
        form_request("/connect/revocation", &[("token", one["access_token"].as_str().unwrap())]);
    world.send(with_header(request, "authorization", &service)).await;
    assert_eq!(introspect(&world, &one["access_token"]).await, json!({"active": false}));
    assert_eq!(introspect(&world, &other["access_token"]).await["sub"], "Service");
}

//! Initial access tokens (RFC 7591 section 3).

use axum::http::StatusCode;
use doorward_provider::model::{
    registration::{RegistrationMode, RegistrationSettings, RegistrationToken},
    time::{Seconds, SystemEntropy},
    token_handle::TokenHandle,
};
use serde_json::json;

use super::{PAGE, json_request, open, world_with};
use crate::support::{Answer, World};

async fn world() -> World {
    world_with(RegistrationSettings { mode: RegistrationMode::Token, ..open() }).await
}

async fn token(world: &World, uses_left: u32) -> String {
    let handle = TokenHandle::generate(&SystemEntropy);
    let expires_at = world.provider.now().plus(Seconds::new(60));
    let (id, hash) = (handle.expose()[..8].to_owned(), handle.hash());
    let token = RegistrationToken { id, hash, note: None, uses_left, expires_at };
    assert!(world.store().add_registration_token(token).await.unwrap());
    handle.expose().to_owned()
}

async fn register(world: &World, token: Option<&str>) -> Answer {
    let metadata = json!({"redirect_uris": [PAGE]});
    world.send(json_request("POST", "/connect/register", &metadata, token)).await
}

#[tokio::test]
async fn a_token_registers_as_many_clients_as_it_says_until_it_expires() {
    let world = world().await;
    let (twice, once) = (token(&world, 2).await, token(&world, 1).await);
    for _ in 0..2 {
        assert_eq!(register(&world, Some(&twice)).await.status, StatusCode::CREATED);
    }
    let refused = register(&world, Some(&twice)).await;
    refused.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""));
    world.clock.advance(60);
    let refused = register(&world, Some(&once)).await;
    refused.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
}

#[tokio::test]
async fn without_a_token_nobody_registers() {
    let world = world().await;
    let refused = register(&world, None).await;
    refused.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"doorward\"");
    let refused = register(&world, Some("made-up")).await;
    refused.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    let sector = json!({
        "redirect_uris": [PAGE], "subject_type": "pairwise",
        "sector_identifier_uri": "https://app.example/uris.json",
    });
    let request = json_request("POST", "/connect/register", &sector, Some("made-up"));
    world.send(request).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    assert!(world.published.asked().is_empty(), "nothing is fetched for a stranger");
}

#[tokio::test]
async fn a_registration_that_is_refused_uses_no_token() {
    let world = world().await;
    let token = token(&world, 1).await;
    let request = json_request("POST", "/connect/register", &json!({}), Some(&token));
    world.send(request).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_redirect_uri");
    assert_eq!(register(&world, Some(&token)).await.status, StatusCode::CREATED);
}

//! The password grant can't ask for a second factor.

use axum::http::StatusCode;
use doorward_provider::model::second_factor::{RequireSecondFactor, SecondFactorSettings};

use super::set_up_app;
use crate::support::{Answer, Browser, Setup, World};

async fn tokens(world: &World) -> Answer {
    let pairs = [
        ("grant_type", "password"),
        ("client_id", "MyBackend"),
        ("client_secret", "secret"),
        ("username", "alice"),
        ("password", "alice"),
        ("scope", "openid"),
    ];
    world.token(&pairs).await
}

#[tokio::test]
async fn it_refuses_users_who_have_one() {
    let world = World::new().await;
    assert_eq!(tokens(&world).await.status, StatusCode::OK);
    let mut owner = Browser::signed_in(&world, "alice").await;
    set_up_app(&mut owner, &world, "alice").await;
    let refused = tokens(&world).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    let description = refused.json()["error_description"].as_str().unwrap().to_owned();
    assert!(description.contains("second factor"), "{description}");
}

#[tokio::test]
async fn it_refuses_users_who_must_have_one() {
    let require = RequireSecondFactor::Admins;
    let second_factor = SecondFactorSettings { require, ..SecondFactorSettings::default() };
    let world = World::with(Setup { second_factor, ..Setup::default() }).await;
    tokens(&world).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

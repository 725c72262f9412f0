//! What the first factor, and the loss of all, do to sessions and tokens that are there.

use axum::http::StatusCode;
use doorward_provider::model::account_notice::AccountNotices;

use super::{AUTHENTICATOR, set_up_app, to_id};
use crate::support::{Browser, REDIRECT, World, authorize_url, code_request, refresh_request};

#[tokio::test]
async fn a_thief_of_the_password_is_signed_out_by_the_first_factor() {
    let world = World::new().await;
    let mut thief = Browser::signed_in(&world, "alice").await;
    let code = thief.get(&authorize_url(&[("scope", "openid offline_access")])).await;
    let tokens = world.token(&code_request(&code.expect_code(REDIRECT))).await.json();
    let refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
    let mut owner = Browser::signed_in(&world, "alice").await;
    set_up_app(&mut owner, &world, "alice").await;
    assert_eq!(owner.get("/account").await.status, StatusCode::OK, "the owner goes on");
    assert_eq!(thief.get("/account").await.status, StatusCode::SEE_OTHER, "and nobody else");
    assert!(thief.get(AUTHENTICATOR).await.location().starts_with("/account/login"));
    let refused = world.token(&refresh_request(&refresh_token)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert_eq!(refused.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_reset_of_the_factors_signs_everybody_out() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    set_up_app(&mut owner, &world, "alice").await;
    let (sub, notices, now) = (to_id("alice"), AccountNotices::default(), world.provider.now());
    world.store().reset_factors(&sub, None, notices, now).await.unwrap();
    assert_eq!(owner.get("/account").await.status, StatusCode::SEE_OTHER);
}

//! What ends with a session, and what outlives it.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Browser, REDIRECT, World, authorize_url, code_request};

async fn sign_out(browser: &mut Browser<'_>) {
    let page = browser.get("/account/logout").await.page();
    assert_eq!(browser.submit(&page, &[("action", "logout")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn tokens_with_offline_access_outlive_the_session_and_others_do_not() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let bound = browser.tokens(&[("scope", "openid")]).await;
    let offline = browser.tokens(&[("scope", "openid offline_access")]).await;
    for tokens in [&bound, &offline] {
        assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);
    }
    sign_out(&mut browser).await;
    assert_eq!(world.userinfo(&bound["access_token"]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.userinfo(&offline["access_token"]).await.status, StatusCode::OK);
    assert_eq!(world.refresh(&offline["refresh_token"]).await.status, StatusCode::OK);
    assert_eq!(bound["refresh_token"], json!(null));
}

#[tokio::test]
async fn a_code_is_of_no_use_after_sign_out() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code = browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
    sign_out(&mut browser).await;
    world
        .token(&code_request(&code))
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

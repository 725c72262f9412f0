//! A clock that is set back: all goes on, and nothing ends later than was said when it was issued.

use axum::http::StatusCode;
use serde_json::Value;

use crate::support::{
    Browser, REDIRECT, START, World, authorize_url, claims, code_request, jose_header,
};

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 86_400;

async fn published(world: &World) -> Value {
    world.get("/.well-known/openid-configuration/jwks").await.json()
}

#[tokio::test]
async fn a_code_ends_when_it_was_to_end() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let lifetime =
        i64::from(world.provider.clients().get("PkceJS").unwrap().authorization_code_lifetime);
    let (used, left) = (browser.code(&[]).await, browser.code(&[]).await);
    world.clock.advance(-HOUR);
    let tokens = world.token(&code_request(&used)).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    let access_token = claims(&tokens.json()["access_token"]);
    assert_eq!(access_token["iat"], world.clock.seconds());
    world
        .token(&code_request(&used))
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    world.clock.advance(HOUR + lifetime);
    world
        .token(&code_request(&left))
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

#[tokio::test]
async fn tokens_and_sessions_end_when_they_were_to_end() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    let ends = claims(&tokens["access_token"])["exp"].as_i64().unwrap();
    world.clock.advance(-HOUR);
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);
    browser.get(&authorize_url(&[("prompt", "none")])).await.expect_code(REDIRECT);
    let refreshed = world.refresh(&tokens["refresh_token"]).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{refreshed:?}");
    let refreshed = refreshed.json();
    let earlier = claims(&refreshed["access_token"])["exp"].as_i64().unwrap();
    assert_eq!(earlier, ends - HOUR, "counted from now");

    world.clock.advance(ends - world.clock.seconds() - 1);
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);
    browser.get(&authorize_url(&[("prompt", "none")])).await.expect_code(REDIRECT);
    world.clock.advance(1);
    for token in [&tokens["access_token"], &refreshed["access_token"]] {
        world.userinfo(token).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    }
    assert_eq!(world.clock.seconds(), START + HOUR, "the end of the session, too");
    browser
        .get(&authorize_url(&[("prompt", "none")]))
        .await
        .expect_redirect_error(REDIRECT, "login_required");
    // The sliding life of the refresh token began anew an hour before the first one did.
    world.clock.advance(36_000 - 2 * HOUR);
    world
        .refresh(&refreshed["refresh_token"])
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

/// Nobody knows how long ago such a sign-in was.
#[tokio::test]
async fn a_sign_in_of_before_is_not_fresh() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let silent = authorize_url(&[("prompt", "none"), ("max_age", "1000")]);
    world.clock.advance(-1000);
    browser.get(&silent).await.expect_code(REDIRECT);
    world.clock.advance(-1);
    browser.get(&silent).await.expect_redirect_error(REDIRECT, "login_required");
}

#[tokio::test]
async fn the_keys_sign_on_though_none_is_active_yet() {
    let world = World::new().await;
    let before = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    let keys = published(&world).await;
    world.clock.advance(-YEAR);
    world.provider.upkeep().maintain().await.unwrap();
    assert_eq!(published(&world).await, keys, "none is made, none is removed");
    let after = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    assert_eq!(jose_header(&after["id_token"]), jose_header(&before["id_token"]));
    assert_eq!(world.userinfo(&after["access_token"]).await.status, StatusCode::OK);
}

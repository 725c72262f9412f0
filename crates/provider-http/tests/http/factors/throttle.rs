//! Codes are guessed in vain, and a guesser does not keep the owner out.

use std::net::IpAddr;

use axum::http::StatusCode;
use doorward_provider::model::account_notice::AccountNotices;

use super::{App, SECOND_STEP, set_up_app, to_id};
use crate::support::{Answer, Browser, World};

/// A guess by somebody who knows the password.
async fn guess(world: &World, address: &str, code: &str) -> Answer {
    let mut browser = Browser::at(world, address.parse::<IpAddr>().unwrap());
    let to_step = browser.sign_in("alice", "alice", None).await;
    if to_step.location() != SECOND_STEP {
        return to_step;
    }
    let page = browser.get(SECOND_STEP).await.page();
    browser.submit(&page, &[("code", code), ("action", "finish")]).await
}

async fn world_with_app(world: &World) -> (App, Browser<'_>) {
    let mut owner = Browser::signed_in(world, "alice").await;
    let (app, _) = set_up_app(&mut owner, world, "alice").await;
    (app, owner)
}

#[tokio::test]
async fn guesses_are_counted_across_sign_ins() {
    let world = World::new().await;
    let (app, _) = world_with_app(&world).await;
    let wrong = app.wrong_code(&world);
    for _ in 0..5 {
        assert_eq!(guess(&world, "192.0.2.9", &wrong).await.status, StatusCode::BAD_REQUEST);
    }
    let throttled = guess(&world, "192.0.2.9", &app.code(&world)).await;
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS, "even the right one waits");
    assert_eq!(throttled.header("retry-after"), "1");
}

#[tokio::test]
async fn guesses_from_many_addresses_are_counted_for_the_account() {
    let world = World::new().await;
    let (app, _) = world_with_app(&world).await;
    let wrong = app.wrong_code(&world);
    for number in 0..10 {
        let refused = guess(&world, &format!("198.51.100.{number}"), &wrong).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    let refused = guess(&world, "198.51.100.77", &wrong).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_guesser_does_not_keep_the_owner_out() {
    let world = World::new().await;
    let (app, mut owner) = world_with_app(&world).await;
    // From here a second step was finished before.
    let to_step = owner.sign_in("alice", "alice", None).await;
    let page = owner.get(to_step.location()).await.page();
    let code = app.code(&world);
    owner.submit(&page, &[("code", &code), ("action", "finish")]).await;
    for number in 0..120 {
        let wrong = app.wrong_code(&world);
        guess(&world, &format!("198.51.100.{number}"), &wrong).await;
        world.clock.advance(3601);
    }
    let locked = guess(&world, "203.0.113.5", &app.code(&world)).await;
    assert_eq!(locked.status, StatusCode::FORBIDDEN, "{locked:?}");
    let to_step = owner.sign_in("alice", "alice", None).await;
    let page = owner.get(to_step.location()).await.page();
    let code = app.code(&world);
    let done = owner.submit(&page, &[("code", &code), ("action", "finish")]).await;
    assert_eq!(done.location(), "/", "{done:?}");
}

/// Who has finished a second step at this address is known there, until password or app change.
async fn known_at_address(world: &World, address: &str) -> (App, String) {
    let (app, _) = world_with_app(world).await;
    let right = app.code(world);
    assert_eq!(guess(world, address, &right).await.location(), "/");
    world.clock.advance(30);
    (app, address.to_owned())
}

/// Guesses so often that only a known address may go on.
async fn lock(world: &World, app: &App) {
    for number in 0..120 {
        let wrong = app.wrong_code(world);
        guess(world, &format!("198.51.100.{number}"), &wrong).await;
        world.clock.advance(3601);
    }
}

#[tokio::test]
async fn another_app_forgets_the_known_address_of_a_thief() {
    let world = World::new().await;
    // The thief has finished a second step once: by a stolen code, from this address.
    let (_, thief) = known_at_address(&world, "192.0.2.66").await;
    // The owner sets up another app.
    let (sub, notices, now) = (to_id("alice"), AccountNotices::default(), world.provider.now());
    world.store().reset_factors(&sub, None, notices, now).await.unwrap();
    let (app, _) = world_with_app(&world).await;
    lock(&world, &app).await;
    let refused = guess(&world, &thief, &app.code(&world)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
}

/// Wrong codes at a known address were not counted for the account, so another app, which makes the
/// address unknown, must not let the next right code take them back from there.
#[tokio::test]
async fn wrong_codes_where_one_is_known_buy_no_guesses_elsewhere() {
    let world = World::new().await;
    let (old, known) = known_at_address(&world, "192.0.2.66").await;
    for _ in 0..5 {
        let wrong = old.wrong_code(&world);
        assert_eq!(guess(&world, &known, &wrong).await.status, StatusCode::BAD_REQUEST);
    }
    let (sub, notices, now) = (to_id("alice"), AccountNotices::default(), world.provider.now());
    world.store().reset_factors(&sub, None, notices, now).await.unwrap();
    let (app, _) = world_with_app(&world).await;
    world.clock.advance(30);
    let wrong = app.wrong_code(&world);
    for number in 0..9 {
        let refused = guess(&world, &format!("198.51.100.{number}"), &wrong).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(guess(&world, &known, &app.code(&world)).await.location(), "/");
    assert_eq!(guess(&world, "203.0.113.1", &wrong).await.status, StatusCode::BAD_REQUEST);
    let tenth = guess(&world, "203.0.113.2", &wrong).await;
    assert_eq!(tenth.status, StatusCode::TOO_MANY_REQUESTS, "{tenth:?}");
}

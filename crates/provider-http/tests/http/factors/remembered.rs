//! Browsers that are remembered for the second factor.

use axum::http::StatusCode;
use doorward_provider::model::{second_factor::SecondFactorSettings, time::Seconds};

use super::{AUTHENTICATOR, SECOND_STEP, set_up_app};
use crate::support::{Browser, Setup, World, user};

const COOKIE: &str = "doorward.remembered";

async fn world(days: u32) -> World {
    let remember = Seconds::new(days * 86_400);
    let second_factor = SecondFactorSettings { remember, ..SecondFactorSettings::default() };
    World::with(Setup { second_factor, ..Setup::default() }).await
}

/// A browser of alice in which she has ticked the box.
async fn remembered(world: &World) -> Browser<'_> {
    let mut browser = Browser::signed_in(world, "alice").await;
    let (app, _) = set_up_app(&mut browser, world, "alice").await;
    browser.sign_in("alice", "alice", None).await;
    let page = browser.get(SECOND_STEP).await.page();
    let code = app.code(world);
    let fields = [("code", code.as_str()), ("remember_browser", "true"), ("action", "finish")];
    let done = browser.submit(&page, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    browser
}

#[tokio::test]
async fn it_is_not_asked_again_for_so_long() {
    let world = world(7).await;
    let mut browser = remembered(&world).await;
    assert!(browser.cookie(COOKIE).is_some());
    assert_eq!(browser.sign_in("alice", "alice", None).await.location(), "/");
    world.clock.advance(7 * 86_400 - 100);
    assert_eq!(browser.sign_in("alice", "alice", None).await.location(), "/");
    world.clock.advance(100);
    assert_eq!(browser.sign_in("alice", "alice", None).await.location(), SECOND_STEP);
    let mut other = Browser::new(&world);
    assert_eq!(other.sign_in("alice", "alice", None).await.location(), SECOND_STEP);
}

#[tokio::test]
async fn without_the_setting_no_browser_is() {
    let world = world(0).await;
    let mut browser = remembered(&world).await;
    assert_eq!(browser.cookie(COOKIE), None);
    assert_eq!(browser.sign_in("alice", "alice", None).await.location(), SECOND_STEP);
}

#[tokio::test]
async fn another_password_or_app_ends_it() {
    let world = world(7).await;
    let mut browser = remembered(&world).await;
    let page = browser.get(AUTHENTICATOR).await.page();
    browser.submit(&page, &[("action", "remove")]).await;
    set_up_app(&mut browser, &world, "alice").await;
    assert_eq!(browser.sign_in("alice", "alice", None).await.location(), SECOND_STEP);
    world.import(user("alice", "new", &[])).await;
    assert_eq!(browser.sign_in("alice", "new", None).await.location(), SECOND_STEP);
}

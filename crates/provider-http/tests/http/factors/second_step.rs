//! `/account/second-step`.

use axum::http::StatusCode;
use serde_json::json;

use super::{AUTHENTICATOR, SECOND_STEP, alice_at_second_step, enter, set_up_app};
use crate::support::{Browser, REDIRECT, World, authorize_url, claims, code_request, user};

#[tokio::test]
async fn the_code_signs_in_and_the_tokens_say_how() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    let (app, _) = set_up_app(&mut owner, &world, "alice").await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&authorize_url(&[])).await;
    let login = browser.get(to_login.location()).await.page();
    let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
    let to_step = browser.submit(&login, &fields).await;
    assert!(to_step.location().starts_with("/account/second-step?return_url="), "{to_step:?}");
    let step = browser.get(to_step.location()).await;
    assert!(step.page().text.contains("signing in as alice"));
    let code = app.code(&world);
    let done = browser.submit(&step.page(), &[("code", &code), ("action", "finish")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    assert_eq!(browser.cookie("doorward.sign-in"), None);
    let code = browser.get(done.location()).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    let id_token = claims(&tokens["id_token"]);
    assert_eq!(id_token["amr"], json!(["pwd", "otp", "mfa"]));
}

#[tokio::test]
async fn no_code_counts_twice() {
    let world = World::new().await;
    let mut app = None;
    let mut browser = alice_at_second_step(&world, &mut app).await;
    let code = app.as_ref().unwrap().code(&world);
    assert_eq!(enter(&mut browser, &code).await.status, StatusCode::SEE_OTHER);
    let mut thief = alice_at_second_step(&world, &mut app).await;
    let refused = enter(&mut thief, &code).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(thief.session(), None);
    world.clock.advance(30);
    let next = app.as_ref().unwrap().code(&world);
    assert_eq!(enter(&mut thief, &next).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn after_five_wrong_codes_the_sign_in_begins_again() {
    let world = World::new().await;
    let mut app = None;
    let mut browser = alice_at_second_step(&world, &mut app).await;
    let wrong = app.as_ref().unwrap().wrong_code(&world);
    for _ in 0..5 {
        let refused = enter(&mut browser, &wrong).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    let right = app.unwrap().code(&world);
    let last = enter(&mut browser, &right).await;
    assert_eq!((last.status, last.location()), (StatusCode::SEE_OTHER, "/account/login"));
    assert_eq!(browser.get(SECOND_STEP).await.location(), "/account/login");
}

#[tokio::test]
async fn without_a_password_there_is_no_second_step() {
    let world = World::new().await;
    let mut app = None;
    alice_at_second_step(&world, &mut app).await;
    let mut stranger = Browser::new(&world);
    assert_eq!(stranger.get(SECOND_STEP).await.location(), "/account/login");
    stranger.set_cookie("doorward.sign-in", &"A".repeat(43));
    assert_eq!(stranger.get(SECOND_STEP).await.location(), "/account/login");
    let code = app.unwrap().code(&world);
    let posted = stranger.post(SECOND_STEP, &[("code", &code), ("form_token", "x")]).await;
    assert_eq!(posted.location(), "/account/login");
    assert_eq!(stranger.session(), None);
}

#[tokio::test]
async fn a_sign_in_waits_for_ten_minutes() {
    let world = World::new().await;
    let mut app = None;
    let mut browser = alice_at_second_step(&world, &mut app).await;
    world.clock.advance(599);
    assert_eq!(browser.get(SECOND_STEP).await.status, StatusCode::OK);
    world.clock.advance(1);
    assert_eq!(browser.get(SECOND_STEP).await.location(), "/account/login");
}

#[tokio::test]
async fn another_password_meanwhile_ends_the_sign_in() {
    let world = World::new().await;
    let mut app = None;
    let mut browser = alice_at_second_step(&world, &mut app).await;
    world.import(user("alice", "new", &[])).await;
    assert_eq!(browser.get(SECOND_STEP).await.location(), "/account/login");
    let mut disabled = Browser::new(&world);
    disabled.sign_in("alice", "new", None).await;
    assert_eq!(disabled.get(SECOND_STEP).await.status, StatusCode::OK);
    world.disable("alice").await;
    assert_eq!(disabled.get(SECOND_STEP).await.location(), "/account/login");
}

#[tokio::test]
async fn a_code_of_many_that_are_entered_at_once_signs_in_once() {
    let world = World::new().await;
    let mut app = None;
    let mut browsers = Vec::new();
    for _ in 0..16 {
        browsers.push(alice_at_second_step(&world, &mut app).await);
    }
    let code = app.unwrap().code(&world);
    let attempts = browsers.iter_mut().map(|browser| enter(browser, &code));
    let answers = futures::future::join_all(attempts).await;
    let signed_in = answers.iter().filter(|answer| answer.location() == "/").count();
    assert_eq!(signed_in, 1);
    assert_eq!(browsers.iter().filter(|browser| browser.session().is_some()).count(), 1);
}

#[tokio::test]
async fn an_account_page_is_returned_to() {
    let world = World::new().await;
    let mut app = None;
    alice_at_second_step(&world, &mut app).await;
    let mut browser = Browser::new(&world);
    let to_step = browser.sign_in("alice", "alice", Some(AUTHENTICATOR)).await;
    let page = browser.get(to_step.location()).await.page();
    let code = app.unwrap().code(&world);
    let done = browser.submit(&page, &[("code", &code), ("action", "finish")]).await;
    assert_eq!(done.location(), AUTHENTICATOR);
}

#[tokio::test]
async fn unfinished_sign_ins_shut_nobody_out() {
    let world = World::new().await;
    let mut app = None;
    // Somebody behind the same address knows the password, and leaves one sign-in after the other.
    for _ in 0..50 {
        alice_at_second_step(&world, &mut app).await;
    }
    let mut owner = alice_at_second_step(&world, &mut app).await;
    let code = app.unwrap().code(&world);
    assert_eq!(enter(&mut owner, &code).await.location(), "/");
}

#[tokio::test]
async fn a_finished_sign_in_can_not_be_finished_again() {
    let world = World::new().await;
    let mut app = None;
    let mut browser = alice_at_second_step(&world, &mut app).await;
    let waiting = browser.cookie("doorward.sign-in").unwrap().to_owned();
    let code = app.as_ref().unwrap().code(&world);
    assert_eq!(enter(&mut browser, &code).await.location(), "/");
    world.clock.advance(30);
    let mut thief = Browser::new(&world);
    thief.login_page(None).await;
    thief.set_cookie("doorward.sign-in", &waiting);
    let code = app.unwrap().code(&world);
    assert_eq!(enter(&mut thief, &code).await.location(), "/account/login");
    assert_eq!(thief.session(), None);
}

#[tokio::test]
async fn what_is_no_sign_in_of_ours_leads_to_the_login_page() {
    let world = World::new().await;
    let mut app = None;
    let mut browser = alice_at_second_step(&world, &mut app).await;
    let waiting = browser.cookie("doorward.sign-in").unwrap().to_owned();
    let mut changed = waiting.clone().into_bytes();
    changed[40] = if changed[40] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for forged in [changed.as_str(), &waiting[..100], &"A".repeat(1024), &"A".repeat(5000)] {
        browser.set_cookie("doorward.sign-in", forged);
        assert_eq!(browser.get(SECOND_STEP).await.location(), "/account/login", "{forged}");
    }
}

#[tokio::test]
async fn another_app_meanwhile_ends_the_sign_in() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    let (_, _) = set_up_app(&mut owner, &world, "alice").await;
    let mut app = Some(super::App(
        world.provider.factors().totp_being_set_up(&super::to_id("alice"), None).unwrap().0,
    ));
    let mut thief = alice_at_second_step(&world, &mut app).await;
    set_up_app(&mut owner, &world, "alice").await;
    assert_eq!(thief.get(SECOND_STEP).await.location(), "/account/login");
}

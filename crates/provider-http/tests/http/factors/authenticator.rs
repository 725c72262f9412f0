//! `/account/authenticator`.

use axum::http::StatusCode;

use super::{AUTHENTICATOR, app_of, set_up_app, to_id};
use crate::support::{Browser, World};

#[tokio::test]
async fn nobody_comes_here_without_a_fresh_sign_in() {
    let world = World::new().await;
    let login = "/account/login?return_url=%2Faccount%2Fauthenticator";
    for address in [AUTHENTICATOR, "/account/recovery-codes"] {
        let answer = world.get(address).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert!(answer.location().starts_with("/account/login?return_url=%2Faccount%2F"));
    }
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(AUTHENTICATOR).await;
    assert_eq!(page.status, StatusCode::OK);
    world.clock.advance(301);
    assert_eq!(browser.get(AUTHENTICATOR).await.location(), login);
    let posted = browser.submit(&page.page(), &[("action", "set-up")]).await;
    assert_eq!(posted.location(), login, "the form does not help");
    let back = browser.sign_in("alice", "alice", Some(AUTHENTICATOR)).await;
    assert_eq!(back.location(), AUTHENTICATOR);
    assert_eq!(browser.get(AUTHENTICATOR).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_app_is_set_up_by_a_code_of_it() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(AUTHENTICATOR).await.page();
    let form = browser.submit(&page, &[("action", "set-up")]).await;
    let page = form.page();
    let secret = app_of(&page, &world, "alice").0;
    assert!(page.text.contains(&secret.shown()), "{form:?}");
    assert!(page.all("svg").any(|svg| svg.attribute("class") == Some("qr-code")));
    let refused = browser.submit(&page, &[("action", "confirm"), ("code", "12345")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.page().text.contains(&secret.shown()), "the same secret, to try again");
    assert!(!world.provider.factors().of(&to_id("alice")).await.unwrap().has_second_step());
    set_up_app(&mut browser, &world, "alice").await;
    let factors = world.provider.factors().of(&to_id("alice")).await.unwrap();
    assert_eq!((factors.has_second_step(), factors.recovery_codes), (true, 10));
    assert!(browser.get(AUTHENTICATOR).await.page().text.contains("10 recovery codes left"));
}

#[tokio::test]
async fn an_app_in_use_stays_until_another_one_is_confirmed() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let (first, _) = set_up_app(&mut browser, &world, "alice").await;
    let page = browser.get(AUTHENTICATOR).await.page();
    let form = browser.submit(&page, &[("action", "set-up")]).await;
    let of_first = first.code(&world);
    let refused = browser.submit(&form.page(), &[("action", "confirm"), ("code", &of_first)]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "it is another secret");
    let (second, _) = set_up_app(&mut browser, &world, "alice").await;
    assert_ne!(first.0, second.0);
}

#[tokio::test]
async fn a_removed_app_is_asked_for_no_more() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    set_up_app(&mut browser, &world, "alice").await;
    let page = browser.get(AUTHENTICATOR).await.page();
    let removed = browser.submit(&page, &[("action", "remove")]).await;
    assert_eq!(removed.location(), AUTHENTICATOR);
    assert!(!world.provider.factors().of(&to_id("alice")).await.unwrap().is_strong());
    assert_eq!(Browser::new(&world).sign_in("alice", "alice", None).await.location(), "/");
}

#[tokio::test]
async fn a_forged_form_changes_nothing() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    set_up_app(&mut browser, &world, "alice").await;
    for fields in [&[("action", "remove")][..], &[("action", "remove"), ("form_token", "x")]] {
        browser.post(AUTHENTICATOR, fields).await;
        browser.post("/account/recovery-codes", fields).await;
    }
    let factors = world.provider.factors().of(&to_id("alice")).await.unwrap();
    assert_eq!((factors.has_second_step(), factors.recovery_codes), (true, 10));
}

#[tokio::test]
async fn a_secret_is_shown_to_nobody_else() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    let mut thief = Browser::signed_in(&world, "alice").await;
    let set_up = async |browser: &mut Browser<'_>| {
        let page = browser.get(AUTHENTICATOR).await.page();
        browser.submit(&page, &[("action", "set-up")]).await.page()
    };
    let (mine, other) = (set_up(&mut owner).await, set_up(&mut thief).await);
    let (app, seen) = (app_of(&mine, &world, "alice"), app_of(&other, &world, "alice"));
    assert_ne!(app.0, seen.0);
    // A secret of somebody else counts for nothing.
    let kept = other.value("secret");
    let carols = world.provider.factors().totp_being_set_up(&to_id("carol"), kept).unwrap().0;
    assert_ne!(carols, seen.0);
    let code = app.code(&world);
    let confirmed = owner.submit(&mine, &[("action", "confirm"), ("code", &code)]).await;
    assert_eq!(confirmed.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_alone_does_not_change_what_is_there() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    let (app, _) = set_up_app(&mut owner, &world, "alice").await;
    assert_eq!(owner.get(AUTHENTICATOR).await.status, StatusCode::OK, "it was added here");
    let mut browser = Browser::new(&world);
    let to_step = browser.sign_in("alice", "alice", Some(AUTHENTICATOR)).await;
    let page = browser.get(to_step.location()).await.page();
    let code = app.code(&world);
    browser.submit(&page, &[("code", &code), ("action", "finish")]).await;
    assert_eq!(browser.get(AUTHENTICATOR).await.status, StatusCode::OK);
}

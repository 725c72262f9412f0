//! Users who have no password any more.

use axum::http::StatusCode;
use doorward_provider::{
    model::session::{Device, SignInProof},
    use_case::sign_in::SignIn,
};

use super::{SECOND_STEP, add_passkey, enter, set_up_app, shown_codes, to_id};
use crate::support::{Answer, Browser, World, authorize_url};

const PASSWORD: &str = "/account/password";

/// Posts to a page that has several forms.
async fn post(browser: &mut Browser<'_>, path: &str, name: &str, value: &str) -> Answer {
    let page = browser.get(path).await.page();
    let token = page.value("form_token").unwrap().to_owned();
    browser.post(path, &[("form_token", token.as_str()), (name, value)]).await
}

async fn remove(browser: &mut Browser<'_>) -> Answer {
    post(browser, PASSWORD, "action", "remove").await
}

/// A browser in which alice has signed in by her first passkey.
async fn by_passkey(world: &World) -> Browser<'_> {
    let user = world.store().user(&to_id("alice")).await.unwrap().unwrap();
    let amr = ["swk", "user", "mfa"].map(str::to_owned).into();
    let sign_in = SignIn { proof: SignInProof::Passkey(vec![1; 20]), amr, auth_time: None };
    let started = world
        .provider
        .sessions()
        .start_session(&user, sign_in, false, Device::default(), None)
        .await;
    let mut browser = Browser::new(world);
    browser.set_cookie("doorward.session", started.unwrap().cookie.expose());
    browser
}

/// Alice without a password, with one passkey and recovery codes.
async fn alice(world: &World) -> Vec<String> {
    add_passkey(world, "alice", 1, "Laptop").await;
    let mut browser = by_passkey(world).await;
    let page = browser.get("/account/recovery-codes").await.page();
    let codes = shown_codes(&browser.submit(&page, &[]).await);
    let removed = remove(&mut browser).await;
    assert_eq!(removed.status, StatusCode::OK, "{removed:?}");
    assert!(removed.page().text.contains("The password is removed"), "{removed:?}");
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER, "signed out");
    codes
}

#[tokio::test]
async fn a_password_stays_while_it_is_needed() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(PASSWORD).await;
    assert!(!page.body.contains("Remove the password"), "{page:?}");
    assert_eq!(remove(&mut browser).await.status, StatusCode::BAD_REQUEST);
    add_passkey(&world, "alice", 1, "Laptop").await;
    let mut browser = by_passkey(&world).await;
    assert_eq!(remove(&mut browser).await.status, StatusCode::BAD_REQUEST, "one may be lost");
}

#[tokio::test]
async fn a_passkey_gets_another_name() {
    let world = World::new().await;
    add_passkey(&world, "alice", 1, "Laptop").await;
    let mut browser = by_passkey(&world).await;
    let page = browser.get("/account/passkeys").await.page();
    let token = page.value("form_token").unwrap().to_owned();
    let id = page.value("rename").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("rename", id.as_str()), ("name", " Phone ")];
    assert_eq!(browser.post("/account/passkeys", &fields).await.status, StatusCode::SEE_OTHER);
    let passkeys = world.store().passkeys(&to_id("alice")).await.unwrap();
    assert_eq!(passkeys[0].name, "Phone");
}

#[tokio::test]
async fn the_last_way_in_is_not_removed() {
    let world = World::new().await;
    alice(&world).await;
    let mut browser = by_passkey(&world).await;
    let page = browser.get("/account/passkeys").await.page();
    let id = page.value("remove").unwrap().to_owned();
    let refused = post(&mut browser, "/account/passkeys", "remove", &id).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert!(refused.page().text.contains("only way to sign in"), "{refused:?}");
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_in_place_of_the_password() {
    let world = World::new().await;
    let codes = alice(&world).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.sign_in("alice", "alice", None).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.sign_in("bob", &codes[0], None).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.sign_in("alice", &codes[0], None).await.status, StatusCode::SEE_OTHER);
    // It is the day on which the passkey is lost: another one can be added.
    assert_eq!(browser.get("/account/passkeys").await.status, StatusCode::OK);
    let mut thief = Browser::new(&world);
    assert_eq!(thief.sign_in("alice", &codes[0], None).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn where_two_factors_are_asked_a_recovery_code_is_refused_and_not_used_up() {
    let world = World::new().await;
    let codes = alice(&world).await;
    let mut browser = Browser::new(&world);
    let values = authorize_url(&[("acr_values", "urn:doorward:acr:2")]);
    let login = browser.get(&values).await;
    let login = browser.get(login.location()).await.page();
    // The answer does not tell who has codes.
    for (username, code) in [("alice", &codes[0]), ("nobody", &codes[0])] {
        let fields = [("username", username), ("password", code.as_str())];
        let refused = browser.submit(&login, &fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
        let text = refused.page().text;
        assert!(text.contains("A recovery code in place of the password is not enough"), "{text}");
    }
    assert_eq!(browser.session(), None);
    assert_eq!(browser.sign_in("alice", &codes[0], None).await.status, StatusCode::SEE_OTHER);
}

/// Alice without a password, with a passkey, an app and recovery codes.
async fn alice_with_app(world: &World) -> (super::App, Vec<String>) {
    alice(world).await;
    let mut browser = by_passkey(world).await;
    set_up_app(&mut browser, world, "alice").await
}

#[tokio::test]
async fn beside_an_app_a_recovery_code_is_one_step_of_two() {
    let world = World::new().await;
    let (app, codes) = alice_with_app(&world).await;
    let mut browser = Browser::new(&world);
    let to_step = browser.sign_in("alice", &codes[0], None).await;
    assert_eq!((to_step.status, to_step.location()), (StatusCode::SEE_OTHER, SECOND_STEP));
    assert_eq!(browser.session(), None);
    let step = browser.get(SECOND_STEP).await;
    assert!(step.page().text.contains("used up"), "{step:?}");
    assert!(!step.body.contains("with=recovery-code"), "{step:?}");
    // Two codes of one list are one factor.
    let refused = enter(&mut browser, &codes[1]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert!(refused.page().text.contains("A second recovery code does not help"), "{refused:?}");
    assert_eq!(browser.session(), None);
    assert_eq!(world.provider.factors().of(&to_id("alice")).await.unwrap().recovery_codes, 9);
    let code = app.code(&world);
    assert_eq!(enter(&mut browser, &code).await.location(), "/");
    let cookie = browser.session().unwrap();
    let cookie = doorward_provider::model::token_handle::TokenHandle::parse(&cookie);
    let session = world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap();
    assert_eq!(session.authentication.amr, ["otp"], "two things that one has");
    // It is the day on which the passkey is lost: another one can be added.
    assert_eq!(browser.get("/account/passkeys").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_lost_passkey_and_app_needs_the_mailbox_and_a_recovery_code() {
    let world = World::new().await;
    let (_, codes) = alice_with_app(&world).await;
    let before = world.store().user(&to_id("alice")).await.unwrap().unwrap();
    let hash = crate::support::user("alice", "alice", &[]).password_hash;
    let set = doorward_provider::model::user::User { password_hash: hash, ..before };
    world.import(set).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.sign_in("alice", "alice", None).await.location(), SECOND_STEP);
    assert_eq!(enter(&mut browser, &codes[0]).await.location(), "/");
}

#[tokio::test]
async fn beside_a_password_a_recovery_code_signs_nobody_in() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    let (_, codes) = super::set_up_app(&mut owner, &world, "alice").await;
    let mut thief = Browser::new(&world);
    assert_eq!(thief.sign_in("alice", &codes[0], None).await.status, StatusCode::BAD_REQUEST);
}

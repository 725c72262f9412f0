//! Users who must have a second factor.

use axum::http::StatusCode;
use doorward_provider::model::second_factor::{RequireSecondFactor, SecondFactorSettings};

use serde_json::json;

use super::{SECOND_STEP, add_passkey, app_of, confirm, passkeys::OPTIONS, shown_codes, to_id};
use crate::support::{
    Answer, Authenticator, Browser, Page, REDIRECT, Setup, World, authorize_url, claims, user,
};

async fn world(require: RequireSecondFactor) -> World {
    let second_factor = SecondFactorSettings { require, ..SecondFactorSettings::default() };
    let users = vec![user("bob", "bob", &["user"])];
    World::with(Setup { users, second_factor, ..Setup::default() }).await
}

#[tokio::test]
async fn who_has_none_sets_it_up_at_the_next_sign_in() {
    let world = world(RequireSecondFactor::Always).await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&authorize_url(&[])).await;
    let login = browser.get(to_login.location()).await.page();
    let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
    let to_step = browser.submit(&login, &fields).await;
    let form = browser.get(to_step.location()).await;
    assert!(form.page().text.contains("needs a second step"), "{form:?}");
    assert_eq!(browser.session(), None);
    let app = app_of(&form.page(), &world, "alice");
    let refused = confirm(&mut browser, &form.page(), &app.wrong_code(&world)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let done = confirm(&mut browser, &refused.page(), &app.code(&world)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert!(browser.session().is_some());
    assert_eq!(shown_codes(&done).len(), 10);
    let page = done.page();
    let next = page.all("a").find_map(|link| link.attribute("href")).unwrap().to_owned();
    browser.get(&next).await.expect_code(REDIRECT);
}

/// Asks for a new passkey as the script of the second step does.
async fn ask_for_passkey(browser: &mut Browser<'_>, form: &Page) -> Answer {
    let token = form.value("form_token").unwrap();
    browser.post(OPTIONS, &[("form_token", token), ("kind", "set-up")]).await
}

#[tokio::test]
async fn a_passkey_does_as_well_as_an_app() {
    let world = world(RequireSecondFactor::Always).await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&authorize_url(&[])).await;
    let login = browser.get(to_login.location()).await.page();
    let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
    let to_step = browser.submit(&login, &fields).await;
    let shown = browser.get(to_step.location()).await;
    assert!(shown.header("content-security-policy").contains("script-src 'self';"));
    let form = shown.page();
    assert_eq!(form.all("script").count(), 1);
    let question = ask_for_passkey(&mut browser, &form).await.json();
    let token = form.value("form_token").unwrap();
    let return_url = form.value("return_url").unwrap();
    let ticket = question["ticket"].as_str().unwrap();
    let mut fields = [
        ("form_token", token),
        ("return_url", return_url),
        ("name", "Laptop"),
        ("ticket", ticket),
        ("credential", "{}"),
    ];
    let refused = browser.post(SECOND_STEP, &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert_eq!(browser.session(), None);
    let question = ask_for_passkey(&mut browser, &form).await.json();
    let credential = Authenticator::new(1).register(&question);
    fields[3].1 = question["ticket"].as_str().unwrap();
    fields[4].1 = &credential;
    let done = browser.post(SECOND_STEP, &fields).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(shown_codes(&done).len(), 10);
    let page = done.page();
    let next = page.all("a").find_map(|link| link.attribute("href")).unwrap().to_owned();
    browser.get(&next).await.expect_code(REDIRECT);
    let own = world.provider.factors().passkeys(&to_id("alice")).await.unwrap();
    assert_eq!(own.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["Laptop"]);
    assert_eq!(
        claims(&browser.tokens(&[]).await["id_token"])["amr"],
        json!(["hwk", "user", "mfa"])
    );
    let again = browser.post(SECOND_STEP, &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "the sign-in counts once");
}

#[tokio::test]
async fn the_password_alone_adds_no_passkey_beside_another_factor() {
    let world = world(RequireSecondFactor::Always).await;
    let mut thief = Browser::new(&world);
    thief.sign_in("alice", "alice", None).await;
    let form = thief.get(SECOND_STEP).await.page();
    let question = ask_for_passkey(&mut thief, &form).await.json();
    // Meanwhile the owner has added a factor.
    add_passkey(&world, "alice", 7, "Phone").await;
    assert_eq!(ask_for_passkey(&mut thief, &form).await.status, StatusCode::UNAUTHORIZED);
    let credential = Authenticator::new(1).register(&question);
    let fields = [
        ("form_token", form.value("form_token").unwrap()),
        ("ticket", question["ticket"].as_str().unwrap()),
        ("credential", credential.as_str()),
    ];
    let refused = thief.post(SECOND_STEP, &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert_eq!(
        (thief.session(), world.provider.factors().passkeys(&to_id("alice")).await.unwrap().len()),
        (None, 1)
    );
    // Nor is one asked for without a sign-in that waits.
    let mut nobody = Browser::new(&world);
    let login = nobody.login_page(None).await;
    assert_eq!(ask_for_passkey(&mut nobody, &login).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_address_brings_no_secret_along() {
    let world = world(RequireSecondFactor::Always).await;
    // Who knows the password is shown a secret for an app of this user.
    let mut thief = Browser::new(&world);
    thief.sign_in("alice", "alice", None).await;
    let shown = thief.get(SECOND_STEP).await.page();
    let secret = shown.value("secret").unwrap();
    let mut owner = Browser::new(&world);
    owner.sign_in("alice", "alice", None).await;
    let form = owner.get(&format!("{SECOND_STEP}?secret={secret}")).await.page();
    assert_ne!(form.value("secret"), Some(secret));
    assert_ne!(app_of(&form, &world, "alice").0, app_of(&shown, &world, "alice").0);
}

#[tokio::test]
async fn only_admins_if_so_set() {
    let world = world(RequireSecondFactor::Admins).await;
    assert_eq!(Browser::new(&world).sign_in("bob", "bob", None).await.location(), "/");
    let admin = Browser::new(&world).sign_in("alice", "alice", None).await;
    assert_eq!(admin.location(), SECOND_STEP);
}

//! Users who must have a second factor.

use axum::http::StatusCode;
use doorward_provider::model::second_factor::{RequireSecondFactor, SecondFactorSettings};

use super::{SECOND_STEP, app_of, shown_codes};
use crate::support::{Browser, REDIRECT, Setup, World, authorize_url, user};

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
    let wrong = app.wrong_code(&world);
    let refused = browser.submit(&form.page(), &[("code", &wrong), ("action", "confirm")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let code = app.code(&world);
    let done = browser.submit(&refused.page(), &[("code", &code), ("action", "confirm")]).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert!(browser.session().is_some());
    assert_eq!(shown_codes(&done).len(), 10);
    let page = done.page();
    let next = page.all("a").find_map(|link| link.attribute("href")).unwrap().to_owned();
    browser.get(&next).await.expect_code(REDIRECT);
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

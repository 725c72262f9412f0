//! Recovery codes.

use axum::http::StatusCode;
use doorward_provider::model::{account_settings::AccountSettings, outbox::MailKind};

use super::{SECOND_STEP, set_up_app, shown_codes, to_id};
use crate::support::{Answer, Browser, Setup, World};

const PATH: &str = "/account/recovery-codes";

/// Signs alice in by a recovery code, in a browser of its own.
async fn sign_in_by(world: &World, code: &str) -> (Answer, bool) {
    let mut browser = Browser::new(world);
    browser.sign_in("alice", "alice", None).await;
    let page = browser.get(&format!("{SECOND_STEP}?with=recovery-code")).await.page();
    assert_eq!(page.value("with"), Some("recovery-code"));
    let answer = browser.submit(&page, &[("code", code), ("action", "finish")]).await;
    let signed_in = browser.session().is_some();
    (answer, signed_in)
}

#[tokio::test]
async fn each_signs_in_once() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    let (_, codes) = set_up_app(&mut owner, &world, "alice").await;
    assert!(sign_in_by(&world, &codes[0]).await.1);
    let (again, signed_in) = sign_in_by(&world, &codes[0]).await;
    assert_eq!((again.status, signed_in), (StatusCode::BAD_REQUEST, false));
    assert!(sign_in_by(&world, &codes[1].to_lowercase().replace('-', " ")).await.1);
    assert_eq!(world.provider.factors().of(&to_id("alice")).await.unwrap().recovery_codes, 8);
}

#[tokio::test]
async fn they_are_of_one_user_only() {
    let world = World::new().await;
    let mut alice = Browser::signed_in(&world, "alice").await;
    set_up_app(&mut alice, &world, "alice").await;
    let mut carol = Browser::signed_in(&world, "carol").await;
    let (_, codes) = set_up_app(&mut carol, &world, "carol").await;
    assert!(!sign_in_by(&world, &codes[0]).await.1);
    assert_eq!(world.provider.factors().of(&to_id("carol")).await.unwrap().recovery_codes, 10);
}

#[tokio::test]
async fn who_has_few_left_is_told_so() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    let (_, codes) = set_up_app(&mut owner, &world, "alice").await;
    for (index, code) in codes.iter().take(7).enumerate() {
        let (answer, signed_in) = sign_in_by(&world, code).await;
        assert!(signed_in, "{answer:?}");
        let leads_to = if index == 6 { PATH } else { "/" };
        assert_eq!(answer.location(), leads_to, "{index}");
    }
    let page = owner.get(PATH).await.page();
    assert!(page.text.contains("3 recovery codes left: make new ones"));
    let warned = |element: &crate::support::Element| {
        element.attribute("id") == Some("codes-left")
            && element.attribute("class") == Some("alert alert-error")
    };
    assert!(page.elements.iter().any(warned));
}

#[tokio::test]
async fn new_ones_take_the_place_of_all() {
    let world = World::new().await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    assert_eq!(owner.get(PATH).await.location(), "/account/authenticator", "not yet");
    let (_, old) = set_up_app(&mut owner, &world, "alice").await;
    let page = owner.get(PATH).await;
    assert!(shown_codes(&page).is_empty(), "shown once");
    let new = shown_codes(&owner.submit(&page.page(), &[]).await);
    assert_eq!(new.len(), 10);
    assert!(!sign_in_by(&world, &old[0]).await.1);
    assert!(sign_in_by(&world, &new[0]).await.1);
}

#[tokio::test]
async fn new_ones_are_told_and_listed() {
    let accounts = AccountSettings { mail: true, ..AccountSettings::default() };
    let world = World::with(Setup { accounts, ..Setup::default() }).await;
    let mut owner = Browser::signed_in(&world, "alice").await;
    set_up_app(&mut owner, &world, "alice").await;
    assert_eq!(world.mail_to("alice@example.com").await.kind, MailKind::FactorAdded);
    let page = owner.get(PATH).await.page();
    owner.submit(&page, &[]).await;
    let told = world.mail_to("alice@example.com").await;
    assert_eq!(
        (told.kind, &told.data["address"]),
        (MailKind::RecoveryCodesMade, &"127.0.0.1".into())
    );
    let listed = owner.get("/account/activity").await.page().text;
    assert!(listed.contains("New recovery codes made"), "{listed}");
}

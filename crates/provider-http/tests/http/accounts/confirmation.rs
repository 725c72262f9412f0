//! A user confirms an address that is to be theirs.

use axum::http::StatusCode;
use doorward_provider::{
    model::{account_settings::AccountSettings, email::EmailAddress, outbox::MailKind},
    use_case::accounts::Asker,
};
use serde_json::json;

use super::{link, open, taken, world};
use crate::support::{Browser, World, alice, user};

const NEW: &str = "alice@example.org";
const ASKER: Asker<'_> =
    Asker { address: "192.0.2.1", browser: None, language: "en", mark: None, client_id: None };

async fn asked(world: &World, address: &str) {
    let address = EmailAddress::parse(address).unwrap();
    world.provider.accounts().confirm_address(&alice(), &address, ASKER).await.unwrap();
}

#[tokio::test]
async fn another_address_replaces_the_one_before_when_it_is_confirmed() {
    let world = world(open()).await;
    asked(&world, NEW).await;
    let mail = world.mail_to(NEW).await;
    assert_eq!(mail.kind, MailKind::ChangeEmail);
    let link = link(&mail);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&link).await.page();
    assert!(page.text.contains(NEW));
    let before = world.store().user(&"alice".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(before.claims.0["email"], json!("alice@example.com"), "looking changes nothing");
    let done = browser.submit(&page, &[]).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let after = world.store().user_by_email(NEW).await.unwrap().unwrap();
    assert_eq!(after.sub, "alice");
    let told = world.mail_to("alice@example.com").await;
    assert_eq!((told.kind, &told.data["new_email"]), (MailKind::EmailChanged, &json!(NEW)));
    assert_eq!(browser.get("/").await.status, StatusCode::OK, "the session goes on");
    assert_eq!(world.get(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_address_that_nobody_confirmed_is_not_told_of_another() {
    let world = world(open()).await;
    let mut alice = alice();
    alice.claims_mut().insert("email_verified".to_owned(), false.into());
    world.store().put_user(alice, world.provider.now()).await.unwrap();
    asked(&world, NEW).await;
    let link = link(&world.mail_to(NEW).await);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&link).await.page();
    assert_eq!(browser.submit(&page, &[]).await.status, StatusCode::OK);
    assert!(world.store().user_by_email(NEW).await.unwrap().is_some());
    let mails = world.mails().await;
    assert!(mails.iter().all(|mail| mail.to != "alice@example.com"), "{mails:?}");
}

#[tokio::test]
async fn only_the_user_who_asked_can_confirm() {
    let world = world(open()).await;
    asked(&world, NEW).await;
    let link = link(&world.mail_to(NEW).await);
    let token = link.split_once("token=").unwrap().1.to_owned();
    for mut browser in [Browser::new(&world), Browser::signed_in(&world, "carol").await] {
        let page = browser.get(&link).await;
        assert!(page.page().text.contains("Sign in as alice"), "{page:?}");
        let login = browser.get("/account/forgot-password").await.page();
        let form = login.value("form_token").unwrap().to_owned();
        let fields = [("form_token", form.as_str()), ("token", token.as_str())];
        browser.post("/account/verify-email", &fields).await;
        assert!(world.store().user_by_email(NEW).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_address_of_another_user_is_not_taken_and_not_told_of() {
    let world = world(open()).await;
    asked(&world, "carol@example.com").await;
    let mail = world.mail_to("carol@example.com").await;
    assert_eq!(mail.kind, MailKind::AccountExists);
    assert!(!mail.data["link"].as_str().unwrap().contains("token"));
}

/// Asks on the page of the account.
async fn asked_on_the_page(world: &World, browser: &mut Browser<'_>, address: &str) -> StatusCode {
    let page = browser.get("/account/email").await.page();
    let told = browser.submit(&page, &[("email", address)]).await;
    let sent = taken(world).await;
    let is_told_sent = told.status == StatusCode::OK;
    assert_eq!(is_told_sent, sent.iter().any(|mail| mail.to == address), "{told:?}");
    told.status
}

#[tokio::test]
async fn what_strangers_ask_for_keeps_no_confirmation_from_a_user() {
    let settings = AccountSettings { most_links_per_address: 100, ..open() };
    let world = world(settings).await;
    let mut user = alice();
    user.claims_mut().insert("email".to_owned(), "a.lice@example.com".into());
    world.import(user).await;
    let mut sent = 0;
    for _ in 0..5 {
        for account in ["alice@example.com", "a.lice@example.com"] {
            for _ in 0..4 {
                let mut browser = Browser::new(&world);
                let page = browser.get("/account/forgot-password").await.page();
                browser.submit(&page, &[("account", account)]).await;
            }
        }
        sent += taken(&world).await.len();
        world.clock.advance(901);
    }
    assert_eq!(sent, 10, "what strangers may have mailed is used up");
    let mut browser = Browser::signed_in(&world, "alice").await;
    for address in ["a.lice@example.com", "alice+new@example.com"] {
        assert_eq!(asked_on_the_page(&world, &mut browser, address).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_user_is_told_when_no_confirmation_is_sent() {
    let settings = AccountSettings { most_links_per_mailbox: 5, ..open() };
    let world = world(settings).await;
    world.import(user("bob", "bob", &[])).await;
    // The first is nobody's, the second is carol's: the user learns nothing by when it stops.
    for address in [NEW, "carol@example.com"] {
        let mut statuses = Vec::new();
        for user in ["alice", "bob"] {
            let mut browser = Browser::signed_in(&world, user).await;
            for _ in 0..4 {
                statuses.push(asked_on_the_page(&world, &mut browser, address).await.as_u16());
            }
        }
        // Three are on their way for alice, and then the mailbox has had five.
        assert_eq!(statuses, [200, 200, 200, 429, 200, 200, 429, 429], "{address}");
    }
}

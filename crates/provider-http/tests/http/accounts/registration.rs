//! A user registers by an address of their own.

use std::sync::Arc;

use axum::http::StatusCode;
use doorward_provider::model::{
    account_settings::{AccountSettings, Registration, SignInWith},
    outbox::MailKind,
    user::User,
};
use futures::future::join_all;
use serde_json::json;

use super::{GOOD, link, open, world};
use crate::support::{Answer, Browser, REDIRECT, World, alice, authorize_url};

const EMAIL: &str = "grace@example.com";

async fn ask(browser: &mut Browser<'_>, page: &str, email: &str) -> Answer {
    let shown = browser.get(page).await.page();
    browser.submit(&shown, &[("email", email)]).await
}

/// The link that was mailed to somebody who registers.
async fn link_to(world: &World, email: &str) -> String {
    let answer = ask(&mut Browser::new(world), "/account/register", email).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let mail = world.mail_to(email).await;
    assert_eq!(mail.kind, MailKind::VerifyEmail);
    link(&mail)
}

async fn finish(browser: &mut Browser<'_>, link: &str, username: &str) -> Answer {
    let page = browser.get(link).await.page();
    browser.submit(&page, &fields(username)).await
}

/// What somebody who registers fills in.
fn fields(username: &str) -> [(&str, &str); 5] {
    [
        ("username", username),
        ("name", "Grace Hopper"),
        ("password", GOOD),
        ("repeated", GOOD),
        // The link is opened in another browser than the one that asked.
        ("asked", "true"),
    ]
}

async fn user(world: &World, name: &str) -> Option<User> {
    world.store().user_by_username(name).await.unwrap()
}

#[tokio::test]
async fn whoever_confirms_an_address_has_an_account_and_is_signed_in() {
    let world = world(open()).await;
    let link = link_to(&world, EMAIL).await;
    let mut browser = Browser::new(&world);
    let answer = finish(&mut browser, &link, "Grace").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{answer:?}");
    assert!(browser.get("/").await.page().text.contains("Grace"));
    let user = user(&world, "grace").await.unwrap();
    assert_eq!(user.claims.0["email"], json!(EMAIL));
    assert_eq!(user.claims.0["email_verified"], json!(true));
    assert_eq!(user.claims.0["name"], json!("Grace Hopper"));
    assert_eq!(user.claims.0["preferred_username"], json!("Grace"));
    assert!(!user.claims.0.contains_key("role"));
    let mut later = Browser::new(&world);
    assert_eq!(later.sign_in("grace", GOOD, None).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.get(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_user_goes_on_to_the_client_that_asked_for_it() {
    let world = world(open()).await;
    let discovery = world.get("/.well-known/openid-configuration").await.json();
    let prompts = discovery["prompt_values_supported"].as_array().unwrap().clone();
    assert!(prompts.contains(&json!("create")), "{prompts:?}");
    let mut browser = Browser::signed_in(&world, "alice").await;
    let asked = browser.get(&authorize_url(&[("prompt", "create")])).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    assert!(asked.location().starts_with("/account/register?return_url="), "{asked:?}");
    ask(&mut browser, asked.location(), EMAIL).await;
    // The link is opened in another browser, on the phone perhaps.
    let mut phone = Browser::new(&world);
    let link = link(&world.mail_to(EMAIL).await);
    let done = finish(&mut phone, &link, "grace").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    phone.get(done.location()).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn prompt_create_is_unknown_where_nobody_may_register() {
    for registration in [Registration::Off, Registration::Invitation] {
        let world = world(AccountSettings { registration, ..open() }).await;
        let answer = world.get(&authorize_url(&[("prompt", "create")])).await;
        answer.expect_redirect_error(REDIRECT, "invalid_request");
        let discovery = world.get("/.well-known/openid-configuration").await.json();
        let prompts = discovery["prompt_values_supported"].as_array().unwrap().clone();
        assert!(!prompts.contains(&json!("create")), "{prompts:?}");
        world.get("/account/register").await.expect_error_page(StatusCode::NOT_FOUND);
        assert!(!world.get("/account/login").await.body.contains("/account/register"));
    }
    let open = world(open()).await;
    let answer = open.get(&authorize_url(&[("prompt", "create none")])).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request");
    assert!(open.get("/account/login").await.body.contains("/account/register"));
}

#[tokio::test]
async fn a_taken_name_is_refused_and_the_link_works_on() {
    let world = world(open()).await;
    let link = link_to(&world, EMAIL).await;
    let mut browser = Browser::new(&world);
    for (username, hint) in [
        (" ALICE ", "Somebody else"),
        ("carol@example.com", "without @"),
        ("a\nb", "Choose a user name"),
        ("", "Choose a user name"),
    ] {
        let answer = finish(&mut browser, &link, username).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{username:?}");
        assert!(answer.page().text.contains(hint), "{answer:?}");
    }
    assert_eq!(finish(&mut browser, &link, "grace").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_address_is_the_name_where_users_sign_in_by_it() {
    let sign_in_with = SignInWith { username: false, email: true };
    let world = world(AccountSettings { sign_in_with, ..open() }).await;
    let link = link_to(&world, EMAIL).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await.page();
    assert!(page.input("username").is_none());
    let fields = [("username", "alice"), ("password", GOOD), ("repeated", GOOD), ("asked", "true")];
    let done = browser.submit(&page, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    assert_eq!(user(&world, EMAIL).await.unwrap().username, EMAIL);
    let mut later = Browser::new(&world);
    assert_eq!(later.sign_in("GRACE@example.com", GOOD, None).await.status, StatusCode::SEE_OTHER);
}

/// Who has the name may have had the address before.
#[tokio::test]
async fn an_address_that_is_somebodys_name_keeps_nobody_out_who_signs_in_by_it() {
    let sign_in_with = SignInWith { username: false, email: true };
    let world = world(AccountSettings { sign_in_with, ..open() }).await;
    for (sub, username) in [("1", EMAIL), ("2", "grace")] {
        let (sub, username) = (sub.parse().unwrap(), username.to_owned());
        world.import(User { sub, username, claims: Arc::default(), ..alice() }).await;
    }
    let link = link_to(&world, EMAIL).await;
    let mut browser = Browser::new(&world);
    let answer = finish(&mut browser, &link, "").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{answer:?}");
    let found = world.store().user_by_email(EMAIL).await.unwrap().unwrap();
    assert_eq!(found.username, "grace-2");
    assert_eq!(Browser::new(&world).sign_in(EMAIL, GOOD, None).await.location(), "/");
}

#[tokio::test]
async fn of_many_uses_of_a_link_at_once_one_adds_a_user() {
    let world = world(open()).await;
    let link = link_to(&world, EMAIL).await;
    let uses = (0..64).map(|number| {
        let (world, link) = (&world, link.clone());
        async move {
            let mut browser = Browser::new(world);
            let page = browser.get(&link).await;
            if page.status != StatusCode::OK {
                return false;
            }
            let username = format!("grace-{number}");
            let fields = [
                ("username", username.as_str()),
                ("password", GOOD),
                ("repeated", GOOD),
                ("asked", "true"),
            ];
            let answer = browser.submit(&page.page(), &fields).await;
            answer.status == StatusCode::SEE_OTHER
        }
    });
    let added = join_all(uses).await.into_iter().filter(|added| *added).count();
    assert_eq!(added, 1);
}

#[tokio::test]
async fn two_links_of_one_address_make_one_account() {
    let world = world(open()).await;
    let (first, second) = (link_to(&world, EMAIL).await, link_to(&world, EMAIL).await);
    let mut other = Browser::new(&world);
    let opened_before = other.get(&second).await.page();
    let mut browser = Browser::new(&world);
    assert_eq!(finish(&mut browser, &first, "grace").await.status, StatusCode::SEE_OTHER);
    let late = other.submit(&opened_before, &fields("hopper")).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);
    assert_eq!(other.get(&second).await.status, StatusCode::NOT_FOUND);
    assert!(user(&world, "hopper").await.is_none());
}

#[tokio::test]
async fn only_addresses_of_the_listed_domains_register() {
    let allowed_domains = vec!["example.org".to_owned()];
    let world = world(AccountSettings { allowed_domains, ..open() }).await;
    let mut browser = Browser::new(&world);
    let refused = ask(&mut browser, "/account/register", EMAIL).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(world.mails().await.is_empty());
    link_to(&world, "grace@example.org").await;
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let world = world(open()).await;
    let long = format!("{}@example.com", "x".repeat(300));
    for typed in [
        "grace",
        "a@b@c",
        "grace@example.com\r\nBcc: eve@example.com",
        "\"grace\"@example.com",
        long.as_str(),
        "<script>@example.com",
    ] {
        let answer = ask(&mut Browser::new(&world), "/account/register", typed).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{typed:?}");
    }
    assert!(world.mails().await.is_empty());
    link_to(&world, "gr\u{e4}ce@b\u{fc}cher.example").await;
}

#[tokio::test]
async fn registrations_under_way_end_when_registration_is_switched_off() {
    let world = world(open()).await;
    let link = link_to(&world, EMAIL).await;
    assert_eq!(world.get(&link).await.status, StatusCode::OK);
    let closed =
        world.with_accounts(AccountSettings { registration: Registration::Invitation, ..open() });
    assert_eq!(closed.await.get(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_takes_a_name_that_looks_like_another_one() {
    let world = world(open()).await;
    // The second is Cyrillic among Latin letters, the third Cyrillic alone, as "copa".
    world.import(crate::support::user("copa", "copa", &[])).await;
    let mut browser = Browser::new(&world);
    let link = link_to(&world, EMAIL).await;
    for name in ["admin", "\u{430}lice", "\u{441}\u{43e}\u{440}\u{430}", "ali\u{200b}ce"] {
        let refused = finish(&mut browser, &link, name).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name}: {refused:?}");
    }
    assert_eq!(finish(&mut browser, &link, "grace").await.status, StatusCode::SEE_OTHER);
}

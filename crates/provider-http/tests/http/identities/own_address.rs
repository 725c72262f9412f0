//! `/account/confirm-email`: the way to a password for users whose provider never asks again.

use std::sync::Arc;

use axum::http::StatusCode;
use doorward_provider::{
    model::{
        account_settings::AccountSettings, external_identity::UpstreamUser, outbox::MailKind,
        user::User,
    },
    use_case::upstream::UpstreamError,
};

use super::links;
use crate::support::{Browser, Elsewhere, Setup, World, elsewhere, state_of, user_of};

const PAGE: &str = "/account/confirm-email";
const ADDRESS: &str = "ada@example.net";
const PASSWORD: &str = "violet kettle marches north";

/// Somebody of whom the provider says this address, and not when they signed in.
fn ada(email: &str) -> UpstreamUser {
    let mut user = user_of("one", "ada");
    user.claims.insert("email".to_owned(), email.into());
    user
}

async fn world(mail: bool) -> (World, Arc<Elsewhere>) {
    let one = elsewhere("one");
    let client = Arc::clone(&one.1);
    let accounts = AccountSettings { mail, ..AccountSettings::default() };
    (World::with(Setup { accounts, ..Setup::with_elsewhere(vec![one]) }).await, client)
}

/// A browser in which somebody has signed in there, and come back to a page of the account.
async fn come<'w>(
    world: &'w World,
    one: &Elsewhere,
    user: UpstreamUser,
    page: &str,
) -> Browser<'w> {
    let mut browser = Browser::new(world);
    let login = browser.login_page(Some(page)).await;
    let away = browser.press(&login, "one", &[]).await;
    assert!(!one.asked().last().unwrap().again, "the page needs no fresh sign-in");
    one.answers(Ok(user));
    let back = browser.come_back("one", &state_of(&away)).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, page), "{back:?}");
    browser
}

async fn stored(world: &World) -> User {
    world.store().user_by_username("ada").await.unwrap().unwrap()
}

/// The path and query of the link in the mail to this address.
async fn link_to(world: &World, address: &str, kind: MailKind) -> String {
    let mail = world.mail_to(address).await;
    assert_eq!(mail.kind, kind);
    let url = url::Url::parse(mail.data["link"].as_str().unwrap()).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

async fn forgot_password(browser: &mut Browser<'_>) {
    let page = browser.get("/account/forgot-password").await.page();
    let asked = browser.submit(&page, &[("account", "ada")]).await;
    assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
}

#[tokio::test]
async fn a_confirmed_address_leads_to_a_password_and_to_all_pages_of_the_account() {
    let (world, one) = world(true).await;
    let mut browser = come(&world, &one, ada(ADDRESS), "/account").await;
    assert!(browser.get("/account/password").await.location().starts_with("/account/login"));
    let mut elsewhere = Browser::new(&world);
    forgot_password(&mut elsewhere).await;
    assert!(world.mails().await.is_empty(), "the address is not known to be theirs");

    let index = browser.get("/account").await.page();
    assert!(index.all("a").any(|link| link.attribute("href") == Some(PAGE)));
    let page = browser.get(PAGE).await.page();
    let sent = browser.submit(&page, &[]).await;
    assert!(sent.status == StatusCode::OK && sent.body.contains(ADDRESS), "{sent:?}");
    let link = link_to(&world, ADDRESS, MailKind::VerifyEmail).await;

    // The link alone confirms nothing, and neither does it in a session of somebody else.
    for mut other in [Browser::new(&world), Browser::signed_in(&world, "carol").await] {
        let page = other.get(&link).await.page();
        assert!(page.text.contains("Sign in as ada"), "{}", page.text);
        assert_eq!(stored(&world).await.verified_email(), None);
    }
    let question = browser.get(&link).await.page();
    let confirmed = browser.submit(&question, &[]).await;
    let confirmed_page = confirmed.page();
    let mut next = confirmed_page.all("a").filter_map(|link| link.attribute("href"));
    assert!(next.any(|link| link == "/account/forgot-password"), "{confirmed:?}");
    assert_eq!(stored(&world).await.verified_email().as_deref(), Some(ADDRESS));
    let still = browser.get("/account/password").await;
    assert_eq!(still.status, StatusCode::SEE_OTHER, "a mailbox is no fresh sign-in");
    let index = browser.get("/account").await.page();
    assert!(!index.all("a").any(|link| link.attribute("href") == Some(PAGE)));

    forgot_password(&mut browser).await;
    let link = link_to(&world, ADDRESS, MailKind::ResetPassword).await;
    let page = browser.get(&link).await.page();
    browser.submit(&page, &[("password", PASSWORD), ("repeated", PASSWORD)]).await;
    let back = browser.sign_in("ada", PASSWORD, Some("/account/identities")).await;
    assert_eq!(back.location(), "/account/identities");
    for page in ["identities", "email", "password", "passkeys", "data"] {
        let page = format!("/account/{page}");
        assert_eq!(browser.get(&page).await.status, StatusCode::OK, "{page}");
    }
    assert_eq!(links(&world, &stored(&world).await.sub).await.len(), 1, "they come as before, too");
}

#[tokio::test]
async fn an_address_of_somebody_else_is_not_confirmed_and_links_nobody() {
    let (world, one) = world(true).await;
    let mut browser = come(&world, &one, ada("carol@example.com"), PAGE).await;
    let page = browser.get(PAGE).await.page();
    let token = page.value("form_token").unwrap().to_owned();
    let sent = browser.submit(&page, &[]).await;
    assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
    let mail = world.mail_to("carol@example.com").await;
    assert_eq!(mail.kind, MailKind::AccountExists);
    assert!(!mail.data["link"].as_str().unwrap().contains("token"));
    // Only the account's own address gets a link, whatever is sent.
    let fields = [("form_token", token.as_str()), ("email", "eve@example.com")];
    browser.post(PAGE, &fields).await;
    assert!(world.mails().await.iter().all(|mail| mail.to == "carol@example.com"));
    let forged = browser.post(PAGE, &[("form_token", "x")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST, "{forged:?}");
    assert_eq!(stored(&world).await.verified_email(), None);
    assert!(links(&world, "carol").await.is_empty());
}

#[tokio::test]
async fn the_page_is_for_users_who_have_an_address_to_confirm() {
    let (world, one) = world(true).await;
    let mut browser = come(&world, &one, user_of("one", "ada"), PAGE).await;
    let page = browser.get(PAGE).await;
    assert!(page.body.contains("has no e-mail address"), "{page:?}");
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    browser.post(PAGE, &[("form_token", &token)]).await;
    let mut alice = Browser::signed_in(&world, "alice").await;
    let page = alice.get(PAGE).await.page();
    assert!(page.all("form").next().is_none(), "hers is confirmed: {}", page.text);
    let token = alice.cookie("doorward.form").unwrap().to_owned();
    alice.post(PAGE, &[("form_token", &token)]).await;
    assert!(world.mails().await.is_empty());

    let (world, one) = self::world(false).await;
    let mut browser = come(&world, &one, ada(ADDRESS), "/account").await;
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("email", "ada@example.org")];
    assert_eq!(browser.get(PAGE).await.status, StatusCode::NOT_FOUND, "without mail");
    assert_eq!(browser.post(PAGE, &fields).await.status, StatusCode::NOT_FOUND);
    let mut alice = Browser::signed_in(&world, "alice").await;
    let token = alice.cookie("doorward.form").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("email", "ada@example.org")];
    assert_eq!(alice.post("/account/email", &fields).await.status, StatusCode::NOT_FOUND);
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn a_sign_in_that_is_too_old_says_what_else_there_is() {
    for mail in [true, false] {
        let (world, one) = world(mail).await;
        let mut browser = come(&world, &one, ada(ADDRESS), "/account").await;
        let login = browser.login_page(Some("/account/password")).await;
        let away = browser.press(&login, "one", &[]).await;
        assert!(one.asked().last().unwrap().again);
        one.answers(Err(UpstreamError::TooOld("no auth_time".to_owned())));
        let refused = browser.come_back("one", &state_of(&away)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
        let page = refused.page();
        let leads = page.all("a").any(|link| link.attribute("href") == Some(PAGE));
        assert_eq!(leads, mail, "{}", page.text);
    }
}

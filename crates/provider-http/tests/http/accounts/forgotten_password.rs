//! A forgotten password is replaced by a link that is mailed.

use axum::http::StatusCode;
use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        account_settings::AccountSettings,
        external_identity::{ExternalId, StoredIdentity},
        identity_provider::IdentityProviderName,
        outbox::MailKind,
        user::{User, UserClaims},
    },
    store::{IdentityLink, LinkedBy},
};
use futures::future::join_all;

use super::{GOOD, link, open, taken, world};
use crate::support::{Answer, Browser, Setup, World, alice, authorize_url, elsewhere, user};

const PAGE: &str = "/account/forgot-password";

async fn ask(world: &World, account: &str) -> Answer {
    let mut browser = Browser::new(world);
    let page = browser.get(PAGE).await.page();
    browser.submit(&page, &[("account", account)]).await
}

/// A link to set another password of alice.
async fn link_of_alice(world: &World) -> String {
    assert_eq!(ask(world, "alice").await.status, StatusCode::OK);
    link(&world.mail_to("alice@example.com").await)
}

async fn set(world: &World, link: &str, password: &str) -> Answer {
    let mut browser = Browser::new(world);
    let page = browser.get(link).await.page();
    let fields = [("password", password), ("repeated", password), ("asked", "true")];
    browser.submit(&page, &fields).await
}

#[tokio::test]
async fn it_is_replaced_and_everything_of_the_old_one_ends() {
    let world = world(open()).await;
    let mut signed_in = Browser::signed_in(&world, "alice").await;
    let tokens = signed_in.tokens(&[("scope", "openid offline_access")]).await;
    let link = link_of_alice(&world).await;
    let answer = set(&world, &link, GOOD).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(answer.page().text.contains("Your password is changed"));
    assert!(
        answer
            .headers
            .get_all("set-cookie")
            .iter()
            .all(|cookie| { !cookie.to_str().unwrap().contains("session") })
    );
    assert_eq!(signed_in.get("/").await.status, StatusCode::SEE_OTHER, "signed out");
    let refreshed = world.refresh(&tokens["refresh_token"]).await;
    assert_eq!(refreshed.error(), "invalid_grant");
    let told = world.mail_to("alice@example.com").await;
    assert_eq!(told.kind, MailKind::PasswordChanged);
    assert!(!told.data.contains_key("link"));
    let mut browser = Browser::new(&world);
    let wrong = browser.sign_in("alice", "alice", None).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.sign_in("alice", GOOD, None).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_link_works_once_and_looking_at_it_does_not_count() {
    let world = world(open()).await;
    let link = link_of_alice(&world).await;
    for _ in 0..3 {
        assert_eq!(world.get(&link).await.status, StatusCode::OK);
    }
    assert_eq!(set(&world, &link, GOOD).await.status, StatusCode::OK);
    let again = world.get(&link).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(again.page().text.contains("does not work any more"));
}

#[tokio::test]
async fn of_many_uses_at_once_one_succeeds() {
    let world = world(open()).await;
    let link = link_of_alice(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await.page();
    let (action, mut fields) = (page.form_action().to_owned(), page.fields());
    fields.push(("password".to_owned(), GOOD.to_owned()));
    fields.push(("repeated".to_owned(), GOOD.to_owned()));
    fields.push(("asked".to_owned(), "true".to_owned()));
    let cookie = format!("doorward.form={}", browser.cookie("doorward.form").unwrap());
    let uses = (0..64).map(|_| async {
        let pairs: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut browser = Browser::new(&world);
        let (_, value) = cookie.split_once('=').unwrap();
        browser.set_cookie("doorward.form", value);
        browser.post(&action, &pairs).await.status
    });
    let statuses = join_all(uses).await;
    let succeeded = statuses.iter().filter(|status| **status == StatusCode::OK).count();
    assert_eq!(succeeded, 1, "{statuses:?}");
    let told = world.mails().await;
    assert_eq!(told.len(), 1, "the owner is told once: {told:?}");
}

#[tokio::test]
async fn a_link_expires_and_ends_with_the_password_it_was_for() {
    let world = world(open()).await;
    let (first, second) = (link_of_alice(&world).await, link_of_alice(&world).await);
    assert_eq!(set(&world, &first, GOOD).await.status, StatusCode::OK);
    assert_eq!(world.get(&second).await.status, StatusCode::NOT_FOUND);
    world.mail_to("alice@example.com").await;
    let third = link_of_alice(&world).await;
    world.clock.advance(899);
    assert_eq!(world.get(&third).await.status, StatusCode::OK);
    world.clock.advance(1);
    assert_eq!(world.get(&third).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_is_for_nothing_else() {
    let world = world(open()).await;
    let link = link_of_alice(&world).await;
    let token = link.split_once('?').unwrap().1;
    for page in ["/account/verify-email", "/account/invitation"] {
        assert_eq!(world.get(&format!("{page}?{token}")).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(world.get(&link).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_way_back_to_the_client_is_kept() {
    let world = world(open()).await;
    let request = authorize_url(&[]);
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&request).await;
    let login = browser.get(to_login.location()).await.page();
    let way = login.all("a").find_map(|link| link.attribute("href")).unwrap().to_owned();
    assert!(way.starts_with(PAGE), "{way}");
    let page = browser.get(&way).await.page();
    browser.submit(&page, &[("account", "alice@example.com")]).await;
    let link = link(&world.mail_to("alice@example.com").await);
    let done = set(&world, &link, GOOD).await.page();
    let back = done.all("a").find_map(|link| link.attribute("href")).unwrap().to_owned();
    assert_eq!(back, to_login.location());
}

#[tokio::test]
async fn a_password_that_is_easy_to_guess_uses_no_link_up() {
    let world = world(open()).await;
    let link = link_of_alice(&world).await;
    for (password, hint) in [
        ("short", "at least 12"),
        ("password1234", "easy to guess"),
        ("alice alice alice", "easy to guess"),
    ] {
        let answer = set(&world, &link, password).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{password}");
        assert!(answer.page().text.contains(hint), "{answer:?}");
        assert_eq!(answer.page().value("password"), None, "{answer:?}");
    }
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await.page();
    let differing = browser.submit(&page, &[("password", GOOD), ("repeated", "another")]).await;
    assert_eq!(differing.status, StatusCode::BAD_REQUEST);
    assert_eq!(set(&world, &link, GOOD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_disabled_user_gets_no_link_and_can_use_none() {
    let world = world(open()).await;
    let link = link_of_alice(&world).await;
    world.disable("alice").await;
    assert_eq!(world.get(&link).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&world, "alice").await.status, StatusCode::OK);
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_verified_gets_no_link() {
    let world = world(open()).await;
    let mut user = alice();
    user.claims_mut().insert("email_verified".to_owned(), false.into());
    world.import(user).await;
    assert_eq!(ask(&world, "alice").await.status, StatusCode::OK);
    assert_eq!(ask(&world, "alice@example.com").await.status, StatusCode::OK);
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn a_user_without_a_password_gets_one() {
    let world = world(open()).await;
    world.import(User { password_hash: None, ..alice() }).await;
    let mut browser = Browser::new(&world);
    let refused = browser.sign_in("alice", "alice", None).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let link = link_of_alice(&world).await;
    assert_eq!(set(&world, &link, GOOD).await.status, StatusCode::OK);
    assert_eq!(browser.sign_in("alice", GOOD, None).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn links_are_limited_by_account_and_by_address() {
    let world = world(AccountSettings { most_links_per_address: 5, ..open() }).await;
    for _ in 0..5 {
        assert_eq!(ask(&world, "alice").await.status, StatusCode::OK);
    }
    assert_eq!(world.mails().await.len(), 3, "no more than three are on their way");
    let throttled = ask(&world, "carol").await;
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(throttled.header("retry-after"), "1");
    world.clock.advance(1);
    assert_eq!(ask(&world, "carol").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_mail_there_is_no_such_page_and_no_link_to_it() {
    let world = World::new().await;
    for page in [PAGE, "/account/reset-password?token=x", "/account/verify-email?token=x"] {
        world.get(page).await.expect_error_page(StatusCode::NOT_FOUND);
    }
    let login = world.get("/account/login").await;
    assert!(!login.body.contains(PAGE));
}

#[tokio::test]
async fn forged_forms_change_nothing() {
    let world = world(open()).await;
    let forged = Browser::new(&world).post(PAGE, &[("account", "alice")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert!(world.mails().await.is_empty());
    let link = link_of_alice(&world).await;
    let token = link.split_once("token=").unwrap().1;
    let fields = [("token", token), ("password", GOOD), ("repeated", GOOD), ("asked", "true")];
    let forged = Browser::new(&world).post("/account/reset-password", &fields).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert_eq!(set(&world, &link, GOOD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_that_is_opened_elsewhere_asks_whether_it_is_ones_own() {
    let world = world(open()).await;
    let mut asking = Browser::new(&world);
    let page = asking.get(PAGE).await.page();
    asking.submit(&page, &[("account", "alice")]).await;
    let link = link(&world.mail_to("alice@example.com").await);
    let here = asking.get(&link).await;
    assert!(!here.body.contains("another browser"), "{here:?}");
    // Somebody had a link sent to the owner, who opens it without a thought.
    let mut elsewhere = Browser::new(&world);
    let warned = elsewhere.get(&link).await;
    assert!(warned.page().text.contains("asked for in another browser"), "{warned:?}");
    let fields = [("password", GOOD), ("repeated", GOOD)];
    let refused = elsewhere.submit(&warned.page(), &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert!(refused.page().text.contains("Tick the box"));
    let set = asking.submit(&here.page(), &fields).await;
    assert_eq!(set.status, StatusCode::OK, "the link works on: {set:?}");
}

#[tokio::test]
async fn strangers_who_guess_do_not_keep_the_owner_out_who_has_the_mailbox() {
    let world = world(open()).await;
    for number in 0..40 {
        let address = format!("198.51.100.{}", number / 4).parse().unwrap();
        Browser::at(&world, address).sign_in("alice", "wrong", None).await;
    }
    let here = "203.0.113.1".parse().unwrap();
    let waits = Browser::at(&world, here).sign_in("alice", "alice", None).await;
    assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS, "{waits:?}");
    let link = link_of_alice(&world).await;
    let mut browser = Browser::at(&world, here);
    let page = browser.get(&link).await.page();
    let fields = [("password", GOOD), ("repeated", GOOD), ("asked", "true")];
    assert_eq!(browser.submit(&page, &fields).await.status, StatusCode::OK);
    assert_eq!(browser.session(), None, "it signs nobody in");
    let elsewhere = Browser::at(&world, here).sign_in("alice", GOOD, None).await;
    assert_eq!(elsewhere.status, StatusCode::TOO_MANY_REQUESTS, "{elsewhere:?}");
    assert_eq!(browser.sign_in("alice", GOOD, None).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_ways_in_that_stay_are_shown() {
    let one = elsewhere("one");
    let (title, issuer) = (one.0.title.clone(), one.0.issuer.clone());
    let setup = Setup { accounts: open(), ..Setup::with_elsewhere(vec![one]) };
    let world = World::with(setup).await;
    crate::factors::add_passkey(&world, "alice", 1, "The thief's key").await;
    let identity = StoredIdentity {
        id: ExternalId::parse(&issuer, "thief").unwrap(),
        sub: "alice".parse().unwrap(),
        provider: IdentityProviderName::parse("one").unwrap(),
        shown: Some("thief@example.net".to_owned()),
        mapped: UserClaims::default(),
        created_at: world.provider.now(),
        used_at: None,
    };
    let added = IdentityLink { identity, by: LinkedBy::Request, most: 5 };
    world.store().add_external_identity(added, AccountNotices::default()).await.unwrap();
    let link = link_of_alice(&world).await;
    let done = set(&world, &link, GOOD).await;
    for way_in in ["The thief's key", &format!("{title} (thief@example.net)")] {
        assert!(done.page().text.contains(way_in), "{done:?}");
    }
}

#[tokio::test]
async fn a_mailbox_gets_no_more_links_however_its_address_is_written() {
    let world = world(open()).await;
    let mut sent = 0;
    for number in 0..15 {
        let email = format!("new.comer+{number}@example.com");
        let mut browser = Browser::at(&world, format!("198.51.100.{number}").parse().unwrap());
        let page = browser.get("/account/register").await.page();
        let answer = browser.submit(&page, &[("email", &email)]).await;
        assert_eq!(answer.status, StatusCode::OK, "nobody is told: {answer:?}");
        sent = world.mails().await.len();
    }
    assert_eq!(sent, 10);
    world.clock.advance(3600);
    ask(&world, "nobody").await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/account/register").await.page();
    browser.submit(&page, &[("email", "newcomer@example.com")]).await;
    assert_eq!(
        world.mails().await.iter().filter(|mail| mail.to.starts_with("newcomer@")).count(),
        1
    );
}

#[tokio::test]
async fn an_ipv6_site_can_not_ask_from_each_of_its_networks() {
    let settings = AccountSettings { most_links_per_address: 2, ..open() };
    let world = world(settings).await;
    let mut refused = 0;
    for number in 0..30 {
        let address = format!("2001:db8:1:{number:x}::1").parse().unwrap();
        let mut browser = Browser::at(&world, address);
        let page = browser.get(PAGE).await.page();
        let account = format!("nobody-{number}");
        let answer = browser.submit(&page, &[("account", account.as_str())]).await;
        refused += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 10);
}

#[tokio::test]
async fn all_together_ask_for_no_more_than_the_mail_server_should_send() {
    // Half of them are for those who are known.
    let settings = AccountSettings { most_links_per_hour: 10, ..open() };
    let world = world(settings).await;
    let ask_from = async |number: u32| {
        let address = format!("198.51.100.{number}").parse().unwrap();
        let mut browser = Browser::at(&world, address);
        let page = browser.get(PAGE).await.page();
        let account = format!("nobody-{number}");
        browser.submit(&page, &[("account", account.as_str())]).await
    };
    for number in 0..5 {
        assert_eq!(ask_from(number).await.status, StatusCode::OK);
    }
    let refused = ask_from(6).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    world.clock.advance(3600);
    assert_eq!(ask_from(7).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_asks_in_vain_does_not_keep_the_owner_from_a_link() {
    let world = world(open()).await;
    for _ in 0..10 {
        assert_eq!(ask(&world, "alice").await.status, StatusCode::OK);
    }
    assert_eq!(world.mails().await.len(), 3);
    world.clock.advance(901);
    let link = link_of_alice(&world).await;
    assert_eq!(set(&world, &link, GOOD).await.status, StatusCode::OK);
}

/// Asks from as many addresses as have links in this hour, and returns how many got an answer.
async fn strangers_ask(world: &World) -> usize {
    let mut answered = 0;
    for number in 0..20 {
        let address = format!("198.51.100.{number}").parse().unwrap();
        let mut browser = Browser::at(world, address);
        let page = browser.get(PAGE).await.page();
        let account = format!("nobody-{number}");
        let answer = browser.submit(&page, &[("account", account.as_str())]).await;
        answered += usize::from(answer.status == StatusCode::OK);
    }
    answered
}

#[tokio::test]
async fn strangers_do_not_use_up_what_is_kept_for_who_is_known() {
    let settings = AccountSettings { most_links_per_hour: 10, ..open() };
    let world = world(settings).await;
    let mut known = Browser::signed_in(&world, "alice").await;
    assert_eq!(strangers_ask(&world).await, 5);
    assert_eq!(ask(&world, "alice").await.status, StatusCode::TOO_MANY_REQUESTS, "a stranger");
    // By a session.
    let page = known.get("/account/email").await.page();
    let asked = known.submit(&page, &[("email", "alice@example.org")]).await;
    assert!(asked.status.is_success() || asked.status.is_redirection(), "{asked:?}");
    assert_eq!(world.mail_to("alice@example.org").await.kind, MailKind::ChangeEmail);
    // By the cookie of the browser, for the account that it is of alone.
    let ask_in = async |browser: &mut Browser<'_>, account: &str| {
        let page = browser.get(PAGE).await.page();
        browser.submit(&page, &[("account", account)]).await.status
    };
    assert_eq!(ask_in(&mut known, "alice").await, StatusCode::OK);
    assert_eq!(world.mail_to("alice@example.com").await.kind, MailKind::ResetPassword);
    assert_eq!(ask_in(&mut known, "carol").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask_in(&mut known, "nobody").await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn one_user_does_not_use_up_the_hour_from_many_addresses() {
    let settings = AccountSettings { most_links_per_address: 2, ..open() };
    let world = world(settings).await;
    let signed_in = Browser::signed_in(&world, "alice").await;
    let cookie = signed_in.cookie("doorward.device").unwrap();
    let mut statuses = Vec::new();
    for number in 0..4 {
        let address = format!("198.51.100.{number}").parse().unwrap();
        let mut browser = Browser::at(&world, address);
        browser.set_cookie("doorward.device", cookie);
        let page = browser.get(PAGE).await.page();
        statuses.push(browser.submit(&page, &[("account", "alice")]).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
}

#[tokio::test]
async fn mails_that_strangers_ask_for_do_not_keep_the_owner_from_one() {
    let world = world(open()).await;
    let mut known = Browser::signed_in(&world, "alice").await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        for _ in 0..4 {
            ask(&world, "alice").await;
        }
        sent.push(world.mails().await.len());
        world.clock.advance(901);
    }
    assert_eq!(sent, [3, 3, 3, 1, 0], "the mailbox gets ten");
    let page = known.get(PAGE).await.page();
    known.submit(&page, &[("account", "alice")]).await;
    assert_eq!(world.mail_to("alice@example.com").await.kind, MailKind::ResetPassword);
}

#[tokio::test]
async fn what_nobody_is_called_uses_nothing_up_of_an_owner() {
    let settings = AccountSettings { most_links_per_address: 100, ..open() };
    let world = world(settings).await;
    let mut user = alice();
    user.claims_mut().insert("email".to_owned(), "al.ice+home@example.com".into());
    world.import(user).await;
    // The same mailbox, in another writing, which nobody has here.
    for _ in 0..4 {
        for _ in 0..4 {
            ask(&world, "alice@example.com").await;
        }
        world.clock.advance(901);
    }
    for typed in ["sub alice", "sub alice for an administrator"] {
        for _ in 0..4 {
            ask(&world, typed).await;
        }
    }
    assert!(world.mails().await.is_empty());
    ask(&world, "alice").await;
    let sent = world.mail_to("al.ice+home@example.com").await;
    assert_eq!(sent.kind, MailKind::ResetPassword);
}

#[tokio::test]
async fn links_of_strangers_on_their_way_do_not_keep_the_owner_from_one() {
    let world = world(open()).await;
    let mut known = Browser::signed_in(&world, "alice").await;
    let of_strangers = link_of_alice(&world).await;
    for _ in 0..3 {
        ask(&world, "alice").await;
    }
    assert_eq!(taken(&world).await.len(), 2, "three are on their way");
    let mut ask_in_known = async || {
        let page = known.get(PAGE).await.page();
        known.submit(&page, &[("account", "alice")]).await.status
    };
    assert_eq!(ask_in_known().await, StatusCode::OK);
    let sent = world.mail_to("alice@example.com").await;
    assert_eq!(sent.kind, MailKind::ResetPassword);
    for _ in 0..4 {
        ask_in_known().await;
    }
    assert_eq!(world.mails().await.len(), 2, "the owner has three, too");
    assert_eq!(set(&world, &link(&sent), GOOD).await.status, StatusCode::OK);
    assert_eq!(world.get(&of_strangers).await.status, StatusCode::NOT_FOUND, "none is left");
}

#[tokio::test]
async fn the_owner_of_an_address_that_looks_the_same_uses_nothing_up() {
    let settings = AccountSettings { most_links_per_address: 100, ..open() };
    let world = world(settings).await;
    let mut carol = user("carol", "carol", &[]);
    carol.claims_mut().insert("email".to_owned(), "al.ice@example.com".into());
    world.import(carol).await;
    let ask_in = async |browser: &mut Browser<'_>, account: &str| {
        let page = browser.get(PAGE).await.page();
        browser.submit(&page, &[("account", account)]).await
    };
    let mut browser = Browser::signed_in(&world, "carol").await;
    for _ in 0..5 {
        for _ in 0..4 {
            ask_in(&mut browser, "carol").await;
        }
        world.clock.advance(901);
    }
    let mut browser = Browser::signed_in(&world, "alice").await;
    ask_in(&mut browser, "alice").await;
    assert_eq!(world.mail_to("alice@example.com").await.kind, MailKind::ResetPassword);
}

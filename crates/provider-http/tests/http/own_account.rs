//! `/account`: what signed-in users see and change of their own accounts.

use axum::http::StatusCode;
use doorward_protocol::ids::Sub;
use doorward_provider::model::{
    account_settings::{AccountSettings, SignInWith},
    outbox::MailKind,
    user::User,
};
use serde_json::{Value, json};

use crate::factors::{add_passkey, set_up_app};
use crate::support::{Answer, Browser, Setup, World};

const NEW: &str = "pflaume dachstuhl eimer";

/// A provider that can send mail and lets users delete themselves.
async fn world() -> World {
    let accounts =
        AccountSettings { mail: true, allow_deletion: true, ..AccountSettings::default() };
    World::with(Setup { accounts, ..Setup::default() }).await
}

/// Fills in the form of a page.
async fn fill(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    browser.submit(&page.page(), fields).await
}

async fn user(world: &World) -> Option<User> {
    world.store().user(&Sub::parse("alice").unwrap()).await.unwrap()
}

async fn claim(world: &World, name: &str) -> Option<Value> {
    user(world).await.unwrap().claims.0.get(name).cloned()
}

#[tokio::test]
async fn the_page_has_a_link_to_each_section() {
    let world = world().await;
    let answer = world.get("/account").await;
    let to_login = "/account/login?return_url=%2Faccount";
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to_login));
    let mut browser = Browser::signed_in(&world, "alice").await;
    let index = browser.get("/account").await.page();
    let links: Vec<_> = index.all("a").filter_map(|link| link.attribute("href")).collect();
    for path in ["profile", "email", "password", "sessions", "activity", "data", "delete"] {
        let path = format!("/account/{path}");
        assert!(links.contains(&path.as_str()), "{path}: {links:?}");
        assert_eq!(browser.get(&path).await.status, StatusCode::OK, "{path}");
    }
    assert!(links.contains(&"/grants"));
    let home = browser.get("/").await.page();
    assert!(home.all("a").any(|link| link.attribute("href") == Some("/account")));
}

#[tokio::test]
async fn changes_need_a_fresh_sign_in_and_then_go_on() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    world.clock.advance(301);
    for path in ["profile", "email", "password", "data", "delete"] {
        let path = format!("/account/{path}");
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location().starts_with("/account/login?"), "{}", answer.location());
        let token = browser.cookie("doorward.form").unwrap_or_default().to_owned();
        let posted = browser.post(&path, &[("form_token", &token), ("sure", "true")]).await;
        assert_eq!(posted.status, StatusCode::SEE_OTHER, "{path}");
    }
    for path in ["/account", "/account/sessions", "/account/activity"] {
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
    }
    let back = browser.sign_in("alice", "alice", Some("/account/profile")).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/account/profile"));
    assert_eq!(browser.get("/account/profile").await.status, StatusCode::OK);
    // Nobody knows how long ago a sign-in was that is so far ahead.
    world.clock.advance(-301);
    assert_eq!(browser.get("/account/profile").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_claims_that_are_allowed_are_changed_and_no_others() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let fields = [("nickname", " Al "), ("role", "owner"), ("email", "eve@example.com")];
    let saved = fill(&mut browser, "/account/profile", &fields).await;
    assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
    assert_eq!(claim(&world, "nickname").await, Some("Al".into()));
    assert_eq!(claim(&world, "email").await, Some("alice@example.com".into()));
    assert_ne!(claim(&world, "role").await, Some("owner".into()));

    let refused = fill(&mut browser, "/account/profile", &[("picture", "javascript:1")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("javascript:1"), "what was typed stays in the field");
    assert_eq!(claim(&world, "picture").await, None);

    let token = "A".repeat(43);
    let fields = [("form_token", token.as_str()), ("nickname", "Forged")];
    let forged = browser.post("/account/profile", &fields).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    fill(&mut browser, "/account/profile", &[("nickname", "")]).await;
    assert_eq!(claim(&world, "nickname").await, None);
}

#[tokio::test]
async fn an_address_is_changed_by_its_link_only_and_the_one_before_is_told() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for typed in ["nobody", "a@b.example\r\nBcc: c@d.example", &"x".repeat(300)] {
        let refused = fill(&mut browser, "/account/email", &[("email", typed)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{typed:?}");
    }
    let sent = fill(&mut browser, "/account/email", &[("email", "al@new.example")]).await;
    assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
    assert_eq!(claim(&world, "email").await, Some("alice@example.com".into()));
    let [mail] = world.mails().await.try_into().unwrap();
    assert_eq!((mail.kind, mail.to.as_str()), (MailKind::ChangeEmail, "al@new.example"));

    let link = mail.data["link"].as_str().unwrap();
    let path = link.strip_prefix("http://localhost:6001").unwrap().to_owned();
    let page = browser.get(&path).await.page();
    assert_eq!(claim(&world, "email").await, Some("alice@example.com".into()));
    browser.submit(&page, &[]).await;
    assert_eq!(claim(&world, "email").await, Some("al@new.example".into()));
    assert_eq!(claim(&world, "email_verified").await, Some(true.into()));
    let mails = world.mails().await;
    let told: Vec<_> = mails.iter().map(|mail| (mail.kind, mail.to.as_str())).collect();
    assert!(told.contains(&(MailKind::EmailChanged, "alice@example.com")), "{told:?}");
}

#[tokio::test]
async fn another_password_ends_what_the_old_one_began() {
    let world = world().await;
    let mut other = Browser::signed_in(&world, "alice").await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let fields = |present| [("present", present), ("password", NEW), ("repeated", NEW)];
    let wrong = fill(&mut browser, "/account/password", &fields("wrong")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let short = [("present", "alice"), ("password", "short"), ("repeated", "short")];
    let short = fill(&mut browser, "/account/password", &short).await;
    assert_eq!(short.status, StatusCode::BAD_REQUEST);
    let differ = [("present", "alice"), ("password", NEW), ("repeated", "another")];
    let differ = fill(&mut browser, "/account/password", &differ).await;
    assert_eq!(differ.status, StatusCode::BAD_REQUEST);

    let before = browser.session();
    let changed = fill(&mut browser, "/account/password", &fields("alice")).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_ne!(browser.session(), before, "the session has another cookie");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    assert_eq!(other.get("/account").await.status, StatusCode::SEE_OTHER);
    let again = Browser::new(&world).sign_in("alice", "alice", None).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    let again = Browser::new(&world).sign_in("alice", NEW, None).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let told = world.mails().await;
    let told: Vec<_> = told.iter().map(|mail| (mail.kind, mail.to.as_str())).collect();
    assert!(told.contains(&(MailKind::PasswordChanged, "alice@example.com")), "{told:?}");
}

#[tokio::test]
async fn another_password_is_set_whatever_people_sign_in_with() {
    let sign_in_with = SignInWith { username: false, email: true };
    let accounts = AccountSettings { mail: true, sign_in_with, ..AccountSettings::default() };
    let world = World::with(Setup { accounts, ..Setup::default() }).await;
    let mut browser = Browser::new(&world);
    let signed_in = browser.sign_in("alice@example.com", "alice", None).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let fields = [("present", "alice"), ("password", NEW), ("repeated", NEW)];
    let changed = fill(&mut browser, "/account/password", &fields).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let again = Browser::new(&world).sign_in("alice@example.com", NEW, None).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn another_password_makes_no_sign_in_fresh_again() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let signed_in_at = world.clock.seconds();
    world.clock.advance(200);
    let fields = [("present", "alice"), ("password", NEW), ("repeated", NEW)];
    fill(&mut browser, "/account/password", &fields).await;
    // Once more: the session is still one until the browser is closed.
    let third = "birne kellerfenster korb";
    let fields = [("present", NEW), ("password", third), ("repeated", third)];
    let changed = fill(&mut browser, "/account/password", &fields).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let mut cookies = changed.headers.get_all("set-cookie").iter();
    let own =
        cookies.find_map(|own| Some(own.to_str().ok()?).filter(|own| own.contains("session")));
    assert!(!own.unwrap().contains("Max-Age"), "{own:?}");
    let tokens = browser.tokens(&[("max_age", "250")]).await;
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value =
        serde_json::from_slice(&doorward_protocol::base64url::decode(claims).unwrap()).unwrap();
    assert_eq!(claims["auth_time"], signed_in_at);
    assert_eq!(browser.get("/account/password").await.status, StatusCode::OK);
    world.clock.advance(101);
    assert_eq!(browser.get("/account/password").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn wrong_present_passwords_are_throttled() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let fields = [("present", "wrong"), ("password", NEW), ("repeated", NEW)];
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(fill(&mut browser, "/account/password", &fields).await.status);
    }
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
}

#[tokio::test]
async fn all_other_sessions_end_at_once() {
    let world = world().await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(Browser::signed_in(&world, "alice").await);
    }
    let mut carol = Browser::signed_in(&world, "carol").await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let token = browser.get("/account/sessions").await;
    assert_eq!(token.status, StatusCode::OK);
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let ended = browser.post("/account/sessions", &[("form_token", &token), ("all", "true")]).await;
    assert_eq!((ended.status, ended.location()), (StatusCode::SEE_OTHER, "/account/sessions"));
    for other in &mut others {
        assert_eq!(other.get("/account").await.status, StatusCode::SEE_OTHER);
    }
    for kept in [&mut browser, &mut carol] {
        assert_eq!(kept.get("/account").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_happened_is_listed_the_latest_first() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    fill(&mut browser, "/account/profile", &[("nickname", "Al")]).await;
    let shown = browser.get("/account/activity").await.page().text;
    let (changed, signed_in) = (shown.find("Profile changed"), shown.find("Sign-in"));
    assert!(changed.is_some() && changed < signed_in, "{shown}");
    let mut carol = Browser::signed_in(&world, "carol").await;
    assert!(!carol.get("/account/activity").await.body.contains("Profile changed"));
}

#[tokio::test]
async fn a_sign_in_with_a_new_browser_is_told() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    assert_eq!(world.mails().await, [], "the first one is no news");
    browser.sign_in("alice", "alice", None).await;
    assert_eq!(world.mails().await, [], "this browser is known");
    Browser::signed_in(&world, "alice").await;
    let [mail] = world.mails().await.try_into().unwrap();
    assert_eq!((mail.kind, mail.to.as_str()), (MailKind::NewDevice, "alice@example.com"));
    assert_eq!(mail.data["address"], "127.0.0.1");
}

#[tokio::test]
async fn mails_are_in_the_language_of_the_owner_not_of_the_browser() {
    let world = world().await;
    let before = user(&world).await.unwrap();
    let mut german = before.clone();
    german.claims_mut().insert("locale".to_owned(), "de-AT".into());
    assert!(world.store().replace_user(german, before, world.provider.now()).await.unwrap());
    Browser::signed_in(&world, "alice").await;
    // Its pages are in English, and it is not known.
    let mut browser = Browser::signed_in(&world, "alice").await;
    let fields = [("nickname", "Al"), ("locale", "de-AT")];
    fill(&mut browser, "/account/profile", &fields).await;
    fill(&mut browser, "/account/email", &[("email", "al@new.example")]).await;
    let fields = [("present", "alice"), ("password", NEW), ("repeated", NEW)];
    fill(&mut browser, "/account/password", &fields).await;
    let page = browser.get("/account/forgot-password").await.page();
    browser.submit(&page, &[("account", "alice")]).await;
    let mails = world.mails().await;
    for kind in [
        MailKind::NewDevice,
        MailKind::ProfileChanged,
        MailKind::ChangeEmail,
        MailKind::PasswordChanged,
        MailKind::ResetPassword,
    ] {
        let mail = mails.iter().find(|mail| mail.kind == kind);
        assert_eq!(mail.map(|mail| mail.language.as_str()), Some("de"), "{kind:?}: {mails:?}");
    }
    assert!(mails.iter().any(|mail| mail.data.get("valid_for") == Some(&"15 Minuten".into())));
}

#[tokio::test]
async fn a_password_that_was_set_by_a_link_makes_no_browser_known() {
    let world = world().await;
    Browser::signed_in(&world, "alice").await;
    // Somebody reads her mail.
    let mut thief = Browser::new(&world);
    let page = thief.get("/account/forgot-password").await.page();
    thief.submit(&page, &[("account", "alice")]).await;
    let mail = world.mail_to("alice@example.com").await;
    let url = url::Url::parse(mail.data["link"].as_str().unwrap()).unwrap();
    let page = thief.get(&format!("{}?{}", url.path(), url.query().unwrap())).await.page();
    let password = "violet kettle marches north";
    let fields = [("password", password), ("repeated", password), ("asked", "true")];
    assert_eq!(thief.submit(&page, &fields).await.status, StatusCode::OK);
    assert_eq!(world.mail_to("alice@example.com").await.kind, MailKind::PasswordChanged);
    assert!(thief.cookie("doorward.device").is_some(), "guesses of others delay nobody here");
    assert_eq!(thief.sign_in("alice", password, None).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.mail_to("alice@example.com").await.kind, MailKind::NewDevice);
    // From now on it is a browser in which she has signed in.
    assert_eq!(thief.sign_in("alice", password, None).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.mails().await, []);
}

#[tokio::test]
async fn the_data_has_no_secret() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.tokens(&[]).await;
    let (_, codes) = set_up_app(&mut browser, &world, "alice").await;
    add_passkey(&world, "alice", 1, "Laptop").await;
    let (set_up, now) = (world.provider.now().seconds() - 30, world.provider.now().seconds());
    let file = fill(&mut browser, "/account/data", &[]).await;
    assert_eq!(file.status, StatusCode::OK, "{file:?}");
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"account.json\"");
    let data = file.json();
    assert_eq!(data["username"], "alice");
    assert_eq!(data["claims"]["email"], "alice@example.com");
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(data["applications"][0]["client_id"], "PkceJS");
    let passkey = json!({"name": "Laptop", "may_be_copied": true, "since": now, "last_used": null});
    assert_eq!(data["passkeys"], json!([passkey]));
    assert_eq!(
        (&data["authenticator_app_since"], &data["recovery_codes"]),
        (&json!(set_up), &json!(10))
    );
    // Whatever else is stored about a user belongs into the file, too.
    let parts: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "activity",
        "applications",
        "authenticator_app_since",
        "claims",
        "has_password",
        "linked_accounts",
        "passkeys",
        "recovery_codes",
        "sessions",
        "sub",
        "username",
    ];
    assert_eq!(parts, expected);
    let session = browser.session().unwrap();
    for secret in ["argon2", &session, &codes[0], "credential", &"AQEB".repeat(6)] {
        assert!(!file.body.contains(secret), "{secret}: {}", file.body);
    }
}

#[tokio::test]
async fn an_account_is_deleted_where_that_is_allowed() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let unsure = fill(&mut browser, "/account/delete", &[]).await;
    assert_eq!(unsure.status, StatusCode::BAD_REQUEST);
    let gone = fill(&mut browser, "/account/delete", &[("sure", "true")]).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    assert_eq!(user(&world).await, None);
    assert_eq!(browser.session(), None, "the cookie is gone, too");
    let [mail] = world.mails().await.try_into().unwrap();
    assert_eq!((mail.kind, mail.to.as_str()), (MailKind::AccountDeleted, "alice@example.com"));

    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    assert_eq!(browser.get("/account/delete").await.status, StatusCode::NOT_FOUND);
    let token = "A".repeat(43);
    browser.set_cookie("doorward.form", &token);
    let fields = [("form_token", token.as_str()), ("sure", "true")];
    let refused = browser.post("/account/delete", &fields).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert!(user(&world).await.is_some());
}

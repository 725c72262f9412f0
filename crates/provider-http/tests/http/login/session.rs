//! The session that a sign-in starts.

use axum::http::StatusCode;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::session::Device,
    use_case::sign_in::{SignIn, SignInError, SignInOrigin},
};

use crate::support::{Answer, Browser, REDIRECT, World, authorize_url, claims, user};

/// The `Set-Cookie` of the session.
fn session_cookie(answer: &Answer) -> &str {
    let cookies =
        answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let mut sessions = cookies.filter(|cookie| cookie.starts_with("doorward.session="));
    let session = sessions.next().expect("a session cookie");
    assert!(sessions.next().is_none());
    session
}

async fn sign_in_remembered(browser: &mut Browser<'_>) -> Answer {
    let page = browser.login_page(None).await;
    let fields = [
        ("username", "alice"),
        ("password", "alice"),
        ("remember_login", "true"),
        ("action", "login"),
    ];
    browser.submit(&page, &fields).await
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites_and_forgotten_with_the_browser() {
    let world = World::new().await;
    let answer = Browser::new(&world).sign_in("alice", "alice", None).await;
    let cookie = session_cookie(&answer);
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("alice"));
}

#[tokio::test]
async fn remember_me_sets_the_lifetime_of_cookie_and_session() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let answer = sign_in_remembered(&mut browser).await;
    assert!(session_cookie(&answer).ends_with("; Max-Age=86400"));
    world.clock.advance(86_399);
    browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
    world.clock.advance(1);
    browser.get(&authorize_url(&[])).await.expect_login();
}

#[tokio::test]
async fn a_failed_attempt_keeps_the_tick_at_remember_me() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    assert!(page.input("remember_login").unwrap().attribute("checked").is_none());
    let fields = [
        ("username", "alice"),
        ("password", "wrong"),
        ("remember_login", "true"),
        ("action", "login"),
    ];
    let again = browser.submit(&page, &fields).await.page();
    assert!(again.input("remember_login").unwrap().attribute("checked").is_some());
}

#[tokio::test]
async fn a_session_planted_before_the_sign_in_is_not_taken_over() {
    let world = World::new().await;
    let planted = "P".repeat(43);
    let mut browser = Browser::new(&world);
    browser.set_cookie("doorward.session", &planted);
    browser.sign_in("alice", "alice", None).await;
    assert_ne!(browser.session(), Some(planted.clone()));
    let mut attacker = Browser::new(&world);
    attacker.set_cookie("doorward.session", &planted);
    attacker.get(&authorize_url(&[])).await.expect_login();
}

#[tokio::test]
async fn signing_in_again_changes_the_cookie_and_ends_the_old_session() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let before = browser.session().unwrap();
    browser.sign_in("carol", "carol", None).await;
    assert_ne!(browser.session(), Some(before.clone()));
    let mut stolen = Browser::new(&world);
    stolen.set_cookie("doorward.session", &before);
    stolen.get(&authorize_url(&[])).await.expect_login();
    browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
}

/// Clients know the session by its `sid`: it goes on for the same user and never for another.
#[tokio::test]
async fn signing_in_again_keeps_the_sid_of_the_same_user_only() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let mut sids = Vec::new();
    for name in ["alice", "alice", "carol"] {
        browser.sign_in(name, name, None).await;
        sids.push(claims(&browser.tokens(&[]).await["id_token"])["sid"].clone());
    }
    assert_eq!(sids[0], sids[1]);
    assert_ne!(sids[1], sids[2]);
}

#[tokio::test]
async fn a_failed_sign_in_leaves_the_session_alone() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.sign_in("carol", "wrong", None).await;
    browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn cancelling_returns_access_denied_to_the_client() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    for mode in ["query", "fragment"] {
        let page = browser.login_page(Some(&authorize_url(&[("response_mode", mode)]))).await;
        let answer = browser.submit(&page, &[("action", "cancel")]).await;
        answer.expect_redirect_error(REDIRECT, "access_denied");
        assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    }
    let alone = browser.login_page(None).await;
    assert!(!alone.text.contains("Cancel"), "nothing to return to");
}

#[tokio::test]
async fn the_front_door_says_who_is_signed_in() {
    let world = World::new().await;
    let to_login = world.get("/").await;
    assert_eq!((to_login.status, to_login.location()), (StatusCode::SEE_OTHER, "/account/login"));
    let home = Browser::signed_in(&world, "alice").await.get("/").await;
    assert!(home.page().text.contains("signed in as alice"), "{home:?}");
}

/// Between the check of the password and the session another one may be set.
#[tokio::test]
async fn a_password_that_changes_meanwhile_starts_none() {
    let world = World::new().await;
    let origin = SignInOrigin::Browser { address: "192.0.2.1", device: None };
    let verified = world.provider.passwords().verify("alice", Secret::new("alice"), origin).await;
    let alice = verified.unwrap().local().unwrap();
    world.import(user("alice", "new", &[])).await;
    let outcome = world
        .provider
        .sessions()
        .start_session(&alice, SignIn::by_password(&alice).unwrap(), false, Device::default(), None)
        .await;
    assert!(matches!(outcome, Err(SignInError::WrongPassword)), "{outcome:?}");
    assert!(
        world
            .provider
            .access()
            .sessions_of(&"alice".parse().unwrap(), None)
            .await
            .unwrap()
            .0
            .is_empty()
    );
}

//! `/connect/checksession` and `session_state` (OIDC Session Management 1.0).

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_protocol::base64url;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Browser, REDIRECT, Setup, World, authorize_url, client_settings};

const PAGE: &str = "/connect/checksession";

/// What the page answers to this client's message, with the cookie that the browser has by now.
fn checked(
    browser: &Browser<'_>,
    client_id: &str,
    origin: &str,
    session_state: &str,
) -> &'static str {
    let (hash, salt) = session_state.split_once('.').unwrap();
    let check = browser.cookie("doorward.check").unwrap_or_default();
    let computed =
        base64url::encode(Sha256::digest(format!("{client_id} {origin} {check} {salt}")));
    if computed == hash { "unchanged" } else { "changed" }
}

fn session_state(answer: &Answer) -> String {
    let state = answer.redirect_param("session_state").expect("session_state");
    assert!(!state.contains(' '), "{state}");
    state
}

const ORIGIN: &str = "http://localhost:5001";

#[tokio::test]
async fn a_response_carries_the_state_that_the_page_sees_until_sign_out() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let state = session_state(&browser.get(&authorize_url(&[])).await);
    assert_eq!(checked(&browser, "PkceJS", ORIGIN, &state), "unchanged");
    assert_eq!(checked(&browser, "PkceJS", "https://evil.example", &state), "changed");
    assert_ne!(
        session_state(&browser.get(&authorize_url(&[])).await),
        state,
        "each with a salt of its own"
    );

    let question = browser.get("/account/logout").await.page();
    browser.submit(&question, &[("action", "logout")]).await;
    assert_eq!(browser.cookie("doorward.check"), None);
    assert_eq!(checked(&browser, "PkceJS", ORIGIN, &state), "changed");
}

#[tokio::test]
async fn an_error_without_interaction_carries_the_state_of_nobody_until_sign_in() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let answer = browser.get(&authorize_url(&[("prompt", "none")])).await;
    answer.expect_redirect_error(REDIRECT, "login_required");
    let state = session_state(&answer);
    assert_eq!(checked(&browser, "PkceJS", ORIGIN, &state), "unchanged");
    browser.sign_in("alice", "alice", None).await;
    assert_eq!(checked(&browser, "PkceJS", ORIGIN, &state), "changed");
}

#[tokio::test]
async fn another_sign_in_changes_the_state() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let state = session_state(&browser.get(&authorize_url(&[])).await);
    browser.sign_in("carol", "carol", None).await;
    assert_eq!(checked(&browser, "PkceJS", ORIGIN, &state), "changed");
}

#[tokio::test]
async fn the_cookie_for_scripts_is_not_the_session_and_lives_as_long() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.login_page(None).await;
    let fields = [
        ("username", "alice"),
        ("password", "alice"),
        ("remember_login", "true"),
        ("action", "login"),
    ];
    let answer = browser.submit(&page, &fields).await;
    let cookies: Vec<&str> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .collect();
    let check = cookies.iter().find(|cookie| cookie.starts_with("doorward.check=")).unwrap();
    assert!(check.ends_with("; Path=/; SameSite=Lax; Max-Age=86400"), "{check}");

    let stolen = browser.cookie("doorward.check").unwrap().to_owned();
    assert_ne!(Some(stolen.clone()), browser.session());
    let mut thief = Browser::new(&world);
    thief.set_cookie("doorward.session", &stolen);
    thief.get(&authorize_url(&[])).await.expect_login();
}

#[tokio::test]
async fn the_cookie_follows_a_session_that_has_expired() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let state = session_state(&browser.get(&authorize_url(&[])).await);
    world.clock.advance(3600);
    let answer = browser.get(&authorize_url(&[("prompt", "none")])).await;
    answer.expect_redirect_error(REDIRECT, "login_required");
    assert_eq!(checked(&browser, "PkceJS", ORIGIN, &state), "changed");
    assert_eq!(checked(&browser, "PkceJS", ORIGIN, &session_state(&answer)), "unchanged");
}

/// In a frame of another site the session cookie is kept back: it may live, and so must what the
/// page compares with.
#[tokio::test]
async fn without_the_session_cookie_nothing_is_changed() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let check = browser.cookie("doorward.check").unwrap().to_owned();
    browser.forget_cookies();
    browser.set_cookie("doorward.check", &check);
    let answer = browser.get(&authorize_url(&[("prompt", "none")])).await;
    assert!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
}

#[tokio::test]
async fn plain_oauth_and_native_applications_have_none() {
    let native = "com.example.app:/callback";
    let world =
        World::with_clients(vec![client_settings("Native", json!({"redirect_uris": [native]}))])
            .await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for changes in
        [&[("scope", "MyBackendApi2")][..], &[("client_id", "Native"), ("redirect_uri", native)]]
    {
        let answer = browser.get(&authorize_url(changes)).await;
        assert!(answer.redirect_param("code").is_some(), "{answer:?}");
        assert_eq!(answer.redirect_param("session_state"), None);
    }
}

#[tokio::test]
async fn the_page_can_be_framed_by_pages_of_clients_only_and_runs_its_script_only() {
    let native = client_settings(
        "Native",
        json!({"redirect_uris": ["com.example.app:/callback", "https://rp.example:8443/cb"]}),
    );
    let world = World::with_clients(vec![native]).await;
    let answer = world.get(PAGE).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "text/html; charset=utf-8")
    );
    assert!(!answer.headers.contains_key("x-frame-options"), "it can't name several origins");
    let (html, script) = answer
        .body
        .split_once("<script>")
        .map(|(_, rest)| rest.split_once("</script>").unwrap())
        .map(|(script, _)| (&answer.body, script))
        .unwrap();
    assert_eq!(html.matches("<script").count(), 1);
    let hash = STANDARD.encode(Sha256::digest(script));
    assert_eq!(
        answer.header("content-security-policy"),
        format!(
            "default-src 'none'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors http://127.0.0.1:5001 http://localhost:5001 https://rp.example:8443"
        )
    );
    assert!(script.contains("const cookie = \"doorward.check=\""), "{script}");
}

#[tokio::test]
async fn under_https_the_page_reads_the_bound_cookie() {
    let world = World::with(Setup { issuer: "https://op.example", ..Setup::default() }).await;
    assert!(world.get(PAGE).await.body.contains("\"__Host-doorward.check=\""));
}

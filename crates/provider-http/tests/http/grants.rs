//! `/grants`: what the user sees of clients and sessions, and takes back.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::session::Device,
    use_case::sign_in::{SignIn, SignInOrigin},
};
use serde_json::json;

use crate::support::{
    BACKEND_REDIRECT, Browser, Element, Page, World, authorize_url, client_settings, form_request,
    with_header,
};

pub async fn page(browser: &mut Browser<'_>) -> Page {
    let answer = browser.get("/grants").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.page()
}

/// The values of all inputs with this name, in their order.
fn values(page: &Page, name: &str) -> Vec<String> {
    let inputs = page.all("input").filter(|input| input.attribute("name") == Some(name));
    inputs.map(|input| input.attribute("value").unwrap().to_owned()).collect()
}

/// Presses the button beside this field.
pub async fn press(browser: &mut Browser<'_>, name: &str, value: &str) {
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let answer = browser.post("/grants", &[("form_token", &token), (name, value)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/grants"));
}

#[tokio::test]
async fn only_whoever_is_signed_in_sees_anything() {
    let world = World::new().await;
    let answer = world.get("/grants").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account/login"));
    let home = Browser::signed_in(&world, "alice").await.get("/").await.page();
    assert!(home.all("a").any(|link| link.attribute("href") == Some("/grants")));
}

#[tokio::test]
async fn a_client_with_access_is_shown_and_loses_it() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    assert!(page(&mut browser).await.text.contains("No application has access at the moment."));
    let tokens = browser.tokens(&[]).await;
    world.clock.advance(3600);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = world.refresh(&tokens["refresh_token"]).await.json();
    let shown = page(&mut browser).await;
    for text in [
        "JavaScript Client",
        "Your profile",
        "Access while you are away",
        "2027-01-15 08:00 UTC",
        "2027-01-15 09:00 UTC",
    ] {
        assert!(shown.text.contains(text), "{text}: {}", shown.text);
    }
    assert_eq!(values(&shown, "client_id"), ["PkceJS"]);

    press(&mut browser, "client_id", "PkceJS").await;
    assert_eq!(values(&page(&mut browser).await, "client_id"), Vec::<String>::new());
    world
        .refresh(&tokens["refresh_token"])
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn with_the_access_the_remembered_consent_goes() {
    let world =
        World::with_clients(vec![client_settings("Asks", json!({"require_consent": true}))]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let request = authorize_url(&[("client_id", "Asks"), ("scope", "openid")]);
    let consent = browser.get(&request).await.page();
    browser.submit(&consent, &[("action", "allow")]).await;
    assert!(browser.get(&request).await.redirect_param("code").is_some(), "remembered");
    let shown = page(&mut browser).await;
    assert!(shown.text.contains("Allowed, not in use"), "{}", shown.text);
    press(&mut browser, "client_id", "Asks").await;
    assert!(browser.get(&request).await.page().text.contains("Allow Asks?"));
}

#[tokio::test]
async fn another_session_is_shown_and_ended_and_ones_own_is_not() {
    let world = World::new().await;
    let mut lost = Browser::at(&world, [192, 0, 2, 7].into());
    lost.sign_in("alice", "alice", None).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    Browser::signed_in(&world, "carol").await;
    let shown = page(&mut browser).await;
    assert!(
        shown.text.contains("address 192.0.2.7") && shown.text.contains("This browser"),
        "{}",
        shown.text
    );
    let others = values(&shown, "sid");
    assert_eq!(others.len(), 1, "neither carol's nor the browser's own");
    press(&mut browser, "sid", &others[0]).await;
    lost.get(&authorize_url(&[])).await.expect_login();
    assert_eq!(values(&page(&mut browser).await, "sid"), Vec::<String>::new());
}

#[tokio::test]
async fn nobody_ends_the_sessions_or_the_access_of_others() {
    let world = World::new().await;
    let mut alice = Browser::signed_in(&world, "alice").await;
    let tokens = alice.tokens(&[]).await;
    let mut second = Browser::signed_in(&world, "alice").await;
    let sid = values(&page(&mut second).await, "sid").remove(0);
    let mut carol = Browser::signed_in(&world, "carol").await;
    page(&mut carol).await;
    press(&mut carol, "sid", &sid).await;
    press(&mut carol, "client_id", "PkceJS").await;
    assert_eq!(values(&page(&mut second).await, "sid"), [sid]);
    assert_eq!(world.refresh(&tokens["refresh_token"]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_forged_form_changes_nothing() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    let token = page(&mut browser).await.value("form_token").unwrap().to_owned();
    for request in [
        form_request("/grants", &[("client_id", "PkceJS")]),
        form_request("/grants", &[("client_id", "PkceJS"), ("form_token", "x")]),
        with_header(
            form_request("/grants", &[("client_id", "PkceJS"), ("form_token", &token)]),
            "origin",
            "https://evil.example",
        ),
    ] {
        let answer = browser.send(request).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/grants"));
    }
    assert_eq!(world.refresh(&tokens["refresh_token"]).await.status, StatusCode::OK);
    let repeated = browser.post("/grants", &[("sid", "1"), ("sid", "2")]).await;
    repeated.expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_a_client_may_have_is_shown_once_however_often_it_was_granted() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let backend =
        authorize_url(&[("client_id", "PkceCodeBackend"), ("redirect_uri", BACKEND_REDIRECT)]);
    assert!(browser.get(&backend).await.page().text.contains("Allow Backend?"));
    browser.tokens(&[("scope", "openid profile")]).await;
    browser.tokens(&[("scope", "openid email")]).await;
    let shown = page(&mut browser).await;
    assert_eq!(values(&shown, "client_id"), ["PkceJS"]);
    assert_eq!(shown.text.matches("Your user identifier").count(), 1, "{}", shown.text);
    assert!(shown.text.contains("Your profile") && shown.text.contains("Your email address"));
}

/// The link to the next page of a list.
fn next(page: &Page, list: &str) -> Option<String> {
    let mut links = page.all("a").filter_map(|link| link.attribute("href"));
    links.find(|href| href.contains(&format!("{list}="))).map(str::to_owned)
}

#[tokio::test]
async fn many_applications_are_shown_in_pages() {
    let world = World::new().await;
    for number in 0..80 {
        world.remember_consent("alice", &format!("app {number:02}")).await;
    }
    let mut browser = Browser::signed_in(&world, "alice").await;
    let first = browser.get("/grants").await.page();
    assert_eq!(values(&first, "client_id").len(), 50);
    let second = browser.get(&next(&first, "applications").unwrap()).await.page();
    assert_eq!(next(&second, "applications"), None, "the last page");
    let all: BTreeSet<_> =
        values(&first, "client_id").into_iter().chain(values(&second, "client_id")).collect();
    assert_eq!(all.len(), 80, "each once");
}

#[tokio::test]
async fn many_sessions_are_shown_in_pages() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let alice = world
        .provider
        .passwords()
        .verify(
            "alice",
            Secret::new("alice"),
            SignInOrigin::Browser { address: "192.0.2.1", device: None },
        )
        .await
        .unwrap()
        .local()
        .unwrap();
    for _ in 0..80 {
        let sign_in = SignIn::by_password(&alice).unwrap();
        let device = Device::default();
        world
            .provider
            .sessions()
            .start_session(&alice, sign_in, false, device, None)
            .await
            .unwrap();
    }
    let first = browser.get("/grants").await;
    assert!(first.body.len() < 100_000, "{}", first.body.len());
    let first = first.page();
    assert!(first.text.contains("This browser"), "its session comes first");
    // One fewer if the browser's own is among the fifty.
    assert!(matches!(values(&first, "sid").len(), 49 | 50));
    let second = browser.get(&next(&first, "sessions").unwrap()).await.page();
    assert!(!second.text.contains("This browser"), "once only");
    assert_eq!(next(&second, "sessions"), None, "the last page");
    let all: BTreeSet<_> =
        values(&first, "sid").into_iter().chain(values(&second, "sid")).collect();
    assert_eq!(all.len(), 80, "each once; the browser's own has no button");
}

/// OIDC Core section 4: the link asks for a sign-in with this issuer, and keeps a query that the
/// address has.
#[tokio::test]
async fn an_application_that_says_where_can_be_opened() {
    let at = |uri: &str| json!({"initiate_login_uri": uri});
    let world = World::with_clients(vec![
        client_settings("Openable", at("https://app.example.com/login?from=list")),
        client_settings("Silent", json!({})),
    ])
    .await;
    for client_id in ["Openable", "Silent", "Removed"] {
        world.remember_consent("alice", client_id).await;
    }
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = page(&mut browser).await;
    let label = |link: &&Element| link.attribute("aria-label") == Some("Open Openable");
    let links: Vec<_> =
        page.all("a").filter(label).filter_map(|link| link.attribute("href")).collect();
    let expected = "https://app.example.com/login?from=list&iss=http%3A%2F%2Flocalhost%3A6001";
    assert_eq!(links, [expected]);
    assert_eq!(page.text.matches("Open").count(), 2, "a name and a link");
}

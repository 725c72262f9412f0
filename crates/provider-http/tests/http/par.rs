//! `/connect/par` and what becomes of a pushed request (RFC 9126).

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode},
};
use doorward_protocol::params;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tracing::subscriber::DefaultGuard;

use crate::{
    registration,
    support::{
        Answer, BACKEND_REDIRECT, Browser, REDIRECT, Setup, World, authorize_url, basic, changed,
        claims, client_settings, code_request, form_request, with_header,
    },
};

/// The parameters of a good request of `PkceJS`, with these changes.
pub fn request(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let url = authorize_url(changes);
    let (_, query) = url.split_once('?').unwrap();
    let params = params::Params::parse_with_repeatable(query, &["resource"]).unwrap();
    params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn push(world: &World, changes: &[(&str, &str)]) -> Answer {
    let pairs = request(changes);
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    world.post("/connect/par", &pairs).await
}

/// Where the browser is sent with the reference.
pub fn opened_by(client_id: &str, pushed: &Answer) -> String {
    assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
    let reference = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    format!(
        "/connect/authorize?{}",
        params::encode([("client_id", client_id), ("request_uri", &reference)])
    )
}

async fn pushed(world: &World, changes: &[(&str, &str)]) -> String {
    opened_by("PkceJS", &push(world, changes).await)
}

#[tokio::test]
async fn a_pushed_request_gives_a_reference_and_then_a_code() {
    let world = World::new().await;
    let answer = push(&world, &[]).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(
        (answer.header("cache-control"), answer.header("content-type")),
        ("no-store", "application/json")
    );
    let body = answer.json();
    assert_eq!(body["expires_in"], 60);
    let reference = body["request_uri"].as_str().unwrap();
    assert_eq!(reference.strip_prefix("urn:ietf:params:oauth:request_uri:").unwrap().len(), 43);

    let answer = Browser::signed_in(&world, "alice").await.get(&opened_by("PkceJS", &answer)).await;
    assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    let tokens = world.token(&code_request(&answer.expect_code(REDIRECT))).await.json();
    assert_eq!(claims(&tokens["id_token"])["nonce"], "nonce-1");
}

#[tokio::test]
async fn the_reference_leads_through_sign_in() {
    let world = World::new().await;
    let url = pushed(&world, &[]).await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&url).await;
    to_login.expect_login();
    assert!(!to_login.location().contains("state-1"), "only the reference travels");
    let page = browser.get(to_login.location()).await.page();
    assert!(page.text.contains("JavaScript Client"));
    let signed_in = browser
        .submit(&page, &[("username", "alice"), ("password", "alice"), ("action", "login")])
        .await;
    browser.get(signed_in.location()).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn the_reference_leads_through_consent() {
    let world = World::new().await;
    let changes = [
        ("client_id", "PkceCodeBackend"),
        ("redirect_uri", BACKEND_REDIRECT),
        ("scope", "openid profile"),
    ];
    let pairs = request(&changes);
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let backend = basic("PkceCodeBackend", "secret");
    for (action, allowed) in [("allow", true), ("deny", false)] {
        let pushed = world
            .send(with_header(form_request("/connect/par", &pairs), "authorization", &backend))
            .await;
        let mut browser = Browser::signed_in(&world, "alice").await;
        let page = browser.get(&opened_by("PkceCodeBackend", &pushed)).await.page();
        let answer = browser.submit(&page, &[("remember_consent", ""), ("action", action)]).await;
        if allowed {
            answer.expect_code(BACKEND_REDIRECT);
        } else {
            answer.expect_redirect_error(BACKEND_REDIRECT, "access_denied");
        }
        let again = browser.submit(&page, &[("action", action)]).await;
        again.expect_error_page(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_sign_in_that_the_request_asks_for_happens_once() {
    let world = World::new().await;
    for changes in
        [&[("prompt", "login")][..], &[("max_age", "0")], &[("prompt", "select_account")]]
    {
        let mut browser = Browser::signed_in(&world, "alice").await;
        world.clock.advance(5);
        let url = pushed(&world, changes).await;
        for _ in 0..2 {
            browser.get(&url).await.expect_login();
        }
        let code = browser.authorize_signing_in(&url, "alice").await.expect_code(REDIRECT);
        let tokens = world.token(&code_request(&code)).await.json();
        assert_eq!(claims(&tokens["id_token"])["auth_time"], world.clock.seconds());
    }
}

/// The browser does not have the parameters, so that the store remembers that the user was asked.
#[tokio::test]
async fn the_reference_lets_the_user_change_to_the_expected_one() {
    let world = World::new().await;
    let carols = Browser::signed_in(&world, "carol").await.tokens(&[]).await;
    let hint = carols["id_token"].as_str().unwrap();
    for (user, expected) in [("carol", None), ("alice", Some("login_required"))] {
        let url = pushed(&world, &[("id_token_hint", hint)]).await;
        let mut browser = Browser::signed_in(&world, "alice").await;
        world.clock.advance(1);
        let answer = browser.authorize_signing_in(&url, user).await;
        match expected {
            None => drop(answer.expect_code(REDIRECT)),
            Some(error) => answer.expect_redirect_error(REDIRECT, error),
        }
    }
}

/// Somebody who opens the reference first, without the cookie, vouches for no session that was
/// there before.
#[tokio::test]
async fn a_session_from_before_is_no_sign_in_whoever_opened_it_first() {
    let strict = client_settings("Strict", json!({"user_sso_lifetime": 60}));
    let world = World::with_clients(vec![strict]).await;
    for changes in [
        &[("prompt", "login")][..],
        &[("max_age", "60")],
        &[("prompt", "select_account")],
        &[("client_id", "Strict")],
    ] {
        let mut old = Browser::signed_in(&world, "alice").await;
        world.clock.advance(100);
        let client_id =
            changes.iter().find(|(name, _)| *name == "client_id").map_or("PkceJS", |(_, id)| *id);
        let url = opened_by(client_id, &push(&world, changes).await);
        Browser::new(&world).get(&url).await.expect_login();
        Browser::signed_in(&world, "carol").await.get(&url).await.expect_code(REDIRECT);

        let url = opened_by(client_id, &push(&world, changes).await);
        Browser::new(&world).get(&url).await.expect_login();
        old.get(&url).await.expect_login();
        old.authorize_signing_in(&url, "alice").await.expect_code(REDIRECT);
    }
}

/// What is kept is as long as it was sent.
#[tokio::test]
async fn over_long_values_are_not_kept() {
    let world = World::new().await;
    let long = "x".repeat(301);
    let (prompts, zeros) = ("login ".repeat(51), format!("{}60", "0".repeat(299)));
    for (name, value) in [("idp", &long), ("prompt", &prompts), ("max_age", &zeros)] {
        let refused = push(&world, &[(name, value)]).await;
        refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    }
    assert_eq!(push(&world, &[("idp", &long[1..])]).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_reference_is_answered_once() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = pushed(&world, &[]).await;
    browser.get(&url).await.expect_code(REDIRECT);
    browser.get(&url).await.expect_error_page(StatusCode::BAD_REQUEST);
    // An error is an answer, too.
    let url = pushed(&world, &[("prompt", "none")]).await;
    let mut stranger = Browser::new(&world);
    stranger.get(&url).await.expect_redirect_error(REDIRECT, "login_required");
    browser.get(&url).await.expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_openings_at_once_one_is_answered() {
    let world = Arc::new(World::new().await);
    let session = Browser::signed_in(&world, "alice").await.session().unwrap();
    let url = pushed(&world, &[]).await;
    let barrier = Arc::new(Barrier::new(32));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (world, barrier, url, session) =
                (Arc::clone(&world), Arc::clone(&barrier), url.clone(), session.clone());
            tokio::spawn(async move {
                let mut browser = Browser::new(&world);
                browser.set_cookie("doorward.session", &session);
                barrier.wait().await;
                browser.get(&url).await
            })
        })
        .collect();
    let mut answered = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == StatusCode::SEE_OTHER {
            answer.expect_code(REDIRECT);
            answered += 1;
        } else {
            answer.expect_error_page(StatusCode::BAD_REQUEST);
        }
    }
    assert_eq!(answered, 1);
}

#[tokio::test]
async fn it_must_be_opened_in_time_and_then_waits_an_hour_for_the_user() {
    let world = World::new().await;
    let late = pushed(&world, &[]).await;
    world.clock.advance(60);
    Browser::signed_in(&world, "alice")
        .await
        .get(&late)
        .await
        .expect_error_page(StatusCode::BAD_REQUEST);

    let url = pushed(&world, &[]).await;
    let mut browser = Browser::new(&world);
    browser.get(&url).await.expect_login();
    world.clock.advance(3599);
    browser.authorize_signing_in(&url, "alice").await.expect_code(REDIRECT);

    let url = pushed(&world, &[]).await;
    let mut browser = Browser::new(&world);
    browser.get(&url).await.expect_login();
    world.clock.advance(3000);
    browser.get(&url).await.expect_login();
    world.clock.advance(600);
    browser.get(&url).await.expect_error_page(StatusCode::BAD_REQUEST);
    assert!(world.provider.upkeep().maintain().await.unwrap() > 0);
}

#[tokio::test]
async fn the_reference_belongs_to_its_client() {
    let world = World::with_clients(vec![client_settings("Other", json!({}))]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = pushed(&world, &[]).await;
    let foreign = url.replace("PkceJS", "Other");
    let without = url.replace("client_id=PkceJS&", "");
    let twice = format!("{url}&client_id=PkceJS");
    for wrong in [foreign, without, twice, url.replace("request_uri%3A", "request_uri%3Ax")] {
        browser.get(&wrong).await.expect_error_page(StatusCode::BAD_REQUEST);
    }
    browser.get(&url).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn what_the_browser_adds_does_not_count() {
    let world = World::new().await;
    let url = pushed(&world, &[("scope", "openid")]).await;
    let added = format!(
        "{url}&scope=openid+profile&redirect_uri=https%3A%2F%2Fevil.example&state=other&prompt=none"
    );
    let answer = Browser::signed_in(&world, "alice").await.get(&added).await;
    assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    let tokens = world.token(&code_request(&answer.expect_code(REDIRECT))).await.json();
    assert_eq!(tokens["scope"], "openid");
}

#[tokio::test]
async fn scopes_that_nobody_knows_are_left_out_of_a_pushed_request_too() {
    let world = World::new().await;
    let url = pushed(&world, &[("scope", "openid unheard-of")]).await;
    let code = Browser::signed_in(&world, "alice").await.get(&url).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    assert_eq!(tokens["scope"], "openid");
}

/// Keeps what is logged.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Keeps what this thread logs as long as the guard is there.
    pub fn keep() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_left_out_is_logged_when_it_is_pushed_and_not_again() {
    let (lines, _guard) = Lines::keep();
    let logged = || lines.text().matches("scopes are ignored").count();
    let world = World::new().await;
    let url = pushed(&world, &[("scope", "openid unheard-of"), ("prompt", "consent")]).await;
    assert_eq!(logged(), 1);
    let mut browser = Browser::new(&world);
    let page = browser.authorize_signing_in(&url, "alice").await.page();
    browser.submit(&page, &[("action", "allow")]).await.expect_code(REDIRECT);
    assert_eq!(logged(), 1);
    // What is not pushed is logged when it comes, and not again when the user has answered.
    let url = authorize_url(&[("scope", "openid unheard-of"), ("prompt", "consent")]);
    let page = browser.get(&url).await.page();
    browser.submit(&page, &[("action", "allow")]).await.expect_code(REDIRECT);
    assert_eq!(logged(), 2);
}

#[tokio::test]
async fn everything_is_checked_when_it_is_pushed() {
    let world = World::new().await;
    for (changes, code) in [
        (&[("redirect_uri", "https://evil.example")][..], "invalid_request"),
        (&[("redirect_uri", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("scope", "unheard-of")], "invalid_scope"),
        (&[("scope", "openid MyBackendApi1")], "invalid_scope"),
        (&[("scope", "")], "invalid_scope"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("response_mode", "pigeon")], "invalid_request"),
        (&[("id_token_hint", "x")], "invalid_request"),
        (&[("claims", "[")], "invalid_request"),
        (&[("request", "a.b.c")], "request_not_supported"),
        // Section 2.1: "request_uri" must not be pushed.
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "invalid_request"),
        (&[("request_uri", "https://a.example/r")], "invalid_request"),
    ] {
        push(&world, changes).await.expect_json_error(StatusCode::BAD_REQUEST, code);
    }
    let twice = form_request(
        "/connect/par",
        &[("client_id", "PkceJS"), ("scope", "openid"), ("scope", "openid")],
    );
    world.send(twice).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    let json = Request::post("/connect/par")
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    world.send(json).await.expect_json_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request");
    assert_eq!(world.get("/connect/par").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_client_authenticates_as_at_the_token_endpoint() {
    let world = World::new().await;
    let changes =
        [("client_id", "PkceCodeBackend"), ("redirect_uri", BACKEND_REDIRECT), ("scope", "openid")];
    push(&world, &changes).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    let wrong = [&changes[..], &[("client_secret", "wrong")]].concat();
    push(&world, &wrong).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    let right = [&changes[..], &[("client_secret", "secret")]].concat();
    assert_eq!(push(&world, &right).await.status, StatusCode::CREATED);
    push(&world, &[("client_id", "Nobody")])
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    push(&world, &[("client_id", "Disabled")])
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    // With the header the body need not name the client.
    let pairs = request(&[&changes[..], &[("client_id", "")]].concat());
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let backend = basic("PkceCodeBackend", "secret");
    let answer = world
        .send(with_header(form_request("/connect/par", &pairs), "authorization", &backend))
        .await;
    let page =
        Browser::signed_in(&world, "alice").await.get(&opened_by("PkceCodeBackend", &answer)).await;
    assert!(page.page().text.contains("Allow Backend?"));
}

#[tokio::test]
async fn a_client_that_must_push_is_refused_otherwise() {
    let must = client_settings("Must", json!({"require_par": true}));
    let world = World::with_clients(vec![must]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let changes = [("client_id", "Must")];
    browser.get(&authorize_url(&changes)).await.expect_redirect_error(REDIRECT, "invalid_request");
    let url = opened_by("Must", &push(&world, &changes).await);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    assert_eq!(world.token(&changed(code_request(&code), &changes)).await.status, StatusCode::OK);
    browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn all_clients_can_be_made_to_push() {
    let world = World::with(Setup { require_pushed: true, ..Setup::default() }).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.get(&authorize_url(&[])).await.expect_redirect_error(REDIRECT, "invalid_request");
    browser.get(&pushed(&world, &[]).await).await.expect_code(REDIRECT);
    let document = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["require_pushed_authorization_requests"], true);
}

#[tokio::test]
async fn no_more_requests_wait_at_one_address_than_are_allowed() {
    let world = World::with(Setup { most_waiting: 2, ..Setup::default() }).await;
    for _ in 0..2 {
        assert_eq!(push(&world, &[]).await.status, StatusCode::CREATED);
    }
    let refused = push(&world, &[]).await;
    refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "60");
    world.clock.advance(60);
    assert_eq!(push(&world, &[]).await.status, StatusCode::CREATED, "the first have expired");
}

/// Whoever wants more places could register more clients, with a secret or without.
#[tokio::test]
async fn strangers_of_one_address_wait_together() {
    const PAGE: &str = "https://app.example/callback";
    let setup = Setup { registration: registration::open(), most_waiting: 1, ..Setup::default() };
    let world = World::with(setup).await;
    let mut clients = Vec::new();
    for method in ["none", "client_secret_post"].repeat(5) {
        let changes = json!({"token_endpoint_auth_method": method});
        clients.push(registration::registered(&world, changes).await);
    }
    let pushing = |client: &Value, address: &str| {
        let id = client["client_id"].as_str().unwrap();
        let mut pairs = request(&[("client_id", id), ("redirect_uri", PAGE)]);
        let secret = client["client_secret"].as_str();
        pairs.extend(secret.map(|secret| ("client_secret".to_owned(), secret.to_owned())));
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let mut request = form_request("/connect/par", &pairs);
        let from = SocketAddr::new(address.parse().unwrap(), 50_000);
        request.extensions_mut().insert(ConnectInfo(from));
        world.send(request)
    };
    for client in &clients {
        assert_eq!(pushing(client, "192.0.2.1").await.status, StatusCode::CREATED);
    }
    for client in &clients[..2] {
        let refused = pushing(client, "192.0.2.1").await;
        refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
        assert_eq!(pushing(client, "192.0.2.2").await.status, StatusCode::CREATED);
    }
    assert_eq!(push(&world, &[]).await.status, StatusCode::CREATED, "the client of an operator");
}

#[tokio::test]
async fn no_more_requests_of_one_client_wait_in_all_than_are_allowed() {
    let world = World::with(Setup { most_waiting_per_client: 2, ..Setup::default() }).await;
    for _ in 0..2 {
        assert_eq!(push(&world, &[]).await.status, StatusCode::CREATED);
    }
    let refused = push(&world, &[]).await;
    refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "60");
    let said = "Too many pushed requests of this client or from this address wait";
    assert!(refused.json()["error_description"].as_str().unwrap().starts_with(said), "{refused:?}");
    world.clock.advance(60);
    assert_eq!(push(&world, &[]).await.status, StatusCode::CREATED, "the first have expired");
}

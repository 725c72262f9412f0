//! The device authorization grant (RFC 8628): `/connect/deviceauthorization`, `/device`, and the
//! polls of the device.

use std::{net::IpAddr, sync::Arc};

use axum::http::StatusCode;
use doorward_provider::model::{
    client::{COMMAND_CLIENT, GrantType},
    registration::RegistrationSettings,
    throttle,
};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::{
    grants,
    login::throttle::use_up_site,
    registration,
    support::{
        Answer, Browser, ISSUER, Page, Setup, World, basic, claims, client_settings, form_request,
        refresh_request, user, with_header,
    },
};

pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the device is told at the beginning.
pub async fn begin(world: &World, scope: &str) -> Value {
    let answer = world
        .post("/connect/deviceauthorization", &[("client_id", "Television"), ("scope", scope)])
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        (answer.header("cache-control"), answer.header("content-type")),
        ("no-store", "application/json")
    );
    answer.json()
}

async fn poll(world: &World, begun: &Value) -> Answer {
    let code = begun["device_code"].as_str().unwrap();
    world.token(&[("grant_type", GRANT), ("client_id", "Television"), ("device_code", code)]).await
}

pub async fn expect_poll(world: &World, begun: &Value, code: &str) {
    poll(world, begun).await.expect_json_error(StatusCode::BAD_REQUEST, code);
}

pub fn user_code(begun: &Value) -> &str {
    begun["user_code"].as_str().unwrap()
}

/// The question that comes after this code is entered.
pub async fn question(browser: &mut Browser<'_>, code: &str) -> Page {
    let page = browser.get("/device").await.page();
    let answer = browser.submit(&page, &[("user_code", code), ("action", "continue")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.page()
}

async fn allow(world: &World, begun: &Value) {
    let mut browser = Browser::signed_in(world, "alice").await;
    let page = question(&mut browser, user_code(begun)).await;
    let done = browser.submit(&page, &[("action", "allow")]).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert!(done.page().text.contains("The device is connected"));
}

#[tokio::test]
async fn a_device_gets_its_codes() {
    let world = World::new().await;
    let begun = begin(&world, "openid").await;
    let code = user_code(&begun);
    assert!(
        code.len() == 9 && code.chars().all(|letter| "BCDFGHJKLMNPQRSTVWXZ-".contains(letter)),
        "{code}"
    );
    assert_eq!(begun["device_code"].as_str().unwrap().len(), 43);
    assert_eq!(begun["verification_uri"], format!("{ISSUER}/device"));
    assert_eq!(begun["verification_uri_complete"], format!("{ISSUER}/device?user_code={code}"));
    assert_eq!((&begun["expires_in"], &begun["interval"]), (&json!(300), &json!(5)));
}

#[tokio::test]
async fn a_device_gets_its_tokens_once_the_user_allows_it() {
    let world = World::new().await;
    let begun = begin(&world, "openid profile offline_access MyBackendApi2").await;
    expect_poll(&world, &begun, "authorization_pending").await;
    allow(&world, &begun).await;
    let tokens = poll(&world, &begun).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    let tokens = tokens.json();
    assert_eq!(tokens["scope"], "openid profile offline_access MyBackendApi2");
    let id_token = claims(&tokens["id_token"]);
    assert_eq!((&id_token["sub"], &id_token["aud"]), (&json!("alice"), &json!("Television")));
    assert_eq!(claims(&tokens["access_token"])["role"], "admin");
    assert_eq!(world.userinfo(&tokens["access_token"]).await.json()["sub"], "alice");
    let refresh = crate::support::changed(
        refresh_request(tokens["refresh_token"].as_str().unwrap()),
        &[("client_id", "Television")],
    );
    assert_eq!(world.token(&refresh).await.status, StatusCode::OK);
    expect_poll(&world, &begun, "invalid_grant").await;
}

#[tokio::test]
async fn a_replay_of_a_devices_old_refresh_token_ends_its_access() {
    let world = World::new().await;
    let begun = begin(&world, "openid offline_access").await;
    allow(&world, &begun).await;
    let first = poll(&world, &begun).await.json();
    let refresh = async |token: &Value| {
        let request = refresh_request(token.as_str().unwrap());
        world.token(&crate::support::changed(request, &[("client_id", "Television")])).await
    };
    let mut last = first.clone();
    for _ in 0..3 {
        last = refresh(&last["refresh_token"]).await.json();
    }
    for ended in [&first, &last] {
        refresh(&ended["refresh_token"])
            .await
            .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
}

#[tokio::test]
async fn a_device_that_the_user_denies_is_told_so() {
    let world = World::new().await;
    let begun = begin(&world, "openid").await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, user_code(&begun)).await;
    let done = browser.submit(&page, &[("action", "deny")]).await;
    assert!(done.page().text.contains("The device is not connected"));
    for _ in 0..2 {
        expect_poll(&world, &begun, "access_denied").await;
    }
    let again = browser.submit(&page, &[("action", "allow")]).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    expect_poll(&world, &begun, "access_denied").await;
}

#[tokio::test]
async fn scopes_that_are_not_ticked_are_not_granted_and_none_at_all_is_a_denial() {
    let world = World::new().await;
    let begun = begin(&world, "profile MyBackendApi2").await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, user_code(&begun)).await;
    browser.submit(&page, &[("scope", "MyBackendApi2"), ("action", "allow")]).await;
    assert_eq!(poll(&world, &begun).await.json()["scope"], "MyBackendApi2");

    let begun = begin(&world, "profile MyBackendApi2").await;
    let page = question(&mut browser, user_code(&begun)).await;
    browser.submit(&page, &[("scope", ""), ("action", "allow")]).await;
    expect_poll(&world, &begun, "access_denied").await;
}

#[tokio::test]
async fn what_was_taken_from_the_client_since_the_user_allowed_it_is_not_granted() {
    let world = World::new().await;
    let begun = begin(&world, "openid profile offline_access MyBackendApi2").await;
    allow(&world, &begun).await;
    let less = json!({"allowed_scopes": ["openid", "profile"], "allow_offline_access": false});
    let world = world.restarted("Television", less).await;
    let tokens = poll(&world, &begun).await.json();
    assert_eq!(tokens["scope"], "openid profile");
    assert!(tokens["refresh_token"].is_null(), "{tokens}");
    assert_eq!(claims(&tokens["access_token"])["aud"], ISSUER);
}

#[tokio::test]
async fn a_device_that_polls_too_often_is_slowed_down() {
    let world = World::new().await;
    let begun = begin(&world, "openid").await;
    expect_poll(&world, &begun, "authorization_pending").await;
    expect_poll(&world, &begun, "slow_down").await;
    world.clock.advance(5);
    expect_poll(&world, &begun, "slow_down").await;
    world.clock.advance(15);
    expect_poll(&world, &begun, "authorization_pending").await;
}

#[tokio::test]
async fn codes_expire() {
    let world = World::new().await;
    let begun = begin(&world, "openid").await;
    world.clock.advance(300);
    expect_poll(&world, &begun, "expired_token").await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get("/device").await.page();
    let answer =
        browser.submit(&page, &[("user_code", user_code(&begun)), ("action", "continue")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    world.provider.upkeep().maintain().await.unwrap();
    expect_poll(&world, &begun, "expired_token").await;
    world.clock.advance(3600);
    world.provider.upkeep().maintain().await.unwrap();
    expect_poll(&world, &begun, "invalid_grant").await;
}

#[tokio::test]
async fn a_device_code_is_its_clients_alone() {
    let other = client_settings(
        "Other",
        json!({"allowed_grant_types": ["device_code"], "redirect_uris": []}),
    );
    let world = World::with_clients(vec![other]).await;
    let begun = begin(&world, "openid").await;
    allow(&world, &begun).await;
    let code = begun["device_code"].as_str().unwrap();
    let foreign = [("grant_type", GRANT), ("client_id", "Other"), ("device_code", code)];
    world.token(&foreign).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    let not_allowed = [("grant_type", GRANT), ("client_id", "PkceJS"), ("device_code", code)];
    world
        .token(&not_allowed)
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "unauthorized_client");
    assert_eq!(poll(&world, &begun).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_user_who_was_disabled_meanwhile_gives_nothing() {
    let world = World::new().await;
    let begun = begin(&world, "openid").await;
    allow(&world, &begun).await;
    world.disable("alice").await;
    expect_poll(&world, &begun, "invalid_grant").await;
}

#[tokio::test]
async fn a_new_password_ends_what_was_allowed_and_not_fetched() {
    let world = World::new().await;
    let begun = begin(&world, "openid offline_access").await;
    allow(&world, &begun).await;
    world.import(user("alice", "new", &[])).await;
    expect_poll(&world, &begun, "invalid_grant").await;
}

#[tokio::test]
async fn access_that_was_taken_back_is_not_fetched() {
    let world = World::new().await;
    let begun = begin(&world, "openid offline_access").await;
    allow(&world, &begun).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    grants::page(&mut browser).await;
    grants::press(&mut browser, "client_id", "Television").await;
    expect_poll(&world, &begun, "invalid_grant").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_polls_at_once_one_gets_the_tokens() {
    let world = Arc::new(World::new().await);
    let begun = Arc::new(begin(&world, "openid offline_access").await);
    allow(&world, &begun).await;
    let barrier = Arc::new(Barrier::new(32));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (world, begun, barrier) =
                (Arc::clone(&world), Arc::clone(&begun), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                poll(&world, &begun).await
            })
        })
        .collect();
    let mut granted = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == StatusCode::OK {
            granted += 1;
        } else {
            answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
        }
    }
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn the_link_leads_through_the_login_page_to_the_filled_in_form() {
    let world = World::new().await;
    let begun = begin(&world, "openid").await;
    let link = begun["verification_uri_complete"].as_str().unwrap().strip_prefix(ISSUER).unwrap();
    let mut browser = Browser::new(&world);
    let to_login = browser.get(link).await;
    to_login.expect_login();
    let page = browser.get(to_login.location()).await.page();
    let signed_in = browser
        .submit(&page, &[("username", "alice"), ("password", "alice"), ("action", "login")])
        .await;
    assert_eq!(signed_in.location(), link);
    let answer = browser.get(link).await;
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    let page = answer.page();
    assert_eq!(page.value("user_code"), Some(user_code(&begun)));
    let picture = page
        .all("svg")
        .find(|svg| svg.attribute("class") == Some("qr-code"))
        .expect("the link as a picture");
    assert_eq!(picture.attribute("role"), Some("img"));
    expect_poll(&world, &begun, "authorization_pending").await;
    let typed = user_code(&begun).to_lowercase().replace('-', " ");
    let page = browser.submit(&page, &[("user_code", &typed), ("action", "continue")]).await.page();
    for text in ["Allow Television App?", user_code(&begun), "alice", "Your user identifier"] {
        assert!(page.text.contains(text), "{text} in {}", page.text);
    }
}

#[tokio::test]
async fn what_is_no_code_is_shown_again_and_leads_nowhere() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for typed in ["", "BCDF-GHJK", "12345678", "<script>alert(1)</script>"] {
        let page = browser.get("/device").await.page();
        let answer = browser.submit(&page, &[("user_code", typed), ("action", "continue")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{typed}");
        let page = answer.page();
        assert!(page.all("script").next().is_none());
        assert_eq!(page.input("user_code").unwrap().attribute("aria-invalid"), Some("true"));
    }
}

/// RFC 8628 section 5.1: codes are short, so guesses are few.
#[tokio::test]
async fn guesses_are_throttled_for_the_user_wherever_they_come_from() {
    let world = World::new().await;
    let session = Browser::signed_in(&world, "alice").await.session().unwrap();
    let mut wait = None;
    for attempt in 0..12_u8 {
        let mut browser = Browser::at(&world, IpAddr::from([192, 0, 2, attempt]));
        browser.set_cookie("doorward.session", &session);
        let page = browser.get("/device").await.page();
        let answer =
            browser.submit(&page, &[("user_code", "BCDF-GHJK"), ("action", "continue")]).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.page().text.contains("Too many codes"));
            wait = Some((attempt, answer.header("retry-after").to_owned()));
            break;
        }
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(wait, Some((10, "1".to_owned())));
    // Another user is not held up, and the right code is not looked at before its time.
    let begun = begin(&world, "openid").await;
    question(&mut Browser::signed_in(&world, "carol").await, user_code(&begun)).await;
    let mut alice = Browser::new(&world);
    alice.set_cookie("doorward.session", &session);
    let page = alice.get("/device").await.page();
    let early =
        alice.submit(&page, &[("user_code", user_code(&begun)), ("action", "continue")]).await;
    assert_eq!(early.status, StatusCode::TOO_MANY_REQUESTS);
    world.clock.advance(1);
    question(&mut alice, user_code(&begun)).await;
}

#[tokio::test]
async fn who_guesses_passwords_at_a_site_keeps_nobody_from_entering_a_code() {
    let world = World::new().await;
    let session = Browser::signed_in(&world, "alice").await.session().unwrap();
    use_up_site(&world, "2001:db8:0").await;
    let begun = begin(&world, "openid").await;
    let mut browser = Browser::at(&world, "2001:db8:0:ffff::1".parse::<IpAddr>().unwrap());
    browser.set_cookie("doorward.session", &session);
    question(&mut browser, user_code(&begun)).await;
}

/// Codes of one user are bounded already, but somebody may have many accounts.
#[tokio::test]
async fn an_address_where_many_users_enter_wrong_codes_waits_for_half_a_minute_at_most() {
    let world = World::new().await;
    let here = IpAddr::from([192, 0, 2, 1]);
    let limits = throttle::of_user_codes_from("192.0.2.1");
    for _ in 0..60 {
        world.store().admit_sign_in(&limits, world.provider.now()).await.unwrap();
        world.clock.advance(30);
    }
    let begun = begin(&world, "openid").await;
    let session = Browser::signed_in(&world, "alice").await.session().unwrap();
    let mut browser = Browser::at(&world, here);
    browser.set_cookie("doorward.session", &session);
    question(&mut browser, user_code(&begun)).await;
    let page = browser.get("/device").await.page();
    let next = [("user_code", "BCDF-GHJK"), ("action", "continue")];
    let waits = browser.submit(&page, &next).await;
    assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(waits.header("retry-after"), "30");
}

/// An answer counts only for a code that the same user has called up, so that the throttle can't be
/// passed by.
#[tokio::test]
async fn only_who_called_a_code_up_answers_it() {
    let world = World::new().await;
    let begun = begin(&world, "openid").await;
    let mut alice = Browser::signed_in(&world, "alice").await;
    let page = alice.get("/device").await.page();
    for action in ["allow", "deny", "", "anything"] {
        let answer =
            alice.submit(&page, &[("user_code", user_code(&begun)), ("action", action)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{action}");
    }
    let asked_alice = question(&mut alice, user_code(&begun)).await;
    question(&mut Browser::signed_in(&world, "carol").await, user_code(&begun)).await;
    assert_eq!(
        alice.submit(&asked_alice, &[("action", "allow")]).await.status,
        StatusCode::BAD_REQUEST
    );
    expect_poll(&world, &begun, "authorization_pending").await;
}

#[tokio::test]
async fn a_forged_answer_is_asked_again() {
    let world = World::new().await;
    let begun = begin(&world, "openid").await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, user_code(&begun)).await;
    let pairs = [("user_code", user_code(&begun)), ("action", "allow"), ("scope", "openid")];
    let without_token = browser.post("/device", &pairs).await;
    let with_token = [&pairs[..], &[("form_token", page.value("form_token").unwrap())]].concat();
    let foreign = form_request("/device", &with_token);
    let foreign = browser.send(with_header(foreign, "origin", "https://evil.example")).await;
    for answer in [without_token, foreign] {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert_eq!(answer.location(), format!("/device?user_code={}", user_code(&begun)));
    }
    expect_poll(&world, &begun, "authorization_pending").await;
}

#[tokio::test]
async fn a_client_may_want_a_fresher_sign_in() {
    for setting in ["user_sso_lifetime", "default_max_age"] {
        let world = World::new().await;
        let begun = begin(&world, "openid").await;
        let strict = world.restarted("Television", json!({setting: 60})).await;
        let mut browser = Browser::signed_in(&strict, "alice").await;
        strict.clock.advance(61);
        let page = browser.get("/device").await.page();
        let answer = browser
            .submit(&page, &[("user_code", user_code(&begun)), ("action", "continue")])
            .await;
        answer.expect_login();
        assert!(answer.location().contains(user_code(&begun)));
        // The answer can be posted without the question.
        for action in ["allow", "deny"] {
            let code = user_code(&begun);
            let answer = browser.submit(&page, &[("user_code", code), ("action", action)]).await;
            assert!(!answer.body.contains("The device is connected"), "{action}: {answer:?}");
        }
        let polled = poll(&strict, &begun).await;
        assert!(!polled.body.contains("access_token"), "{polled:?}");
    }
}

#[tokio::test]
async fn no_more_devices_wait_at_one_address_than_are_allowed() {
    let world = World::with(Setup { most_waiting: 2, ..Setup::default() }).await;
    let ask =
        async || world.post("/connect/deviceauthorization", &[("client_id", "Television")]).await;
    for _ in 0..2 {
        assert_eq!(ask().await.status, StatusCode::OK);
    }
    let refused = ask().await;
    refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "60");
    world.clock.advance(300);
    assert_eq!(ask().await.status, StatusCode::OK, "the first have expired");
}

/// Whoever wants more places could register more clients, with a secret or without.
#[tokio::test]
async fn strangers_of_one_address_wait_together() {
    let grant_types = [GrantType::AuthorizationCode, GrantType::DeviceCode].into();
    let registration = RegistrationSettings { grant_types, ..registration::open() };
    let world = World::with(Setup { registration, most_waiting: 1, ..Setup::default() }).await;
    let ask = async |client: &Value| {
        let text = |name: &str| client[name].as_str().unwrap_or_default();
        let (id, secret) = (text("client_id"), text("client_secret"));
        let pairs = [("client_id", id), ("client_secret", secret)];
        world.post("/connect/deviceauthorization", &pairs).await
    };
    let mut clients = Vec::new();
    for method in ["none", "client_secret_post"].repeat(5) {
        let grants = ["authorization_code", GRANT];
        let changes = json!({"token_endpoint_auth_method": method, "grant_types": grants});
        clients.push(registration::registered(&world, changes).await);
    }
    for client in &clients {
        let answer = ask(client).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    for client in &clients[..2] {
        let refused = ask(client).await;
        refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    }
    begin(&world, "openid").await;
}

#[tokio::test]
async fn no_more_devices_of_one_client_wait_in_all_than_are_allowed() {
    let world = World::with(Setup { most_waiting_per_client: 2, ..Setup::default() }).await;
    let ask =
        async || world.post("/connect/deviceauthorization", &[("client_id", "Television")]).await;
    for _ in 0..2 {
        assert_eq!(ask().await.status, StatusCode::OK);
    }
    let refused = ask().await;
    refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "60");
}

#[tokio::test]
async fn scopes_that_nobody_knows_are_left_out() {
    let world = World::new().await;
    let begun = begin(&world, "openid unknown").await;
    allow(&world, &begun).await;
    let tokens = poll(&world, &begun).await.json();
    assert_eq!(tokens["scope"], "openid");
}

#[tokio::test]
async fn requests_that_do_not_hold_are_refused() {
    let world = World::new().await;
    for (pairs, status, code) in [
        (&[("scope", "openid")][..], StatusCode::UNAUTHORIZED, "invalid_client"),
        (&[("client_id", "Nobody")], StatusCode::UNAUTHORIZED, "invalid_client"),
        (&[("client_id", "PkceJS")], StatusCode::BAD_REQUEST, "unauthorized_client"),
        (
            &[("client_id", "Television"), ("scope", "MyBackendApi1")],
            StatusCode::BAD_REQUEST,
            "invalid_scope",
        ),
        (&[("client_id", "Television"), ("scope", "\"")], StatusCode::BAD_REQUEST, "invalid_scope"),
        (&[("client_id", "Television"), ("scope", "x")], StatusCode::BAD_REQUEST, "invalid_scope"),
        (
            &[("client_id", "Television"), ("client_id", "Television")],
            StatusCode::BAD_REQUEST,
            "invalid_request",
        ),
    ] {
        world.post("/connect/deviceauthorization", pairs).await.expect_json_error(status, code);
    }
    assert_eq!(
        world.get("/connect/deviceauthorization").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let unknown = json!({"device_code": "x"});
    expect_poll(&world, &unknown, "invalid_grant").await;
    let missing = world.token(&[("grant_type", GRANT), ("client_id", "Television")]).await;
    missing.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn a_confidential_client_authenticates() {
    let secrets = json!([{"plain": "secret"}]);
    let settings = json!({
        "client_id": "Kiosk", "allowed_grant_types": ["device_code"], "client_secrets": secrets,
        "allowed_scopes": ["openid"],
    });
    let world = World::with_clients(vec![settings]).await;
    let request = || form_request("/connect/deviceauthorization", &[("scope", "openid")]);
    let wrong = with_header(request(), "authorization", &basic("Kiosk", "wrong"));
    world.send(wrong).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    let right = with_header(request(), "authorization", &basic("Kiosk", "secret"));
    assert_eq!(world.send(right).await.status, StatusCode::OK);
}

/// A world with the command line as a client, where ada is an administrator.
async fn with_command_line() -> World {
    let client = json!({
        "client_id": COMMAND_CLIENT, "client_name": "Command line",
        "allowed_grant_types": ["device_code"], "require_client_secret": false,
        "allowed_scopes": ["openid", "MyBackendApi2"],
    });
    let mut ada = user("ada", "ada", &[]);
    Arc::make_mut(&mut ada.claims).0.insert("admin_role".to_owned(), json!("auditor"));
    World::with(Setup { clients: vec![client], users: vec![ada], ..Setup::default() }).await
}

async fn begin_command(world: &World) -> Value {
    let form = [("client_id", COMMAND_CLIENT), ("scope", "openid MyBackendApi2")];
    world.post("/connect/deviceauthorization", &form).await.json()
}

#[tokio::test]
async fn the_code_of_a_command_line_is_typed_and_the_page_says_what_is_given() {
    let world = with_command_line().await;
    let begun = begin_command(&world).await;
    assert!(begun.get("verification_uri_complete").is_none(), "{begun}");
    let code = user_code(&begun);
    let mut browser = Browser::signed_in(&world, "ada").await;
    let linked = browser.get(&format!("/device?user_code={code}")).await.page();
    let typed = [("user_code", code), ("action", "continue")];
    let answer = browser.submit(&linked, &typed).await.page();
    assert!(answer.text.contains("Type the code that your command line shows"), "{}", answer.text);
    assert_ne!(answer.value("user_code"), Some(code));
    let question = browser.submit(&answer, &typed).await.page();
    assert!(question.text.contains("the whole administration"), "{}", question.text);
    assert!(question.text.contains("started it a moment ago"), "{}", question.text);
    let done = browser.submit(&question, &[("action", "allow")]).await;
    assert!(done.page().text.contains("The device is connected"));
}

#[tokio::test]
async fn nobody_but_an_administrator_allows_a_command_line() {
    let world = with_command_line().await;
    let begun = begin_command(&world).await;
    let code = user_code(&begun);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get("/device").await.page();
    // The second answer skips the question.
    for action in ["continue", "allow"] {
        let answer = browser.submit(&page, &[("user_code", code), ("action", action)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{action}");
        assert!(answer.page().text.contains("command line for administrators"), "{action}");
    }
    let device_code = begun["device_code"].as_str().unwrap();
    let form = [("grant_type", GRANT), ("client_id", COMMAND_CLIENT), ("device_code", device_code)];
    let polled = world.token(&form).await;
    polled.expect_json_error(StatusCode::BAD_REQUEST, "authorization_pending");
}

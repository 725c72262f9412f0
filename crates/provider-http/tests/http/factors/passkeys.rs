//! Passkeys (Web Authentication Level 3), with an authenticator of our own. The stories with that
//! of a browser are in `end2end/tests/factors.spec.ts`.

use axum::http::StatusCode;
use doorward_protocol::base64url;
use doorward_provider::model::second_factor::SecondFactorSettings;
use serde_json::{Value, json};

use super::to_id;
use crate::support::{
    Answer, Authenticator, BACKUP_ELIGIBLE, Browser, Setup, VERIFIED, World, claims,
};

pub const OPTIONS: &str = "/account/passkey-options";

/// Asks for a question as the script does, with the form token of the login page.
pub async fn ask(browser: &mut Browser<'_>, kind: &str) -> Answer {
    let page = browser.login_page(None).await;
    let token = page.value("form_token").unwrap().to_owned();
    browser.post(OPTIONS, &[("form_token", &token), ("kind", kind)]).await
}

/// Posts an answer to the login page, as the script does.
async fn answer(browser: &mut Browser<'_>, ticket: &str, credential: &str) -> Answer {
    let page = browser.login_page(None).await;
    let token = page.value("form_token").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("ticket", ticket), ("credential", credential)];
    browser.post("/account/login", &fields).await
}

#[tokio::test]
async fn a_question_asks_for_any_verified_user_of_this_host() {
    let world = World::new().await;
    let question = ask(&mut Browser::new(&world), "sign-in").await;
    assert_eq!(question.status, StatusCode::OK, "{question:?}");
    assert_eq!(question.header("cache-control"), "no-store");
    let question = question.json();
    assert_eq!(question["publicKey"]["rpId"], "localhost");
    assert_eq!(question["publicKey"]["userVerification"], "required");
    assert_eq!(question["publicKey"]["allowCredentials"], serde_json::json!([]));
    let ticket = question["ticket"].as_str().unwrap();
    let challenge = question["publicKey"]["challenge"].as_str().unwrap();
    assert!(ticket.len() < 600 && !ticket.contains(challenge), "{ticket}");
}

#[tokio::test]
async fn a_new_passkey_is_asked_for_after_a_fresh_sign_in_only() {
    let world = World::new().await;
    let refused = ask(&mut Browser::new(&world), "register").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let question = ask(&mut browser, "register").await.json();
    let key = &question["publicKey"];
    assert_eq!(key["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(key["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(key["attestation"], "none");
    assert_eq!(key["user"]["name"], "alice");
    assert!(!key["user"]["id"].as_str().unwrap().contains("alice"));
    world.clock.advance(301);
    assert_eq!(ask(&mut browser, "register").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn other_sites_get_no_question() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.login_page(None).await;
    let refused = browser.post(OPTIONS, &[("form_token", "x")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_no_answer_signs_nobody_in_and_uses_the_question_up() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    for credential in ["{}", "[]", "{\"id\":\"AA\",\"rawId\":\"AA\",\"type\":\"public-key\"}"] {
        let question = ask(&mut browser, "sign-in").await.json();
        let ticket = question["ticket"].as_str().unwrap();
        let refused = answer(&mut browser, ticket, credential).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{credential}");
        assert!(refused.page().text.contains("did not work"), "{credential}");
        let again = answer(&mut browser, ticket, credential).await;
        assert!(again.page().text.contains("took too long"), "{credential}");
    }
    let unknown = answer(&mut browser, &"A".repeat(43), "{}").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn questions_are_not_limited_and_expire() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let first = ask(&mut browser, "sign-in").await.json();
    for _ in 0..150 {
        assert_eq!(ask(&mut browser, "sign-in").await.status, StatusCode::OK);
    }
    world.clock.advance(600);
    let late = answer(&mut browser, first["ticket"].as_str().unwrap(), "{}").await;
    assert!(late.page().text.contains("took too long"), "{late:?}");
}

#[tokio::test]
async fn a_host_that_is_an_address_has_none() {
    let issuer = "http://127.0.0.1:6001";
    let world = World::with(Setup { issuer, ..Setup::default() }).await;
    let login = world.get("/account/login").await;
    assert!(!login.body.contains("<script"), "{login:?}");
    assert!(!login.header("content-security-policy").contains("script-src"));
}

#[tokio::test]
async fn related_origins_are_published_where_there_are_any() {
    let path = "/.well-known/webauthn";
    assert_eq!(World::new().await.get(path).await.status, StatusCode::NOT_FOUND);
    let related_origins = vec!["https://login.example.org".to_owned()];
    let second_factor = SecondFactorSettings { related_origins, ..SecondFactorSettings::default() };
    let world = World::with(Setup { second_factor, ..Setup::default() }).await;
    let published = world.get(path).await;
    assert_eq!(published.json(), serde_json::json!({"origins": ["https://login.example.org"]}));
}

#[tokio::test]
async fn the_script_is_a_file_under_the_policy() {
    let world = World::new().await;
    let login = world.get("/account/login").await;
    let policy = login.header("content-security-policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"));
    let page = login.page();
    let scripts: Vec<_> = page.all("script").collect();
    assert_eq!(scripts.len(), 1);
    let script = world.get(scripts[0].attribute("src").unwrap()).await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert!(script.body.contains("navigator.credentials"));
}

/// Adds a passkey to the account of a browser's user, as the script does.
pub async fn register(browser: &mut Browser<'_>, authenticator: &mut Authenticator) -> Answer {
    let question = ask_signed_in(browser).await;
    let credential = authenticator.register(&question);
    add(browser, &question, &credential).await
}

async fn ask_signed_in(browser: &mut Browser<'_>) -> Value {
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let question = browser.post(OPTIONS, &[("form_token", &token), ("kind", "register")]).await;
    assert_eq!(question.status, StatusCode::OK, "{question:?}");
    question.json()
}

async fn add(browser: &mut Browser<'_>, question: &Value, credential: &str) -> Answer {
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let fields = [
        ("form_token", token.as_str()),
        ("ticket", question["ticket"].as_str().unwrap()),
        ("credential", credential),
        ("name", "Laptop"),
    ];
    browser.post("/account/passkeys", &fields).await
}

/// Signs in by a passkey, as the script does.
async fn sign_in(browser: &mut Browser<'_>, authenticator: &Authenticator) -> Answer {
    let question = ask(browser, "sign-in").await.json();
    let credential = authenticator.sign_in(&question);
    answer(browser, question["ticket"].as_str().unwrap(), &credential).await
}

/// A world in which alice has a passkey.
async fn with_passkey() -> (World, Authenticator) {
    let world = World::new().await;
    let mut authenticator = Authenticator::new(1);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let added = register(&mut browser, &mut authenticator).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{added:?}");
    (world, authenticator)
}

#[tokio::test]
async fn a_passkey_signs_in_by_itself_and_each_answer_counts_once() {
    let (world, authenticator) = with_passkey().await;
    let mut browser = Browser::new(&world);
    let question = ask(&mut browser, "sign-in").await.json();
    let credential = authenticator.sign_in(&question);
    let ticket = question["ticket"].as_str().unwrap();
    let signed_in = answer(&mut browser, ticket, &credential).await;
    assert_eq!((signed_in.status, signed_in.location()), (StatusCode::SEE_OTHER, "/"));
    let token = &browser.tokens(&[]).await["id_token"];
    assert_eq!(claims(token)["amr"], json!(["hwk", "user", "mfa"]));
    let again = answer(&mut Browser::new(&world), ticket, &credential).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");
    // An answer to another question.
    let other = ask(&mut browser, "sign-in").await.json();
    let ticket = other["ticket"].as_str().unwrap();
    let mixed = answer(&mut Browser::new(&world), ticket, &credential).await;
    assert_eq!(mixed.status, StatusCode::BAD_REQUEST);
}

/// A device that answers by itself would send the same passkey again and again.
#[tokio::test]
async fn after_a_refused_passkey_the_page_asks_for_none_by_itself() {
    let (world, _) = with_passkey().await;
    let mut browser = Browser::new(&world);
    let offered = |page: &Answer| page.body.contains("data-offered");
    assert!(offered(&browser.get("/account/login").await));
    let question = ask(&mut browser, "sign-in").await.json();
    let ticket = question["ticket"].as_str().unwrap();
    let refused = answer(&mut browser, ticket, "{}").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("passkey-button") && !offered(&refused));
}

/// Web Authentication Level 3 section 7.2, a step each.
#[tokio::test]
async fn what_an_authenticator_must_not_say_signs_nobody_in() {
    type Change = fn(&mut Authenticator);
    let (world, mut authenticator) = with_passkey().await;
    let changes: [(&str, Change); 9] = [
        ("type", |own| own.client_data = json!({"type": "webauthn.create"})),
        ("challenge", |own| own.client_data = json!({"challenge": "AAAA"})),
        ("origin", |own| own.client_data = json!({"origin": "http://localhost:5001"})),
        ("embedded", |own| own.client_data = json!({"crossOrigin": true})),
        ("top origin", |own| own.client_data = json!({"topOrigin": "https://evil.example"})),
        ("host", |own| own.rp_id = "evil.example".to_owned()),
        ("user verification", |own| own.flags = 0),
        ("backup", |own| own.flags = VERIFIED | BACKUP_ELIGIBLE),
        ("user", |own| own.user_handle = base64url::encode([7; 16])),
    ];
    let (handle, flags) = (authenticator.user_handle.clone(), authenticator.flags);
    for (what, change) in changes {
        change(&mut authenticator);
        let mut browser = Browser::new(&world);
        let refused = sign_in(&mut browser, &authenticator).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{what}: {refused:?}");
        assert_eq!(browser.session(), None, "{what}");
        authenticator.user_handle.clone_from(&handle);
        authenticator.client_data = json!({});
        "localhost".clone_into(&mut authenticator.rp_id);
        authenticator.flags = flags;
    }
    let mut browser = Browser::new(&world);
    assert_eq!(sign_in(&mut browser, &authenticator).await.status, StatusCode::SEE_OTHER);
}

/// Web Authentication Level 3 section 7.1, a step each.
#[tokio::test]
async fn what_an_authenticator_must_not_say_adds_no_passkey() {
    type Change = fn(&mut Authenticator);
    let changes: [(&str, Change); 8] = [
        ("type", |own| own.client_data = json!({"type": "webauthn.get"})),
        ("challenge", |own| own.client_data = json!({"challenge": "AAAA"})),
        ("origin", |own| own.client_data = json!({"origin": "http://localhost:5001"})),
        ("embedded", |own| own.client_data = json!({"crossOrigin": true})),
        ("top origin", |own| own.client_data = json!({"topOrigin": "https://evil.example"})),
        ("host", |own| own.rp_id = "evil.example".to_owned()),
        ("user verification", |own| own.flags = 0),
        ("length", |own| own.credential_id = vec![1; 1024]),
    ];
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for (what, change) in changes {
        let mut authenticator = Authenticator::new(1);
        change(&mut authenticator);
        let refused = register(&mut browser, &mut authenticator).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{what}: {refused:?}");
    }
    assert_eq!(world.provider.factors().of(&to_id("alice")).await.unwrap().passkeys, 0);
    let mut longest = Authenticator::new(1);
    longest.credential_id = vec![1; 1023];
    assert_eq!(register(&mut browser, &mut longest).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_counter_that_does_not_grow_signs_nobody_in() {
    let (world, mut authenticator) = with_passkey().await;
    for (counter, is_taken) in [(5, true), (5, false), (4, false), (0, false), (6, true)] {
        authenticator.counter = counter;
        let mut browser = Browser::new(&world);
        sign_in(&mut browser, &authenticator).await;
        assert_eq!(browser.session().is_some(), is_taken, "{counter}");
    }
}

#[tokio::test]
async fn two_tabs_add_one_passkey_once() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let mut authenticator = Authenticator::new(1);
    // Both tabs ask before one answers.
    let questions = [ask_signed_in(&mut browser).await, ask_signed_in(&mut browser).await];
    let answers = questions.each_ref().map(|question| authenticator.register(question));
    let mut statuses = Vec::new();
    for (question, credential) in questions.iter().zip(&answers) {
        statuses.push(add(&mut browser, question, credential).await.status);
    }
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::BAD_REQUEST]);
    // Nor does somebody else's account take it.
    let mut carol = Browser::signed_in(&world, "carol").await;
    let refused = register(&mut carol, &mut authenticator).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert!(refused.page().text.contains("has a passkey"), "{refused:?}");
    assert_eq!(world.provider.factors().of(&to_id("alice")).await.unwrap().passkeys, 1);
}

#[tokio::test]
async fn a_question_for_one_user_adds_no_passkey_to_another() {
    let world = World::new().await;
    let mut alice = Browser::signed_in(&world, "alice").await;
    let question = ask_signed_in(&mut alice).await;
    let credential = Authenticator::new(1).register(&question);
    let mut carol = Browser::signed_in(&world, "carol").await;
    assert_eq!(add(&mut carol, &question, &credential).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.provider.factors().of(&to_id("carol")).await.unwrap().passkeys, 0);
}

#[tokio::test]
async fn who_guesses_passwords_keeps_nobody_from_signing_in_by_a_passkey() {
    let (world, authenticator) = with_passkey().await;
    let here = "192.0.2.1".parse().unwrap();
    for number in 0..50 {
        Browser::at(&world, here).sign_in(&format!("user-{number}"), "wrong", None).await;
    }
    let throttled = Browser::at(&world, here).sign_in("alice", "alice", None).await;
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);
    let mut browser = Browser::at(&world, here);
    assert_eq!(sign_in(&mut browser, &authenticator).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn answers_of_passkeys_are_limited_by_address() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let mut statuses = Vec::new();
    for _ in 0..51 {
        let question = ask(&mut browser, "sign-in").await.json();
        let ticket = question["ticket"].as_str().unwrap().to_owned();
        statuses.push(answer(&mut browser, &ticket, "{}").await.status);
    }
    assert_eq!(statuses.iter().filter(|own| **own == StatusCode::BAD_REQUEST).count(), 50);
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
}

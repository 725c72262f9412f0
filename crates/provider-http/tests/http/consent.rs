//! `/consent`: the question and the answers to it (OIDC Core section 3.1.2.4).

use axum::http::StatusCode;
use doorward_provider::model::resource::{IdentityResource, Resources};
use serde_json::{Value, json};

use crate::support::{
    Answer, BACKEND_REDIRECT, Browser, Page, Setup, World, authorize_url, basic, changed,
    client_settings, code_request, form_request, with_header,
};

fn asking(scope: &str) -> String {
    authorize_url(&[
        ("client_id", "PkceCodeBackend"),
        ("redirect_uri", BACKEND_REDIRECT),
        ("scope", scope),
    ])
}

async fn question(browser: &mut Browser<'_>, scope: &str) -> Page {
    let answer = browser.get(&asking(scope)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let page = answer.page();
    assert_eq!(page.form_action(), "/consent");
    page
}

/// The scope that the client gets for the code in an answer.
async fn granted(world: &World, answer: &Answer) -> Value {
    let code = answer.expect_code(BACKEND_REDIRECT);
    let request =
        changed(code_request(&code), &[("client_id", ""), ("redirect_uri", BACKEND_REDIRECT)]);
    world.token_as(&basic("PkceCodeBackend", "secret"), &request).await.json()["scope"].clone()
}

#[tokio::test]
async fn the_page_describes_what_the_client_asks_for() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid profile MyBackendApi2 offline_access").await;
    for text in [
        "Allow Backend?",
        "alice",
        "Your user identifier",
        "The API MyBackendApi2",
        "Calls MyBackendApi2 for you.",
        "Access while you are away",
    ] {
        assert!(page.text.contains(text), "{text} in {}", page.text);
    }
    let boxes: Vec<_> = page
        .all("input")
        .filter(|input| input.attribute("name") == Some("scope"))
        .filter(|input| input.attribute("type") == Some("checkbox"))
        .map(|input| (input.attribute("value").unwrap(), input.attribute("disabled").is_some()))
        .collect();
    assert_eq!(
        boxes,
        [("openid", true), ("profile", false), ("MyBackendApi2", false), ("offline_access", false)]
    );
}

#[tokio::test]
async fn a_scope_to_be_stressed_stands_out() {
    let scope = |name: &str, emphasize: bool| {
        let settings = json!({
            "name": name, "display_name": format!("The API {name}"), "emphasize": emphasize,
        });
        serde_json::from_value(settings).unwrap()
    };
    let scopes = vec![scope("MyBackendApi1", false), scope("MyBackendApi2", true)];
    let resources = Resources::new(IdentityResource::standard(), scopes, vec![], true).unwrap();
    let asks =
        json!({"require_consent": true, "allowed_scopes": ["MyBackendApi1", "MyBackendApi2"]});
    let clients = vec![client_settings("Asks", asks)];
    let world =
        World::with(Setup { clients, resources: Some(resources), ..Setup::default() }).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for (scope, stressed) in [("MyBackendApi1", false), ("MyBackendApi2", true)] {
        let page =
            browser.get(&authorize_url(&[("client_id", "Asks"), ("scope", scope)])).await.page();
        assert!(page.text.contains(&format!("The API {scope}")), "{}", page.text);
        // The user's name is the other one.
        assert_eq!(page.all("strong").count(), if stressed { 2 } else { 1 }, "{scope}");
    }
}

#[tokio::test]
async fn allowing_gives_a_code_for_the_ticked_scopes() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid profile MyBackendApi2").await;
    let all = browser.submit(&page, &[("remember_consent", ""), ("action", "allow")]).await;
    assert_eq!(granted(&world, &all).await, "openid profile MyBackendApi2");
    let fields =
        [("remember_consent", ""), ("scope", "openid"), ("scope", "profile"), ("action", "allow")];
    let some = browser.submit(&page, &fields).await;
    assert_eq!(granted(&world, &some).await, "openid profile");
}

#[tokio::test]
async fn required_scopes_stay_and_unrequested_ones_are_not_added() {
    let client = client_settings(
        "PkceCodeBackend",
        json!({
            "require_consent": true, "require_client_secret": true,
            "client_secrets": [{"plain": "secret"}], "redirect_uris": [BACKEND_REDIRECT],
            "allowed_scopes": ["openid", "profile", "MyBackendApi2", "audit"],
        }),
    );
    let world = World::with_clients(vec![client]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid profile audit").await;
    // Without what is required, nothing is granted: the user is asked again.
    for posted in ["MyBackendApi2", "profile", "openid", ""] {
        let fields = [("scope", posted), ("remember_consent", "true"), ("action", "allow")];
        let answer = browser.submit(&page, &fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{posted}: {answer:?}");
        assert_eq!(answer.page().form_action(), "/consent");
    }
    let page = question(&mut browser, "openid profile audit").await;
    let fields = [
        ("scope", "openid"),
        ("scope", "audit"),
        ("scope", "MyBackendApi2"),
        ("remember_consent", ""),
        ("action", "allow"),
    ];
    let answer = browser.submit(&page, &fields).await;
    assert_eq!(granted(&world, &answer).await, "openid audit");
}

#[tokio::test]
async fn denying_or_allowing_nothing_gives_access_denied() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid profile").await;
    for action in ["deny", "", "anything"] {
        let answer = browser.submit(&page, &[("action", action)]).await;
        answer.expect_redirect_error(BACKEND_REDIRECT, "access_denied");
        assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    }
    let page = question(&mut browser, "MyBackendApi2").await;
    let answer = browser.submit(&page, &[("scope", ""), ("action", "allow")]).await;
    answer.expect_redirect_error(BACKEND_REDIRECT, "access_denied");
}

#[tokio::test]
async fn a_remembered_consent_spares_the_question_for_the_same_or_less() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid profile").await;
    assert!(page.input("remember_consent").unwrap().attribute("checked").is_some());
    browser.submit(&page, &[("action", "allow")]).await.expect_code(BACKEND_REDIRECT);

    for scope in ["openid profile", "openid"] {
        browser.get(&asking(scope)).await.expect_code(BACKEND_REDIRECT);
    }
    question(&mut browser, "openid profile MyBackendApi2").await;
    question(&mut Browser::signed_in(&world, "carol").await, "openid profile").await;
}

#[tokio::test]
async fn access_while_the_user_is_away_is_asked_for_each_time() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for _ in 0..2 {
        let page = question(&mut browser, "openid offline_access").await;
        browser.submit(&page, &[("action", "allow")]).await.expect_code(BACKEND_REDIRECT);
    }
}

#[tokio::test]
async fn a_consent_is_not_remembered_unless_ticked_and_allowed() {
    let forgetful = client_settings(
        "Forgetful",
        json!({
            "require_consent": true, "allow_remember_consent": false,
            "redirect_uris": [BACKEND_REDIRECT],
        }),
    );
    let world = World::with_clients(vec![forgetful]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid").await;
    browser
        .submit(&page, &[("remember_consent", ""), ("action", "allow")])
        .await
        .expect_code(BACKEND_REDIRECT);
    question(&mut browser, "openid").await;

    let url = authorize_url(&[
        ("client_id", "Forgetful"),
        ("redirect_uri", BACKEND_REDIRECT),
        ("scope", "openid"),
    ]);
    let page = browser.get(&url).await.page();
    assert!(page.input("remember_consent").is_none());
    let answer = browser.submit(&page, &[("remember_consent", "true"), ("action", "allow")]).await;
    answer.expect_code(BACKEND_REDIRECT);
    assert_eq!(browser.get(&url).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_remembered_consent_ends_after_its_lifetime() {
    let client = client_settings(
        "Brief",
        json!({
            "require_consent": true, "consent_lifetime": 60, "redirect_uris": [BACKEND_REDIRECT],
        }),
    );
    let world = World::with_clients(vec![client]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[
        ("client_id", "Brief"),
        ("redirect_uri", BACKEND_REDIRECT),
        ("scope", "openid"),
    ]);
    let page = browser.get(&url).await.page();
    browser.submit(&page, &[("action", "allow")]).await.expect_code(BACKEND_REDIRECT);
    world.clock.advance(59);
    browser.get(&url).await.expect_code(BACKEND_REDIRECT);
    world.clock.advance(1);
    assert_eq!(browser.get(&url).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_forged_answer_is_asked_again() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid").await;
    let return_url = page.value("return_url").unwrap();
    let pairs = [("return_url", return_url), ("action", "allow"), ("scope", "openid")];
    let without_token = browser.post("/consent", &pairs).await;
    let token = page.value("form_token").unwrap();
    let with_token = [&pairs[..], &[("form_token", token)]].concat();
    let foreign = browser
        .send(with_header(form_request("/consent", &with_token), "origin", "http://localhost:5001"))
        .await;
    for answer in [without_token, foreign] {
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, return_url),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_counts_only_for_the_user_who_was_asked() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let asked_alice = question(&mut browser, "openid").await;
    browser.sign_in("carol", "carol", None).await;
    let answer = browser.submit(&asked_alice, &[("action", "allow")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let asked_carol = answer.page();
    assert!(asked_carol.text.contains("carol"));
    browser.submit(&asked_carol, &[("action", "allow")]).await.expect_code(BACKEND_REDIRECT);
}

#[tokio::test]
async fn foreign_return_addresses_get_the_error_page() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid").await;
    for foreign in ["", "//evil.example", "https://evil.example/connect/authorize?a=b"] {
        for action in ["allow", "deny"] {
            let answer =
                browser.submit(&page, &[("return_url", foreign), ("action", action)]).await;
            answer.expect_error_page(StatusCode::BAD_REQUEST);
        }
    }
}

#[tokio::test]
async fn an_answer_after_the_session_ended_goes_to_the_login_page() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = question(&mut browser, "openid").await;
    world.clock.advance(3600);
    browser.submit(&page, &[("action", "allow")]).await.expect_login();
}

#[tokio::test]
async fn opened_by_itself_the_page_has_nothing_to_ask() {
    let world = World::new().await;
    let answer = world.get("/consent").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
}

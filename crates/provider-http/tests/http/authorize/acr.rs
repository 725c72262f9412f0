//! How strongly a user must have signed in: `acr_values`, the claim `acr` and a client's
//! `require_acr` (OIDC Core sections 3.1.2.1 and 5.5.1.1, RFC 9470 sections 4 to 6).

use axum::http::StatusCode;
use doorward_protocol::params::{self, Params};
use doorward_provider::model::acr::AcrLevel;
use serde_json::{Value, json};

use crate::{
    factors::set_up_app,
    support::{
        Browser, REDIRECT, START, Setup, World, authorize_url, basic, changed, claims,
        client_settings, code_request, form_request, with_header,
    },
};

const ONE: &str = "urn:doorward:acr:1";
const TWO: &str = "urn:doorward:acr:2";
const TWO_FACTORS: [&str; 3] = ["pwd", "otp", "mfa"];

fn claimed(acr: &Value) -> String {
    authorize_url(&[("claims", &json!({"id_token": {"acr": acr}}).to_string())])
}

#[tokio::test]
async fn tokens_say_how_strongly_and_when_the_user_signed_in() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    for token in ["id_token", "access_token"] {
        let claims = claims(&tokens[token]);
        assert_eq!((&claims["acr"], &claims["auth_time"]), (&json!(ONE), &json!(START)), "{token}");
    }
    for methods in [&TWO_FACTORS[..], &["swk", "user", "mfa"]] {
        browser.sign_in_by(methods).await;
        let tokens = browser.tokens(&[]).await;
        assert_eq!(claims(&tokens["id_token"])["amr"], json!(methods));
        for token in ["id_token", "access_token"] {
            assert_eq!(claims(&tokens[token])["acr"], TWO, "{token}");
        }
    }
}

#[tokio::test]
async fn refreshed_tokens_keep_the_sign_in() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.sign_in_by(&TWO_FACTORS).await;
    let tokens = browser.tokens(&[("scope", "openid MyBackendApi2 offline_access")]).await;
    world.clock.advance(500);
    // What the session is by now does not matter.
    browser.sign_in_by(&["pwd"]).await;
    let renewed = world.refresh(&tokens["refresh_token"]).await.json();
    for token in ["id_token", "access_token"] {
        let claims = claims(&renewed[token]);
        assert_eq!((&claims["acr"], &claims["auth_time"]), (&json!(TWO), &json!(START)), "{token}");
    }
}

#[tokio::test]
async fn apis_learn_it_by_introspection_too() {
    let world = World::with_clients(vec![client_settings(
        "Opaque",
        json!({"access_token_type": "reference"}),
    )])
    .await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.sign_in_by(&TWO_FACTORS).await;
    let code = browser.code(&[("client_id", "Opaque")]).await;
    let tokens = world.token(&changed(code_request(&code), &[("client_id", "Opaque")])).await;
    let token = tokens.json()["access_token"].as_str().unwrap().to_owned();
    let question = form_request("/connect/introspect", &[("token", &token)]);
    let asked = basic("MyBackendApi2", "api-secret");
    let answer = world.send(with_header(question, "authorization", &asked)).await.json();
    assert_eq!((&answer["acr"], &answer["auth_time"]), (&json!(TWO), &json!(START)));
}

#[tokio::test]
async fn a_sign_in_that_is_too_weak_is_repeated() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let essential = claimed(&json!({"essential": true, "values": ["gold", TWO]}));
    let voluntary = claimed(&json!({"value": TWO}));
    let values = authorize_url(&[("acr_values", "phr urn:doorward:acr:2")]);
    for url in [&essential, &voluntary, &values] {
        browser.get(url).await.expect_login();
    }
    let silent = authorize_url(&[("acr_values", TWO), ("prompt", "none")]);
    browser.get(&silent).await.expect_redirect_error(REDIRECT, "login_required");
    browser.sign_in_by(&TWO_FACTORS).await;
    for url in [&essential, &voluntary, &values, &silent] {
        browser.get(url).await.expect_code(REDIRECT);
    }
}

#[tokio::test]
async fn a_stronger_sign_in_than_asked_for_will_do() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let either = authorize_url(&[("acr_values", &format!("{TWO} {ONE}"))]);
    browser.get(&either).await.expect_code(REDIRECT);
    browser.sign_in_by(&TWO_FACTORS).await;
    browser.get(&authorize_url(&[("acr_values", ONE)])).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn values_that_mean_nothing_here_are_harmless() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for values in ["1 2", "phr", "urn:doorward:acr:3", "", "  ", "urn:doorward:acr:password"] {
        browser.get(&authorize_url(&[("acr_values", values)])).await.expect_code(REDIRECT);
    }
    let unknown = claimed(&json!({"essential": false, "values": ["gold", "phr"]}));
    browser.get(&unknown).await.expect_code(REDIRECT);
}

/// RFC 9470 section 5: else the client would get one token after the other that its API refuses.
#[tokio::test]
async fn a_level_that_nobody_can_reach_is_refused() {
    let world = World::with(Setup { highest_acr: AcrLevel::One, ..Setup::default() }).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let discovery = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["acr_values_supported"], json!([ONE]));
    for url in [
        authorize_url(&[("acr_values", TWO)]),
        authorize_url(&[("acr_values", TWO), ("prompt", "none")]),
        claimed(&json!({"essential": true, "value": TWO})),
    ] {
        let answer = browser.get(&url).await;
        answer.expect_redirect_error(REDIRECT, "unmet_authentication_requirements");
    }
    let either = authorize_url(&[("acr_values", &format!("{TWO} {ONE}"))]);
    browser.get(&either).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn a_client_may_require_a_level() {
    let world = World::with_clients(vec![client_settings("Bank", json!({"require_acr": 2}))]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let at_bank = |more: &[(&str, &str)]| {
        let parameters: Vec<_> = [("client_id", "Bank")].iter().chain(more).copied().collect();
        authorize_url(&parameters)
    };
    browser.get(&at_bank(&[])).await.expect_login();
    // What a request asks for does not lower it.
    browser.get(&at_bank(&[("acr_values", ONE)])).await.expect_login();
    let silent = at_bank(&[("prompt", "none")]);
    browser.get(&silent).await.expect_redirect_error(REDIRECT, "login_required");
    browser.get(&authorize_url(&[])).await.expect_code(REDIRECT);
    browser.sign_in_by(&TWO_FACTORS).await;
    browser.get(&at_bank(&[])).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn the_login_page_can_learn_the_level() {
    let world = World::with_clients(vec![client_settings("Bank", json!({"require_acr": 2}))]).await;
    let required = async |changes: &[(&str, &str)]| {
        let url = authorize_url(changes);
        let query = url.split_once('?').unwrap().1.to_owned();
        world.provider.authorization().request(query.as_bytes()).await.unwrap().required_acr()
    };
    assert_eq!(required(&[]).await, None);
    assert_eq!(required(&[("acr_values", "phr")]).await, None);
    assert_eq!(required(&[("acr_values", ONE)]).await, Some(AcrLevel::One));
    assert_eq!(required(&[("client_id", "Bank"), ("acr_values", ONE)]).await, Some(AcrLevel::Two));
}

#[tokio::test]
async fn a_pushed_request_keeps_the_level_and_a_weak_sign_in_does_not_satisfy_it() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[("acr_values", TWO), ("prompt", "login")]);
    let query = url.split_once('?').unwrap().1;
    let parameters = Params::parse(query).unwrap();
    let pushed = world.post("/connect/par", &parameters.iter().collect::<Vec<_>>()).await;
    assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
    let reference = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let address = format!(
        "/connect/authorize?{}",
        params::encode([("client_id", "PkceJS"), ("request_uri", &reference)])
    );
    browser.get(&address).await.expect_login();
    world.clock.advance(1);
    // Signed in since, but by a password alone.
    browser.sign_in_by(&["pwd"]).await;
    browser.get(&address).await.expect_login();
    browser.sign_in_by(&TWO_FACTORS).await;
    browser.get(&address).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn the_login_page_asks_for_the_second_factor_that_a_request_needs() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let (app, _) = set_up_app(&mut browser, &world, "alice").await;
    let url = authorize_url(&[("acr_values", TWO)]);
    let enter_password = async |browser: &mut Browser<'_>, name: &str| {
        let to_login = browser.get(&url).await;
        to_login.expect_login();
        let login = browser.get(to_login.location()).await.page();
        let fields = [("username", name), ("password", name), ("action", "login")];
        let to_step = browser.submit(&login, &fields).await;
        assert!(to_step.location().starts_with("/account/second-step"), "{to_step:?}");
        browser.get(to_step.location()).await
    };
    let step = enter_password(&mut browser, "alice").await;
    let code = app.code(&world);
    let done = browser.submit(&step.page(), &[("code", &code), ("action", "finish")]).await;
    let code = browser.get(done.location()).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    assert_eq!(claims(&tokens["access_token"])["acr"], TWO);
    // Who has none sets one up. Without it there is no session, and so no code.
    let mut other = Browser::new(&world);
    let step = enter_password(&mut other, "carol").await;
    assert_eq!((step.status, other.session()), (StatusCode::OK, None));
    other.get(&url).await.expect_login();
}

#[tokio::test]
async fn a_level_that_is_required_since_ends_weaker_grants_at_the_next_refresh() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let scope = [("scope", "openid MyBackendApi2 offline_access")];
    let weak = browser.tokens(&scope).await;
    browser.sign_in_by(&TWO_FACTORS).await;
    let strong = browser.tokens(&scope).await;
    let strict = world.restarted("PkceJS", json!({"require_acr": 2})).await;
    let refused = strict.refresh(&weak["refresh_token"]).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    assert_eq!(strict.refresh(&strong["refresh_token"]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_level_that_can_not_be_read_is_refused() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    for acr in [
        json!("urn:doorward:acr:2"),
        json!({"essential": "yes", "value": TWO}),
        json!({"value": 2}),
        json!({"values": TWO}),
        json!({"values": []}),
        json!({"values": [TWO, 2]}),
        json!({"value": TWO, "values": [TWO]}),
        json!({"values": many.clone()}),
    ] {
        let url = authorize_url(&[("claims", &json!({"id_token": {"acr": acr}}).to_string())]);
        let refused = browser.get(&url).await;
        assert!(refused.location().contains("error=invalid_request"), "{acr}: {refused:?}");
    }
    let refused = browser.get(&authorize_url(&[("acr_values", &many.join(" "))])).await;
    assert!(refused.location().contains("error=invalid_request"), "{refused:?}");
    let voluntary = authorize_url(&[("claims", &json!({"id_token": {"acr": null}}).to_string())]);
    browser.get(&voluntary).await.expect_code(REDIRECT);
}

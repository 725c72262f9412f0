//! `id_token_hint` and `login_hint` (OIDC Core section 3.1.2.1).

use doorward_protocol::base64url;
use serde_json::{Value, json};

use crate::support::{Browser, REDIRECT, Setup, World, authorize_url, claims};

async fn id_token(browser: &mut Browser<'_>) -> Value {
    browser.tokens(&[]).await["id_token"].clone()
}

fn hinted(hint: &str, prompt: &str) -> String {
    authorize_url(&[("id_token_hint", hint), ("prompt", prompt)])
}

#[tokio::test]
async fn the_users_own_id_token_is_a_good_hint_even_after_its_end() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let hint = id_token(&mut browser).await;
    browser.get(&hinted(hint.as_str().unwrap(), "none")).await.expect_code(REDIRECT);
    world.clock.advance(400);
    assert!(claims(&hint)["exp"].as_i64().unwrap() < world.clock.seconds());
    browser.get(&hinted(hint.as_str().unwrap(), "none")).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn another_users_id_token_gives_login_required() {
    let world = World::new().await;
    let hint = id_token(&mut Browser::signed_in(&world, "carol").await).await;
    let hint = hint.as_str().unwrap();
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.get(&hinted(hint, "none")).await.expect_redirect_error(REDIRECT, "login_required");
    // A sign-in as somebody else does not give the client that somebody, nor a second question.
    for mut browser in [browser, Browser::new(&world)] {
        let answer = browser.authorize_signing_in(&hinted(hint, ""), "alice").await;
        answer.expect_redirect_error(REDIRECT, "login_required");
    }
}

/// The user may change to the one whom the client expects.
#[tokio::test]
async fn another_users_id_token_leads_to_a_login_page_that_says_so() {
    let world = World::new().await;
    let hint = id_token(&mut Browser::signed_in(&world, "carol").await).await;
    let url = hinted(hint.as_str().unwrap(), "");
    let mut browser = Browser::signed_in(&world, "alice").await;
    let to_login = browser.get(&url).await;
    to_login.expect_login();
    let page = browser.get(to_login.location()).await;
    assert!(page.page().text.contains("You are signed in as alice"), "{page:?}");
    // A device that answers by itself would sign alice in again and again.
    assert!(page.body.contains("passkey-button") && !page.body.contains("data-offered"));
    browser.authorize_signing_in(&url, "carol").await.expect_code(REDIRECT);
    browser.get(&url).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn a_hint_that_is_no_id_token_of_this_provider_is_an_invalid_request() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    let good = tokens["id_token"].as_str().unwrap();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("{good}")
    };
    let mut changed = claims(&tokens["id_token"]);
    changed["sub"] = json!("carol");
    let changed = base64url::encode(changed.to_string());
    let unsigned = base64url::encode(r#"{"alg":"none","typ":"JWT"}"#);
    let elsewhere =
        World::with(Setup { issuer: "http://localhost:7001", ..Setup::default() }).await;
    let foreign = id_token_of_issuer(&elsewhere).await;
    for hint in [
        format!("{header}.{changed}.{signature}"),
        format!("{header}.{payload}."),
        format!("{unsigned}.{payload}."),
        format!("{unsigned}.{changed}.{signature}"),
        tokens["access_token"].as_str().unwrap().to_owned(),
        "no.jwt.at-all".to_owned(),
        "x".to_owned(),
        foreign,
    ] {
        browser
            .get(&hinted(&hint, "none"))
            .await
            .expect_redirect_error(REDIRECT, "invalid_request");
    }
}

/// An ID token under another issuer identifier. The signing keys of all worlds are the same ones.
async fn id_token_of_issuer(world: &World) -> String {
    let answer = world
        .token_as(
            &crate::support::basic("MyBackend", "secret"),
            &[
                ("grant_type", "password"),
                ("username", "alice"),
                ("password", "alice"),
                ("scope", "openid"),
            ],
        )
        .await;
    answer.json()["id_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_login_hint_fills_in_the_form() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&authorize_url(&[("login_hint", "alice")])).await;
    to_login.expect_login();
    let page = browser.get(to_login.location()).await.page();
    assert_eq!(page.value("username"), Some("alice"));
}

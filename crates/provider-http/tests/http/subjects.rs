//! Pairwise subjects (OIDC Core section 8.1): one user, another identifier for each sector, the
//! same wherever the client meets it.

use axum::http::StatusCode;
use doorward_protocol::params;
use serde_json::{Value, json};

use crate::support::{
    Browser, REDIRECT, World, authorize_url, basic, changed, claims, client_settings, code_request,
    form_request, with_header,
};

const SALT: &str = "a salt of sixteen or more";
const OTHER: &str = "https://other.example/callback";

async fn world() -> World {
    World::with_clients(vec![
        client_settings("One", json!({"pair_wise_subject_salt": SALT})),
        client_settings("Two", json!({"pair_wise_subject_salt": SALT, "redirect_uris": [OTHER]})),
        client_settings(
            "Secret",
            json!({
                "pair_wise_subject_salt": SALT, "require_client_secret": true,
                "client_secrets": [{"plain": "secret"}],
            }),
        ),
    ])
    .await
}

pub async fn tokens(
    world: &World,
    browser: &mut Browser<'_>,
    client_id: &str,
    redirect_uri: &str,
) -> Value {
    let url = authorize_url(&[("client_id", client_id), ("redirect_uri", redirect_uri)]);
    let code = browser.get(&url).await.expect_code(redirect_uri);
    let request =
        changed(code_request(&code), &[("client_id", client_id), ("redirect_uri", redirect_uri)]);
    let answer = world.token(&request).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

fn sub(token: &Value) -> String {
    claims(token)["sub"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn tokens_and_user_info_agree_and_sectors_differ() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let one = tokens(&world, &mut browser, "One", REDIRECT).await;
    let two = tokens(&world, &mut browser, "Two", OTHER).await;
    let pairwise = sub(&one["id_token"]);
    assert_eq!(sub(&one["access_token"]), pairwise);
    assert_eq!(world.userinfo(&one["access_token"]).await.json()["sub"], pairwise);
    assert_ne!(pairwise, sub(&two["id_token"]));
    assert!(!pairwise.contains("alice"));
    let again =
        tokens(&world, &mut Browser::signed_in(&world, "alice").await, "One", REDIRECT).await;
    assert_eq!(sub(&again["id_token"]), pairwise);
    assert_eq!(sub(&browser.tokens(&[]).await["id_token"]), "alice", "a client without a salt");
}

/// By one `sid` for all, clients could put together what the subjects keep apart.
#[tokio::test]
async fn the_session_has_another_identifier_in_each_sector() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let own = browser.tokens(&[]).await;
    let one = tokens(&world, &mut browser, "One", REDIRECT).await;
    let two = tokens(&world, &mut browser, "Two", OTHER).await;
    let again = tokens(&world, &mut browser, "One", REDIRECT).await;
    let sid = |token: &Value| claims(token)["sid"].as_str().unwrap().to_owned();
    let known_to_one = sid(&one["id_token"]);
    assert_eq!(
        [sid(&one["access_token"]), sid(&again["id_token"])],
        [known_to_one.clone(), known_to_one.clone()]
    );
    let others = [sid(&own["id_token"]), sid(&two["id_token"]), sid(&two["access_token"])];
    assert!(
        !others.contains(&known_to_one) && others[0] != others[1] && others[1] == others[2],
        "{others:?}"
    );
}

#[tokio::test]
async fn refreshed_tokens_and_introspection_keep_it() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[("client_id", "Secret")]);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    let request = changed(code_request(&code), &[("client_id", "")]);
    let first = world.token_as(&basic("Secret", "secret"), &request).await.json();
    let pairwise = sub(&first["id_token"]);
    for token in ["access_token", "refresh_token"] {
        let form =
            form_request("/connect/introspect", &[("token", first[token].as_str().unwrap())]);
        let told =
            world.send(with_header(form, "authorization", &basic("Secret", "secret"))).await.json();
        assert_eq!((&told["active"], &told["sub"]), (&json!(true), &json!(pairwise)), "{token}");
    }
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first["refresh_token"].as_str().unwrap()),
    ];
    let second = world.token_as(&basic("Secret", "secret"), &refresh).await.json();
    assert_eq!(sub(&second["id_token"]), pairwise);
}

#[tokio::test]
async fn a_hint_tells_clients_of_other_sectors_nothing() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let one = tokens(&world, &mut browser, "One", REDIRECT).await;
    let carol =
        tokens(&world, &mut Browser::signed_in(&world, "carol").await, "One", REDIRECT).await;
    let hinted = |client: &str, redirect: &str, token: &Value| {
        authorize_url(&[
            ("client_id", client),
            ("redirect_uri", redirect),
            ("prompt", "none"),
            ("id_token_hint", token.as_str().unwrap()),
        ])
    };
    browser.get(&hinted("One", REDIRECT, &one["id_token"])).await.expect_code(REDIRECT);
    // Else clients that compare notes would learn that two of their subjects are one user.
    for token in [&one["id_token"], &carol["id_token"]] {
        browser.get(&hinted("Two", OTHER, token)).await.expect_code(OTHER);
        browser.get(&hinted("PkceJS", REDIRECT, token)).await.expect_code(REDIRECT);
    }
    browser.get(&hinted("Secret", REDIRECT, &one["id_token"])).await.expect_code(REDIRECT);
    let same_sector = browser.get(&hinted("Secret", REDIRECT, &carol["id_token"])).await;
    same_sector.expect_redirect_error(REDIRECT, "login_required");
    let refused = browser.get(&hinted("One", REDIRECT, &carol["id_token"])).await;
    refused.expect_redirect_error(REDIRECT, "login_required");

    let insisting = |sub: &str| {
        let claims = json!({"id_token": {"sub": {"value": sub}}}).to_string();
        authorize_url(&[("client_id", "One"), ("prompt", "none"), ("claims", &claims)])
    };
    browser.get(&insisting(&sub(&one["id_token"]))).await.expect_code(REDIRECT);
    browser.get(&insisting("alice")).await.expect_redirect_error(REDIRECT, "login_required");

    // By it the user is signed out without a question, and by another's they are asked.
    let end = |token: &Value| {
        format!(
            "/connect/endsession?{}",
            params::encode([("id_token_hint", token.as_str().unwrap())])
        )
    };
    assert!(browser.get(&end(&carol["id_token"])).await.page().text.contains("Sign out?"));
    assert!(browser.get(&end(&one["id_token"])).await.page().text.contains("You are signed out"));
}

#[tokio::test]
async fn discovery_lists_pairwise_where_a_client_has_it() {
    let types = |world: World| async move {
        world.get("/.well-known/openid-configuration").await.json()["subject_types_supported"]
            .clone()
    };
    assert_eq!(types(world().await).await, json!(["public", "pairwise"]));
    assert_eq!(types(World::new().await).await, json!(["public"]));
}

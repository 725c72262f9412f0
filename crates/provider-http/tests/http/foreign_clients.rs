//! What clients that others wrote send and expect.

use axum::http::StatusCode;
use doorward_provider::model::{
    provider_settings::AccessTokenTyp,
    resource::{IdentityResource, Resources},
};
use serde_json::json;

use crate::support::{
    Browser, REDIRECT, Setup, World, alice, authorize_url, basic, changed, claims, client_settings,
    code_request, jose_header, refresh_request, resources_with,
};

/// A client that reads a list must not get a string when there is one value.
#[tokio::test]
async fn a_list_stays_a_list_and_one_role_a_string() {
    let mut alice = alice();
    alice.claims_mut().insert("groups".to_owned(), json!(["staff"]));
    let resources = resources_with_groups();
    let settings = json!({
        "allowed_scopes": ["openid", "groups"], "always_include_user_claims_in_id_token": true,
    });
    let clients = vec![client_settings("Groups", settings)];
    let setup = Setup { resources: Some(resources), clients, ..Setup::default() };
    let world = World::with(setup).await;
    world.import(alice).await;
    let url = authorize_url(&[("client_id", "Groups"), ("scope", "openid groups")]);
    let code = Browser::signed_in(&world, "alice").await.get(&url).await.expect_code(REDIRECT);
    let request = changed(code_request(&code), &[("client_id", "Groups")]);
    let tokens = world.token(&request).await.json();
    let userinfo = world.userinfo(&tokens["access_token"]).await.json();
    for told in [claims(&tokens["id_token"]), userinfo] {
        assert_eq!((&told["groups"], &told["role"]), (&json!(["staff"]), &json!("admin")));
    }
}

/// The resources of every world, and the scope `groups`.
fn resources_with_groups() -> Resources {
    let groups = IdentityResource {
        name: "groups".to_owned(),
        display_name: "Your groups".to_owned(),
        user_claims: vec!["groups".to_owned(), "role".to_owned()],
        required: false,
    };
    resources_with(vec![groups])
}

/// Libraries that know one way to authenticate send an empty secret for a public client.
#[tokio::test]
async fn an_empty_secret_is_none() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    let refresh = refresh_request(tokens["refresh_token"].as_str().unwrap());
    let answer = world.token_as(&basic("PkceJS", ""), &refresh).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let confidential = [("grant_type", "client_credentials")];
    world
        .token_as(&basic("Resources", ""), &confidential)
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
}

/// An API whose name is a URL (RFC 8707), by a client that does not encode it.
#[tokio::test]
async fn an_identifier_may_hold_a_colon() {
    let id = "http://localhost:4000/mcp";
    let settings = json!({
        "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
        "client_secrets": [{"plain": "se:cret"}], "allowed_scopes": ["MyBackendApi2"],
        "allow_offline_access": false, "redirect_uris": [],
    });
    let world = World::with_clients(vec![client_settings(id, settings)]).await;
    let ask = async |id: &str, secret: &str| {
        let header = raw_basic(id, secret);
        world.token_as(&header, &[("grant_type", "client_credentials")]).await
    };
    assert_eq!(ask(id, "se:cret").await.status, StatusCode::OK);
    assert_eq!(
        ask("http%3A%2F%2Flocalhost%3A4000%2Fmcp", "se%3Acret").await.status,
        StatusCode::OK
    );
    for (id, secret) in [(id, "wrong"), ("http://localhost:4000", "mcp:se:cret")] {
        ask(id, secret).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
}

fn raw_basic(id: &str, secret: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    format!("Basic {encoded}")
}

#[tokio::test]
async fn every_error_carries_the_state_even_one_that_is_too_long() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for length in [2_372, 8_192] {
        let state = "k".repeat(length);
        browser.get(&authorize_url(&[("state", &state)])).await.expect_code(REDIRECT);
    }
    let state = "k".repeat(8_193);
    let refused = browser.get(&authorize_url(&[("state", &state)])).await;
    refused.expect_redirect_error(REDIRECT, "invalid_request");
    assert_eq!(refused.redirect_param("state"), Some(state));
}

/// RFC 6749 section 3.1: "Parameters sent without a value MUST be treated as if they were omitted",
/// and unknown ones are ignored.
#[tokio::test]
async fn empty_parameters_are_absent_and_unknown_ones_are_ignored() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let empty = [("request", ""), ("request_uri", ""), ("registration", "")];
    browser.get(&authorize_url(&empty)).await.expect_code(REDIRECT);
    let url = format!("{}&utm=1&utm=2", authorize_url(&[]));
    browser.get(&url).await.expect_code(REDIRECT);
    let url = format!("{}&nonce=1", authorize_url(&[]));
    browser.get(&url).await.expect_redirect_error(REDIRECT, "invalid_request");
    let request = [
        ("grant_type", "client_credentials"),
        ("client_assertion", ""),
        ("client_assertion_type", ""),
    ];
    assert_eq!(
        world.token_as(&basic("Resources", "secret"), &request).await.status,
        StatusCode::OK
    );
}

/// Spring Security's default decoder takes no other type.
#[tokio::test]
async fn access_tokens_may_say_that_they_are_plain_jwts() {
    let world =
        World::with(Setup { access_token_typ: AccessTokenTyp::Jwt, ..Setup::default() }).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[]).await;
    assert_eq!(jose_header(&tokens["access_token"])["typ"], "JWT");
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);
    // Neither can stand in for the other.
    let as_access_token = world.userinfo(&tokens["id_token"]).await;
    assert_eq!(as_access_token.status, StatusCode::UNAUTHORIZED);
    let hint = tokens["access_token"].as_str().unwrap();
    let hinted = browser.get(&authorize_url(&[("id_token_hint", hint)])).await;
    hinted.expect_redirect_error(REDIRECT, "invalid_request");

    let usual = World::new().await;
    let tokens = Browser::signed_in(&usual, "alice").await.tokens(&[]).await;
    assert_eq!(jose_header(&tokens["access_token"])["typ"], "at+jwt");
}

/// Command-line tools listen at any free port, applications have short schemes, and home networks
/// have no certificates.
#[tokio::test]
async fn redirect_uris_are_as_loose_as_the_operator_allows() {
    let tool = json!({
        "redirect_uris": ["http://localhost/cb", "cursor://cb", "http://192.168.2.50:2283/cb"],
        "allow_any_localhost_port": true, "allow_private_use_schemes": true,
        "allow_http_redirect_uris": true,
    });
    let world = World::with_clients(vec![client_settings("Tool", tool)]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for uri in ["http://localhost:51004/cb", "cursor://cb", "http://192.168.2.50:2283/cb"] {
        let url = authorize_url(&[("client_id", "Tool"), ("redirect_uri", uri)]);
        browser.get(&url).await.expect_code(uri);
    }
    for uri in ["http://localhost:51004/other", "cursor://other", "http://192.168.2.50:80/cb"] {
        let url = authorize_url(&[("client_id", "Tool"), ("redirect_uri", uri)]);
        browser.get(&url).await.expect_error_page(StatusCode::BAD_REQUEST);
    }
}

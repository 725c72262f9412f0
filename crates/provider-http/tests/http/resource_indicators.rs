//! `resource` (RFC 8707): which APIs an access token is for.

use axum::http::StatusCode;
use doorward_protocol::params;
use doorward_provider::model::resource::{IdentityResource, Resources};
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, REDIRECT, Setup, World, authorize_url, basic, changed, claims,
    client_settings, code_request, jose_header, refresh_request,
};

const SCOPE: &str = "openid offline_access MyBackendApi1 MyBackendApi2";

/// A world with a client that may call both APIs.
async fn world() -> World {
    let scopes = json!(["openid", "MyBackendApi1", "MyBackendApi2"]);
    let grants = json!(["authorization_code", "device_code"]);
    let both =
        client_settings("Both", json!({"allowed_scopes": scopes, "allowed_grant_types": grants}));
    let secrets = json!([{"plain": "secret"}]);
    let service = json!({
        "client_id": "Service", "allowed_grant_types": ["client_credentials", "password"],
        "client_secrets": secrets, "allowed_scopes": ["MyBackendApi1", "MyBackendApi2"],
    });
    World::with_clients(vec![both, service]).await
}

fn asking(resources: &[&str]) -> String {
    let more = params::encode(resources.iter().map(|resource| ("resource", *resource)));
    format!("{}&{more}", authorize_url(&[("client_id", "Both"), ("scope", SCOPE)]))
}

/// Redeems a code for a request with these resources, and names others at the token endpoint.
async fn redeem(world: &World, granted: &[&str], requested: &[&'static str]) -> Answer {
    let mut browser = Browser::signed_in(world, "alice").await;
    let code = browser.get(&asking(granted)).await.expect_code(REDIRECT);
    let mut request = changed(code_request(&code), &[("client_id", "Both")]);
    request.extend(requested.iter().map(|resource| ("resource", (*resource).to_owned())));
    world.token(&request).await
}

#[track_caller]
fn assert_is_for(answer: &Answer, audience: &Value, scope: &str) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let token = claims(&answer.json()["access_token"]);
    assert_eq!((&token["aud"], &token["scope"]), (audience, &json!(scope)));
    assert_eq!(answer.json()["scope"], scope);
}

/// A world whose two APIs take tokens of these algorithms.
async fn taking(first: &[&str], second: &[&str]) -> World {
    let part = |name: &str| json!({"name": name, "display_name": name});
    let api = |name: &str, algs: &[&str]| {
        json!({
            "name": name, "display_name": name, "scopes": [name], "access_token_signing_algs": algs,
        })
    };
    let scopes = ["MyBackendApi1", "MyBackendApi2"]
        .map(|name| serde_json::from_value(part(name)).unwrap())
        .to_vec();
    let apis = json!([api("MyBackendApi1", first), api("MyBackendApi2", second)]);
    let apis = serde_json::from_value(apis).unwrap();
    let resources = Resources::new(IdentityResource::standard(), scopes, apis, true).unwrap();
    let scopes = json!(["openid", "MyBackendApi1", "MyBackendApi2"]);
    let clients = vec![
        client_settings("Both", json!({"allowed_scopes": scopes})),
        client_settings(
            "Opaque",
            json!({"allowed_scopes": scopes, "access_token_type": "reference"}),
        ),
    ];
    World::with(Setup { clients, resources: Some(resources), ..Setup::default() }).await
}

fn algorithm(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    jose_header(&answer.json()["access_token"])["alg"].clone()
}

#[tokio::test]
async fn a_token_is_signed_as_its_api_takes_it() {
    let world = taking(&["ES256"], &[]).await;
    for (resource, expected) in [("MyBackendApi1", "ES256"), ("MyBackendApi2", "RS256")] {
        let answer = redeem(&world, &[resource], &[]).await;
        assert_eq!(algorithm(&answer), expected);
        assert_eq!(world.userinfo(&answer.json()["access_token"]).await.status, StatusCode::OK);
    }
    assert_eq!(algorithm(&redeem(&world, &[], &[]).await), "ES256", "both take it");
}

#[tokio::test]
async fn apis_that_agree_on_no_algorithm_are_named_one_by_one() {
    let world = taking(&["ES256"], &["RS256"]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code = browser.get(&asking(&[])).await.expect_code(REDIRECT);
    let request = |resources: &[&'static str]| {
        let mut request = changed(code_request(&code), &[("client_id", "Both")]);
        request.extend(resources.iter().map(|resource| ("resource", (*resource).to_owned())));
        request
    };
    let refused = world.token(&request(&[])).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_target");
    assert!(refused.body.contains("name one of them as resource"), "{refused:?}");
    let answer = world.token(&request(&["MyBackendApi1"])).await;
    assert_eq!(algorithm(&answer), "ES256", "the code was not used up");
    let refresh = |resource: &'static str| {
        let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
        let mut request = changed(refresh_request(&token), &[("client_id", "Both")]);
        request.push(("resource", resource.to_owned()));
        request
    };
    assert_eq!(algorithm(&world.token(&refresh("MyBackendApi2")).await), "RS256");
    // What is not signed needs no agreement.
    let url = authorize_url(&[("client_id", "Opaque"), ("scope", "MyBackendApi1 MyBackendApi2")]);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    assert_eq!(
        world.token(&changed(code_request(&code), &[("client_id", "Opaque")])).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn without_it_a_token_is_for_every_api_of_its_scope() {
    let world = world().await;
    assert_is_for(
        &redeem(&world, &[], &[]).await,
        &json!(["MyBackendApi1", "MyBackendApi2"]),
        SCOPE,
    );
}

#[tokio::test]
async fn named_at_the_authorization_endpoint_it_restricts_every_token() {
    let world = world().await;
    let answer = redeem(&world, &["MyBackendApi2"], &[]).await;
    assert_is_for(&answer, &json!("MyBackendApi2"), "openid offline_access MyBackendApi2");
    let tokens = answer.json();
    assert_eq!(claims(&tokens["id_token"])["sub"], "alice");
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);
    let refresh = changed(
        refresh_request(tokens["refresh_token"].as_str().unwrap()),
        &[("client_id", "Both")],
    );
    assert_is_for(
        &world.token(&refresh).await,
        &json!("MyBackendApi2"),
        "openid offline_access MyBackendApi2",
    );
}

#[tokio::test]
async fn a_token_request_narrows_it_and_the_grant_stays_wide() {
    let world = world().await;
    let first = redeem(&world, &["MyBackendApi1", "MyBackendApi2"], &["MyBackendApi1"]).await;
    assert_is_for(&first, &json!("MyBackendApi1"), "openid offline_access MyBackendApi1");
    let refresh = changed(
        refresh_request(first.json()["refresh_token"].as_str().unwrap()),
        &[("client_id", "Both")],
    );
    let second = world.token(&changed(refresh, &[("resource", "MyBackendApi2")])).await;
    assert_is_for(&second, &json!("MyBackendApi2"), "openid offline_access MyBackendApi2");
    let refresh = changed(
        refresh_request(second.json()["refresh_token"].as_str().unwrap()),
        &[("client_id", "Both")],
    );
    assert_is_for(&world.token(&refresh).await, &json!(["MyBackendApi1", "MyBackendApi2"]), SCOPE);
}

#[tokio::test]
async fn what_is_no_api_of_the_scope_is_an_invalid_target() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for resource in ["unknown", "https://api.example/", "https://api.example/#f", "mybackendapi1"] {
        browser.get(&asking(&[resource])).await.expect_redirect_error(REDIRECT, "invalid_target");
        browser
            .get(&asking(&["MyBackendApi1", resource]))
            .await
            .expect_redirect_error(REDIRECT, "invalid_target");
    }
    // PkceJS did not ask for the scope of this API.
    browser
        .get(&authorize_url(&[("resource", "MyBackendApi1")]))
        .await
        .expect_redirect_error(REDIRECT, "invalid_target");
}

#[tokio::test]
async fn what_was_not_granted_is_an_invalid_target_and_uses_nothing_up() {
    let world = world().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code = browser.get(&asking(&["MyBackendApi1"])).await.expect_code(REDIRECT);
    let request = changed(code_request(&code), &[("client_id", "Both")]);
    for resource in ["MyBackendApi2", "unknown"] {
        let wide = changed(request.clone(), &[("resource", resource)]);
        world.token(&wide).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_target");
    }
    let tokens = world.token(&request).await.json();
    let refresh = changed(
        refresh_request(tokens["refresh_token"].as_str().unwrap()),
        &[("client_id", "Both")],
    );
    let wide = changed(refresh.clone(), &[("resource", "MyBackendApi2")]);
    world.token(&wide).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_target");
    assert_eq!(world.token(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn clients_without_a_user_and_with_a_password_name_it_at_the_token_endpoint() {
    let world = world().await;
    let service = basic("Service", "secret");
    let own = [("grant_type", "client_credentials"), ("resource", "MyBackendApi2")];
    assert_is_for(&world.token_as(&service, &own).await, &json!("MyBackendApi2"), "MyBackendApi2");
    let password = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", "alice"),
        ("resource", "MyBackendApi1"),
    ];
    assert_is_for(
        &world.token_as(&service, &password).await,
        &json!("MyBackendApi1"),
        "MyBackendApi1",
    );
    let unknown = [("grant_type", "client_credentials"), ("resource", "unknown")];
    world
        .token_as(&service, &unknown)
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_target");
}

#[tokio::test]
async fn it_is_checked_when_pushed_and_for_devices() {
    let world = world().await;
    let url = asking(&["MyBackendApi2"]);
    let pairs =
        params::Params::parse_with_repeatable(url.split_once('?').unwrap().1, &["resource"])
            .unwrap();
    let pairs: Vec<(&str, &str)> = pairs.iter().collect();
    let reference =
        world.post("/connect/par", &pairs).await.json()["request_uri"].as_str().unwrap().to_owned();
    let query = params::encode([("client_id", "Both"), ("request_uri", reference.as_str())]);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code = browser.get(&format!("/connect/authorize?{query}")).await.expect_code(REDIRECT);
    let answer = world.token(&changed(code_request(&code), &[("client_id", "Both")])).await;
    assert_is_for(&answer, &json!("MyBackendApi2"), "openid offline_access MyBackendApi2");
    let wrong = [&pairs[..], &[("resource", "unknown")]].concat();
    world
        .post("/connect/par", &wrong)
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_target");
    let device = [("client_id", "Both"), ("scope", "openid"), ("resource", "MyBackendApi2")];
    let answer = world.post("/connect/deviceauthorization", &device).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_target");
}

//! `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server` (OIDC
//! Discovery section 4, RFC 8414).

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, ISSUER, Setup, World, claims, client_settings, resources_with, with_header,
};

const DOCUMENTS: [&str; 2] =
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

#[tokio::test]
async fn the_document_is_the_written_one_under_both_names() {
    let world = World::new().await;
    let expected: Value = serde_json::from_str(include_str!("discovery.json")).unwrap();
    let [openid, oauth] = [world.get(DOCUMENTS[0]).await, world.get(DOCUMENTS[1]).await];
    assert_eq!(
        openid.json(),
        expected,
        "{}",
        serde_json::to_string_pretty(&openid.json()).unwrap()
    );
    assert_eq!(openid.body, oauth.body);
    assert_eq!(openid.header("content-type"), "application/json");
}

#[tokio::test]
async fn the_issuer_is_the_same_in_document_tokens_and_responses() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    for issuer in [
        &world.get(DOCUMENTS[0]).await.json()["issuer"],
        &claims(&tokens["id_token"])["iss"],
        &claims(&tokens["access_token"])["iss"],
    ] {
        assert_eq!(issuer, ISSUER);
    }
}

#[tokio::test]
async fn every_endpoint_in_the_document_answers() {
    let world = World::new().await;
    let document = world.get(DOCUMENTS[0]).await.json();
    let endpoints: Vec<&str> = document
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
        .map(|(_, url)| url.as_str().unwrap())
        .collect();
    assert_eq!(endpoints.len(), 9);
    for endpoint in endpoints {
        let answer = world.get(endpoint.strip_prefix(ISSUER).unwrap()).await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{endpoint}");
    }
}

#[tokio::test]
async fn only_what_some_client_may_use_is_listed() {
    let disabled = ["MyBackend", "Resources", "Television"]
        .map(|id| client_settings(id, json!({"enabled": false})));
    let world = World::with_clients(disabled.to_vec()).await;
    let document = world.get(DOCUMENTS[0]).await.json();
    assert_eq!(document["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(document["device_authorization_endpoint"], Value::Null);
}

/// RFC 8414 section 2: "Servers MAY choose not to advertise some supported scope values".
#[tokio::test]
async fn scopes_for_few_clients_are_served_and_not_listed() {
    let resources = resources_with(vec![]).without_advertising(["MyBackendApi2".to_owned()]);
    let world = World::with(Setup { resources: Some(resources), ..Setup::default() }).await;
    let scopes = world.get(DOCUMENTS[0]).await.json()["scopes_supported"].to_string();
    assert!(scopes.contains("MyBackendApi1") && !scopes.contains("MyBackendApi2"), "{scopes}");
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    assert!(tokens["scope"].as_str().unwrap().contains("MyBackendApi2"), "{tokens}");
}

async fn conditional(world: &World, path: &str, if_none_match: &str) -> Answer {
    world
        .send(with_header(
            Request::get(path).body(Body::empty()).unwrap(),
            "if-none-match",
            if_none_match,
        ))
        .await
}

#[tokio::test]
async fn documents_may_be_cached_and_are_not_sent_twice() {
    let world = World::new().await;
    for path in [DOCUMENTS[0], DOCUMENTS[1], "/.well-known/openid-configuration/jwks"] {
        let first = world.get(path).await;
        assert_eq!(first.header("cache-control"), "public, max-age=300");
        let tag = first.header("etag");
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
        for known in
            [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()]
        {
            let answer = conditional(&world, path, &known).await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (StatusCode::NOT_MODIFIED, ""),
                "{known}"
            );
            assert_eq!(
                (answer.header("etag"), answer.header("cache-control")),
                (tag, first.header("cache-control"))
            );
        }
        for unknown in ["\"other\"", "", tag.trim_matches('"')] {
            assert_eq!(conditional(&world, path, unknown).await.body, first.body, "{unknown}");
        }
    }
}

#[tokio::test]
async fn documents_are_read_only() {
    let world = World::new().await;
    for path in DOCUMENTS {
        let request = Request::post(path).body(Body::empty()).unwrap();
        assert_eq!(world.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

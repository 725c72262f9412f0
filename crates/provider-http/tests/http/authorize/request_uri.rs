//! Request objects at an address of the client (OIDC Core section 6.2, RFC 9101 section 5.2).

use axum::http::StatusCode;
use doorward_protocol::{base64url, params};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::request_object::signed;
use crate::support::{Browser, ProofKey, REDIRECT, Setup, World, authorize_url, client_settings};

pub const ADDRESS: &str = "https://signing.example/request.jwt";

async fn world_with(key: &ProofKey, request_uris: Value) -> World {
    let changes = json!({
        "jwks": {"keys": [key.jwk]}, "request_object_signing_alg": "ES256",
        "request_uris": request_uris,
    });
    let clients = vec![client_settings("Signing", changes), client_settings("Other", json!({}))];
    World::with(Setup { clients, fetch_request_uris: true, ..Setup::default() }).await
}

fn url_of(uri: &str) -> String {
    let pairs = [("client_id", "Signing"), ("request_uri", uri)];
    format!("/connect/authorize?{}", params::encode(pairs))
}

fn with_hash(object: &str) -> String {
    format!("{ADDRESS}#{}", base64url::encode(Sha256::digest(object)))
}

#[tokio::test]
async fn an_object_at_a_registered_address_is_a_request() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!([ADDRESS])).await;
    let object = signed(&key, &json!({}));
    world.published.publish(Some(json!(object)));
    let mut browser = Browser::signed_in(&world, "alice").await;
    for uri in [ADDRESS.to_owned(), with_hash(&object)] {
        let answer = browser.get(&url_of(&uri)).await;
        answer.expect_code(REDIRECT);
        assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    }
    assert_eq!(world.published.asked(), [ADDRESS, ADDRESS], "without the fragment");
    let document = world.provider.discovery().metadata();
    assert_eq!(document.request_uri_parameter_supported, Some(true));
    assert_eq!(document.require_request_uri_registration, Some(true));
}

/// What was verified is what the user comes back to, whatever is there by then.
#[tokio::test]
async fn what_changes_meanwhile_changes_nothing() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!([ADDRESS])).await;
    world.published.publish(Some(json!(signed(&key, &json!({})))));
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&url_of(ADDRESS)).await;
    to_login.expect_login();
    world.published.publish(Some(json!(signed(&key, &json!({"state": "other"})))));
    let page = browser.get(to_login.location()).await.page();
    let signed_in = browser
        .submit(&page, &[("username", "alice"), ("password", "alice"), ("action", "login")])
        .await;
    let answer = browser.get(signed_in.location()).await;
    answer.expect_code(REDIRECT);
    assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    assert_eq!(world.published.asked().len(), 1);
}

#[tokio::test]
async fn no_other_address_is_asked() {
    let key = ProofKey::es256();
    let object = signed(&key, &json!({}));
    let world = world_with(&key, json!([with_hash(&object)])).await;
    world.published.publish(Some(json!(object)));
    for uri in [
        ADDRESS,
        "https://signing.example/",
        "https://signing.example/request.jwt?x",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "urn:other:x",
        &with_hash("other"),
    ] {
        let url = authorize_url(&[("client_id", "Signing"), ("request_uri", uri)]);
        world.get(&url).await.expect_redirect_error(REDIRECT, "invalid_request_uri");
        // Nothing proves an address.
        let evil =
            [("client_id", "Signing"), ("request_uri", uri), ("redirect_uri", "https://evil")];
        let url = format!("/connect/authorize?{}", params::encode(evil));
        world.get(&url).await.expect_error_page(StatusCode::BAD_REQUEST);
    }
    let of_other = [("client_id", "Other"), ("request_uri", &with_hash(&object))];
    let answer = world.get(&authorize_url(&of_other)).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request_uri");
    assert!(world.published.asked().is_empty());
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.get(&url_of(&with_hash(&object))).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn what_is_not_there_or_not_what_was_named_is_an_invalid_request_uri() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!([ADDRESS])).await;
    let object = signed(&key, &json!({}));
    let url = |uri: &str| authorize_url(&[("client_id", "Signing"), ("request_uri", uri)]);
    world.get(&url(ADDRESS)).await.expect_redirect_error(REDIRECT, "invalid_request_uri");
    world.published.publish(Some(json!(signed(&key, &json!({"state": "other"})))));
    let changed = world.get(&url(&with_hash(&object))).await;
    changed.expect_redirect_error(REDIRECT, "invalid_request_uri");
    let other = ProofKey::es256();
    for text in ["no object".to_owned(), signed(&other, &json!({})), String::new()] {
        world.published.publish(Some(json!(text)));
        let refused = world.get(&url(ADDRESS)).await;
        refused.expect_redirect_error(REDIRECT, "invalid_request_object");
    }
    // An object that leads on leads nowhere.
    let nested = signed(&key, &json!({"request_uri": ADDRESS}));
    world.published.publish(Some(json!(nested)));
    let refused = world.get(&url(ADDRESS)).await;
    refused.expect_redirect_error(REDIRECT, "invalid_request_object");
}

#[tokio::test]
async fn it_is_off_unless_it_is_turned_on() {
    let changes = json!({"request_uris": [ADDRESS]});
    let world = World::with_clients(vec![client_settings("Signing", changes)]).await;
    let url = authorize_url(&[("client_id", "Signing"), ("request_uri", ADDRESS)]);
    world.get(&url).await.expect_redirect_error(REDIRECT, "request_uri_not_supported");
    assert!(world.published.asked().is_empty());
    assert_eq!(world.provider.discovery().metadata().request_uri_parameter_supported, Some(false));
}

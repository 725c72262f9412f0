//! Keys that clients publish at an address of theirs (`jwks_uri`).

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use doorward_provider::model::client::assertion::ASSERTION_TYPE;
use serde_json::{Value, json};

use crate::support::{Answer, ISSUER, ProofKey, World, client_settings};

const ADDRESS: &str = "https://signing.example/jwks.json";

async fn world() -> World {
    let changes = json!({
        "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
        "jwks_uri": ADDRESS, "allowed_scopes": ["MyBackendApi2"],
    });
    World::with_clients(vec![client_settings("Signing", changes)]).await
}

fn set(keys: &[(&str, &ProofKey)]) -> Value {
    let published = |(kid, key): &(&str, &ProofKey)| {
        let mut jwk = key.jwk.clone();
        jwk["kid"] = json!(kid);
        jwk
    };
    json!({"keys": keys.iter().map(published).collect::<Vec<_>>()})
}

async fn token(world: &World, kid: &str, key: &ProofKey) -> Answer {
    static JTI: AtomicU64 = AtomicU64::new(0);
    let now = world.clock.seconds();
    let jti = format!("published-{}", JTI.fetch_add(1, Ordering::Relaxed));
    let claims = json!({
        "iss": "Signing", "sub": "Signing", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti,
    });
    let assertion = key.sign(&json!({"alg": "ES256", "kid": kid}), &claims);
    let request = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    world.token(&request).await
}

#[track_caller]
fn assert_ok(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
}

#[tokio::test]
async fn fetched_when_needed_and_kept_for_an_hour() {
    let (world, key) = (world().await, ProofKey::es256());
    world.published.publish(Some(set(&[("one", &key)])));
    assert!(world.published.asked().is_empty(), "not before an assertion comes");
    assert_ok(&token(&world, "one", &key).await);
    assert_ok(&token(&world, "one", &key).await);
    assert_eq!(world.published.asked(), [ADDRESS]);
    world.clock.advance(3600);
    assert_ok(&token(&world, "one", &key).await);
    assert_eq!(world.published.asked().len(), 2);
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_at_most_once_a_minute() {
    let (world, old, new, foreign) =
        (world().await, ProofKey::es256(), ProofKey::es256(), ProofKey::es256());
    world.published.publish(Some(set(&[("old", &old)])));
    assert_ok(&token(&world, "old", &old).await);
    world.published.publish(Some(set(&[("old", &old), ("new", &new)])));
    world.clock.advance(59);
    assert_refused(&token(&world, "new", &new).await);
    assert_eq!(world.published.asked().len(), 1);
    world.clock.advance(1);
    assert_ok(&token(&world, "new", &new).await);
    assert_ok(&token(&world, "old", &old).await);
    for _ in 0..3 {
        assert_refused(&token(&world, "foreign", &foreign).await);
    }
    assert_eq!(world.published.asked().len(), 2, "a forger can't make the provider ask and ask");
}

#[tokio::test]
async fn a_withdrawn_key_counts_no_more_after_the_next_look() {
    let (world, old, new) = (world().await, ProofKey::es256(), ProofKey::es256());
    world.published.publish(Some(set(&[("old", &old)])));
    assert_ok(&token(&world, "old", &old).await);
    world.published.publish(Some(set(&[("new", &new)])));
    world.clock.advance(3600);
    assert_refused(&token(&world, "old", &old).await);
    assert_ok(&token(&world, "new", &new).await);
}

#[tokio::test]
async fn an_address_that_fails_refuses_at_first_and_keeps_what_is_known_for_a_day() {
    let (world, key) = (world().await, ProofKey::es256());
    world.published.publish(None);
    assert_refused(&token(&world, "one", &key).await);
    world.published.publish(Some(set(&[("one", &key)])));
    assert_refused(&token(&world, "one", &key).await);
    world.clock.advance(60);
    assert_ok(&token(&world, "one", &key).await);
    world.published.publish(None);
    world.clock.advance(3600 + 86_399);
    assert_ok(&token(&world, "one", &key).await);
    world.clock.advance(1);
    assert_refused(&token(&world, "one", &key).await);
}

#[tokio::test]
async fn a_set_without_a_usable_public_key_is_no_set() {
    let (world, key) = (world().await, ProofKey::es256());
    let mut private = key.jwk.clone();
    private["d"] = json!("AQAB");
    for jwks in [
        json!({}),
        json!({"keys": []}),
        json!({"keys": [private]}),
        json!({"keys": [{"kty": "oct", "k": "AQAB"}]}),
    ] {
        world.published.publish(Some(jwks));
        world.clock.advance(60);
        assert_refused(&token(&world, "one", &key).await);
    }
    // What is not understood beside a good key changes nothing (RFC 7517 section 5).
    let mut with_others = set(&[("one", &key)]);
    with_others["keys"].as_array_mut().unwrap().insert(0, json!({"kty": "future"}));
    world.published.publish(Some(with_others));
    world.clock.advance(60);
    assert_ok(&token(&world, "one", &key).await);
}

//! What a proof binds: access tokens, codes (`dpop_jkt`) and the refresh tokens of public clients
//! (RFC 9449 sections 5, 6, 10).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{MACHINE, machine_token};
use crate::support::{
    Answer, Browser, ProofKey, REDIRECT, World, authorize_url, basic, changed, claims,
    client_settings, code_request, form_request, refresh_request, with_header,
};

#[track_caller]
fn assert_invalid_grant(answer: &Answer) {
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

#[track_caller]
fn assert_bound(answer: &Answer, key: &ProofKey) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["token_type"], "DPoP");
    assert_eq!(claims(&answer.json()["access_token"])["cnf"], json!({"jkt": key.thumbprint()}));
}

#[track_caller]
fn assert_bearer(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(claims(&answer.json()["access_token"])["cnf"], Value::Null);
}

#[tokio::test]
async fn every_grant_binds_its_access_token_to_the_key_of_the_proof() {
    let world = World::new().await;
    let key = ProofKey::es256();
    assert_bound(&machine_token(&world, &key.proof(&world)).await, &key);
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let tokens = world.token_with_proof(&code_request(&code), &key.proof(&world)).await;
    assert_bound(&tokens, &key);
    let refresh = tokens.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_bound(
        &world.token_with_proof(&refresh_request(&refresh), &key.proof(&world)).await,
        &key,
    );
    let password = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", "alice"),
        ("client_id", "MyBackend"),
        ("client_secret", "secret"),
    ];
    assert_bound(&world.token_with_proof(&password, &key.proof(&world)).await, &key);
}

#[tokio::test]
async fn without_a_proof_tokens_are_bearer_tokens() {
    let world = World::new().await;
    assert_bearer(&world.token(&MACHINE).await);
}

#[tokio::test]
async fn a_client_that_must_send_proofs_gets_nothing_without() {
    let world = World::new().await.restarted("PkceJS", json!({"require_dpop": true})).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code = browser.code(&[]).await;
    let refused = world.token(&code_request(&code)).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
    let key = ProofKey::es256();
    let tokens = world.token_with_proof(&code_request(&code), &key.proof(&world)).await;
    assert_bound(&tokens, &key);
    let refresh = refresh_request(tokens.json()["refresh_token"].as_str().unwrap());
    world.token(&refresh).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_refused_proof_costs_no_code_and_a_refused_code_no_proof() {
    let world = World::new().await;
    let key = ProofKey::es256();
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let wrong = key.proof_with(&world, &json!({}), &json!({"htm": "GET"}));
    let refused = world.token_with_proof(&code_request(&code), &wrong).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
    let proof = key.proof(&world);
    assert_invalid_grant(&world.token_with_proof(&code_request("unknown"), &proof).await);
    assert_bound(&world.token_with_proof(&code_request(&code), &proof).await, &key);
}

#[tokio::test]
async fn an_expired_refresh_token_costs_no_proof() {
    let lifetime = json!({"absolute_refresh_token_lifetime": 1000});
    let world = World::new().await.restarted("PkceJS", lifetime).await;
    let key = ProofKey::es256();
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let tokens = world.token_with_proof(&code_request(&code), &key.proof(&world)).await;
    let refresh = refresh_request(tokens.json()["refresh_token"].as_str().unwrap());
    world.clock.advance(1000);
    let proof = key.proof(&world);
    assert_invalid_grant(&world.token_with_proof(&refresh, &proof).await);
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    assert_bound(&world.token_with_proof(&code_request(&code), &proof).await, &key);
}

#[tokio::test]
async fn a_code_with_dpop_jkt_is_redeemed_only_with_a_proof_of_that_key() {
    let world = World::new().await;
    let (key, other) = (ProofKey::es256(), ProofKey::es256());
    let code =
        Browser::signed_in(&world, "alice").await.code(&[("dpop_jkt", &key.thumbprint())]).await;
    assert_invalid_grant(&world.token(&code_request(&code)).await);
    assert_invalid_grant(&world.token_with_proof(&code_request(&code), &other.proof(&world)).await);
    assert_bound(&world.token_with_proof(&code_request(&code), &key.proof(&world)).await, &key);
}

#[tokio::test]
async fn dpop_jkt_must_be_a_thumbprint() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for text in [
        "x",
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4",
        "0ZcOCORZNYy+DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
    ] {
        let answer = browser.get(&authorize_url(&[("dpop_jkt", text)])).await;
        answer.expect_redirect_error(REDIRECT, "invalid_request");
    }
}

#[tokio::test]
async fn a_public_clients_refresh_tokens_are_bound_to_the_key() {
    let world = World::new().await;
    let (key, other) = (ProofKey::es256(), ProofKey::es256());
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let mut tokens = world.token_with_proof(&code_request(&code), &key.proof(&world)).await;
    for _ in 0..3 {
        let refresh = refresh_request(tokens.json()["refresh_token"].as_str().unwrap());
        assert_invalid_grant(&world.token(&refresh).await);
        assert_invalid_grant(&world.token_with_proof(&refresh, &other.proof(&world)).await);
        tokens = world.token_with_proof(&refresh, &key.proof(&world)).await;
        assert_bound(&tokens, &key);
    }
}

/// A thief without the key can neither use a consumed token nor, by trying, sign the user out.
#[tokio::test]
async fn a_foreign_key_revokes_nothing() {
    let world = World::new().await;
    let key = ProofKey::es256();
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let first = world.token_with_proof(&code_request(&code), &key.proof(&world)).await.json();
    let consumed = refresh_request(first["refresh_token"].as_str().unwrap());
    let second = world.token_with_proof(&consumed, &key.proof(&world)).await.json();
    world.clock.advance(3600);
    assert_invalid_grant(
        &world.token_with_proof(&consumed, &ProofKey::es256().proof(&world)).await,
    );
    let current = refresh_request(second["refresh_token"].as_str().unwrap());
    let third = world.token_with_proof(&current, &key.proof(&world)).await;
    assert_bound(&third, &key);
    // By now the first is forgotten, but for its family.
    assert_invalid_grant(
        &world.token_with_proof(&consumed, &ProofKey::es256().proof(&world)).await,
    );
    assert_invalid_grant(&world.token(&consumed).await);
    let last = refresh_request(third.json()["refresh_token"].as_str().unwrap());
    assert_bound(&world.token_with_proof(&last, &key.proof(&world)).await, &key);
    assert_invalid_grant(&world.token_with_proof(&consumed, &key.proof(&world)).await);
    assert_invalid_grant(&world.token_with_proof(&last, &key.proof(&world)).await);
}

#[tokio::test]
async fn a_confidential_clients_refresh_tokens_are_bound_to_its_authentication_alone() {
    let changes = json!({"require_client_secret": true, "client_secrets": [{"plain": "secret"}]});
    let world = World::with_clients(vec![client_settings("Confidential", changes)]).await;
    let (first, second) = (ProofKey::es256(), ProofKey::es256());
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code =
        browser.get(&authorize_url(&[("client_id", "Confidential")])).await.expect_code(REDIRECT);
    let send = async |pairs: Vec<(&'static str, String)>, proof: &str| {
        let request = form_request("/connect/token", &changed(pairs, &[("client_id", "")]));
        let request = with_header(request, "authorization", &basic("Confidential", "secret"));
        world.send(with_header(request, "dpop", proof)).await
    };
    let tokens = send(code_request(&code), &first.proof(&world)).await;
    assert_bound(&tokens, &first);
    let refresh = refresh_request(tokens.json()["refresh_token"].as_str().unwrap());
    assert_bound(&send(refresh, &second.proof(&world)).await, &second);
}

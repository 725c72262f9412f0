//! Nonces of the provider (RFC 9449 section 8), for clients that must use them.

use axum::http::StatusCode;
use serde_json::json;

use super::{bound_token, machine_token};
use crate::support::{Answer, Browser, ProofKey, World, code_request, form_request, with_header};

async fn world() -> World {
    World::new().await.restarted("Resources", json!({"require_dpop_nonce": true})).await
}

/// The nonce of a challenge.
#[track_caller]
fn challenged(answer: &Answer) -> String {
    answer.expect_json_error(StatusCode::BAD_REQUEST, "use_dpop_nonce");
    let nonce = answer.header("dpop-nonce");
    assert!(nonce.len() >= 32, "{answer:?}");
    nonce.to_owned()
}

fn proof(world: &World, nonce: &str) -> String {
    ProofKey::es256().proof_with(world, &json!({}), &json!({"nonce": nonce}))
}

#[tokio::test]
async fn a_proof_without_the_nonce_is_challenged_and_with_it_accepted() {
    let world = world().await;
    let nonce = challenged(&machine_token(&world, &ProofKey::es256().proof(&world)).await);
    let accepted = machine_token(&world, &proof(&world, &nonce)).await;
    assert_eq!(accepted.status, StatusCode::OK, "{accepted:?}");
    let next = accepted.header("dpop-nonce").to_owned();
    assert_eq!(machine_token(&world, &proof(&world, &next)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_made_up_or_empty_nonce_is_challenged() {
    let world = world().await;
    for nonce in ["x", &"A".repeat(43)] {
        challenged(&machine_token(&world, &proof(&world, nonce)).await);
    }
}

#[tokio::test]
async fn a_nonce_ends() {
    let world = world().await;
    let nonce = challenged(&machine_token(&world, &ProofKey::es256().proof(&world)).await);
    world.clock.advance(120);
    let late = machine_token(&world, &proof(&world, &nonce)).await;
    assert_eq!(late.status, StatusCode::OK, "the one before still counts");
    assert_ne!(late.header("dpop-nonce"), nonce);
    world.clock.advance(120);
    assert_ne!(challenged(&machine_token(&world, &proof(&world, &nonce)).await), nonce);
}

#[tokio::test]
async fn every_process_knows_the_nonces_of_the_others() {
    let world = world().await;
    let nonce = challenged(&machine_token(&world, &ProofKey::es256().proof(&world)).await);
    let other_process = world.restarted("Resources", json!({})).await;
    assert_eq!(machine_token(&other_process, &proof(&world, &nonce)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_challenge_costs_neither_code_nor_proof_rules() {
    let world = World::new().await.restarted("PkceJS", json!({"require_dpop_nonce": true})).await;
    let key = ProofKey::es256();
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let nonce = challenged(&world.token_with_proof(&code_request(&code), &key.proof(&world)).await);
    let wrong = key.proof_with(&world, &json!({}), &json!({"nonce": nonce, "htm": "GET"}));
    let refused = world.token_with_proof(&code_request(&code), &wrong).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
    let right = key.proof_with(&world, &json!({}), &json!({"nonce": nonce}));
    assert_eq!(world.token_with_proof(&code_request(&code), &right).await.status, StatusCode::OK);
}

#[tokio::test]
async fn userinfo_challenges_too() {
    let world = World::new().await;
    let key = ProofKey::es256();
    let token = bound_token(&world, &key).await;
    let world = world.restarted("PkceJS", json!({"require_dpop_nonce": true})).await;
    let authorization = format!("DPoP {token}");
    let answer =
        world.userinfo_by(&authorization, &[&key.userinfo_proof(&world, &token, &json!({}))]).await;
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "use_dpop_nonce");
    assert!(answer.header("www-authenticate").contains(r#"error="use_dpop_nonce""#));
    let nonce = answer.header("dpop-nonce");
    let proof = key.userinfo_proof(&world, &token, &json!({"nonce": nonce}));
    assert_eq!(world.userinfo_by(&authorization, &[&proof]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_may_send_proofs_and_read_nonces() {
    let world = World::new().await.restarted("PkceJS", json!({"require_dpop_nonce": true})).await;
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let request = form_request("/connect/token", &code_request(&code));
    let request = with_header(request, "dpop", &ProofKey::es256().proof(&world));
    let answer = world.send(with_header(request, "origin", "http://localhost:5001")).await;
    challenged(&answer);
    assert!(answer.header("access-control-expose-headers").contains("dpop-nonce"), "{answer:?}");
}

//! Pushed authorization requests with a proof, which binds the code to its key (RFC 9449 section
//! 10.1).

use axum::http::StatusCode;
use doorward_protocol::params;
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, ISSUER, ProofKey, REDIRECT, Setup, World, authorize_url, code_request,
    form_request, with_header,
};

/// Pushes a request of `PkceJS` with these changes and these headers.
async fn push(world: &World, changes: &[(&str, &str)], proofs: &[&str]) -> Answer {
    let url = authorize_url(changes);
    let (_, query) = url.split_once('?').unwrap();
    let params = params::Params::parse(query).unwrap();
    let pairs: Vec<(&str, &str)> = params.iter().collect();
    let request = form_request("/connect/par", &pairs);
    world
        .send(proofs.iter().fold(request, |request, proof| with_header(request, "dpop", proof)))
        .await
}

fn proof(world: &World, key: &ProofKey, claims: &Value) -> String {
    let mut own = json!({"htu": format!("{ISSUER}/connect/par")});
    own.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    key.proof_with(world, &json!({}), &own)
}

/// The code that the reference leads Alice to.
async fn code(world: &World, pushed: &Answer) -> String {
    assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
    let reference = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let query = params::encode([("client_id", "PkceJS"), ("request_uri", &reference)]);
    let mut browser = Browser::signed_in(world, "alice").await;
    browser.get(&format!("/connect/authorize?{query}")).await.expect_code(REDIRECT)
}

#[tokio::test]
async fn the_code_is_redeemed_with_the_key_of_the_proof_alone() {
    let world = World::new().await;
    let key = ProofKey::es256();
    for (other, status) in
        [(None, StatusCode::OK), (Some(ProofKey::es256()), StatusCode::BAD_REQUEST)]
    {
        let pushed = push(&world, &[], &[&proof(&world, &key, &json!({}))]).await;
        let request = code_request(&code(&world, &pushed).await);
        let answer =
            world.token_with_proof(&request, &other.as_ref().unwrap_or(&key).proof(&world)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn dpop_jkt_must_name_the_same_key() {
    let world = World::new().await;
    let key = ProofKey::es256();
    let same =
        push(&world, &[("dpop_jkt", &key.thumbprint())], &[&proof(&world, &key, &json!({}))]).await;
    assert_eq!(same.status, StatusCode::CREATED, "{same:?}");
    let other = ProofKey::es256().thumbprint();
    let differs = push(&world, &[("dpop_jkt", &other)], &[&proof(&world, &key, &json!({}))]).await;
    differs.expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_proof_that_does_not_hold_is_refused() {
    let world = World::new().await;
    let key = ProofKey::es256();
    let good = proof(&world, &key, &json!({}));
    assert_eq!(push(&world, &[], &[&good]).await.status, StatusCode::CREATED);
    let second = proof(&world, &key, &json!({}));
    for proofs in [
        vec![good.as_str()],
        vec![&second, &second],
        vec!["no proof"],
        vec![&key.proof(&world)],
        vec![&proof(&world, &key, &json!({"htm": "GET"}))],
    ] {
        push(&world, &[], &proofs)
            .await
            .expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn the_nonce_is_asked_for_and_handed_out() {
    let world = World::new().await.restarted("PkceJS", json!({"require_dpop_nonce": true})).await;
    let key = ProofKey::es256();
    let challenged = push(&world, &[], &[&proof(&world, &key, &json!({}))]).await;
    challenged.expect_json_error(StatusCode::BAD_REQUEST, "use_dpop_nonce");
    let nonce = challenged.header("dpop-nonce").to_owned();
    let pushed = push(&world, &[], &[&proof(&world, &key, &json!({"nonce": nonce}))]).await;
    assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
    assert!(!pushed.header("dpop-nonce").is_empty());
}

#[tokio::test]
async fn without_a_proof_a_client_that_must_send_them_may_push() {
    let world = World::new().await.restarted("PkceJS", json!({"require_dpop": true})).await;
    let key = ProofKey::es256();
    let pushed = push(&world, &[("dpop_jkt", &key.thumbprint())], &[]).await;
    let answer = world
        .token_with_proof(&code_request(&code(&world, &pushed).await), &key.proof(&world))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

/// Otherwise requests without a place would leave a row each, as many as anybody likes to send.
#[tokio::test]
async fn a_request_without_a_place_uses_up_no_proof() {
    let world = World::with(Setup { most_waiting: 1, ..Setup::default() }).await;
    let proof = proof(&world, &ProofKey::es256(), &json!({}));
    let first = push(&world, &[], &[]).await;
    let refused = push(&world, &[], &[&proof]).await;
    refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    code(&world, &first).await;
    let again = push(&world, &[], &[&proof]).await;
    assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
}

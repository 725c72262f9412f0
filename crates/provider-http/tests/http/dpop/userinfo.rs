//! Bound access tokens at userinfo (RFC 9449 section 7).

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use super::bound_token;
use crate::support::{Answer, Browser, ISSUER, ProofKey, World, form_request, with_header};

struct Caller {
    world: World,
    key: ProofKey,
    token: String,
}

impl Caller {
    async fn new() -> Self {
        let world = World::new().await;
        let key = ProofKey::es256();
        let token = bound_token(&world, &key).await;
        Self { world, key, token }
    }

    fn proof(&self, changes: &Value) -> String {
        self.key.userinfo_proof(&self.world, &self.token, changes)
    }

    async fn call(&self, proofs: &[&str]) -> Answer {
        self.world.userinfo_by(&format!("DPoP {}", self.token), proofs).await
    }
}

/// A 401 whose challenge, of the scheme DPoP, says what is wrong.
#[track_caller]
fn assert_refused(answer: &Answer, code: &str) {
    answer.expect_json_error(StatusCode::UNAUTHORIZED, code);
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge
            .starts_with(r#"DPoP realm="doorward", algs="ES256 EdDSA Ed25519 PS256 RS256 ES384""#),
        "{challenge}"
    );
    assert!(challenge.contains(&format!(r#"error="{code}""#)), "{challenge}");
}

#[tokio::test]
async fn a_bound_token_with_its_proof_is_accepted() {
    let caller = Caller::new().await;
    for authorization in [format!("DPoP {}", caller.token), format!("dpop {}", caller.token)] {
        let answer = caller.world.userinfo_by(&authorization, &[&caller.proof(&json!({}))]).await;
        assert_eq!((answer.status, &answer.json()["sub"]), (StatusCode::OK, &json!("alice")));
    }
    let request = Request::post("/connect/userinfo")
        .header("authorization", format!("DPoP {}", caller.token));
    let request =
        request.header("dpop", caller.proof(&json!({"htm": "POST"}))).body(Body::empty()).unwrap();
    assert_eq!(caller.world.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_bound_token_as_bearer_is_refused() {
    let caller = Caller::new().await;
    let bearer = format!("Bearer {}", caller.token);
    for proofs in [vec![], vec![caller.proof(&json!({}))]] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let answer = caller.world.userinfo_by(&bearer, &proofs).await;
        answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
        let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(challenges.len(), 2, "it learns of DPoP: {challenges:?}");
        assert!(challenges[0].to_str().unwrap().contains(r#"error="invalid_token""#));
        assert!(challenges[1].to_str().unwrap().starts_with("DPoP "));
    }
    let in_body = form_request("/connect/userinfo", &[("access_token", &caller.token)]);
    let in_body = with_header(in_body, "dpop", &caller.proof(&json!({"htm": "POST"})));
    caller.world.send(in_body).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
}

#[tokio::test]
async fn a_bearer_token_by_the_dpop_scheme_is_refused() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let proof = ProofKey::es256().userinfo_proof(&world, token, &json!({}));
    assert_refused(&world.userinfo_by(&format!("DPoP {token}"), &[&proof]).await, "invalid_token");
}

#[tokio::test]
async fn a_proof_by_another_key_is_refused() {
    let caller = Caller::new().await;
    let foreign = ProofKey::es256().userinfo_proof(&caller.world, &caller.token, &json!({}));
    assert_refused(&caller.call(&[&foreign]).await, "invalid_token");
}

#[tokio::test]
async fn a_missing_or_second_proof_is_refused() {
    let caller = Caller::new().await;
    assert_refused(&caller.call(&[]).await, "invalid_dpop_proof");
    assert_refused(
        &caller.call(&[&caller.proof(&json!({})), &caller.proof(&json!({}))]).await,
        "invalid_dpop_proof",
    );
}

#[tokio::test]
async fn a_proof_counts_once() {
    let caller = Caller::new().await;
    let proof = caller.proof(&json!({}));
    assert_eq!(caller.call(&[&proof]).await.status, StatusCode::OK);
    assert_refused(&caller.call(&[&proof]).await, "invalid_dpop_proof");
}

#[tokio::test]
async fn ath_missing() {
    let caller = Caller::new().await;
    assert_refused(
        &caller.call(&[&caller.proof(&json!({"ath": null}))]).await,
        "invalid_dpop_proof",
    );
}

#[tokio::test]
async fn ath_of_another_token() {
    let caller = Caller::new().await;
    let other = bound_token(&caller.world, &caller.key).await;
    let proof = caller.key.userinfo_proof(&caller.world, &other, &json!({}));
    assert_refused(&caller.call(&[&proof]).await, "invalid_dpop_proof");
}

#[tokio::test]
async fn htm_of_another_method() {
    let caller = Caller::new().await;
    assert_refused(
        &caller.call(&[&caller.proof(&json!({"htm": "POST"}))]).await,
        "invalid_dpop_proof",
    );
}

#[tokio::test]
async fn htu_of_the_token_endpoint() {
    let caller = Caller::new().await;
    let htu = format!("{ISSUER}/connect/token");
    assert_refused(
        &caller.call(&[&caller.proof(&json!({"htu": htu}))]).await,
        "invalid_dpop_proof",
    );
}

#[tokio::test]
async fn iat_too_long_ago() {
    let caller = Caller::new().await;
    let proof = caller.proof(&json!({}));
    caller.world.clock.advance(121);
    assert_refused(&caller.call(&[&proof]).await, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_request_without_a_token_is_told_of_both_schemes() {
    let world = World::new().await;
    let answer = world.get("/connect/userinfo").await;
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges[0], r#"Bearer realm="doorward""#);
    assert_eq!(
        challenges[1],
        r#"DPoP realm="doorward", algs="ES256 EdDSA Ed25519 PS256 RS256 ES384""#
    );
}

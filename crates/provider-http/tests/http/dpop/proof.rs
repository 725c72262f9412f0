//! What makes a proof at the token endpoint (RFC 9449 section 4.3), rule by rule.

use std::sync::Arc;

use axum::http::StatusCode;
use doorward_protocol::{base64url, jose::SigningAlgorithm};
use serde_json::{Value, json};

use super::{MACHINE, machine_token};
use crate::support::{Answer, ISSUER, ProofKey, START, World, form_request, with_header};

#[track_caller]
fn assert_invalid_proof(answer: &Answer) {
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
}

/// Sends a proof with these changes to its header and its claims, which is refused.
async fn refuses(header: Value, claims: Value) {
    let world = World::new().await;
    let proof = ProofKey::es256().proof_with(&world, &header, &claims);
    assert_invalid_proof(&machine_token(&world, &proof).await);
}

/// Sends a text in place of a proof, which is refused.
async fn refuses_text(make: impl FnOnce(&World) -> String) {
    let world = World::new().await;
    let text = make(&world);
    assert_invalid_proof(&machine_token(&world, &text).await);
}

async fn accepts(header: Value, claims: Value) {
    let world = World::new().await;
    let proof = ProofKey::es256().proof_with(&world, &header, &claims);
    let answer = machine_token(&world, &proof).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

macro_rules! refused {
    ($($name:ident: $header:tt, $claims:tt;)+) => {
        $(#[tokio::test]
        async fn $name() {
            refuses(json!($header), json!($claims)).await;
        })+
    };
}

refused! {
    without_typ: {"typ": null}, {};
    typ_of_another_token: {"typ": "JWT"}, {};
    typ_of_an_access_token: {"typ": "at+jwt"}, {};
    alg_none: {"alg": "none"}, {};
    alg_symmetric: {"alg": "HS256"}, {};
    alg_not_advertised: {"alg": "ES512"}, {};
    alg_of_another_family: {"alg": "RS256"}, {};
    alg_missing: {"alg": null}, {};
    jwk_missing: {"jwk": null}, {};
    jwk_by_reference: {"jwk": null, "kid": "key-1", "jku": "https://client.example/jwks"}, {};
    jwk_symmetric: {"jwk": {"kty": "oct", "k": "AQAB"}}, {};
    jwk_for_encryption: {"jwk": {"kty": "EC", "crv": "P-256", "use": "enc",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}}, {};
    jwk_of_another_key: {"jwk": {"kty": "EC", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}}, {};
    critical_extension: {"crit": ["exp"], "exp": 1}, {};
    jti_missing: {}, {"jti": null};
    jti_empty: {}, {"jti": ""};
    jti_no_text: {}, {"jti": 7};
    htm_missing: {}, {"htm": null};
    htm_of_another_method: {}, {"htm": "GET"};
    htm_in_lower_case: {}, {"htm": "post"};
    htu_missing: {}, {"htu": null};
    htu_of_another_endpoint: {}, {"htu": "http://localhost:6001/connect/userinfo"};
    htu_of_another_host: {}, {"htu": "http://evil.example/connect/token"};
    htu_of_another_scheme: {}, {"htu": "https://localhost:6001/connect/token"};
    htu_relative: {}, {"htu": "/connect/token"};
    iat_missing: {}, {"iat": null};
    iat_no_number: {}, {"iat": "1800000000"};
    iat_too_long_ago: {}, {"iat": (START - 121)};
    iat_in_the_future: {}, {"iat": (START + 61)};
}

#[tokio::test]
async fn jwk_with_a_private_part() {
    let world = World::new().await;
    let key = ProofKey::es256();
    let mut jwk = key.jwk.clone();
    jwk["d"] = json!("AQAB");
    assert_invalid_proof(
        &machine_token(&world, &key.proof_with(&world, &json!({"jwk": jwk}), &json!({}))).await,
    );
}

#[tokio::test]
async fn no_jwt() {
    refuses_text(|_| "proof".to_owned()).await;
    refuses_text(|_| String::new()).await;
}

#[tokio::test]
async fn too_long() {
    refuses_text(|world| {
        ProofKey::es256().proof_with(world, &json!({}), &json!({"x": "x".repeat(9000)}))
    })
    .await;
}

#[tokio::test]
async fn two_proofs_in_one_header() {
    let key = ProofKey::es256();
    refuses_text(|world| format!("{}, {}", key.proof(world), key.proof(world))).await;
}

#[tokio::test]
async fn two_headers() {
    let world = World::new().await;
    let key = ProofKey::es256();
    let once = with_header(form_request("/connect/token", &MACHINE), "dpop", &key.proof(&world));
    assert_invalid_proof(&world.send(with_header(once, "dpop", &key.proof(&world))).await);
}

#[tokio::test]
async fn signature_missing_or_changed() {
    let key = ProofKey::es256();
    refuses_text(|world| key.proof(world).rsplit_once('.').unwrap().0.to_owned() + ".").await;
    refuses_text(|world| {
        let (proof, other) = (key.proof(world), key.proof(world));
        format!("{}.{}", proof.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1)
    })
    .await;
}

/// The public key as the secret of an HMAC: the oldest trick (RFC 8725 section 2.1).
#[tokio::test]
async fn signature_by_hmac_with_the_public_key() {
    let key = ProofKey::new(SigningAlgorithm::Rs256);
    refuses_text(|world| {
        let proof = key.proof_with(world, &json!({"alg": "HS256"}), &json!({}));
        let (message, _) = proof.rsplit_once('.').unwrap();
        let secret = jsonwebtoken::EncodingKey::from_secret(key.jwk.to_string().as_bytes());
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &secret, jsonwebtoken::Algorithm::HS256);
        format!("{message}.{}", signature.unwrap())
    })
    .await;
}

#[tokio::test]
async fn a_proof_counts_once() {
    let world = World::new().await;
    let key = ProofKey::es256();
    let proof = key.proof(&world);
    assert_eq!(machine_token(&world, &proof).await.status, StatusCode::OK);
    assert_invalid_proof(&machine_token(&world, &proof).await);
    // A signature of the same claims made anew does not make it another proof.
    let claims: Value =
        serde_json::from_slice(&base64url::decode(proof.split('.').nth(1).unwrap()).unwrap())
            .unwrap();
    assert_invalid_proof(
        &machine_token(&world, &key.proof_with(&world, &json!({}), &claims)).await,
    );
    // The jti of one key says nothing about those of another.
    let other = ProofKey::es256().proof_with(&world, &json!({}), &claims);
    assert_eq!(machine_token(&world, &other).await.status, StatusCode::OK);
}

/// Neither another process nor a sweep of what has expired makes a proof good again, as long as its
/// age would do.
#[tokio::test]
async fn a_proof_counts_once_over_restarts() {
    let world = World::new().await;
    let proof = ProofKey::es256().proof_with(&world, &json!({}), &json!({"iat": START + 60}));
    assert_eq!(machine_token(&world, &proof).await.status, StatusCode::OK);
    let other_process = world.restarted("Resources", json!({})).await;
    assert_invalid_proof(&machine_token(&other_process, &proof).await);
    for _ in 0..4 {
        world.clock.advance(60);
        world.provider.upkeep().maintain().await.unwrap();
        assert_invalid_proof(&machine_token(&other_process, &proof).await);
    }
    world.clock.advance(1);
    assert!(
        world.provider.upkeep().maintain().await.unwrap() >= 1,
        "then it is forgotten, for it is too old by itself"
    );
    assert_invalid_proof(&machine_token(&other_process, &proof).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_requests_with_one_proof_exactly_one_succeeds() {
    let world = Arc::new(World::new().await);
    let proof = ProofKey::es256().proof(&world);
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (world, proof) = (Arc::clone(&world), proof.clone());
            tokio::spawn(async move { machine_token(&world, &proof).await })
        })
        .collect();
    let mut succeeded = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == StatusCode::OK {
            succeeded += 1;
        } else {
            assert_invalid_proof(&answer);
        }
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn each_advertised_kind_of_key_is_accepted() {
    use SigningAlgorithm::{EdDsa, Es256, Ps256, Rs256};
    let world = World::new().await;
    for key in
        [Es256, EdDsa, Ps256, Rs256].map(ProofKey::new).into_iter().chain([ProofKey::es384()])
    {
        let answer = machine_token(&world, &key.proof(&world)).await;
        assert_eq!(
            (answer.status, &answer.json()["token_type"]),
            (StatusCode::OK, &json!("DPoP")),
            "{}",
            key.jwk
        );
    }
    // RFC 9864's name of EdDSA with this curve, the only one that some libraries write.
    let proof = ProofKey::new(EdDsa).proof_with(&world, &json!({"alg": "Ed25519"}), &json!({}));
    assert_eq!(machine_token(&world, &proof).await.status, StatusCode::OK);
}

#[tokio::test]
async fn spellings_of_the_address_and_small_differences_of_clocks_do_not_matter() {
    for htu in [
        "HTTP://LocalHost:6001/connect/token".to_owned(),
        format!("{ISSUER}/connect/token?a=b"),
        format!("{ISSUER}/connect/./token#c"),
        format!("{ISSUER}/connect/%74oken"),
    ] {
        accepts(json!({}), json!({"htu": htu})).await;
    }
    for iat in [START - 120, START + 60] {
        accepts(json!({}), json!({"iat": iat})).await;
    }
    accepts(json!({}), json!({"nbf": START, "exp": START + 300})).await;
    accepts(
        json!({"kid": "mine", "x": 1}),
        json!({"ath": "whatever", "nonce": "of another server", "x": 1}),
    )
    .await;
}

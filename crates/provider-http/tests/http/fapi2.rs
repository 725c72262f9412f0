//! The FAPI 2.0 Security Profile for clients with the setting `fapi2`, where it is stricter than
//! what others may do (section 5.3.2).

use axum::http::StatusCode;
use doorward_protocol::{jose::SigningAlgorithm, params};
use serde_json::{Value, json};

use crate::{
    par::opened_by,
    support::{
        Answer, Browser, ISSUER, ProofKey, REDIRECT, START, Setup, World, authorize_url, changed,
        client_settings, code_request, form_request, jose_header, refresh_request, with_header,
    },
    token::private_key_jwt::{claims as assertion_claims, request as by_assertion},
};

/// The client `Bank` has these keys.
async fn world_with(keys: &[&ProofKey]) -> World {
    World::with(setup_with(keys)).await
}

pub fn setup_with(keys: &[&ProofKey]) -> Setup {
    let keys: Vec<&Value> = keys.iter().map(|key| &key.jwk).collect();
    let changes = json!({
        "allowed_grant_types": ["authorization_code", "client_credentials"],
        "require_client_secret": true,
        "jwks": {"keys": keys}, "id_token_signing_alg": "ES256", "fapi2": true,
    });
    Setup { clients: vec![client_settings("Bank", changes)], ..Setup::default() }
}

fn signed(key: &ProofKey, alg: &str, changes: &Value) -> String {
    let mut own = json!({"iss": "Bank", "sub": "Bank"});
    own.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    key.sign(&json!({"alg": alg}), &assertion_claims(&own))
}

pub fn assertion(world: &World, key: &ProofKey) -> String {
    signed(key, "ES256", &json!({"iat": world.clock.seconds(), "exp": world.clock.seconds() + 60}))
}

/// A token request of the client by itself.
async fn machine(world: &World, assertion: &str, proof: &str) -> Answer {
    world.token_with_proof(&by_assertion(assertion), proof).await
}

/// Pushes the authorization request with these changes.
pub async fn push(world: &World, assertion: &str, changes: &[(&str, &str)]) -> Answer {
    let url = authorize_url(&[&[("client_id", "Bank")][..], changes].concat());
    let query = params::Params::parse(url.split_once('?').unwrap().1).unwrap();
    let mut pairs: Vec<(&str, String)> = by_assertion(assertion).split_off(1);
    pairs.extend(query.iter().map(|(name, value)| (name, value.to_owned())));
    world.post("/connect/par", &pairs).await
}

#[tokio::test]
async fn a_user_signs_in_and_the_refresh_token_stays_the_same() {
    let (key, proving) = (ProofKey::es256(), ProofKey::es256());
    let world = world_with(&[&key]).await;
    let send = async |pairs: Vec<(&'static str, String)>| {
        let mut pairs = changed(pairs, &[("client_id", "")]);
        pairs.extend(by_assertion(&assertion(&world, &key)).split_off(1));
        world
            .send(with_header(
                form_request("/connect/token", &pairs),
                "dpop",
                &proving.proof(&world),
            ))
            .await
    };
    let pushed = push(&world, &assertion(&world, &key), &[]).await;
    let code = Browser::signed_in(&world, "alice")
        .await
        .get(&opened_by("Bank", &pushed))
        .await
        .expect_code(REDIRECT);
    let answer = send(code_request(&code)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "DPoP");
    // The provider's own setting is RS256, which the profile does not allow (section 5.4.1).
    for name in ["access_token", "id_token"] {
        assert_eq!(jose_header(&tokens[name])["alg"], "ES256", "{name}");
    }
    for _ in 0..3 {
        world.clock.advance(31);
        let renewed = send(refresh_request(tokens["refresh_token"].as_str().unwrap())).await;
        assert_eq!(renewed.status, StatusCode::OK, "{renewed:?}");
        assert_eq!(renewed.json()["refresh_token"], tokens["refresh_token"]);
    }
}

#[tokio::test]
async fn an_assertion_is_for_the_issuer_alone_and_says_so_as_a_string() {
    let key = ProofKey::es256();
    let world = world_with(&[&key]).await;
    let (token_endpoint, par_endpoint) =
        (format!("{ISSUER}/connect/token"), format!("{ISSUER}/connect/par"));
    for aud in [
        json!(token_endpoint),
        json!(par_endpoint),
        json!([ISSUER]),
        json!([ISSUER, token_endpoint]),
    ] {
        let refused = || signed(&key, "ES256", &json!({"aud": aud}));
        push(&world, &refused(), &[])
            .await
            .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
        let answer = machine(&world, &refused(), &key.proof(&world)).await;
        answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    for times in [json!({}), json!({"iat": START + 8, "nbf": START + 8})] {
        assert_eq!(
            push(&world, &signed(&key, "ES256", &times), &[]).await.status,
            StatusCode::CREATED
        );
    }
}

#[tokio::test]
async fn rs256_signs_neither_assertions_nor_proofs() {
    let (es256, rs256) = (ProofKey::es256(), ProofKey::new(SigningAlgorithm::Rs256));
    let ps256 = ProofKey::new(SigningAlgorithm::Ps256);
    let world = world_with(&[&es256, &rs256, &ps256]).await;
    let good = json!({});
    let answer = machine(&world, &signed(&rs256, "RS256", &good), &es256.proof(&world)).await;
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    let answer = machine(&world, &signed(&es256, "ES256", &good), &rs256.proof(&world)).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
    let answer = machine(&world, &signed(&ps256, "PS256", &good), &ps256.proof(&world)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn requests_are_pushed_whole_and_tokens_are_bound() {
    let key = ProofKey::es256();
    let world = world_with(&[&key]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let by_browser = browser.get(&authorize_url(&[("client_id", "Bank")])).await;
    by_browser.expect_redirect_error(REDIRECT, "invalid_request");
    for missing in ["redirect_uri", "code_challenge", "response_type"] {
        let changes = [(missing, ""), ("scope", "MyBackendApi2")];
        let answer = push(&world, &assertion(&world, &key), &changes).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    }
    let unproven = world.token(&by_assertion(&assertion(&world, &key))).await;
    unproven.expect_json_error(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_pushed_request_lives_for_less_than_ten_minutes_whatever_others_have() {
    let key = ProofKey::es256();
    let world = World::with(Setup { pushed_lifetime: 3600, ..setup_with(&[&key]) }).await;
    let pushed = push(&world, &assertion(&world, &key), &[]).await;
    assert_eq!(pushed.json()["expires_in"], 599);
    let mut browser = Browser::signed_in(&world, "alice").await;
    world.clock.advance(599);
    browser.get(&opened_by("Bank", &pushed)).await.expect_error_page(StatusCode::BAD_REQUEST);
}

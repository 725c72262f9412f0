//! FAPI 2.0 Message Signing for clients with the setting `fapi2_message_signing`, beside the
//! Security Profile (its sections 5.3, 5.4 and 5.5).

use axum::http::StatusCode;
use doorward_protocol::jose::SigningAlgorithm;
use serde_json::{Value, json};

use crate::{
    authorize::request_object::claims as object_claims,
    fapi2::{assertion, push, setup_with},
    par::opened_by,
    support::{
        Answer, Browser, ISSUER, ProofKey, REDIRECT, START, Setup, World, claims, code_request,
        form_request, jose_header, with_header,
    },
    token::private_key_jwt::request as by_assertion,
};

const ALL: [&str; 3] = ["signed_requests", "signed_responses", "signed_introspection"];

/// A world whose client `Bank` has these keys and is held to these parts.
async fn world_with(keys: &[&ProofKey], parts: &[&str]) -> World {
    let Setup { mut clients, .. } = setup_with(keys);
    clients[0]["fapi2_message_signing"] = json!(parts);
    World::with_clients(clients).await
}

/// A request object of `Bank` that asks for a signed response, with these changes.
fn object(key: &ProofKey, header: &Value, changes: &Value) -> String {
    let mut own = json!({"iss": "Bank", "client_id": "Bank", "response_mode": "jwt"});
    own.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    key.sign(header, &object_claims(&own))
}

fn signed(key: &ProofKey, changes: &Value) -> String {
    object(key, &json!({"alg": "ES256", "typ": "oauth-authz-req+jwt"}), changes)
}

async fn push_object(world: &World, key: &ProofKey, object: &str) -> Answer {
    let mut pairs = by_assertion(&assertion(world, key)).split_off(1);
    pairs.push(("request", object.to_owned()));
    world.post("/connect/par", &pairs).await
}

async fn accepts(changes: Value) {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &ALL).await;
    let answer = push_object(&world, &key, &signed(&key, &changes)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{changes}: {answer:?}");
}

async fn refuses(changes: Value) {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &ALL).await;
    let answer = push_object(&world, &key, &signed(&key, &changes)).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request_object");
}

/// The claims of the response in this redirect.
fn response(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let token = answer.location().strip_prefix(&format!("{REDIRECT}?response="));
    let token = json!(token.unwrap_or_else(|| panic!("a response alone: {answer:?}")));
    assert_eq!(jose_header(&token)["alg"], "ES256");
    let claims = claims(&token);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!("Bank")));
    claims
}

#[tokio::test]
async fn a_user_signs_in_and_every_message_is_signed() {
    let (key, proving) = (ProofKey::es256(), ProofKey::es256());
    let world = world_with(&[&key], &ALL).await;
    let pushed = push_object(&world, &key, &signed(&key, &json!({}))).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let response = response(&browser.get(&opened_by("Bank", &pushed)).await);
    assert_eq!(response["state"], "state-1");
    let mut redeem = code_request(response["code"].as_str().unwrap());
    redeem.retain(|(name, _)| *name != "client_id");
    redeem.extend(by_assertion(&assertion(&world, &key)).split_off(1));
    let request = form_request("/connect/token", &redeem);
    let tokens = world.send(with_header(request, "dpop", &proving.proof(&world))).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    let mut ask = by_assertion(&assertion(&world, &key)).split_off(1);
    ask.push(("token", tokens.json()["access_token"].as_str().unwrap().to_owned()));
    let told = world.post("/connect/introspect", &ask).await;
    assert_eq!(told.header("content-type"), "application/token-introspection+jwt");
    let told = json!(told.body);
    assert_eq!(jose_header(&told)["alg"], "ES256");
    assert_eq!(claims(&told)["token_introspection"]["active"], true);
}

#[tokio::test]
async fn each_part_is_asked_for_by_itself() {
    let key = ProofKey::es256();
    for part in ALL {
        let world = world_with(&[&key], &[part]).await;
        let plain = push(&world, &assertion(&world, &key), &[]).await;
        if part == "signed_requests" {
            plain.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
            let object = signed(&key, &json!({"response_mode": null}));
            let pushed = push_object(&world, &key, &object).await;
            let mut browser = Browser::signed_in(&world, "alice").await;
            browser.get(&opened_by("Bank", &pushed)).await.expect_code(REDIRECT);
        } else if part == "signed_responses" {
            plain.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
            let changes = [("response_mode", "jwt")];
            let pushed = push(&world, &assertion(&world, &key), &changes).await;
            let mut browser = Browser::signed_in(&world, "alice").await;
            assert!(response(&browser.get(&opened_by("Bank", &pushed)).await)["code"].is_string());
        } else {
            assert_eq!(plain.status, StatusCode::CREATED, "{plain:?}");
            let mut ask = by_assertion(&assertion(&world, &key)).split_off(1);
            ask.push(("token", "made-up".to_owned()));
            let told = world.post("/connect/introspect", &ask).await;
            let expected = json!({
                "iss": ISSUER, "aud": "Bank", "iat": START,
                "token_introspection": {"active": false},
            });
            assert_eq!(claims(&json!(told.body)), expected);
        }
    }
}

#[tokio::test]
async fn user_rejects_authentication() {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &ALL).await;
    let pushed = push_object(&world, &key, &signed(&key, &json!({}))).await;
    let mut browser = Browser::new(&world);
    let to_login = browser.get(&opened_by("Bank", &pushed)).await;
    let page = browser.get(to_login.location()).await.page();
    let denied = browser.submit(&page, &[("action", "cancel")]).await;
    let response = response(&denied);
    assert_eq!(
        (&response["error"], &response["state"]),
        (&json!("access_denied"), &json!("state-1"))
    );
}

#[tokio::test]
async fn ensure_server_accepts_request_object_with_multiple_aud() {
    accepts(json!({"aud": [ISSUER, "https://other.example"]})).await;
}

#[tokio::test]
async fn ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted() {
    accepts(json!({"nbf": START + 8, "iat": START + 8})).await;
    refuses(json!({"nbf": START + 61, "exp": START + 300})).await;
}

#[tokio::test]
async fn ensure_request_object_without_exp_fails() {
    refuses(json!({"exp": null})).await;
}

#[tokio::test]
async fn ensure_request_object_without_nbf_fails() {
    refuses(json!({"nbf": null})).await;
}

#[tokio::test]
async fn ensure_expired_request_object_fails() {
    refuses(json!({"exp": START - 300, "nbf": START - 600, "iat": START - 600})).await;
}

#[tokio::test]
async fn ensure_request_object_with_bad_aud_fails() {
    refuses(json!({"aud": "https://other.example"})).await;
    refuses(json!({"aud": format!("{ISSUER}/connect/par")})).await;
    refuses(json!({"aud": null})).await;
}

#[tokio::test]
async fn ensure_request_object_with_exp_over_60_fails() {
    accepts(json!({"exp": START + 3600})).await;
    refuses(json!({"exp": START + 3601})).await;
}

#[tokio::test]
async fn ensure_request_object_with_nbf_over_60_fails() {
    accepts(json!({"nbf": START - 3540, "exp": START + 60})).await;
    refuses(json!({"nbf": START - 3541, "exp": START + 60})).await;
}

#[tokio::test]
async fn ensure_signed_request_object_with_rs256_fails() {
    let (key, rs256) = (ProofKey::es256(), ProofKey::new(SigningAlgorithm::Rs256));
    let ps256 = ProofKey::new(SigningAlgorithm::Ps256);
    let world = world_with(&[&key, &rs256, &ps256], &ALL).await;
    let refused = object(&rs256, &json!({"alg": "RS256"}), &json!({}));
    let answer = push_object(&world, &key, &refused).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request_object");
    let accepted = object(&ps256, &json!({"alg": "PS256"}), &json!({}));
    assert_eq!(push_object(&world, &key, &accepted).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn ensure_request_object_signature_algorithm_is_not_none() {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &ALL).await;
    let signed = object(&key, &json!({"alg": "none"}), &json!({}));
    let (message, _) = signed.rsplit_once('.').unwrap();
    for object in [format!("{message}."), signed] {
        let answer = push_object(&world, &key, &object).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request_object");
    }
}

#[tokio::test]
async fn ensure_request_object_with_invalid_signature_fails() {
    let (key, other) = (ProofKey::es256(), ProofKey::es256());
    let world = world_with(&[&key], &ALL).await;
    // The second is also the idea of `ensure-matching-key-in-authorization-request`.
    let good = signed(&key, &json!({}));
    let (_, signature) = good.rsplit_once('.').unwrap();
    let other_message = signed(&key, &json!({"state": "changed"}));
    let (message, _) = other_message.rsplit_once('.').unwrap();
    for object in [format!("{message}.{signature}"), signed(&other, &json!({}))] {
        let answer = push_object(&world, &key, &object).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request_object");
    }
}

#[tokio::test]
async fn ensure_unsigned_request_at_par_endpoint_fails() {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &ALL).await;
    let changes = [("response_mode", "jwt")];
    let answer = push(&world, &assertion(&world, &key), &changes).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn ensure_request_object_without_redirect_uri_fails() {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &ALL).await;
    let object = signed(&key, &json!({"redirect_uri": null}));
    let answer = push_object(&world, &key, &object).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn par_reject_request_uri_in_par_authorization_request() {
    refuses(json!({"request_uri": "urn:ietf:params:oauth:request_uri:x"})).await;
    refuses(json!({"client_id": null})).await;
}

#[tokio::test]
async fn an_object_names_the_client_as_its_issuer() {
    refuses(json!({"iss": null})).await;
    refuses(json!({"iss": "Other"})).await;
}

#[tokio::test]
async fn state_only_outside_request_object_is_not_used() {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &ALL).await;
    let object = signed(&key, &json!({"state": null, "nonce": "inside"}));
    let mut pairs = by_assertion(&assertion(&world, &key)).split_off(1);
    let outside = [("request", object.as_str()), ("state", "outside"), ("nonce", "outside")];
    pairs.extend(outside.map(|(name, value)| (name, value.to_owned())));
    let pushed = world.post("/connect/par", &pairs).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = format!("{}&state=outside", opened_by("Bank", &pushed));
    assert_eq!(response(&browser.get(&url).await).get("state"), None);
}

#[tokio::test]
async fn an_object_counts_once() {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &ALL).await;
    let object = signed(&key, &json!({}));
    // A request that was refused for something else may come again.
    let wrong = signed(&key, &json!({"jti": "same", "scope": "unknown"}));
    let answer = push_object(&world, &key, &wrong).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_scope");
    let mended = signed(&key, &json!({"jti": "same"}));
    assert_eq!(push_object(&world, &key, &mended).await.status, StatusCode::CREATED);
    assert_eq!(push_object(&world, &key, &object).await.status, StatusCode::CREATED);
    for again in [&object, &mended, &signed(&key, &json!({"jti": "same", "state": "other"}))] {
        let answer = push_object(&world, &key, again).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request_object");
    }
}

#[tokio::test]
async fn without_the_setting_nothing_is_asked_for_and_objects_are_still_pushed() {
    let key = ProofKey::es256();
    let world = world_with(&[&key], &[]).await;
    let pushed = push(&world, &assertion(&world, &key), &[]).await;
    assert_eq!(pushed.status, StatusCode::CREATED);
    // The browser itself brings no object: it must be pushed.
    let url = doorward_protocol::params::encode([
        ("client_id", "Bank"),
        ("request", signed(&key, &json!({"response_mode": null})).as_str()),
    ]);
    let answer = world.get(&format!("/connect/authorize?{url}")).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request");
}

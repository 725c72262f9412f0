//! Registered clients that sign their requests and get signed answers (OIDC Registration section 2,
//! RFC 9101 section 10.5, JARM section 3).

use axum::http::StatusCode;
use doorward_protocol::params;
use doorward_provider::model::client::assertion::ASSERTION_TYPE;
use serde_json::{Value, json};

use super::{PAGE, expect_link_to_error, open, redeeming, register, registered, tokens};
use crate::{
    authorize::request_object,
    support::{Answer, Browser, ISSUER, ProofKey, Setup, World, claims, jose_header},
};

const ADDRESS: &str = "https://app.example/request.jwt";

/// A world that fetches request objects.
async fn world() -> World {
    let setup = Setup { registration: open(), fetch_request_uris: true, ..Setup::default() };
    World::with(setup).await
}

/// The members of a client of this key.
fn signing(key: &ProofKey) -> Value {
    json!({
        "request_object_signing_alg": "ES256", "jwks": {"keys": [key.jwk]},
        "request_uris": [ADDRESS],
    })
}

/// The request of this client in an object, with these claims in place of its own.
fn object(key: &ProofKey, client_id: &str, changes: &Value) -> String {
    let mut all = json!({
        "iss": client_id, "client_id": client_id, "redirect_uri": PAGE, "scope": "openid profile",
    });
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    request_object::signed(key, &all)
}

async fn ask(browser: &mut Browser<'_>, client_id: &str, more: (&str, &str)) -> Answer {
    let query = params::encode([("client_id", client_id), more]);
    browser.get(&format!("/connect/authorize?{query}")).await
}

#[tokio::test]
async fn what_is_registered_is_told_exactly() {
    let world = world().await;
    let key = ProofKey::es256();
    let mut members = json!({
        "userinfo_signed_response_alg": "RS256", "authorization_signed_response_alg": "ES256",
        "introspection_signed_response_alg": "ES256", "require_signed_request_object": true,
        "initiate_login_uri": "https://app.example/login", "default_max_age": 600,
        "require_auth_time": true, "default_acr_values": ["urn:doorward:acr:1"],
        "post_logout_redirect_uris": ["https://app.example/bye"],
    });
    members.as_object_mut().unwrap().extend(signing(&key).as_object().unwrap().clone());
    let client = registered(&world, members.clone()).await;
    for (name, value) in members.as_object().unwrap() {
        assert_eq!(&client[name], value, "{name}");
    }
    // What is not served is not told as if it were (RFC 7591 section 3.2.1).
    let client = registered(
        &world,
        json!({
            "backchannel_logout_uri": "https://app.example/logout",
            "frontchannel_logout_uri": "https://app.example/logout",
            "id_token_encrypted_response_alg": "RSA-OAEP",
        }),
    )
    .await;
    for name in
        ["backchannel_logout_uri", "frontchannel_logout_uri", "id_token_encrypted_response_alg"]
    {
        assert!(client.get(name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn userinfo_is_signed_for_a_client_that_registered_for_it() {
    let world = world().await;
    let client = registered(&world, json!({"userinfo_signed_response_alg": "RS256"})).await;
    let id = client["client_id"].as_str().unwrap();
    let tokens = tokens(&world, id, PAGE).await.json();
    let answer = world.userinfo(&tokens["access_token"]).await;
    assert_eq!(answer.header("content-type"), "application/jwt");
    let token = json!(answer.body);
    assert_eq!(jose_header(&token)["alg"], "RS256");
    let claims = claims(&token);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(id)));
}

#[tokio::test]
async fn responses_are_signed_by_the_registered_algorithm() {
    let world = world().await;
    let client = registered(&world, json!({"authorization_signed_response_alg": "ES256"})).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&super::asking(id, &[("response_mode", "jwt")])).await.page();
    for (action, member) in [("deny", "error"), ("allow", "code")] {
        let answer = browser.submit(&page, &[("action", action)]).await;
        let token = json!(answer.redirect_param("response").unwrap());
        assert_eq!(jose_header(&token)["alg"], "ES256");
        assert!(claims(&token)[member].is_string(), "{answer:?}");
    }
}

#[tokio::test]
async fn requests_come_in_objects_and_from_registered_addresses() {
    let world = world().await;
    let key = ProofKey::es256();
    let client = registered(&world, signing(&key)).await;
    let id = client["client_id"].as_str().unwrap();
    let foreign = object(&ProofKey::es256(), id, &json!({}));
    let object = object(&key, id, &json!({}));
    let algorithms =
        world.provider.discovery().metadata().request_object_signing_alg_values_supported;
    assert!(
        algorithms.contains(&"none".to_owned()),
        "for clients that register it: {algorithms:?}"
    );
    let mut browser = Browser::signed_in(&world, "alice").await;
    world.published.publish(Some(json!(object)));
    let to_consent = ask(&mut browser, id, ("request", &object)).await;
    assert_eq!(to_consent.status, StatusCode::OK, "{to_consent:?}");
    let consented = browser.submit(&to_consent.page(), &[("action", "allow")]).await;
    let remembered = ask(&mut browser, id, ("request_uri", ADDRESS)).await;
    for answer in [consented, remembered] {
        assert_eq!(world.token(&redeeming(id, &answer, PAGE)).await.status, StatusCode::OK);
    }
    assert_eq!(world.published.asked(), [ADDRESS]);
    let elsewhere = ask(&mut browser, id, ("request_uri", "https://app.example/other")).await;
    expect_link_to_error(&elsewhere, "invalid_request_uri");
    let foreign = ask(&mut browser, id, ("request", &foreign)).await;
    expect_link_to_error(&foreign, "invalid_request_object");
    assert_eq!(world.published.asked(), [ADDRESS], "no other address");
}

/// Anybody can name any host: it is asked a limited number of times.
#[tokio::test]
async fn one_host_is_not_flooded_with_questions() {
    let world = world().await;
    let key = ProofKey::es256();
    let client = registered(&world, signing(&key)).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::new(&world);
    for _ in 0..130 {
        let answer = ask(&mut browser, id, ("request_uri", ADDRESS)).await;
        expect_link_to_error(&answer, "invalid_request_uri");
    }
    assert_eq!(world.published.asked().len(), 120, "request objects");
    let sector = json!({
        "redirect_uris": [PAGE], "subject_type": "pairwise",
        "sector_identifier_uri": "https://app.example/uris.json",
    });
    for _ in 0..40 {
        let answer = register(&world, &sector).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_client_metadata");
    }
    assert_eq!(world.published.asked().len(), 150, "and lists of redirect URIs");
}

/// Whoever wants more places could register more clients.
#[tokio::test]
async fn objects_of_strangers_wait_together_for_an_address() {
    let registration = open();
    let setup =
        Setup { registration, most_waiting: 1, fetch_request_uris: true, ..Setup::default() };
    let world = World::with(setup).await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let key = ProofKey::es256();
        let id = registered(&world, signing(&key)).await["client_id"].as_str().unwrap().to_owned();
        clients.push((object(&key, &id, &json!({})), id));
    }
    let mut browser = Browser::new(&world);
    for number in 0..10 {
        let (object, id) = &clients[number % 2];
        ask(&mut browser, id, ("request", object)).await.expect_login();
    }
    for (object, id) in &clients {
        world.published.publish(Some(json!(object)));
        for request in [("request", object.as_str()), ("request_uri", ADDRESS)] {
            let refused = ask(&mut browser, id, request).await;
            expect_link_to_error(&refused, "temporarily_unavailable");
        }
        let mut elsewhere = Browser::at(&world, "198.51.100.1".parse().unwrap());
        ask(&mut elsewhere, id, ("request_uri", ADDRESS)).await.expect_login();
    }
}

/// Each made-up key set would be one more question to its host.
#[tokio::test]
async fn made_up_key_sets_make_few_requests() {
    let world = world().await;
    let key = ProofKey::es256();
    let mut browser = Browser::new(&world);
    // One network may have this many that are unused.
    for number in 0..40 {
        if number % 20 == 0 {
            world.clock.advance(1_000_000);
        }
        let uri = format!("https://app.example/jwks/{number}");
        let changes = json!({"request_object_signing_alg": "ES256", "jwks_uri": uri});
        let client = registered(&world, changes).await;
        let id = client["client_id"].as_str().unwrap();
        let now = world.clock.seconds();
        let times = json!({"iat": now, "nbf": now, "exp": now + 300});
        let object = object(&key, id, &times);
        for _ in 0..2 {
            let answer = ask(&mut browser, id, ("request", &object)).await;
            expect_link_to_error(&answer, "invalid_request_object");
        }
    }
    assert_eq!(world.published.asked().len(), 40, "each address once, 30 a minute at most");
}

#[tokio::test]
async fn an_application_that_registered_where_can_be_opened() {
    let world = world().await;
    let client = registered(&world, json!({"initiate_login_uri": "https://app.example/in"})).await;
    let id = client["client_id"].as_str().unwrap();
    assert_eq!(tokens(&world, id, PAGE).await.status, StatusCode::OK);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = crate::grants::page(&mut browser).await;
    let expected = "https://app.example/in?iss=http%3A%2F%2Flocalhost%3A6001";
    assert!(page.all("a").any(|link| link.attribute("href") == Some(expected)), "{}", page.text);
}

/// A set may have keys to encrypt for the client, too (OIDC Registration section 2).
#[tokio::test]
async fn of_the_keys_of_a_client_those_count_that_can_be_used() {
    let world = world().await;
    let key = ProofKey::es256();
    let with = |changes: Value| {
        let mut key = key.jwk.clone();
        key.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key
    };
    let keys = json!([
        {"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"},
        with(json!({"use": "enc"})),
        with(json!({"crv": "P-521"})),
        with(json!({"x5t": "AQAB", "x5c": ["AQAB"]})),
    ]);
    let client = registered(
        &world,
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": keys}}),
    )
    .await;
    assert_eq!(client["jwks"], json!({"keys": [key.jwk]}));
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&super::asking(id, &[])).await.page();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let request = asserted(&world, id, &key, redeeming(id, &answer, PAGE));
    let tokens = world.token(&request).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    // A private key is given away, also where keys have no use.
    for method in ["none", "private_key_jwt"] {
        let answer = register(
            &world,
            &json!({
                "redirect_uris": [PAGE], "token_endpoint_auth_method": method,
                "jwks": {"keys": [with(json!({"d": "AQAB"}))]},
            }),
        )
        .await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_client_metadata");
        assert!(answer.body.contains("private or symmetric"), "{answer:?}");
    }
}

/// The request with an assertion of this client by this key.
fn asserted(
    world: &World,
    client_id: &str,
    key: &ProofKey,
    request: Vec<(&'static str, String)>,
) -> Vec<(&'static str, String)> {
    let now = world.clock.seconds();
    let claims = json!({
        "iss": client_id, "sub": client_id, "aud": ISSUER, "iat": now, "exp": now + 60,
        "jti": format!("{now}-{}", key.jwk["x"]),
    });
    let assertion = key.sign(&json!({"alg": "ES256"}), &claims);
    let kind = ("client_assertion_type", ASSERTION_TYPE.to_owned());
    [request, vec![kind, ("client_assertion", assertion)]].concat()
}

/// The client puts a new key at its `jwks_uri`, and uses it a minute later.
#[tokio::test]
async fn keys_that_rotate_are_fetched_again() {
    let world = world().await;
    let (first, next) = (ProofKey::es256(), ProofKey::es256());
    let client = registered(
        &world,
        json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://app.example/jwks",
        }),
    )
    .await;
    let id = client["client_id"].as_str().unwrap();
    let by = |key: &ProofKey, request| asserted(&world, id, key, request);
    world.published.publish(Some(json!({"keys": [first.jwk]})));
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&super::asking(id, &[])).await.page();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let tokens = world.token(&by(&first, redeeming(id, &answer, PAGE))).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    world.published.publish(Some(json!({"keys": [next.jwk]})));
    let refresh = vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", tokens.json()["refresh_token"].as_str().unwrap().to_owned()),
    ];
    let too_soon = world.token(&by(&next, refresh.clone())).await;
    too_soon.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    world.clock.advance(60);
    let answer = world.token(&by(&next, refresh)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(world.published.asked().len(), 2);
}

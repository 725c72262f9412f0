//! Requests in request objects, through the browser and pushed (RFC 9101, OIDC Core section 6.1).

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use doorward_protocol::{
    base64url,
    jose::SigningAlgorithm,
    params::{self, Params},
};
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};

use super::request_uri::ADDRESS;
use crate::{
    par::opened_by,
    support::{
        Answer, Browser, ISSUER, ProofKey, REDIRECT, START, Setup, World, authorize_url, changed,
        claims as token_claims, client_settings, code_request, form_request, with_header,
    },
};

/// A world with the public client `Signing` of this key, whose settings have these changes.
async fn world_with(key: &ProofKey, changes: Value) -> World {
    World::with_clients(vec![signing_client(key, &changes)]).await
}

fn signing_client(key: &ProofKey, changes: &Value) -> Value {
    let mut own = json!({"jwks": {"keys": [key.jwk]}, "request_object_signing_alg": "ES256"});
    own.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    client_settings("Signing", own)
}

/// The claims of a good object: the request of `PkceJS` as one of `Signing`, with these in place of
/// its own; `null` takes one out.
pub fn claims(changes: &Value) -> Value {
    static JTI: AtomicU64 = AtomicU64::new(0);
    let url = authorize_url(&[("client_id", "Signing")]);
    let query = Params::parse(url.split_once('?').unwrap().1).unwrap();
    let mut claims = json!({
        "iss": "Signing", "aud": ISSUER, "iat": START, "nbf": START, "exp": START + 300,
        "jti": format!("object-{}", JTI.fetch_add(1, Ordering::Relaxed)),
    });
    for (name, value) in query.iter() {
        claims[name] = json!(value);
    }
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

pub fn signed(key: &ProofKey, changes: &Value) -> String {
    key.sign(&json!({"alg": "ES256", "typ": "oauth-authz-req+jwt"}), &claims(changes))
}

fn unsigned(changes: &Value) -> String {
    let encode = |value: &Value| base64url::encode(value.to_string());
    format!("{}.{}.", encode(&json!({"alg": "none"})), encode(&claims(changes)))
}

fn url_of(object: &str) -> String {
    url_with(&[("client_id", "Signing"), ("request", object)])
}

fn url_with(pairs: &[(&str, &str)]) -> String {
    format!("/connect/authorize?{}", params::encode(pairs.iter().copied()))
}

async fn push(world: &World, object: &str) -> Answer {
    world.post("/connect/par", &[("client_id", "Signing"), ("request", object)]).await
}

async fn tokens(world: &World, code: &str) -> Value {
    let request = changed(code_request(code), &[("client_id", "Signing")]);
    let answer = world.token(&request).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

/// Both endpoints refuse the object: the one with an error at the client, the other in JSON.
async fn refuses(world: &World, object: &str) {
    let answer = world.get(&url_of(object)).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request_object");
    assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    refuses_pushed(world, object).await;
}

async fn refuses_pushed(world: &World, object: &str) {
    let answer = push(world, object).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request_object");
}

#[tokio::test]
async fn a_signed_object_is_a_request() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({})).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for aud in [json!(ISSUER), json!([ISSUER]), json!(["https://other.example", ISSUER])] {
        let answer = browser.get(&url_of(&signed(&key, &json!({"aud": aud})))).await;
        assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
        let tokens = tokens(&world, &answer.expect_code(REDIRECT)).await;
        assert_eq!(token_claims(&tokens["id_token"])["nonce"], "nonce-1");
    }
    let pushed = push(&world, &signed(&key, &json!({}))).await;
    let answer = browser.get(&opened_by("Signing", &pushed)).await;
    assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    answer.expect_code(REDIRECT);
}

#[tokio::test]
async fn claims_max_age_and_resource_need_not_be_texts() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({})).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let changes = json!({
        "claims": {"id_token": {"email": {"essential": true}}}, "max_age": 100,
        "resource": ["MyBackendApi2"],
    });
    let answer = browser.get(&url_of(&signed(&key, &changes))).await;
    let tokens = tokens(&world, &answer.expect_code(REDIRECT)).await;
    assert_eq!(token_claims(&tokens["id_token"])["email"], "alice@example.com");
    assert_eq!(token_claims(&tokens["access_token"])["aud"], "MyBackendApi2");
    world.clock.advance(101);
    let now = world.clock.seconds();
    let late = signed(&key, &json!({"max_age": 100, "iat": now, "nbf": now, "exp": now + 60}));
    browser.get(&url_of(&late)).await.expect_login();
    let hint = tokens["id_token"].as_str().unwrap();
    let hinted = signed(&key, &json!({"id_token_hint": hint, "prompt": "none"}));
    Browser::signed_in(&world, "carol")
        .await
        .get(&url_of(&hinted))
        .await
        .expect_redirect_error(REDIRECT, "login_required");
}

/// OIDC Core section 7.2.1: in an object, `registration` is an object itself.
#[tokio::test]
async fn what_is_not_supported_is_named_in_an_object_too() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({})).await;
    for registration in [json!({"client_name": "App"}), json!("{}")] {
        let object = signed(&key, &json!({"registration": registration}));
        let answer = world.get(&url_of(&object)).await;
        answer.expect_redirect_error(REDIRECT, "registration_not_supported");
        let pushed = push(&world, &object).await;
        pushed.expect_json_error(StatusCode::BAD_REQUEST, "registration_not_supported");
    }
}

/// RFC 9101 section 6.3: "The authorization server MUST only use the parameters in the Request
/// Object".
#[tokio::test]
async fn parameters_outside_do_not_count() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({})).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let object = signed(&key, &json!({"scope": "openid", "nonce": null}));
    let outside = [
        ("client_id", "Signing"),
        ("request", object.as_str()),
        ("scope", "openid profile"),
        ("nonce", "other"),
        ("state", "other"),
        ("state", "again"),
        ("redirect_uri", "https://evil.example"),
        ("response_mode", "fragment"),
        ("prompt", "none login"),
    ];
    let answer = browser.get(&url_with(&outside)).await;
    assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    let granted = tokens(&world, &answer.expect_code(&format!("{REDIRECT}?code="))).await;
    assert_eq!(granted["scope"], "openid");
    assert_eq!(token_claims(&granted["id_token"])["nonce"], Value::Null);
    let pushed = world.post("/connect/par", &[&outside[..4], &outside[6..]].concat()).await;
    let answer = browser.get(&opened_by("Signing", &pushed)).await;
    let granted = tokens(&world, &answer.expect_code(REDIRECT)).await;
    assert_eq!(granted["scope"], "openid");
    // What is only outside is missing.
    for name in ["response_type", "code_challenge", "redirect_uri"] {
        let object = signed(&key, &json!({name: null}));
        let url = authorize_url(&[("client_id", "Signing"), ("request", &object)]);
        let answer = browser.get(&url).await;
        if name == "redirect_uri" {
            answer.expect_error_page(StatusCode::BAD_REQUEST);
        } else {
            answer.expect_redirect_error(REDIRECT, "invalid_request");
        }
    }
}

#[tokio::test]
async fn client_id_outside_must_agree() {
    let key = ProofKey::es256();
    let world = World::with_clients(vec![
        signing_client(&key, &json!({})),
        client_settings(
            "Other",
            json!({"jwks": {"keys": [key.jwk]}, "request_object_signing_alg": "ES256"}),
        ),
    ])
    .await;
    let object = signed(&key, &json!({}));
    let as_other = [("client_id", "Other"), ("request", object.as_str())];
    let answer = world.get(&url_with(&as_other)).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request_object");
    let answer = world.post("/connect/par", &as_other).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request_object");
    for client_id in [None, Some("Nobody"), Some("Disabled")] {
        let named = client_id.map(|id| ("client_id", id));
        let pairs: Vec<_> = named.into_iter().chain([("request", object.as_str())]).collect();
        world.get(&url_with(&pairs)).await.expect_error_page(StatusCode::BAD_REQUEST);
    }
    let twice = format!("{}&client_id=Signing", url_of(&object));
    world.get(&twice).await.expect_error_page(StatusCode::BAD_REQUEST);
    let twice = format!("{}&request={object}", url_of(&object));
    world.get(&twice).await.expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_an_object_says_of_itself_is_checked() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({})).await;
    for changes in [
        json!({"iss": "Other"}),
        json!({"iss": null, "client_id": null}),
        json!({"iss": null, "client_id": "Other"}),
        json!({"iss": 1}),
        json!({"client_id": "Other"}),
        json!({"client_id": 1}),
        json!({"sub": "Signing"}),
        json!({"aud": null}),
        json!({"aud": "https://other.example"}),
        json!({"aud": []}),
        json!({"aud": {}}),
        json!({"exp": START}),
        json!({"exp": START - 300}),
        json!({"exp": "soon"}),
        json!({"nbf": START + 11}),
        json!({"iat": START + 11}),
        json!({"jti": 1}),
        json!({"nonce": 1}),
        json!({"max_age": true}),
        json!({"claims": ["email"]}),
        json!({"resource": [1]}),
        json!({"request": "a.b.c"}),
        json!({"request_uri": "https://app.example/r"}),
    ] {
        refuses(&world, &signed(&key, &changes)).await;
    }
    refuses(&world, &signed(&key, &json!({"nonce": "nul\u{0}"}))).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for changes in [
        json!({"nbf": START + 10, "iat": START + 10}),
        json!({"exp": null, "nbf": null, "iat": null, "jti": null}),
        json!({"client_id": null}),
        json!({"iss": null}),
        json!({"exp": START + 100_000}),
        json!({"unknown": {"a": [1, {"b": null}]}}),
    ] {
        browser.get(&url_of(&signed(&key, &changes))).await.expect_code(REDIRECT);
    }
}

#[tokio::test]
async fn errors_go_where_and_how_the_object_says() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({})).await;
    for changes in [json!({"scope": "unknown"}), json!({"exp": START})] {
        let mut posted = changes.clone();
        posted["response_mode"] = json!("form_post");
        let answer = world.get(&url_of(&signed(&key, &posted))).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.page().form_action(), REDIRECT);
        assert_eq!(answer.page().value("state"), Some("state-1"));
        let mut fragment = changes;
        fragment["response_mode"] = json!("fragment");
        let answer = world.get(&url_of(&signed(&key, &fragment))).await;
        assert!(answer.location().starts_with(&format!("{REDIRECT}#error=")), "{answer:?}");
    }
    // A client that can't send objects at all is answered in the same way.
    let changes = json!({"response_mode": "form_post", "client_id": "PkceJS"});
    let object = unsigned(&changes);
    let answer = world.get(&url_with(&[("client_id", "PkceJS"), ("request", &object)])).await;
    assert_eq!(answer.page().value("error"), Some("request_not_supported"));
    assert_eq!(answer.page().value("state"), Some("state-1"));
}

/// Neither the address in a forged object nor one beside it is gone to unless it is registered.
#[tokio::test]
async fn nothing_is_redirected_to_an_address_that_is_not_registered() {
    let (key, other) = (ProofKey::es256(), ProofKey::es256());
    let world = world_with(&key, json!({})).await;
    let evil = json!({"redirect_uri": "https://evil.example/cb"});
    for object in [signed(&key, &evil), signed(&other, &evil), unsigned(&evil)] {
        for redirect_uri in ["https://evil.example/cb", REDIRECT] {
            let pairs = [
                ("client_id", "Signing"),
                ("request", object.as_str()),
                ("redirect_uri", redirect_uri),
            ];
            let answer = world.get(&url_with(&pairs)).await;
            answer.expect_error_page(StatusCode::BAD_REQUEST);
        }
        let answer = push(&world, &object).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    }
    // A registered address in an object that nobody has verified does not win over one beside it.
    let object = unsigned(&json!({}));
    let pairs = [
        ("client_id", "Signing"),
        ("request", object.as_str()),
        ("redirect_uri", "https://evil.example/cb"),
    ];
    world.get(&url_with(&pairs)).await.expect_error_page(StatusCode::BAD_REQUEST);
    // What can't be read says nothing, so that the parameters beside it do.
    let pairs = |redirect_uri| {
        url_with(&[("client_id", "Signing"), ("request", "x"), ("redirect_uri", redirect_uri)])
    };
    world.get(&pairs("https://evil.example/cb")).await.expect_error_page(StatusCode::BAD_REQUEST);
    let answer = world.get(&pairs(REDIRECT)).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request_object");
}

#[tokio::test]
async fn what_is_no_object_is_refused() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({})).await;
    let payload = claims(&json!({})).to_string();
    let twice = payload.replacen('{', r#"{"state":"state-1","#, 1);
    let header = br#"{"alg":"ES256"}"#;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for object in [
        "x".to_owned(),
        "a.b.c".to_owned(),
        "e30.e30.e30.e30.e30".to_owned(),
        key.sign_bytes(header, twice.as_bytes()),
        key.sign_bytes(header, b"[]"),
        key.sign_bytes(header, b"no json"),
        key.sign_bytes(header, deep.as_bytes()),
        key.sign_bytes(br#"{"alg":"ES256","crit":["b64"],"b64":false}"#, payload.as_bytes()),
        key.sign_bytes(br#"{"alg":"ES256","crit":[]}"#, payload.as_bytes()),
        key.sign_bytes(b"{}", payload.as_bytes()),
        signed(&key, &json!({"padding": "x".repeat(100_000)})),
    ] {
        refuses_pushed(&world, &object).await;
    }
    for typ in ["at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt", ""] {
        let object = key.sign(&json!({"alg": "ES256", "typ": typ}), &claims(&json!({})));
        refuses(&world, &object).await;
    }
    let nested = |depth: usize| (0..depth).fold(json!("end"), |inner, _| json!({"request": inner}));
    refuses(&world, &signed(&key, &json!({"request": nested(50)}))).await;
    // It says something else than what is asked for, and is ignored.
    let deep = signed(&key, &json!({"unknown": nested(50)}));
    let deep = push(&world, &deep).await;
    assert_eq!(deep.status, StatusCode::CREATED, "{deep:?}");
}

/// Its client is told so if it is proven where that goes.
#[tokio::test]
async fn an_object_that_is_too_large_to_be_posted_is_refused_where_it_goes() {
    let key = ProofKey::es256();
    let strict = json!({
        "require_signed_response": true, "jwks": {"keys": [key.jwk]},
        "request_object_signing_alg": "ES256",
    });
    let clients = vec![signing_client(&key, &json!({})), client_settings("Strict", strict)];
    let world = World::with_clients(clients).await;
    let padded = |length: usize| signed(&key, &json!({"padding": "x".repeat(length)}));
    let post = async |pairs: &[(&str, &str)], origin: &str| {
        world.send(with_header(form_request("/connect/authorize", pairs), "origin", origin)).await
    };
    let evil = ("redirect_uri", "https://evil.example/cb");
    for (object, origin) in [
        (padded(100_000), ISSUER),
        (padded(100_000), "https://app.example"),
        (padded(100_000), "null"),
        (padded(20_000), "https://app.example"),
    ] {
        let request = [("client_id", "Signing"), ("request", object.as_str())];
        let beside = [("redirect_uri", REDIRECT), ("state", "beside")];
        let answer = post(&[&request[..], &beside].concat(), origin).await;
        answer.expect_redirect_error(REDIRECT, "invalid_request_object");
        // What can be read says more than what is beside it.
        let state = if object.len() < 64 * 1024 { "state-1" } else { "beside" };
        assert_eq!(answer.redirect_param("state").as_deref(), Some(state));
        // Nothing else proves an address.
        for more in [
            &[("redirect_uri", REDIRECT), ("client_id", "Signing")][..],
            &[("redirect_uri", REDIRECT), ("request", "x")],
        ] {
            let answer = post(&[&request[..], more].concat(), origin).await;
            answer.expect_error_page(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let of_nobody = [("client_id", "Nobody"), request[1], beside[0]];
        post(&of_nobody, origin).await.expect_error_page(StatusCode::PAYLOAD_TOO_LARGE);
        let without_object = [request[0], ("state", object.as_str()), beside[0]];
        post(&without_object, origin).await.expect_error_page(StatusCode::PAYLOAD_TOO_LARGE);
    }
    for object in
        [padded(100_000), signed(&key, &json!({"redirect_uri": evil.1, "p": "x".repeat(20_000)}))]
    {
        let request = [("client_id", "Signing"), ("request", object.as_str()), evil];
        let answer = post(&request, "null").await;
        answer.expect_error_page(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let object = padded(100_000);
    let request = [("client_id", "Strict"), ("request", &*object), ("redirect_uri", REDIRECT)];
    let answer = post(&request, "null").await;
    let token = answer.redirect_param("response").expect("a signed response");
    assert_eq!(token_claims(&json!(token))["error"], "invalid_request_object");
    // What is small enough comes once more by GET, and what is from here is read.
    let object = padded(1000);
    let small = [("client_id", "Signing"), ("request", object.as_str())];
    assert_eq!(post(&small, "null").await.location(), url_of(&object));
    let object = padded(20_000);
    let own = [("client_id", "Signing"), ("request", object.as_str())];
    post(&own, ISSUER).await.expect_login();
}

#[tokio::test]
async fn the_signature_is_by_a_key_of_the_client() {
    let (key, other) = (ProofKey::es256(), ProofKey::es256());
    let world = world_with(&key, json!({})).await;
    refuses(&world, &signed(&other, &json!({}))).await;
    let object = signed(&key, &json!({}));
    let (message, _) = object.rsplit_once('.').unwrap();
    for forged in [format!("{message}."), format!("{message}.AAAA")] {
        refuses(&world, &forged).await;
    }
    refuses(&world, &unsigned(&json!({}))).await;
    for alg in ["none", "None", "HS256", "ES384", "RS256"] {
        let object = key.sign(&json!({"alg": alg}), &claims(&json!({})));
        refuses_pushed(&world, &object).await;
    }
    let with_own_key = json!({"alg": "ES256", "jwk": other.jwk});
    refuses_pushed(&world, &other.sign(&with_own_key, &claims(&json!({})))).await;
}

/// A key without a name fits any name, and one with a name its own alone.
#[tokio::test]
async fn the_header_may_name_the_key() {
    let (one, two) = (ProofKey::es256(), ProofKey::es256());
    let named = |key: &ProofKey, kid: &str| {
        let mut jwk = key.jwk.clone();
        jwk["kid"] = json!(kid);
        jwk
    };
    let object = |kid: Option<&str>| {
        let mut header = json!({"alg": "ES256"});
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        one.sign(&header, &claims(&json!({})))
    };
    let both = json!({"jwks": {"keys": [named(&one, "one"), named(&two, "two")]}});
    let world = world_with(&one, both).await;
    for kid in [Some("one"), None] {
        assert_eq!(push(&world, &object(kid)).await.status, StatusCode::CREATED, "{kid:?}");
    }
    for kid in ["two", "another", ""] {
        refuses(&world, &object(Some(kid))).await;
    }
    let world = world_with(&one, json!({})).await;
    assert_eq!(push(&world, &object(Some("another"))).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_client_signs_by_the_algorithm_that_it_registered() {
    use SigningAlgorithm::{EdDsa, Es256, Ps256, Rs256};
    for algorithm in [Ps256, Es256, EdDsa, Rs256] {
        let key = ProofKey::new(algorithm);
        for registered in [Ps256, Es256, EdDsa, Rs256] {
            let changes = json!({"request_object_signing_alg": registered});
            let world = world_with(&key, changes).await;
            let object = key.sign(&json!({"alg": algorithm}), &claims(&json!({})));
            if registered == algorithm {
                assert_eq!(push(&world, &object).await.status, StatusCode::CREATED, "{algorithm}");
            } else {
                refuses(&world, &object).await;
            }
        }
    }
}

/// A key has one use: with it the client does not authenticate where it has a secret, and an
/// assertion is not a request.
#[tokio::test]
async fn keys_beside_a_secret_sign_objects_and_no_assertions() {
    let key = ProofKey::es256();
    let changes = json!({
        "allowed_grant_types": ["authorization_code", "client_credentials"],
        "require_client_secret": true, "client_secrets": [{"plain": "secret"}],
    });
    let world = world_with(&key, changes).await;
    let assertion = crate::token::private_key_jwt::assertion(&key, &json!({}));
    let answer = world.token(&crate::token::private_key_jwt::request(&assertion)).await;
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    let object = signed(&key, &json!({}));
    let as_post = [("client_id", "Signing"), ("client_secret", "secret")];
    let pushed = |object: &str| {
        let pairs = [&as_post[..], &[("request", object)]].concat();
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let world = &world;
        async move {
            let pairs: Vec<(&str, &str)> =
                pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            world.post("/connect/par", &pairs).await
        }
    };
    assert_eq!(pushed(&object).await.status, StatusCode::CREATED);
    let refused = pushed(&assertion).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request_object");
}

#[tokio::test]
async fn unsigned_objects_are_for_clients_that_registered_them() {
    let own = json!({"request_object_signing_alg": "none"});
    let world = World::with_clients(vec![client_settings("Signing", own.clone())]).await;
    let document = world.provider.discovery().metadata();
    assert!(document.request_object_signing_alg_values_supported.contains(&"none".to_owned()));
    let mut browser = Browser::signed_in(&world, "alice").await;
    let bare = json!({"iss": null, "aud": null, "exp": null, "nbf": null, "iat": null});
    for changes in [json!({}), bare] {
        browser.get(&url_of(&unsigned(&changes))).await.expect_code(REDIRECT);
        assert_eq!(push(&world, &unsigned(&changes)).await.status, StatusCode::CREATED);
    }
    // What it does say is checked all the same.
    for changes in [
        json!({"iss": "Other"}),
        json!({"aud": "https://other.example"}),
        json!({"exp": START}),
        json!({"client_id": "Other"}),
    ] {
        refuses(&world, &unsigned(&changes)).await;
    }
    let with_signature = format!("{}c2lnbmF0dXJl", unsigned(&json!({})));
    refuses_pushed(&world, &with_signature).await;
    // The user comes back with the parameters of the object, which the client could have sent.
    let to_login = Browser::new(&world).get(&url_of(&unsigned(&json!({"prompt": "login"})))).await;
    to_login.expect_login();
    assert!(to_login.location().contains("state-1") && !to_login.location().contains("request%3D"));

    let setup = Setup {
        clients: vec![client_settings("Signing", own)],
        require_signed: true,
        ..Setup::default()
    };
    refuses(&World::with(setup).await, &unsigned(&json!({}))).await;
}

#[tokio::test]
async fn who_must_sign_can_do_nothing_else() {
    let key = ProofKey::es256();
    let by_client = signing_client(&key, &json!({"require_signed_request_object": true}));
    let by_provider = signing_client(&key, &json!({}));
    for (client, require_signed) in [(by_client, false), (by_provider, true)] {
        let setup = Setup { clients: vec![client], require_signed, ..Setup::default() };
        let world = World::with(setup).await;
        assert_eq!(
            world.provider.discovery().metadata().require_signed_request_object,
            Some(require_signed)
        );
        let url = authorize_url(&[("client_id", "Signing")]);
        world.get(&url).await.expect_redirect_error(REDIRECT, "invalid_request");
        let query = Params::parse(url.split_once('?').unwrap().1).unwrap();
        let pairs: Vec<(&str, &str)> = query.iter().collect();
        let pushed = world.post("/connect/par", &pairs).await;
        pushed.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
        refuses(&world, &unsigned(&json!({}))).await;
        // Sign-in, consent and a reference are no other way in.
        let mut browser = Browser::new(&world);
        let url = url_of(&signed(&key, &json!({})));
        browser.authorize_signing_in(&url, "alice").await.expect_code(REDIRECT);
        let pushed = push(&world, &signed(&key, &json!({}))).await;
        browser.get(&opened_by("Signing", &pushed)).await.expect_code(REDIRECT);
    }
}

/// The user may take an hour, whatever the life of the object is, and nothing of it is in the
/// browser.
#[tokio::test]
async fn a_signed_request_waits_for_its_user() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({"require_consent": true})).await;
    for changes in [json!({}), json!({"prompt": "login"}), json!({"max_age": 0})] {
        let mut browser = Browser::signed_in(&world, "alice").await;
        browser.forget_cookies();
        let now = world.clock.seconds();
        let mut changes = changes;
        for (name, time) in [("iat", now), ("nbf", now), ("exp", now + 60)] {
            changes[name] = json!(time);
        }
        let to_login = browser.get(&url_of(&signed(&key, &changes))).await;
        to_login.expect_login();
        assert!(to_login.location().contains("request_uri"), "{to_login:?}");
        assert!(!to_login.location().contains("state-1"), "{to_login:?}");
        world.clock.advance(3000);
        let page = browser.get(to_login.location()).await.page();
        let signed_in = browser
            .submit(&page, &[("username", "alice"), ("password", "alice"), ("action", "login")])
            .await;
        let page = browser.get(signed_in.location()).await.page();
        let answer = browser.submit(&page, &[("action", "allow")]).await;
        answer.expect_code(REDIRECT);
        assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
        let again = browser.get(signed_in.location()).await;
        again.expect_error_page(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn so_many_signed_requests_wait_for_an_address_and_no_more() {
    let key = ProofKey::es256();
    let clients = vec![signing_client(&key, &json!({}))];
    let world = World::with(Setup { clients, most_waiting: 3, ..Setup::default() }).await;
    let url = url_of(&signed(&key, &json!({})));
    for _ in 0..3 {
        Browser::new(&world).get(&url).await.expect_login();
    }
    let answer = Browser::new(&world).get(&url).await;
    answer.expect_redirect_error(REDIRECT, "temporarily_unavailable");
    // Who need not wait leaves nothing.
    for _ in 0..4 {
        Browser::signed_in(&world, "alice").await.get(&url).await.expect_code(REDIRECT);
    }
}

/// Whoever has seen an object can bring it, so the client's secret says nothing.
#[tokio::test]
async fn objects_of_a_client_with_a_secret_wait_for_an_address_too() {
    let key = ProofKey::es256();
    let secret = json!({
        "require_client_secret": true, "client_secrets": [{"plain": "secret"}],
        "request_uris": [ADDRESS],
    });
    let clients = vec![signing_client(&key, &secret)];
    let setup = Setup { clients, most_waiting: 2, fetch_request_uris: true, ..Setup::default() };
    let world = World::with(setup).await;
    let object = signed(&key, &json!({}));
    world.published.publish(Some(json!(object)));
    let by_reference = url_with(&[("client_id", "Signing"), ("request_uri", ADDRESS)]);
    for url in [url_of(&object), by_reference.clone()] {
        Browser::new(&world).get(&url).await.expect_login();
    }
    for url in [url_of(&object), by_reference] {
        let answer = Browser::new(&world).get(&url).await;
        answer.expect_redirect_error(REDIRECT, "temporarily_unavailable");
        let mut elsewhere = Browser::at(&world, "198.51.100.1".parse().unwrap());
        elsewhere.get(&url).await.expect_login();
    }
}

#[tokio::test]
async fn keys_that_rotate_in_between_are_fetched_again() {
    let (first, second) = (ProofKey::es256(), ProofKey::es256());
    let changes = json!({
        "jwks_uri": "https://signing.example/jwks.json", "request_object_signing_alg": "ES256",
    });
    let world = World::with_clients(vec![client_settings("Signing", changes)]).await;
    refuses_pushed(&world, &signed(&first, &json!({}))).await;
    world.clock.advance(60);
    world.published.publish(Some(json!({"keys": [first.jwk]})));
    let to_login = world.get(&url_of(&signed(&first, &json!({})))).await;
    to_login.expect_login();
    world.published.publish(Some(json!({"keys": [second.jwk]})));
    refuses_pushed(&world, &signed(&second, &json!({}))).await;
    world.clock.advance(60);
    assert_eq!(push(&world, &signed(&second, &json!({}))).await.status, StatusCode::CREATED);
    refuses_pushed(&world, &signed(&first, &json!({}))).await;
    // The request that waits was verified when it came.
    let mut browser = Browser::new(&world);
    let page = browser.get(to_login.location()).await.page();
    let signed_in = browser
        .submit(&page, &[("username", "alice"), ("password", "alice"), ("action", "login")])
        .await;
    browser.get(signed_in.location()).await.expect_code(REDIRECT);
}

#[tokio::test]
async fn request_and_request_uri_exclude_each_other() {
    let key = ProofKey::es256();
    let world = world_with(&key, json!({})).await;
    let object = signed(&key, &json!({}));
    let url = authorize_url(&[
        ("client_id", "Signing"),
        ("request", &object),
        ("request_uri", "https://app.example/r"),
    ]);
    world.get(&url).await.expect_redirect_error(REDIRECT, "invalid_request");
    let both = [
        ("client_id", "Signing"),
        ("request", object.as_str()),
        ("request_uri", "https://app.example/r"),
    ];
    let answer = world.post("/connect/par", &both).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

/// What an answer means, without what differs from one to the next.
fn meaning(answer: &Answer) -> (StatusCode, String, Vec<(String, String)>) {
    const OWN: [&str; 5] = ["code", "session_state", "return_url", "form_token", "response"];
    let location = answer.location();
    let (place, encoded) = location.split_once(['?', '#']).unwrap_or((location, ""));
    let mut params: Vec<(String, String)> = Params::parse(encoded)
        .unwrap()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if answer.status == StatusCode::OK {
        params.extend(answer.page().fields());
    }
    if let Some((_, token)) = params.iter().find(|(name, _)| name == "response") {
        let claims = token_claims(&json!(token));
        let claims = claims.as_object().unwrap().iter();
        params.extend(claims.map(|(name, value)| (name.clone(), value.to_string())));
    }
    params.retain(|(name, _)| !OWN.contains(&name.as_str()));
    (answer.status, place.to_owned(), params)
}

/// Changes of a request, some of which make it a bad one.
fn changes() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let choice = |name: &'static str, values: &'static [&'static str]| {
        proptest::option::of(select(values))
            .prop_map(move |value| value.map(|value| (name, value.to_owned())))
    };
    let state = proptest::option::of("[ -~äß€]{0,20}")
        .prop_map(|value| value.map(|value| ("state", value)));
    (
        state,
        choice("scope", &["openid", "openid email", "openid unknown", "MyBackendApi2", " "]),
        choice("response_mode", &["query", "fragment", "form_post", "pigeon", "jwt"]),
        choice("prompt", &["none", "login", "consent", "none login"]),
        choice("max_age", &["0", "100", "-1", "x"]),
        choice("claims", &[r#"{"id_token":{"email":null}}"#, "[]", "x"]),
        choice("resource", &["MyBackendApi2", "https://nobody.example"]),
        choice("code_challenge_method", &["plain"]),
        choice("response_type", &["token", "code id_token"]),
        choice("id_token_hint", &["x"]),
    )
        .prop_map(|changes| {
            let (state, scope, mode, prompt, max_age, claims, resource, method, kind, hint) =
                changes;
            [state, scope, mode, prompt, max_age, claims, resource, method, kind, hint]
                .into_iter()
                .flatten()
                .collect()
        })
}

/// The same request in the query, pushed, in an object, and in a pushed object.
#[test]
fn a_request_means_the_same_however_it_comes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = ProofKey::es256();
    let world = runtime.block_on(world_with(&key, json!({})));
    let mut runner = TestRunner::new(ProptestConfig { cases: 96, ..ProptestConfig::default() });
    let outcome = runner.run(&changes(), |changes| {
        runtime.block_on(async {
            let mut all = vec![("client_id", "Signing")];
            all.extend(changes.iter().map(|(name, value)| (*name, value.as_str())));
            let url = authorize_url(&all);
            let query = Params::parse(url.split_once('?').unwrap().1).unwrap();
            let members: Value = changes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect::<serde_json::Map<_, _>>()
                .into();
            let object = signed(&key, &members);
            let mut browser = Browser::signed_in(&world, "alice").await;
            let plain = browser.get(&url).await;
            let by_object = browser.get(&url_of(&object)).await;
            prop_assert_eq!(meaning(&plain), meaning(&by_object));
            let pairs: Vec<(&str, &str)> = query.iter().collect();
            for pushed in [world.post("/connect/par", &pairs).await, push(&world, &object).await] {
                if pushed.status == StatusCode::CREATED {
                    let opened = browser.get(&opened_by("Signing", &pushed)).await;
                    prop_assert_eq!(meaning(&plain), meaning(&opened));
                } else {
                    let code = meaning(&plain)
                        .2
                        .into_iter()
                        .find_map(|(name, value)| (name == "error").then_some(value));
                    let code = code.map(|code| code.trim_matches('"').to_owned());
                    prop_assert_eq!(code, Some(pushed.error()));
                }
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

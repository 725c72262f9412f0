//! Client authentication by a signed assertion (OIDC Core section 9, RFC 7523 section 3).

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::http::StatusCode;
use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::model::client::assertion::ASSERTION_TYPE;
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, ISSUER, ProofKey, REDIRECT, START, World, authorize_url, basic,
    client_settings, code_request, form_request, with_header,
};

/// A world with a client of this key.
async fn world_with(key: &ProofKey) -> World {
    World::with_clients(vec![signing_client("Signing", &json!({"keys": [key.jwk]}))]).await
}

fn signing_client(client_id: &str, jwks: &Value) -> Value {
    let changes = json!({
        "allowed_grant_types": ["authorization_code", "client_credentials"],
        "require_client_secret": true, "jwks": jwks,
    });
    client_settings(client_id, changes)
}

/// The claims of a good assertion, with these in place of its own; `null` takes one out.
pub fn claims(changes: &Value) -> Value {
    static JTI: AtomicU64 = AtomicU64::new(0);
    let mut claims = json!({
        "iss": "Signing", "sub": "Signing", "aud": ISSUER, "iat": START, "exp": START + 60,
        "jti": format!("assertion-{}", JTI.fetch_add(1, Ordering::Relaxed)),
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

pub fn assertion(key: &ProofKey, changes: &Value) -> String {
    key.sign(
        &json!({"alg": key.jwk["crv"].as_str().map_or("RS256", |_| "ES256")}),
        &claims(changes),
    )
}

pub fn request(assertion: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_assertion_type", ASSERTION_TYPE.to_owned()),
        ("client_assertion", assertion.to_owned()),
    ]
}

#[track_caller]
fn assert_invalid_client(answer: &Answer) {
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
}

/// Sends an assertion with these claims changed, which is refused.
async fn refuses(changes: Value) {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    assert_invalid_client(&world.token(&request(&assertion(&key, &changes))).await);
}

#[tokio::test]
async fn a_signed_assertion_authenticates_with_or_without_client_id() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    let (token_endpoint, par_endpoint) =
        (format!("{ISSUER}/connect/token"), format!("{ISSUER}/connect/par"));
    for aud in [json!(ISSUER), json!([ISSUER]), json!(token_endpoint), json!(par_endpoint)] {
        let answer = world.token(&request(&assertion(&key, &json!({"aud": aud})))).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let mut named = request(&assertion(&key, &json!({})));
    named.push(("client_id", "Signing".to_owned()));
    assert_eq!(world.token(&named).await.status, StatusCode::OK);
}

/// RFC 9126 section 2: issuer, token endpoint and the endpoint for pushed requests, and no other
/// one.
#[tokio::test]
async fn pushed_requests_take_the_three_audiences_of_the_rfc() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    let push = |aud: String| {
        let mut pushed = request(&assertion(&key, &json!({"aud": aud}))).split_off(1);
        let url = authorize_url(&[("client_id", "Signing")]);
        let query =
            doorward_protocol::params::Params::parse(url.split_once('?').unwrap().1).unwrap();
        for name in [
            "client_id",
            "response_type",
            "redirect_uri",
            "scope",
            "code_challenge",
            "code_challenge_method",
        ] {
            pushed.push((name, query.get(name).unwrap().to_owned()));
        }
        let world = &world;
        async move { world.post("/connect/par", &pushed).await }
    };
    for path in ["", "/connect/token", "/connect/par"] {
        assert_eq!(push(format!("{ISSUER}{path}")).await.status, StatusCode::CREATED, "{path}");
    }
    for aud in ["/connect/introspect", "/connect/revocation", "/", "/connect/par/"]
        .map(|path| format!("{ISSUER}{path}"))
    {
        assert_invalid_client(&push(aud).await);
    }
}

/// Authlib and `mod_auth_openidc` name the endpoint that they ask. That of another one is refused,
/// so that an assertion is not passed on between them.
#[tokio::test]
async fn each_endpoint_is_an_audience_where_it_is_asked() {
    let key = ProofKey::es256();
    let jwks = json!({"keys": [key.jwk]});
    let mut settings = signing_client("Signing", &jwks);
    settings["allowed_grant_types"] = json!(["device_code", "client_credentials"]);
    let world = World::with_clients(vec![settings]).await;
    let paths = ["/connect/introspect", "/connect/revocation", "/connect/deviceauthorization"];
    let ask = async |path: &str, aud: &str| {
        let aud = format!("{ISSUER}{aud}");
        let mut form = request(&assertion(&key, &json!({"aud": aud}))).split_off(1);
        form.push(("token", "unknown".to_owned()));
        world.post(path, &form).await
    };
    for path in paths {
        for aud in [path, "", "/connect/token", "/connect/par"] {
            let answer = ask(path, aud).await;
            assert_eq!(answer.status, StatusCode::OK, "{aud} at {path}: {answer:?}");
        }
        for aud in paths.into_iter().filter(|aud| *aud != path).chain(["/connect/userinfo"]) {
            assert_invalid_client(&ask(path, aud).await);
        }
    }
    for aud in paths.map(|path| format!("{ISSUER}{path}")) {
        let answer = world.token(&request(&assertion(&key, &json!({"aud": aud})))).await;
        assert_invalid_client(&answer);
        assert!(answer.body.contains("the endpoint that is asked"), "{answer:?}");
    }
}

#[tokio::test]
async fn each_advertised_algorithm_is_accepted() {
    use SigningAlgorithm::{EdDsa, Es256, Ps256, Rs256};
    for algorithm in [Ps256, Es256, EdDsa, Rs256] {
        let key = ProofKey::new(algorithm);
        let world = world_with(&key).await;
        let signed = key.sign(
            &json!({"alg": algorithm, "typ": "client-authentication+jwt"}),
            &claims(&json!({})),
        );
        assert_eq!(world.token(&request(&signed)).await.status, StatusCode::OK, "{algorithm}");
    }
    let key = ProofKey::new(EdDsa);
    let signed = key.sign(&json!({"alg": "Ed25519"}), &claims(&json!({})));
    assert_eq!(
        world_with(&key).await.token(&request(&signed)).await.status,
        StatusCode::OK,
        "RFC 9864's name"
    );
}

#[tokio::test]
async fn a_code_is_redeemed_and_a_token_revoked_by_assertion() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code = browser.get(&authorize_url(&[("client_id", "Signing")])).await.expect_code(REDIRECT);
    let mut redeem = code_request(&code);
    redeem.retain(|(name, _)| *name != "client_id");
    redeem.extend(request(&assertion(&key, &json!({}))).split_off(1));
    let tokens = world.token(&redeem).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    let mut revoke = request(&assertion(&key, &json!({}))).split_off(1);
    revoke.push(("token", tokens.json()["access_token"].as_str().unwrap().to_owned()));
    assert_eq!(world.post("/connect/revocation", &revoke).await.status, StatusCode::OK);
    world
        .userinfo(&tokens.json()["access_token"])
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
}

#[tokio::test]
async fn jti_counts_once() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    let signed = assertion(&key, &json!({"jti": "same"}));
    assert_eq!(world.token(&request(&signed)).await.status, StatusCode::OK);
    assert_invalid_client(&world.token(&request(&signed)).await);
    assert_invalid_client(
        &world.token(&request(&assertion(&key, &json!({"jti": "same", "exp": START + 90})))).await,
    );
    let other_process = world.restarted("Signing", json!({})).await;
    assert_invalid_client(&other_process.token(&request(&signed)).await);
    world.clock.advance(119);
    world.provider.upkeep().maintain().await.unwrap();
    assert_invalid_client(&world.token(&request(&signed)).await);
    world.clock.advance(1);
    world.provider.upkeep().maintain().await.unwrap();
    assert_invalid_client(&world.token(&request(&signed)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_16_requests_with_one_assertion_exactly_one_succeeds() {
    let key = ProofKey::es256();
    let world = Arc::new(world_with(&key).await);
    let signed = assertion(&key, &json!({}));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (world, request) = (Arc::clone(&world), request(&signed));
            tokio::spawn(async move { world.token(&request).await.status })
        })
        .collect();
    let mut succeeded = 0;
    for task in tasks {
        succeeded += usize::from(task.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn two_methods_at_once_are_an_invalid_request() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    let mut with_secret = request(&assertion(&key, &json!({})));
    with_secret.push(("client_secret", "secret".to_owned()));
    world.token(&with_secret).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    let with_basic = form_request("/connect/token", &request(&assertion(&key, &json!({}))));
    let with_basic = with_header(with_basic, "authorization", &basic("Signing", "secret"));
    world.send(with_basic).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn a_client_with_keys_authenticates_by_nothing_else() {
    let world = world_with(&ProofKey::es256()).await;
    let grant = ("grant_type", "client_credentials");
    assert_invalid_client(&world.token(&[grant, ("client_id", "Signing")]).await);
    assert_invalid_client(
        &world.token(&[grant, ("client_id", "Signing"), ("client_secret", "secret")]).await,
    );
    assert_invalid_client(&world.token_as(&basic("Signing", ""), &[grant]).await);
}

#[tokio::test]
async fn a_client_without_keys_authenticates_by_no_assertion() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    for client in ["Resources", "PkceJS", "Disabled", "Nobody"] {
        let signed = assertion(&key, &json!({"iss": client, "sub": client}));
        assert_invalid_client(&world.token(&request(&signed)).await);
    }
}

#[tokio::test]
async fn the_signature_is_by_a_key_of_this_client() {
    let (key, other) = (ProofKey::es256(), ProofKey::es256());
    let clients = vec![
        signing_client("Signing", &json!({"keys": [key.jwk]})),
        signing_client("Other", &json!({"keys": [other.jwk]})),
    ];
    let world = World::with_clients(clients).await;
    assert_invalid_client(&world.token(&request(&assertion(&other, &json!({})))).await);
    let signed = assertion(&key, &json!({}));
    let (message, _) = signed.rsplit_once('.').unwrap();
    for forged in
        [format!("{message}."), format!("{message}.AAAA"), message.to_owned(), "x".to_owned()]
    {
        assert_invalid_client(&world.token(&request(&forged)).await);
    }
    let unsigned = key.sign(&json!({"alg": "none"}), &claims(&json!({})));
    assert_invalid_client(&world.token(&request(&unsigned)).await);
    // The client's key in the header, and a secret made of the public key, change nothing.
    for header in [
        json!({"alg": "ES256", "jwk": other.jwk}),
        json!({"alg": "HS256"}),
        json!({"alg": "ES384"}),
    ] {
        assert_invalid_client(
            &world.token(&request(&other.sign(&header, &claims(&json!({}))))).await,
        );
    }
}

#[tokio::test]
async fn keys_are_told_apart_by_kid_where_they_have_one() {
    let (first, second) = (ProofKey::es256(), ProofKey::es256());
    let named = |key: &ProofKey, kid: &str| {
        let mut jwk = key.jwk.clone();
        jwk["kid"] = json!(kid);
        jwk
    };
    let jwks = json!({"keys": [named(&first, "a"), named(&second, "b")]});
    let world = World::with_clients(vec![signing_client("Signing", &jwks)]).await;
    for (kid, status) in
        [(Some("b"), StatusCode::OK), (None, StatusCode::OK), (Some("a"), StatusCode::UNAUTHORIZED)]
    {
        let header = kid.map_or(json!({"alg": "ES256"}), |kid| json!({"alg": "ES256", "kid": kid}));
        let answer = world.token(&request(&second.sign(&header, &claims(&json!({}))))).await;
        assert_eq!(answer.status, status, "{kid:?}");
    }
}

#[tokio::test]
async fn a_token_that_was_signed_for_something_else_is_no_assertion() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    for typ in ["dpop+jwt", "at+jwt", "logout+jwt"] {
        let signed = key.sign(&json!({"alg": "ES256", "typ": typ}), &claims(&json!({})));
        assert_invalid_client(&world.token(&request(&signed)).await);
    }
}

#[tokio::test]
async fn the_type_of_the_assertion_must_be_named() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    for kind in ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"] {
        let mut request = request(&assertion(&key, &json!({})));
        kind.clone_into(&mut request[1].1);
        assert_invalid_client(&world.token(&request).await);
    }
    let only_type =
        [("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE)];
    assert_invalid_client(&world.token(&only_type).await);
}

#[tokio::test]
async fn client_id_beside_the_assertion_must_be_the_same() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    let mut request = request(&assertion(&key, &json!({})));
    request.push(("client_id", "Resources".to_owned()));
    assert_invalid_client(&world.token(&request).await);
}

#[tokio::test]
async fn iss_and_sub_are_the_client() {
    refuses(json!({"iss": null})).await;
    refuses(json!({"sub": null})).await;
    refuses(json!({"iss": "Resources"})).await;
    refuses(json!({"sub": "Resources"})).await;
}

#[tokio::test]
async fn aud_is_this_provider() {
    for aud in [
        json!(null),
        json!("https://other.example"),
        json!([ISSUER, "https://other.example"]),
        json!([]),
    ] {
        refuses(json!({"aud": aud})).await;
    }
}

#[tokio::test]
async fn exp_is_near_and_not_over() {
    refuses(json!({"exp": null})).await;
    refuses(json!({"exp": START - 60})).await;
    refuses(json!({"exp": START + 3661})).await;
}

#[tokio::test]
async fn an_assertion_may_live_an_hour() {
    let key = ProofKey::es256();
    let world = world_with(&key).await;
    let made = assertion(&key, &json!({"exp": START + 3600}));
    assert_eq!(world.token(&request(&made)).await.status, StatusCode::OK);
    world.clock.advance(3599);
    assert_invalid_client(&world.token(&request(&made)).await);
}

#[tokio::test]
async fn nbf_and_iat_are_not_in_the_future() {
    refuses(json!({"nbf": START + 61})).await;
    refuses(json!({"iat": START + 61})).await;
    refuses(json!({"iat": "now"})).await;
}

#[tokio::test]
async fn jti_is_there() {
    refuses(json!({"jti": null})).await;
    refuses(json!({"jti": ""})).await;
}

//! Every way to be refused, and the limits just inside of which a caller is not.

use axum::{
    body::Body,
    http::{Request, header::AUTHORIZATION},
};
use doorward_resource_server::{ExpiredStatus, MAX_TOKEN_LENGTH, TokenError};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{ADMIN_ROUTE, NOW, Setup, SigningKey, call, send};

async fn assert_refused(setup: &Setup, token: &str, cause: TokenError) {
    let answer = setup.call(token).await;
    assert_eq!(answer.status, 401, "{cause:?}: {answer:?}");
    assert_eq!(answer.challenge_error().as_deref(), Some("invalid_token"));
    assert_eq!(
        answer.body,
        json!({ "error": "invalid_token", "error_description": cause.to_string() })
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

fn base64url(text: &str) -> String {
    doorward_protocol::base64url::encode(text)
}

#[tokio::test]
async fn a_good_token_is_answered() {
    let setup = Setup::new().await;
    let answer = setup.call(&setup.token()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({
            "message": "Only an administrator may call this.",
            "route": ADMIN_ROUTE,
            "policies": ["AdminPolicy"],
            "sub": "alice",
        })
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("www-authenticate"), None);
}

#[tokio::test]
async fn rs256_and_the_long_type_are_accepted_too() {
    let setup = Setup::new().await;
    let rsa = SigningKey::rs256("rsa");
    setup.issuer.publish(|published| published.keys.push(rsa.public()));
    let mut header = rsa.header();
    header.typ = Some("application/at+jwt".to_owned());
    assert_eq!(setup.call(&rsa.sign_as(&header, &setup.claims())).await.status, 200);
}

#[tokio::test]
async fn no_credentials_are_challenged_without_an_error() {
    let setup = Setup::new().await;
    let answer = call(&setup.api, ADMIN_ROUTE, None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="MyBackendApi2""#));
    assert_eq!(answer.body["error"], "unauthorized");

    let other = Request::get(ADMIN_ROUTE).header(AUTHORIZATION, "Basic YWxpY2U6YWxpY2U=");
    let answer = send(&setup.api, other.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.challenge_error()), (401, None));

    let in_query = format!("{ADMIN_ROUTE}?access_token={}", setup.token());
    assert_eq!(call(&setup.api, &in_query, None).await.status, 401);
    assert_eq!(setup.issuer.fetches(), 0);
}

#[tokio::test]
async fn broken_headers_are_bad_requests() {
    let setup = Setup::new().await;
    let token = setup.token();
    let twice = Request::get(ADMIN_ROUTE)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(AUTHORIZATION, format!("Bearer {token}"));
    let binary = Request::get(ADMIN_ROUTE).header(AUTHORIZATION, &b"Bearer \xff\xfe\x80"[..]);
    let spaced = Request::get(ADMIN_ROUTE).header(AUTHORIZATION, format!("Bearer {token} x"));
    let empty = Request::get(ADMIN_ROUTE).header(AUTHORIZATION, "Bearer");
    for request in [twice, binary, spaced, empty] {
        let answer = send(&setup.api, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.challenge_error().as_deref(), Some("invalid_request"));
        assert_eq!(answer.body["error"], "invalid_request");
    }
}

#[tokio::test]
async fn only_get_is_answered() {
    let setup = Setup::new().await;
    let request = Request::post(ADMIN_ROUTE)
        .header(AUTHORIZATION, format!("Bearer {}", setup.token()))
        .body(Body::empty());
    assert_eq!(send(&setup.api, request.unwrap()).await.status, 405);
}

#[tokio::test]
async fn a_token_ends_on_the_second() {
    let setup = Setup::new().await;
    let token = setup.token_with("exp", json!(NOW + 10));
    setup.clock.advance(9);
    assert_eq!(setup.call(&token).await.status, 200);
    // The second time the signature is known; the time is checked all the same.
    assert_eq!(setup.call(&token).await.status, 200);
    setup.clock.advance(1);
    assert_refused(&setup, &token, TokenError::Expired).await;
    assert_refused(&setup, &setup.token_with("exp", json!(NOW)), TokenError::Expired).await;
    assert_refused(&setup, &setup.token_with("exp", json!(i64::MIN)), TokenError::Expired).await;
}

#[tokio::test]
async fn expiry_may_be_answered_498() {
    let setup =
        Setup::with_settings(|settings| settings.expired_status = ExpiredStatus::InvalidToken498)
            .await;
    let answer = setup.call(&setup.token_with("exp", json!(NOW))).await;
    assert_eq!(answer.status, 498);
    assert_eq!(answer.challenge_error().as_deref(), Some("invalid_token"));
    // Only expiry: another fault stays 401.
    assert_eq!(setup.call(&setup.token_with("aud", json!("other"))).await.status, 401);
}

#[tokio::test]
async fn leeway_counts_for_both_ends() {
    let setup = Setup::with_settings(|settings| {
        settings.leeway = std::time::Duration::from_secs(5);
    })
    .await;
    assert_eq!(setup.call(&setup.token_with("exp", json!(NOW - 4))).await.status, 200);
    assert_refused(&setup, &setup.token_with("exp", json!(NOW - 5)), TokenError::Expired).await;
    assert_eq!(setup.call(&setup.token_with("nbf", json!(NOW + 5))).await.status, 200);
    assert_refused(&setup, &setup.token_with("nbf", json!(NOW + 6)), TokenError::NotYetValid).await;
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    let setup = Setup::new().await;
    assert_eq!(setup.call(&setup.token_with("nbf", json!(NOW))).await.status, 200);
    assert_refused(&setup, &setup.token_with("nbf", json!(NOW + 1)), TokenError::NotYetValid).await;
    assert_eq!(setup.call(&setup.token_with("iat", json!(NOW + 60))).await.status, 200);
    assert_refused(&setup, &setup.token_with("iat", json!(NOW + 61)), TokenError::IssuedInFuture)
        .await;
}

#[tokio::test]
async fn issuer_and_audience_are_exact() {
    let setup = Setup::new().await;
    let trailing = json!(format!("{}/", setup.issuer.url));
    for issuer in [trailing, json!("https://elsewhere.example.com")] {
        assert_refused(&setup, &setup.token_with("iss", issuer), TokenError::WrongIssuer).await;
    }
    for audience in [json!("MyBackendApi1"), json!("mybackendapi2"), json!([]), json!(["a", "b"])] {
        assert_refused(&setup, &setup.token_with("aud", audience), TokenError::WrongAudience).await;
    }
    let several = setup.token_with("aud", json!(["MyBackendApi1", "MyBackendApi2"]));
    assert_eq!(setup.call(&several).await.status, 200);
}

#[tokio::test]
async fn required_claims_must_be_there_and_of_their_type() {
    let setup = Setup::new().await;
    for claim in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        for value in [Value::Null, json!({}), json!(true), json!("")] {
            let is_wrong_value = matches!((claim, &value), ("iss" | "aud", Value::String(_)));
            let token = setup.token_with(claim, value);
            let cause = match claim {
                "iss" if is_wrong_value => TokenError::WrongIssuer,
                "aud" if is_wrong_value => TokenError::WrongAudience,
                _ => TokenError::InvalidClaim(claim),
            };
            assert_refused(&setup, &token, cause).await;
        }
    }
    assert_refused(&setup, &setup.key.sign(&json!([1])), TokenError::MalformedClaims).await;
}

#[tokio::test]
async fn only_access_tokens_are_accepted() {
    let setup = Setup::new().await;
    for typ in [None, Some("JWT"), Some("id_token+jwt"), Some("logout+jwt")] {
        let mut header = setup.key.header();
        header.typ = typ.map(str::to_owned);
        let token = setup.key.sign_as(&header, &setup.claims());
        assert_refused(&setup, &token, TokenError::WrongType).await;
    }
}

#[tokio::test]
async fn unsigned_and_symmetric_tokens_are_refused() {
    let setup = Setup::new().await;
    for alg in ["none", "None", "NONE", "HS256"] {
        let header = json!({ "alg": alg, "typ": "at+jwt", "kid": "key-1" }).to_string();
        let unsigned =
            format!("{}.{}.", base64url(&header), base64url(&setup.claims().to_string()));
        assert_refused(&setup, &unsigned, TokenError::UnsupportedAlgorithm).await;
    }
    // The public key is not a secret: whoever has it could sign, if it were taken for one.
    let public = setup.key.public();
    let secrets = [public.to_string(), public["x"].as_str().unwrap().to_owned()];
    for secret in secrets {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some("key-1".to_owned());
        let secret = EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&header, &setup.claims(), &secret).unwrap();
        assert_refused(&setup, &token, TokenError::UnsupportedAlgorithm).await;
    }
    assert_eq!(setup.issuer.fetches(), 0, "none of them is worth a fetch");
}

#[tokio::test]
async fn the_key_decides_the_algorithm() {
    let setup = Setup::new().await;
    let rsa = SigningKey::rs256("key-1");
    let token = rsa.sign(&setup.claims());
    assert_refused(&setup, &token, TokenError::WrongAlgorithm).await;
}

#[tokio::test]
async fn a_forged_or_changed_token_is_refused() {
    let setup = Setup::new().await;
    let forger = SigningKey::es256("key-1");
    let token = forger.sign(&setup.claims());
    assert_refused(&setup, &token, TokenError::BadSignature).await;

    let token = setup.token();
    assert_eq!(setup.call(&token).await.status, 200);
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = setup.claims();
    claims["sub"] = json!("mallory");
    let payload = base64url(&claims.to_string());
    let changed = format!("{}.{payload}.{}", parts[0], parts[2]);
    assert_refused(&setup, &changed, TokenError::BadSignature).await;
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_refused(&setup, &unsigned, TokenError::BadSignature).await;
}

#[tokio::test]
async fn a_key_in_the_header_proves_nothing() {
    let setup = Setup::new().await;
    let forger = SigningKey::es256("forged");
    let mut header = forger.header();
    header.jwk = Some(serde_json::from_value(forger.public()).unwrap());
    header.jku = Some("http://127.0.0.1:1/jwks".to_owned());
    let token = forger.sign_as(&header, &setup.claims());
    assert_refused(&setup, &token, TokenError::UnknownKey).await;
}

#[tokio::test]
async fn a_demanded_extension_is_refused() {
    let setup = Setup::new().await;
    let mut header = setup.key.header();
    header.crit = Some(vec!["b64".to_owned()]);
    let token = setup.key.sign_as(&header, &setup.claims());
    assert_refused(&setup, &token, TokenError::CriticalExtension).await;
}

#[tokio::test]
async fn rubbish_is_refused_before_any_key_is_fetched() {
    let setup = Setup::new().await;
    for token in ["x", "a.b.c", "....", "e30.e30.e30", "bm90IGpzb24.e30.e30", "~~~.+++.///"] {
        let answer = setup.call(token).await;
        assert_eq!(answer.status, 401, "{token}");
        assert_eq!(answer.challenge_error().as_deref(), Some("invalid_token"));
    }
    let long = "a".repeat(100 * 1024);
    assert_refused(&setup, &long, TokenError::TooLong).await;
    assert_refused(&setup, &"a".repeat(MAX_TOKEN_LENGTH + 1), TokenError::TooLong).await;
    assert_eq!(setup.issuer.fetches(), 0);
}

#[tokio::test]
async fn a_long_token_within_the_limit_is_accepted() {
    let setup = Setup::new().await;
    let token = setup.token_with("groups", json!(vec!["g".repeat(90); 100]));
    assert!(token.len() > 4096 && token.len() < MAX_TOKEN_LENGTH);
    for _ in 0..2 {
        assert_eq!(setup.call(&token).await.status, 200);
    }
}

#[tokio::test]
async fn a_token_bound_to_a_key_is_no_bearer_token() {
    let setup = Setup::new().await;
    let token =
        setup.token_with("cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }));
    assert_refused(&setup, &token, TokenError::KeyBound).await;
}

#[tokio::test]
async fn a_denial_says_why() {
    let setup = Setup::new().await;
    let answer = setup.call(&setup.token_with("role", json!(["user"]))).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(
        answer.body,
        json!({
            "error": "access_denied",
            "error_description": "You may not call this: it needs role admin.",
            "reasons": ["needs role admin"],
            "unmet": [{ "kind": "role", "role": "admin" }],
        })
    );
}

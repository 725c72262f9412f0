//! What issued tokens say: access tokens (RFC 9068) and ID tokens (OIDC Core section 2), verified
//! with the published keys.

use doorward_protocol::base64url;
use jsonwebtoken::{DecodingKey, Validation, decode, jwk::JwkSet};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{
    Browser, ISSUER, REDIRECT, START, Setup, World, authorize_url, changed, claims,
    client_settings, code_request, jose_header, user,
};

/// The claims of a token whose signature verifies with the published key that it names.
async fn verified(world: &World, token: &Value) -> Value {
    let jwks: JwkSet =
        serde_json::from_value(world.get("/.well-known/openid-configuration/jwks").await.json())
            .unwrap();
    let text = token.as_str().unwrap();
    let header = jsonwebtoken::decode_header(text).unwrap();
    let jwk = jwks.find(header.kid.as_deref().unwrap()).expect("a published key");
    let mut validation = Validation::new(header.alg);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    decode(text, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims
}

/// OIDC Core section 3.1.3.6, for the algorithms with SHA-256.
fn at_hash(access_token: &Value) -> String {
    base64url::encode(&Sha256::digest(access_token.as_str().unwrap())[..16])
}

#[tokio::test]
async fn access_tokens_follow_the_jwt_profile() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    let token = &tokens["access_token"];
    assert_eq!(
        (&jose_header(token)["typ"], &jose_header(token)["alg"]),
        (&json!("at+jwt"), &json!("RS256"))
    );
    let mut claims = verified(&world, token).await;
    for random in ["jti", "sid", "grant_id"] {
        assert!(claims[random].as_str().unwrap().len() >= 16, "{random}");
        claims.as_object_mut().unwrap().remove(random);
    }
    let expected = json!({
        "iss": ISSUER, "aud": "MyBackendApi2", "sub": "alice", "client_id": "PkceJS",
        "scope": "openid profile offline_access MyBackendApi2",
        "iat": START, "exp": START + 3600, "auth_time": START, "acr": "urn:doorward:acr:1",
        "role": "admin", "department": "Sales", "email": "alice@example.com",
    });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn several_roles_are_an_array() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "carol").await.tokens(&[]).await;
    assert_eq!(claims(&tokens["access_token"])["role"], json!(["admin", "user"]));
}

#[tokio::test]
async fn a_token_without_an_api_is_for_the_provider_and_has_no_user_claims() {
    let world = World::new().await;
    let tokens =
        Browser::signed_in(&world, "alice").await.tokens(&[("scope", "openid profile")]).await;
    let claims = claims(&tokens["access_token"]);
    assert_eq!(claims["aud"], ISSUER);
    assert!(
        ["role", "department", "email", "name"].iter().all(|name| claims.get(name).is_none()),
        "{claims}"
    );
}

#[tokio::test]
async fn a_token_for_two_apis_names_both() {
    let both =
        client_settings("Both", json!({"allowed_scopes": ["MyBackendApi1", "MyBackendApi2"]}));
    let world = World::with_clients(vec![both]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[("client_id", "Both"), ("scope", "MyBackendApi2 MyBackendApi1")]);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    let tokens = world.token(&changed(code_request(&code), &[("client_id", "Both")])).await.json();
    assert_eq!(claims(&tokens["access_token"])["aud"], json!(["MyBackendApi1", "MyBackendApi2"]));
}

#[tokio::test]
async fn id_tokens_say_who_signed_in_where_when_and_how() {
    let world = World::new().await;
    let nonce = "n".repeat(64);
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[("nonce", &nonce)]).await;
    let token = &tokens["id_token"];
    assert_eq!(
        (&jose_header(token)["typ"], &jose_header(token)["alg"]),
        (&json!("JWT"), &json!("RS256"))
    );
    let mut id = verified(&world, token).await;
    assert_eq!(id["sid"], claims(&tokens["access_token"])["sid"]);
    id.as_object_mut().unwrap().remove("sid");
    let expected = json!({
        "iss": ISSUER, "aud": "PkceJS", "sub": "alice", "nonce": nonce, "iat": START,
        "exp": START + 300, "auth_time": START, "amr": ["pwd"], "acr": "urn:doorward:acr:1",
        "at_hash": at_hash(&tokens["access_token"]),
    });
    assert_eq!(id, expected);
}

#[tokio::test]
async fn each_sign_in_has_a_sid_of_its_own_that_is_not_the_cookie() {
    let world = World::new().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut browser = Browser::signed_in(&world, "alice").await;
        let sid =
            claims(&browser.tokens(&[]).await["id_token"])["sid"].as_str().unwrap().to_owned();
        assert_eq!(claims(&browser.tokens(&[]).await["id_token"])["sid"], sid.as_str());
        assert_ne!(browser.session(), Some(sid.clone()));
        assert!(!seen.contains(&sid));
        seen.push(sid);
    }
}

#[tokio::test]
async fn a_client_may_have_its_id_tokens_signed_by_es256() {
    let world =
        World::with_clients(vec![client_settings("Es", json!({"id_token_signing_alg": "ES256"}))])
            .await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let code = browser.get(&authorize_url(&[("client_id", "Es")])).await.expect_code(REDIRECT);
    let tokens = world.token(&changed(code_request(&code), &[("client_id", "Es")])).await.json();
    assert_eq!(jose_header(&tokens["id_token"])["alg"], "ES256");
    assert_eq!(
        verified(&world, &tokens["id_token"]).await["at_hash"],
        at_hash(&tokens["access_token"]).as_str()
    );
}

#[tokio::test]
async fn tokens_of_two_requests_never_share_an_identifier() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..5 {
        let tokens = browser.tokens(&[]).await;
        assert!(seen.insert(claims(&tokens["access_token"])["jti"].to_string()));
        assert!(seen.insert(tokens["refresh_token"].to_string()));
    }
}

/// A claim named like one of the protocol's must not take its place.
#[tokio::test]
async fn user_claims_never_replace_what_the_protocol_sets() {
    let mut mallory = user("mallory", "mallory", &["user"]);
    for name in ["sub", "iss", "aud", "client_id", "exp", "scope"] {
        mallory.claims_mut().insert(name.to_owned(), json!("forged"));
    }
    let world = World::with(Setup { users: vec![mallory], ..Setup::default() }).await;
    let tokens = Browser::signed_in(&world, "mallory").await.tokens(&[]).await;
    for token in [&tokens["access_token"], &tokens["id_token"]] {
        let claims = verified(&world, token).await;
        assert_eq!((&claims["sub"], &claims["iss"]), (&json!("mallory"), &json!(ISSUER)));
        assert!(!claims.to_string().contains("forged"), "{claims}");
    }
    let userinfo = world.userinfo(&tokens["access_token"]).await.json();
    assert_eq!(userinfo["sub"], "mallory");
}

//! Client authentication by a key, in place of a secret.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use doorward_axum::{Auth, ClientKey, MemorySessions, ProofKey, SignInSettings, SigningAlgorithm};
use doorward_protocol::jws::UnverifiedJws;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::support::{Browser, ORIGIN, Provider, WITHOUT_ITS_NONCE};

/// A new key for ES256, as bytes and as the client has it.
fn new_key() -> (Vec<u8>, ClientKey) {
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64_STANDARD.encode(pkcs8.as_ref())
    );
    let key = ClientKey::from_pem(pem.as_bytes(), SigningAlgorithm::Es256, Some("k")).unwrap();
    (pkcs8.as_ref().to_vec(), key)
}

#[tokio::test]
async fn assertions_are_signed_and_new_each_time() {
    let (pkcs8, key) = new_key();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).unwrap();
    assert!(!format!("{key:?}").contains(&BASE64_STANDARD.encode(&pkcs8[..30])));

    let provider = Provider::start().await;
    sign_in(&provider, &provider.issuer, key.clone()).await;
    let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[&provider.issuer]);
    validation.set_issuer(&["shop"]);
    let mut seen = Vec::new();
    for endpoint in ["par", "token"] {
        let form = &provider.forms(endpoint)[0];
        assert_eq!(
            form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        assert!(!form.contains_key("client_secret") && provider.authorization(endpoint).is_empty());
        let token = jsonwebtoken::decode::<Value>(&form["client_assertion"], &public, &validation);
        let token = token.unwrap();
        assert_eq!(
            (token.header.kid.as_deref(), &token.claims["sub"]),
            (Some("k"), &"shop".into())
        );
        seen.push(token.claims["jti"].clone());
    }
    assert_ne!(seen[0], seen[1]);

    // The provider is told its own name, however the settings write it.
    let provider = Provider::start().await;
    sign_in(&provider, &format!("{}/", provider.issuer), key).await;
    for endpoint in ["par", "token"] {
        let form = &provider.forms(endpoint)[0];
        let token = UnverifiedJws::parse(&form["client_assertion"]).unwrap();
        let claims: Value = serde_json::from_slice(token.unverified_payload()).unwrap();
        assert_eq!(claims["aud"], provider.issuer, "{endpoint}");
    }
}

/// Signs a user in to an application that authenticates to this authority by its key.
async fn sign_in(provider: &Provider, authority: &str, key: ClientKey) {
    let settings = SignInSettings::new(authority, "shop", format!("{ORIGIN}/signin-oidc"))
        .client_key(key)
        .push_authorization_requests(true);
    let auth = Auth::new(settings, MemorySessions::default()).unwrap();
    let browser = Browser::new(&auth.attach(axum::Router::new()));
    let to_provider = browser.open("/signin").await.location().to_owned();
    browser.open(&provider.authorize(&to_provider)).await.location();
}

/// RFC 7523 section 3: a provider takes no assertion twice. One that refuses the proof of a request
/// may have read its assertion before.
#[tokio::test]
async fn a_request_that_is_sent_again_with_a_nonce_has_a_new_assertion() {
    let provider = Provider::start().await;
    provider.change(|rules| {
        rules.token_type = "DPoP";
        rules.nonce = Some("first".to_owned());
    });
    let settings = SignInSettings::new(&*provider.issuer, "shop", format!("{ORIGIN}/signin-oidc"))
        .client_key(new_key().1)
        .proof_key(ProofKey::generate().unwrap());
    let auth = Auth::new(settings, MemorySessions::default()).unwrap();
    let browser = Browser::new(&auth.attach(axum::Router::new()));
    let to_provider = browser.open("/signin").await.location().to_owned();
    browser.open(&provider.authorize(&to_provider)).await.location();

    let [refused] = &provider.forms(WITHOUT_ITS_NONCE)[..] else { panic!("one refusal") };
    let [taken] = &provider.forms("token")[..] else { panic!("one grant") };
    assert_eq!(refused["code"], taken["code"]);
    assert_ne!(refused["client_assertion"], taken["client_assertion"]);
}

#[test]
fn a_key_that_does_not_fit_is_refused_at_once() {
    assert!(ClientKey::from_pem(b"no key", SigningAlgorithm::Rs256, None).is_err());
    assert!(ClientKey::from_pem(b"", SigningAlgorithm::Es256, None).is_err());
}

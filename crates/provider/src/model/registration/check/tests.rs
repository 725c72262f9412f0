//! What is accepted, what is taken out, and what is refused.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::model::{resource::IdentityResource, token_handle::TokenHash};

fn accept(settings: &RegistrationSettings, asked: Value) -> Result<ClientMetadata, MetadataError> {
    let Value::Object(members) = asked else { unreachable!() };
    let resources = Resources::new(IdentityResource::standard(), vec![], vec![], false).unwrap();
    let policy = RegistrationPolicy {
        settings,
        resources: &resources,
        algorithms: &[SigningAlgorithm::Es256],
        salt: &Secret::new("a salt of sixteen"),
    };
    let accepted = policy.accept(ClientMetadata::parse(members)?)?;
    let client_id = "registered-x".parse().unwrap();
    let by_key = accepted.token_endpoint_auth_method == Some(AuthMethod::PrivateKeyJwt);
    let secret = (!by_key).then(|| TokenHash::from_bytes([7; 32]));
    policy.registered_client(&client_id, &accepted, secret)?;
    Ok(accepted)
}

fn refused(settings: &RegistrationSettings, asked: Value) -> &'static str {
    accept(settings, asked).unwrap_err().member
}

const PAGE: &str = "https://app.example/callback";

#[test]
fn defaults_are_those_of_the_rfc() {
    let accepted =
        accept(&RegistrationSettings::default(), json!({"redirect_uris": [PAGE]})).unwrap();
    assert_eq!(accepted.grant_types, ["authorization_code"]);
    assert_eq!(accepted.response_types, ["code"]);
    assert_eq!(accepted.token_endpoint_auth_method, Some(AuthMethod::ClientSecretBasic));
    assert_eq!(accepted.scope.as_deref(), Some("openid profile email"));
    assert_eq!(accepted.id_token_signed_response_alg, Some(SigningAlgorithm::Es256));
}

#[test]
fn what_the_policy_does_not_give_is_taken_out() {
    let asked = json!({
        "redirect_uris": [PAGE], "scope": "openid admin offline_access",
        "grant_types": ["implicit", "authorization_code", "password", "refresh_token"],
        "response_types": ["code", "token"], "unknown": {"member": 1},
    });
    let accepted = accept(&RegistrationSettings::default(), asked.clone()).unwrap();
    assert_eq!(accepted.grant_types, ["authorization_code", "refresh_token"]);
    assert_eq!(accepted.scope.as_deref(), Some("openid offline_access"));
    let strict =
        RegistrationSettings { allow_offline_access: false, ..RegistrationSettings::default() };
    let accepted = accept(&strict, asked).unwrap();
    assert_eq!(accepted.grant_types, ["authorization_code"]);
    assert_eq!(accepted.scope.as_deref(), Some("openid"));
}

#[test]
fn the_scope_that_is_told_has_offline_access_if_it_was_asked_for_and_can_be_used() {
    let settings = RegistrationSettings::default();
    let scope = |asked: Value| {
        let mut metadata = json!({"redirect_uris": [PAGE]});
        metadata.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        accept(&settings, metadata).unwrap().scope.unwrap()
    };
    let grants = json!(["authorization_code", "refresh_token"]);
    let asked = json!({"scope": "offline_access openid", "grant_types": grants});
    assert_eq!(scope(asked), "openid offline_access");
    assert_eq!(scope(json!({"scope": "openid offline_access"})), "openid");
    assert_eq!(scope(json!({"scope": "openid", "grant_types": grants})), "openid");
    assert_eq!(scope(json!({"grant_types": grants})), "openid profile email");
    let alone = json!({
        "redirect_uris": [PAGE], "scope": "offline_access", "grant_types": grants,
    });
    assert_eq!(refused(&settings, alone), "scope");
}

#[test]
fn what_can_not_be_is_refused_by_member() {
    let settings = RegistrationSettings::default();
    for (member, changes) in [
        ("software_statement", json!({"software_statement": "e30.e30.x"})),
        ("token_endpoint_auth_method", json!({"token_endpoint_auth_method": "tls_client_auth"})),
        ("id_token_signed_response_alg", json!({"id_token_signed_response_alg": "none"})),
        ("id_token_signed_response_alg", json!({"id_token_signed_response_alg": "RS256"})),
        ("grant_types", json!({"grant_types": ["implicit"]})),
        ("response_types", json!({"response_types": ["token"]})),
        ("scope", json!({"scope": "admin"})),
        ("redirect_uris", json!({"redirect_uris": []})),
        ("redirect_uris", json!({"redirect_uris": "https://app.example/callback"})),
        ("redirect_uris", json!({"redirect_uris": ["http://app.example/callback"]})),
        ("redirect_uris", json!({"redirect_uris": ["https://app.example/#x"]})),
        ("redirect_uris", json!({"redirect_uris": ["https://a@app.example/"]})),
        ("redirect_uris", json!({"redirect_uris": ["javascript:alert(1)"]})),
        ("redirect_uris", json!({"redirect_uris": ["cursor://callback"]})),
        ("redirect_uris", json!({"redirect_uris": ["com.example:/cb"], "application_type": "web"})),
        ("client_name", json!({"client_name": 5})),
        ("client_name", json!({"client_name": "x".repeat(401)})),
        ("client_name", json!({"client_name": "a\u{202E}b"})),
        ("jwks", json!({"jwks": {"keys": {"kty": "EC"}}})),
        ("jwks", json!({"jwks": {"keys": [{"kty": "oct", "k": "AQAB"}]}})),
        ("jwks_uri", json!({"jwks_uri": "http://localhost/jwks"})),
        ("jwks", json!({"jwks": {"keys": []}, "jwks_uri": "https://app.example/jwks"})),
        ("jwks_uri", json!({"token_endpoint_auth_method": "private_key_jwt"})),
        ("default_max_age", json!({"default_max_age": -1})),
        ("default_max_age", json!({"default_max_age": 0})),
        ("subject_type", json!({"subject_type": "secret"})),
        ("userinfo_signed_response_alg", json!({"userinfo_signed_response_alg": "none"})),
        ("userinfo_signed_response_alg", json!({"userinfo_signed_response_alg": "RS256"})),
        (
            "authorization_signed_response_alg",
            json!({"authorization_signed_response_alg": "PS256"}),
        ),
        ("request_object_signing_alg", json!({"request_object_signing_alg": "HS256"})),
        ("request_object_signing_alg", json!({"request_object_signing_alg": "ES256"})),
        ("require_signed_request_object", json!({"require_signed_request_object": true})),
        ("request_uris", json!({"request_uris": ["http://app.example/r"]})),
        ("request_uris", json!({"request_uris": ["https://app.example/r#no-hash"]})),
        ("initiate_login_uri", json!({"initiate_login_uri": "http://app.example/login"})),
        ("initiate_login_uri", json!({"initiate_login_uri": "javascript:alert(1)"})),
        ("application_type", json!({"application_type": "browser"})),
        (
            "sector_identifier_uri",
            json!({
                "subject_type": "pairwise",
                "redirect_uris": ["https://one.example/", "https://two.example/"],
            }),
        ),
    ] {
        let mut asked = json!({"redirect_uris": [PAGE]});
        asked.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(refused(&settings, asked), member, "{changes}");
    }
}

#[test]
fn pages_that_can_not_be_shown_are_left_out() {
    let settings = RegistrationSettings::default();
    let long = format!("data:image/png;base64,{}", "A".repeat(5000));
    for uri in [
        json!("http://localhost:3001"),
        json!("http://app.example/"),
        json!(""),
        json!(5),
        json!("javascript:alert(1)"),
        json!("https://app.example/\u{202E}"),
        json!(long),
    ] {
        let accepted = accept(
            &settings,
            json!({
                "redirect_uris": [PAGE], "client_name": "App", "client_uri": uri,
                "logo_uri": uri, "policy_uri": uri, "tos_uri": "https://app.example/terms",
            }),
        );
        let accepted = accepted.unwrap();
        let shown = [accepted.client_uri, accepted.logo_uri, accepted.policy_uri];
        assert_eq!(shown, [None, None, None], "{uri}");
        assert_eq!(accepted.tos_uri.as_deref(), Some("https://app.example/terms"));
        assert_eq!(accepted.client_name.as_deref(), Some("App"));
    }
    let local = RegistrationSettings { allow_private_addresses: true, ..settings };
    let asked = json!({"redirect_uris": [PAGE], "client_uri": "http://localhost:3001"});
    assert!(accept(&local, asked).unwrap().client_uri.is_some());
}

fn public_key() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "kid": "1",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    })
}

/// A public key with these members, too.
fn key_with(changes: Value) -> Value {
    let (mut key, Value::Object(changes)) = (public_key(), changes) else { unreachable!() };
    key.as_object_mut().unwrap().extend(changes);
    key
}

#[test]
fn of_keys_nothing_is_kept_but_what_is_read() {
    let settings = RegistrationSettings::default();
    let read = |keys: Value, changes: Value| {
        let mut asked = json!({
            "redirect_uris": [PAGE], "jwks": {"keys": keys, "more": [{"": 0}]},
        });
        asked.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        accept(&settings, asked).map(|accepted| accepted.jwks.map(Value::Object))
    };
    let certified = key_with(json!({
        "x5t": "AQAB", "x5c": ["AQAB"], "more": [{"": 0}], "n": "AQAB",
    }));
    let unused = [
        json!([{"": 0}]),
        json!({"kty": "EC", "key_ops": [[{"": 0}]]}),
        json!({"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}),
        key_with(json!({"use": "enc"})),
        key_with(json!({"crv": "P-521"})),
    ];
    let all = [&unused[..], &[certified]].concat();
    let needing = [
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"request_object_signing_alg": "ES256"}),
    ];
    let kept = Some(json!({"keys": [public_key()]}));
    for uses in needing.iter().chain([&json!({})]) {
        assert_eq!(read(json!(all), uses.clone()).unwrap(), kept, "{uses}");
    }
    // A client that can do without keys gets none, and another one is refused.
    assert_eq!(read(json!(unused), json!({})).unwrap(), None);
    for uses in needing {
        for keys in [json!(unused), json!([])] {
            assert_eq!(read(keys, uses.clone()).unwrap_err().member, "jwks", "{uses}");
        }
    }
}

#[test]
fn a_private_key_is_refused_whether_or_not_it_has_a_use() {
    for private in [
        key_with(json!({"d": "AQAB"})),
        key_with(json!({"d": "AQAB", "use": "enc"})),
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "p": "AQAB"}),
        json!({"kty": "oct", "k": "AQAB"}),
    ] {
        for method in ["none", "client_secret_basic", "private_key_jwt"] {
            let asked = json!({
                "redirect_uris": [PAGE], "token_endpoint_auth_method": method,
                "jwks": {"keys": [public_key(), private]},
            });
            let error = accept(&RegistrationSettings::default(), asked).unwrap_err();
            assert_eq!((error.member, error.problem.as_str()), ("jwks", keys::PRIVATE_KEY));
        }
    }
}

#[test]
fn a_client_that_registered_with_more_keys_has_the_first_ones() {
    let key = |number: u32| key_with(json!({"kid": number.to_string()}));
    let settings = RegistrationSettings::default();
    let resources = Resources::new(IdentityResource::standard(), vec![], vec![], false).unwrap();
    let policy = RegistrationPolicy {
        settings: &settings,
        resources: &resources,
        algorithms: &[SigningAlgorithm::Es256],
        salt: &Secret::new("a salt of sixteen"),
    };
    let asked = json!({
        "redirect_uris": [PAGE], "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": (0..16).map(key).collect::<Value>()},
    });
    let Value::Object(asked) = asked else { unreachable!() };
    let mut metadata = policy.accept(ClientMetadata::parse(asked).unwrap()).unwrap();
    let many = (0..745).map(key).collect::<Value>();
    metadata.jwks = Some(Map::from_iter([("keys".to_owned(), many)]));
    let client = policy.registered_client(&"registered-x".parse().unwrap(), &metadata, None);
    let keys = format!("{:?}", client.unwrap().keys);
    assert_eq!(keys.matches("Es256").count(), keys::MOST_KEYS_OF_A_STRANGER, "{keys}");
}

#[test]
fn sign_ins_begin_by_https_also_where_documents_come_from_this_machine() {
    let settings =
        RegistrationSettings { allow_private_addresses: true, ..RegistrationSettings::default() };
    let begins_at = |uri: &str| json!({"redirect_uris": [PAGE], "initiate_login_uri": uri});
    assert!(accept(&settings, begins_at("https://localhost:5001/login")).is_ok());
    let plain = begins_at("http://localhost:5001/login");
    assert_eq!(refused(&settings, plain), "initiate_login_uri");
}

#[test]
fn a_device_has_no_pairwise_subjects() {
    let settings = RegistrationSettings {
        grant_types: BTreeSet::from([GrantType::AuthorizationCode, GrantType::DeviceCode]),
        ..RegistrationSettings::default()
    };
    let asked = json!({
        "redirect_uris": [PAGE], "subject_type": "pairwise",
        "grant_types": ["authorization_code", DEVICE_CODE],
    });
    assert_eq!(refused(&settings, asked.clone()), "subject_type");
    // Where nobody gets the grant, it is taken out.
    assert!(accept(&RegistrationSettings::default(), asked).is_ok());
}

#[test]
fn redirect_addresses_are_within_the_policy() {
    let settings = RegistrationSettings {
        redirect_hosts: vec!["example.com".to_owned()],
        allow_loopback_redirect_uris: false,
        ..RegistrationSettings::default()
    };
    for uri in ["https://example.com/cb", "https://app.example.com/cb"] {
        assert!(accept(&settings, json!({"redirect_uris": [uri]})).is_ok(), "{uri}");
    }
    for uri in ["https://notexample.com/cb", "http://127.0.0.1/cb", "http://localhost:1/cb"] {
        assert_eq!(refused(&settings, json!({"redirect_uris": [uri]})), "redirect_uris");
    }
    let open = RegistrationSettings::default();
    for uri in ["http://127.0.0.1/cb", "http://localhost:1/cb", "com.example.app:/cb"] {
        assert!(accept(&open, json!({"redirect_uris": [uri]})).is_ok(), "{uri}");
    }
}

//! Each claim just inside and just outside its limit, and each header that must be refused.
#![allow(clippy::unwrap_used)]

use doorward_protocol::jwk::KeySelectionError;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    SigninRequestArgs,
    in_page::MemoryStorage,
    tests::{
        provider::{ISSUER, key, sign_as},
        world::{Tab, World},
    },
    trace::Tracer,
};

const NOW: u64 = 1_763_800_000;
const ACCESS_TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";

fn expected() -> ExpectedIdToken<'static> {
    ExpectedIdToken {
        issuer: ISSUER,
        client_id: "app",
        algorithm: None,
        trusted_audiences: None,
        nonce: Nonce::Exactly("n"),
        asked: RequiredSignIn::default(),
        access_token: ACCESS_TOKEN,
        now: NOW,
        clock_skew: 300,
    }
}

/// Emits nothing.
fn tracer() -> Tracer {
    World::new().tab().manager.0.tokens.http.trace.clone()
}

fn good() -> Map<String, Value> {
    let claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": "app", "exp": NOW + 60, "iat": NOW, "nonce": "n",
        "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"
    });
    serde_json::from_value(claims).unwrap()
}

/// The result for the good claims with these changes. A null removes a claim.
fn check(changes: Value, expected: &ExpectedIdToken<'_>) -> Result<(), IdTokenError> {
    let mut claims = good();
    for (name, value) in serde_json::from_value::<Map<String, Value>>(changes).unwrap() {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    check_claims(&claims, SigningAlgorithm::Rs256, expected, &tracer())
}

#[test]
fn each_claim_inside_and_outside_its_limit() {
    use IdTokenError as E;
    let long = "s".repeat(256);
    let table = [
        (json!({}), Ok(())),
        // iss
        (json!({"iss": null}), Err(E::Claim("iss"))),
        (json!({"iss": 1}), Err(E::Claim("iss"))),
        (json!({"iss": "https://op.example/"}), Err(E::Issuer("https://op.example/".to_owned()))),
        (json!({"iss": "https://OP.example"}), Err(E::Issuer("https://OP.example".to_owned()))),
        // aud, azp
        (json!({"aud": null}), Err(E::Claim("aud"))),
        (json!({"aud": 1}), Err(E::Claim("aud"))),
        (json!({"aud": []}), Err(E::Audience)),
        (json!({"aud": "App"}), Err(E::Audience)),
        (json!({"aud": ["app"]}), Ok(())),
        (json!({"aud": ["app", "api"]}), Ok(())),
        (json!({"aud": ["app", "api"], "azp": "app"}), Ok(())),
        (json!({"aud": ["app", "api"], "azp": "api"}), Err(E::AuthorizedParty)),
        (json!({"aud": ["api"], "azp": "app"}), Err(E::Audience)),
        (json!({"azp": "app"}), Ok(())),
        (json!({"azp": "other"}), Err(E::AuthorizedParty)),
        // sub
        (json!({"sub": null}), Err(E::Claim("sub"))),
        (json!({"sub": ""}), Err(E::Claim("sub"))),
        (json!({"sub": long[..255]}), Ok(())),
        (json!({"sub": long}), Err(E::Claim("sub"))),
        // exp
        (json!({"exp": null}), Err(E::Claim("exp"))),
        (json!({"exp": "soon"}), Err(E::Claim("exp"))),
        (json!({"exp": -1}), Err(E::Claim("exp"))),
        (json!({"exp": 1e300}), Err(E::Claim("exp"))),
        (json!({"exp": NOW - 299}), Ok(())),
        (json!({"exp": NOW - 300}), Err(E::Expired(300))),
        // iat
        (json!({"iat": null}), Err(E::Claim("iat"))),
        (json!({"iat": NOW + 300}), Ok(())),
        (json!({"iat": NOW + 301}), Err(E::NotYetValid(301))),
        (json!({"iat": 1_763_800_000.5}), Ok(())),
        // nbf
        (json!({"nbf": NOW + 300}), Ok(())),
        (json!({"nbf": NOW + 301}), Err(E::NotYetValid(301))),
        (json!({"nbf": "x"}), Err(E::Claim("nbf"))),
        // nonce
        (json!({"nonce": null}), Err(E::Nonce)),
        (json!({"nonce": "N"}), Err(E::Nonce)),
        (json!({"nonce": ["n"]}), Err(E::Claim("nonce"))),
        // at_hash
        (json!({"at_hash": null}), Ok(())),
        (json!({"at_hash": "77QmUPtjPfzWtF2AnpK9Rq"}), Err(E::AccessTokenHash)),
        (json!({"at_hash": ""}), Err(E::AccessTokenHash)),
    ];
    for (changes, outcome) in table {
        assert_eq!(check(changes.clone(), &expected()), outcome, "{changes}");
    }
}

/// Step 3: "The ID Token MUST be rejected if […] it contains additional audiences not trusted by
/// the Client."
#[test]
fn audiences_that_the_client_does_not_trust_are_refused_if_it_says_whom_it_trusts() {
    let refused = |other: &str| Err(IdTokenError::UntrustedAudience(other.to_owned()));
    let trusted = ["api".to_owned()];
    for (trusted, audience, outcome) in [
        (&trusted[..], json!("app"), Ok(())),
        (&trusted, json!(["app"]), Ok(())),
        (&trusted, json!(["app", "api"]), Ok(())),
        (&trusted, json!(["app", "api", "app1"]), refused("\"app1\"")),
        (&[], json!(["app"]), Ok(())),
        (&[], json!(["app1", "app"]), refused("\"app1\"")),
        (&[], json!(["app", 1]), refused("1")),
        (&trusted, json!(["api"]), Err(IdTokenError::Audience)),
    ] {
        let expected = ExpectedIdToken { trusted_audiences: Some(trusted), ..expected() };
        assert_eq!(check(json!({"aud": audience}), &expected), outcome, "{audience}");
    }
}

#[test]
fn a_claim_that_is_null_is_absent() {
    for (name, outcome) in [
        ("nbf", Ok(())),
        ("azp", Ok(())),
        ("at_hash", Ok(())),
        ("auth_time", Ok(())),
        ("exp", Err(IdTokenError::Claim("exp"))),
        ("iat", Err(IdTokenError::Claim("iat"))),
        ("sub", Err(IdTokenError::Claim("sub"))),
        ("nonce", Err(IdTokenError::Nonce)),
    ] {
        let mut claims = good();
        claims.insert(name.to_owned(), Value::Null);
        let checked = check_claims(&claims, SigningAlgorithm::Rs256, &expected(), &tracer());
        assert_eq!(checked, outcome, "{name}");
    }
}

#[test]
fn auth_time_counts_when_max_age_was_sent() {
    let asked = RequiredSignIn { max_age: Some(60), ..RequiredSignIn::default() };
    let expected = ExpectedIdToken { asked, ..expected() };
    for (changes, outcome) in [
        (json!({}), Err(IdTokenError::Claim("auth_time"))),
        (json!({"auth_time": NOW - 360}), Ok(())),
        (json!({"auth_time": NOW - 361}), Err(IdTokenError::TooOld(361))),
        (json!({"auth_time": NOW + 10}), Ok(())),
    ] {
        assert_eq!(check(changes.clone(), &expected), outcome, "{changes}");
    }
    assert_eq!(check(json!({"auth_time": 1}), &self::expected()), Ok(()), "nobody asked");
}

#[test]
fn acr_counts_when_it_was_asked_for() {
    let asked = RequiredSignIn { acr: Some("2 3"), ..RequiredSignIn::default() };
    let expected = ExpectedIdToken { asked, ..expected() };
    for (changes, outcome) in [
        (json!({}), Err(IdTokenError::Acr)),
        (json!({"acr": "1"}), Err(IdTokenError::Acr)),
        (json!({"acr": "2 3"}), Err(IdTokenError::Acr)),
        (json!({"acr": 2}), Err(IdTokenError::Claim("acr"))),
        (json!({"acr": "3"}), Ok(())),
    ] {
        assert_eq!(check(changes.clone(), &expected), outcome, "{changes}");
    }
    assert_eq!(check(json!({"acr": "1"}), &self::expected()), Ok(()), "nobody asked");
}

#[test]
fn a_renewed_token_has_the_old_nonce_or_none() {
    for (nonce, original, outcome) in [
        (json!(null), Some("n"), Ok(())),
        (json!("n"), Some("n"), Ok(())),
        (json!("m"), Some("n"), Err(IdTokenError::Nonce)),
        (json!("m"), None, Err(IdTokenError::Nonce)),
    ] {
        let expected = ExpectedIdToken { nonce: Nonce::AbsentOr(original), ..expected() };
        assert_eq!(check(json!({"nonce": nonce}), &expected), outcome);
    }
}

/// Signs in with an ID token whose header is changed.
fn sign_in_with(world: &World, header: &Value) -> Result<(), Error> {
    sign_in_at(world, &world.tab(), header)
}

fn sign_in_at(world: &World, tab: &Tab, header: &Value) -> Result<(), Error> {
    let header = header.clone();
    world.provider.alter_answer(move |answer| {
        let id_token = answer["id_token"].as_str().unwrap();
        let claims: Value = UnverifiedJws::parse(id_token).unwrap().unverified_claims().unwrap();
        let kid = header["kid"].as_str().unwrap_or("k1");
        answer.insert("id_token".to_owned(), sign_as(&header, kid, &claims).into());
    });
    let url = world.callback_url(tab, SigninRequestArgs::default());
    world.callback(tab, &url).map(drop)
}

#[test]
fn headers_that_must_not_pass() {
    let algorithm = |name: &str| Err(Error::IdToken(IdTokenError::Algorithm(name.to_owned())));
    let no_key = Err(Error::IdToken(IdTokenError::Key(KeySelectionError::NotFound)));
    for (header, outcome) in [
        (json!({"alg": "RS256", "kid": "k1"}), Ok(())),
        (json!({"alg": "RS256"}), Ok(())),
        (json!({"alg": "none"}), algorithm("none")),
        (json!({"alg": "HS256", "kid": "k1"}), algorithm("HS256")),
        (json!({"alg": "ES256", "kid": "k1"}), algorithm("ES256")),
        (json!({"alg": "RS256", "kid": "k2"}), no_key.clone()),
        (
            json!({"alg": "RS256", "crit": ["exp"]}),
            Err(Error::IdToken(JwsError::CriticalExtension.into())),
        ),
    ] {
        assert_eq!(sign_in_with(&World::new(), &header), outcome, "{header}");
    }
    let world = World::new();
    world.provider.metadata.borrow_mut()["id_token_signing_alg_values_supported"] =
        json!(["ES256", "RS256"]);
    assert_eq!(
        sign_in_with(&world, &json!({"alg": "ES256", "kid": "k1"})),
        no_key,
        "the key is for RS256"
    );
}

#[test]
fn only_the_algorithm_that_the_client_registered_passes() {
    let world = World::new();
    let offered = json!(["RS256", "PS256"]);
    world.provider.metadata.borrow_mut()["id_token_signing_alg_values_supported"] = offered;
    let mut of_both = serde_json::to_value(key("k1")).unwrap();
    of_both.as_object_mut().unwrap().remove("alg");
    *world.provider.keys.borrow_mut() = json!({"keys": [of_both]});
    let header = |alg: SigningAlgorithm| json!({"alg": alg.as_str(), "kid": "k1"});
    let (rs256, ps256) = (SigningAlgorithm::Rs256, SigningAlgorithm::Ps256);
    for alg in [rs256, ps256] {
        assert_eq!(sign_in_with(&world, &header(alg)), Ok(()), "nothing is set");
    }
    for (registered, other) in [(rs256, ps256), (ps256, rs256)] {
        let settings = World::settings().id_token_signed_response_alg(registered);
        let tab = world.tab_with(settings, MemoryStorage::default());
        let refused = IdTokenError::Algorithm(other.as_str().to_owned());
        assert_eq!(sign_in_at(&world, &tab, &header(other)), Err(Error::IdToken(refused)));
        assert_eq!(sign_in_at(&world, &tab, &header(registered)), Ok(()));
    }
}

#[test]
fn without_a_key_id_there_must_be_one_key() {
    let world = World::new();
    *world.provider.keys.borrow_mut() = json!({"keys": [key("k1"), key("k2")]});
    let ambiguous = Err(Error::IdToken(IdTokenError::Key(KeySelectionError::Ambiguous)));
    assert_eq!(sign_in_with(&world, &json!({"alg": "RS256"})), ambiguous);
    assert_eq!(sign_in_with(&world, &json!({"alg": "RS256", "kid": "k2"})), Ok(()));
}

#[test]
fn a_wrong_signature_does_not_pass() {
    let world = World::new();
    let tab = world.tab();
    world.provider.alter_answer(|answer| {
        let id_token = answer["id_token"].as_str().unwrap().to_owned();
        let (input, _) = id_token.rsplit_once('.').unwrap();
        answer.insert("id_token".to_owned(), format!("{input}.AAAA").into());
    });
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    let mismatch = IdTokenError::Signature(SignatureError::Mismatch);
    assert_eq!(world.callback(&tab, &url).unwrap_err(), Error::IdToken(mismatch));
}

#[test]
fn without_cryptography_tls_to_the_token_endpoint_stands_in() {
    use crate::tests::provider::FakeVerifier;
    let mut world = World::new();
    world.verifier = std::rc::Rc::new(FakeVerifier { unavailable: true });
    assert_eq!(sign_in_with(&world, &json!({"alg": "RS256", "kid": "k1"})), Ok(()));
    let header = json!({"alg": "none"});
    assert!(sign_in_with(&world, &header).is_err(), "the rest is checked all the same");
    for (endpoint, protected) in [
        ("https://op.example/token", true),
        ("http://localhost:6001/token", true),
        ("http://127.0.0.1:6001/token", true),
        ("http://[::1]:6001/token", true),
        ("http://op.example/token", false),
        ("http://192.168.1.2/token", false),
        ("http://localhost.evil.example/token", false),
        ("http://127.0.0.1.evil.example/token", false),
        ("ftp://localhost/token", false),
    ] {
        assert_eq!(crate::lean::url::is_protected(endpoint), protected, "{endpoint}");
    }
}

#[test]
fn over_http_without_cryptography_nobody_is_signed_in() {
    use crate::{
        Settings, in_page::MemoryStorage, ports::SignatureError, tests::provider::FakeVerifier,
    };
    let mut world = World::new();
    world.verifier = std::rc::Rc::new(FakeVerifier { unavailable: true });
    let issuer = "http://op.example";
    {
        let mut metadata = world.provider.metadata.borrow_mut();
        metadata["issuer"] = json!(issuer);
        metadata["token_endpoint"] = json!("http://op.example/token");
        metadata["authorization_response_iss_parameter_supported"] = json!(false);
    }
    world.provider.alter_claims(|claims| {
        claims.insert("iss".to_owned(), json!("http://op.example"));
    });
    let settings = Settings {
        authority: issuer.to_owned(),
        metadata_url: Some(format!("{ISSUER}/.well-known/openid-configuration")),
        ..World::settings()
    };
    let tab = world.tab_with(settings, MemoryStorage::default());
    let url = world.callback_url(&tab, SigninRequestArgs::default()).replace("iss=", "x=");
    let error = world.callback(&tab, &url).unwrap_err();
    assert_eq!(error, Error::IdToken(IdTokenError::Signature(SignatureError::Unavailable)));
    assert!(error.user_message().contains("https"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("app")),
        Just(json!(ISSUER)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Checking ends whatever a claim contains, and a wrong claim never passes.
    #[test]
    fn any_claims_are_accepted_or_refused(
        name in prop::sample::select(vec![
            "iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "auth_time",
        ]),
        value in any_json(),
        max_age in prop::option::of(any::<u64>()),
        now in any::<u64>(),
        clock_skew in any::<u64>(),
    ) {
        let mut claims = good();
        claims.insert(name.to_owned(), value.clone());
        let asked = RequiredSignIn { max_age, acr: None };
        let expected = ExpectedIdToken { asked, now, clock_skew, ..expected() };
        let result = check_claims(&claims, SigningAlgorithm::Es512, &expected, &tracer());
        if matches!(name, "iss" | "nonce") {
            prop_assert!(result.is_err() || value == json!(ISSUER) || value == json!("n"));
        }
    }

    #[test]
    fn any_text_is_no_token(text in "\\PC{0,100}(\\.[A-Za-z0-9_-]{0,40}){0,3}") {
        prop_assert!(UnverifiedJws::parse(&text).is_err() || text.matches('.').count() == 2);
    }
}

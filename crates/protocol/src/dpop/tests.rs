#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// RFC 9449 section 4.1, the example proof for the token endpoint.
const TOKEN_PROOF: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0",
    "VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10",
    "NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjo",
    "iUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.",
    "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
);
/// RFC 9449 section 7.1, the example proof for a protected resource, and its access token.
const RESOURCE_PROOF: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0",
    "VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10",
    "NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjo",
    "iR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI",
    "6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2o",
    "W9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
);
const ACCESS_TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn uri(text: &str) -> TargetUri {
    TargetUri::parse(text).unwrap()
}

/// Checks everything but the signature.
fn check(compact: &str, request: &ProvenRequest<'_>) -> Result<Proof, ProofError> {
    UnverifiedProof::parse(compact)?.verify(request, |_, _, _| true)
}

fn ec_key() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    })
}

fn header(changes: Value) -> Value {
    changed(json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": ec_key()}), changes)
}

fn claims(changes: Value) -> Value {
    changed(
        json!({"jti": "1", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1000}),
        changes,
    )
}

/// With these members in place of its own; `null` takes one out.
fn changed(mut value: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { unreachable!() };
    for (name, change) in changes {
        match change {
            Value::Null => drop(value.as_object_mut().unwrap().remove(&name)),
            change => value[name] = change,
        }
    }
    value
}

fn compact(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url::encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), base64url::encode("signature"))
}

fn parse_error(header: &Value, claims: &Value) -> Option<ProofError> {
    UnverifiedProof::parse(&compact(header, claims)).err()
}

#[test]
fn the_examples_of_rfc_9449_hold() {
    let token = uri("https://server.example.com/token");
    let request =
        ProvenRequest { method: "POST", uri: &token, access_token: None, now: 1_562_262_616 };
    let proof = check(TOKEN_PROOF, &request).unwrap();
    assert_eq!((proof.thumbprint().as_str(), proof.jti.as_str()), (JKT, "-BwC3ESc6acc2lTc"));
    let resource = uri("https://resource.example.org/protectedresource");
    let request = ProvenRequest {
        method: "GET",
        uri: &resource,
        access_token: Some(ACCESS_TOKEN),
        now: 1_562_262_618,
    };
    assert_eq!(check(RESOURCE_PROOF, &request).unwrap().thumbprint().as_str(), JKT);
    let other = ProvenRequest { access_token: Some("other"), ..request };
    assert_eq!(check(RESOURCE_PROOF, &other).unwrap_err(), ProofError::WrongAccessToken);
}

#[cfg(feature = "verify")]
#[test]
fn the_signatures_of_rfc_9449_hold_for_what_they_sign() {
    let token = uri("https://server.example.com/token");
    let request =
        ProvenRequest { method: "POST", uri: &token, access_token: None, now: 1_562_262_616 };
    assert_eq!(verify(TOKEN_PROOF, &request).unwrap().thumbprint().as_str(), JKT);
    let (_, foreign) = RESOURCE_PROOF.rsplit_once('.').unwrap();
    let (signed, _) = TOKEN_PROOF.rsplit_once('.').unwrap();
    for signature in [foreign, "", "AAAA"] {
        assert_eq!(
            verify(&format!("{signed}.{signature}"), &request).unwrap_err(),
            ProofError::BadSignature
        );
    }
}

#[test]
fn the_hash_of_the_access_token_is_that_of_the_example() {
    assert_eq!(access_token_hash(ACCESS_TOKEN), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

#[test]
fn what_is_no_proof_is_refused_by_name() {
    use ProofError::{InvalidClaims, InvalidKey, PrivateKey, UnsupportedAlgorithm, WrongType};
    for (changes, expected) in [
        (json!({"typ": null}), WrongType),
        (json!({"typ": "JWT"}), WrongType),
        (json!({"typ": "at+jwt"}), WrongType),
        (json!({"alg": "none"}), UnsupportedAlgorithm),
        (json!({"alg": "HS256"}), UnsupportedAlgorithm),
        (json!({"alg": "ES512"}), UnsupportedAlgorithm),
        (json!({"alg": "RS256"}), InvalidKey),
        (json!({"alg": "ES384"}), InvalidKey),
        (json!({"jwk": null}), InvalidKey),
        (json!({"jwk": "text"}), InvalidKey),
        (json!({"jwk": {"kty": "oct"}}), InvalidKey),
        (json!({"jwk": {"kty": "oct", "k": "AQAB"}}), PrivateKey),
        (json!({"jwk": changed(ec_key(), json!({"d": "AQAB"}))}), PrivateKey),
        (json!({"jwk": changed(ec_key(), json!({"y": null}))}), InvalidKey),
        (json!({"jwk": changed(ec_key(), json!({"use": "enc"}))}), InvalidKey),
        (json!({"jwk": null, "kid": "1"}), InvalidKey),
    ] {
        assert_eq!(
            parse_error(&header(changes.clone()), &claims(json!({}))),
            Some(expected),
            "{changes}"
        );
    }
    for changes in [
        json!({"jti": null}),
        json!({"jti": ""}),
        json!({"jti": 7}),
        json!({"htm": null}),
        json!({"htu": null}),
        json!({"htu": ["https://server.example.com/token"]}),
        json!({"iat": null}),
        json!({"iat": "1000"}),
        json!({"ath": 1}),
        json!({"nonce": {}}),
    ] {
        assert_eq!(
            parse_error(&header(json!({})), &claims(changes.clone())),
            Some(InvalidClaims),
            "{changes}"
        );
    }
    assert_eq!(parse_error(&header(json!({})), &claims(json!({}))), None);
}

#[test]
fn what_can_not_be_read_is_malformed() {
    let long = "a".repeat(MAX_PROOF_LENGTH + 1);
    let critical = compact(&header(json!({"crit": ["b64"]})), &claims(json!({})));
    for text in [
        "",
        "a",
        "a.b",
        "a.b.c",
        "e30.e30.",
        &long,
        &critical,
        &format!("{TOKEN_PROOF},{TOKEN_PROOF}"),
    ] {
        assert_eq!(UnverifiedProof::parse(text).unwrap_err(), ProofError::Malformed, "{text}");
    }
}

#[test]
fn the_claims_must_be_those_of_the_request() {
    let token = uri("https://server.example.com/token");
    let request = ProvenRequest { method: "POST", uri: &token, access_token: None, now: 1000 };
    let outcome =
        |changes| check(&compact(&header(json!({})), &claims(changes)), &request).map(|_| ());
    assert_eq!(outcome(json!({})), Ok(()));
    assert_eq!(outcome(json!({"htu": "HTTPS://Server.example.com:443/token?a=b#c"})), Ok(()));
    assert_eq!(outcome(json!({"iat": 1000.9})), Ok(()));
    for method in ["GET", "post", "POST "] {
        assert_eq!(outcome(json!({"htm": method})), Err(ProofError::WrongMethod), "{method}");
    }
    for address in
        ["https://server.example.com/", "http://server.example.com/token", "/token", "token"]
    {
        assert_eq!(outcome(json!({"htu": address})), Err(ProofError::WrongUri), "{address}");
    }
    let token = ProvenRequest { access_token: Some("token"), ..request };
    let bound = |ath: Value| {
        check(&compact(&header(json!({})), &claims(json!({"ath": ath}))), &token).map(|_| ())
    };
    assert_eq!(bound(Value::Null), Err(ProofError::WrongAccessToken));
    assert_eq!(bound(json!("token")), Err(ProofError::WrongAccessToken));
    assert_eq!(bound(json!(access_token_hash("token"))), Ok(()));
}

#[test]
fn a_proof_counts_for_a_short_while() {
    let token = uri("https://server.example.com/token");
    let proof = compact(&header(json!({})), &claims(json!({})));
    let at = |now| {
        check(&proof, &ProvenRequest { method: "POST", uri: &token, access_token: None, now })
    };
    assert_eq!(at(1000 - MAX_AHEAD - 1).unwrap_err(), ProofError::FromTheFuture);
    assert!(at(1000 - MAX_AHEAD).is_ok());
    assert!(at(1000 + MAX_AGE).is_ok());
    assert_eq!(at(1000 + MAX_AGE + 1).unwrap_err(), ProofError::TooOld);
    assert_eq!(at(1000).unwrap().too_old_at(), 1000 + MAX_AGE + 1);
    for iat in [i64::MIN, i64::MAX] {
        assert!(
            check(
                &compact(&header(json!({})), &claims(json!({"iat": iat}))),
                &ProvenRequest { method: "POST", uri: &token, access_token: None, now: 0 }
            )
            .is_err()
        );
    }
}

#[test]
fn proofs_are_told_apart_by_key_and_jti() {
    let token = uri("https://server.example.com/token");
    let request = ProvenRequest { method: "POST", uri: &token, access_token: None, now: 1000 };
    let identity = |header_changes, claim_changes| {
        check(&compact(&header(header_changes), &claims(claim_changes)), &request)
            .unwrap()
            .identity()
    };
    let first = identity(json!({}), json!({}));
    assert_eq!(first, identity(json!({"kid": "other"}), json!({"iat": 1001})));
    assert_ne!(first, identity(json!({}), json!({"jti": "2"})));
    let other = json!({
        "alg": "EdDSA",
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    });
    assert_ne!(first, identity(other.clone(), json!({})));
    let by_its_newer_name = changed(other.clone(), json!({"alg": "Ed25519"}));
    assert_eq!(identity(other, json!({})), identity(by_its_newer_name, json!({})));
}

#[test]
fn claims_are_read_as_they_were_written() {
    let written = ProofClaims {
        jti: "1".to_owned(),
        htm: "GET".to_owned(),
        htu: "https://a/".to_owned(),
        iat: 5,
        ath: Some("hash".to_owned()),
        nonce: None,
    };
    assert_eq!(ProofClaims::from_members(written.clone().into_members()), Some(written));
}

proptest! {
    #[test]
    fn any_text_reads_or_is_refused(text in ".{0,200}") {
        let _ = UnverifiedProof::parse(&text);
    }

    #[test]
    fn any_header_and_payload_read_or_are_refused(header in ".{0,80}", payload in ".{0,80}") {
        let text = format!("{}.{}.AA", base64url::encode(header), base64url::encode(payload));
        let _ = UnverifiedProof::parse(&text);
    }
}

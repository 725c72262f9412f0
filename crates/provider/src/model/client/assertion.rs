//! Client authentication by an assertion that the client signed, `private_key_jwt` (OIDC Core
//! section 9, RFC 7523 section 3).

use std::{fmt, sync::Arc};

use doorward_protocol::{
    claims::{Audience, numeric_date},
    jose::{ED25519, SigningAlgorithm},
    jwk::{Jwk, JwkSet, has_private_members},
    jws::UnverifiedJws,
    verification::VerificationKey,
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::model::{
    client::fapi2, message_identity::MessageIdentity, settings_error::SettingsError,
    time::Timestamp,
};

/// `client_assertion_type` of a JWT (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The algorithms that assertions may be signed by, under each of their names.
pub const ALGORITHMS: [&str; 5] = ["PS256", "ES256", "EdDSA", ED25519, "RS256"];

/// How far away an assertion's end may be, in seconds: as long its `jti` must be remembered.
const LONGEST_LIFE: i64 = 600;
/// How far the client's clock may be off, in seconds.
const CLOCK_TOLERANCE: i64 = 60;

/// The public keys by which a client signs.
#[derive(Clone, Default)]
pub struct ClientKeys(Arc<[VerificationKey]>);

/// Why an assertion does not authenticate its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// One parameter without the other, or another kind of assertion.
    #[error("send client_assertion with client_assertion_type {ASSERTION_TYPE}")]
    WrongKind,
    /// Not a compact JWS with claims.
    #[error(
        "client_assertion is not a signed JSON Web Token with the claims of RFC 7523 section 3"
    )]
    Malformed,
    /// Another kind of token, that the client signed for something else.
    #[error("client_assertion is a token of another type")]
    WrongType,
    /// `iss`, `sub` and `client_id` are not one.
    #[error("iss and sub of client_assertion must both be the client_id")]
    WrongClient,
    /// `alg` is `none`, symmetric, or not in [`ALGORITHMS`].
    #[error(
        "client_assertion is not signed by one of token_endpoint_auth_signing_alg_values_supported"
    )]
    UnsupportedAlgorithm,
    /// No key of the client made the signature.
    #[error("the signature of client_assertion was made by no key of the client")]
    BadSignature,
    /// `aud` names another server, alone or beside this one.
    #[error(
        "aud of client_assertion must be this provider's issuer identifier, \
         its token endpoint or that for pushed requests, and nothing else"
    )]
    WrongAudience,
    /// `exp` has come.
    #[error("client_assertion has expired")]
    Expired,
    /// `exp` is far away.
    #[error("exp of client_assertion must be at most {LONGEST_LIFE} seconds away")]
    TooLong,
    /// `nbf` or `iat` lies in the future.
    #[error("client_assertion is not valid yet")]
    NotYetValid,
    /// The client publishes its keys, and they can't be fetched.
    #[error("the keys of the client can't be fetched from its jwks_uri")]
    KeysUnavailable,
    /// It was presented before.
    #[error("client_assertion was used before; make one for each request")]
    Replayed,
}

/// An assertion that one of the client's keys signed for this provider. It counts once.
#[derive(Debug)]
pub(crate) struct VerifiedAssertion {
    pub(crate) identity: MessageIdentity,
    /// When it has expired for good: seconds since 1970 (UTC).
    pub(crate) too_old_at: i64,
}

/// What an assertion must say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// Who made it.
    pub(crate) client_id: &'a str,
    /// Whom it may be for.
    pub(crate) audiences: &'a [&'a str],
    /// Whether FAPI 2.0 holds: it names one audience as a string (section 5.3.2.1), and is signed
    /// as the profile wants it.
    pub(crate) fapi2: bool,
}

impl ClientKeys {
    /// Checks the setting `jwks`: a set of public keys, each for one of [`ALGORITHMS`].
    pub(crate) fn from_settings(jwks: Map<String, Value>) -> Result<Self, SettingsError> {
        let refuse = |problem| SettingsError::new("jwks", "(not shown)", problem);
        let shape = "give a JSON Web Key Set: { keys = [{ kty = \"EC\", … }] }";
        let Some(Value::Array(listed)) = jwks.get("keys") else { return Err(refuse(shape)) };
        if listed.iter().filter_map(Value::as_object).any(has_private_members) {
            return Err(refuse(
                "a key is private or symmetric: give the public part only, and make a new key",
            ));
        }
        let count = listed.len();
        let keys = JwkSet::from_members(jwks)
            .map(|set| set.keys)
            .filter(|keys| keys.len() == count && count > 0);
        let mut ready = Vec::new();
        for key in keys.ok_or_else(|| refuse(shape))? {
            let before = ready.len();
            let algorithms = ALGORITHMS.iter().filter_map(|name| name.parse().ok());
            ready.extend(algorithms.filter_map(|algorithm| usable(&key, algorithm)));
            if ready.len() == before {
                return Err(refuse(
                    "a key is malformed, or for none of PS256, ES256, EdDSA, RS256",
                ));
            }
        }
        Ok(Self(ready.into()))
    }

    /// The keys of a published set: those that can be used here, others are not our concern (RFC
    /// 7517 section 5). `None` if there is none.
    pub(crate) fn from_published(mut jwks: Map<String, Value>) -> Option<Self> {
        if let Some(Value::Array(listed)) = jwks.get_mut("keys") {
            // A client that publishes a private key has shown it to everybody.
            listed.retain(|key| key.as_object().is_some_and(|key| !has_private_members(key)));
        }
        let keys = JwkSet::from_members(jwks)?.keys;
        let algorithms = || ALGORITHMS.iter().filter_map(|name| name.parse().ok());
        let ready: Vec<_> = keys
            .iter()
            .flat_map(|key| algorithms().filter_map(|algorithm| usable(key, algorithm)))
            .collect();
        (!ready.is_empty()).then(|| Self(ready.into()))
    }

    /// Checks an assertion of this client for one of these audiences (RFC 7523 section 3).
    pub(crate) fn verify(
        &self,
        assertion: &str,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, AssertionError> {
        let jws = UnverifiedJws::parse(assertion).map_err(|_| AssertionError::Malformed)?;
        // A token that the client signed for something else, a DPoP proof for example, is no
        // assertion (RFC 8725 section 3.11).
        if jws.header().typ.is_some()
            && !["JWT", "client-authentication+jwt"].iter().any(|typ| jws.header().is_type(typ))
        {
            return Err(AssertionError::WrongType);
        }
        let listed = ALGORITHMS.contains(&jws.header().alg.as_str());
        let allowed =
            |algorithm: &_| listed && (!expected.fapi2 || fapi2::ALGORITHMS.contains(algorithm));
        let algorithm =
            jws.header().algorithm().filter(allowed).ok_or(AssertionError::UnsupportedAlgorithm)?;
        let kid = jws.header().kid.as_deref();
        let is_named =
            |key: &VerificationKey| kid.is_none_or(|kid| key.kid().is_none_or(|own| own == kid));
        let mut fitting = self.0.iter().filter(|key| key.algorithm() == algorithm && is_named(key));
        if !fitting.any(|key| key.verifies(assertion)) {
            return Err(AssertionError::BadSignature);
        }
        let claims = jws.unverified_claims().ok().and_then(AssertionClaims::from_members);
        claims.ok_or(AssertionError::Malformed)?.check(expected, now)
    }
}

fn usable(key: &Jwk, algorithm: SigningAlgorithm) -> Option<VerificationKey> {
    // What has a thumbprint is well-formed.
    key.thumbprint().and_then(|_| VerificationKey::for_algorithm(key, algorithm))
}

/// The client that an assertion says it comes from. Nothing is verified.
pub(crate) fn unverified_issuer(assertion: &str) -> Result<String, AssertionError> {
    let jws = UnverifiedJws::parse(assertion).map_err(|_| AssertionError::Malformed)?;
    let claims: Map<String, Value> =
        jws.unverified_claims().map_err(|_| AssertionError::Malformed)?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned).ok_or(AssertionError::Malformed)
}

struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    jti: String,
    /// `nbf` and `iat`, where they are.
    begins: Vec<i64>,
}

impl AssertionClaims {
    /// Reads the claims; `None` if a required one is missing, empty or of another type.
    fn from_members(mut members: Map<String, Value>) -> Option<Self> {
        let mut begins = Vec::new();
        for name in ["nbf", "iat"] {
            if let Some(value) = members.get(name) {
                begins.push(numeric_date(value)?);
            }
        }
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let (iss, sub, jti) = (text("iss")?, text("sub")?, text("jti")?);
        let aud = serde_json::from_value(members.remove("aud")?).ok()?;
        let exp = numeric_date(members.get("exp")?)?;
        Some(Self { iss, sub, aud, exp, jti, begins })
    }

    fn check(
        self,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, AssertionError> {
        let Expected { client_id, audiences, fapi2 } = *expected;
        if self.iss != client_id || self.sub != client_id {
            return Err(AssertionError::WrongClient);
        }
        if fapi2 && !matches!(self.aud, Audience::One(_)) {
            return Err(AssertionError::WrongAudience);
        }
        // One that is for other servers, too, could have been passed on by one of them.
        if self.aud.iter().next().is_none() || !self.aud.iter().all(|own| audiences.contains(&own))
        {
            return Err(AssertionError::WrongAudience);
        }
        let now = now.seconds();
        if now >= self.exp.saturating_add(CLOCK_TOLERANCE) {
            return Err(AssertionError::Expired);
        }
        if self.exp > now.saturating_add(LONGEST_LIFE + CLOCK_TOLERANCE) {
            return Err(AssertionError::TooLong);
        }
        if self.begins.iter().any(|begin| *begin > now.saturating_add(CLOCK_TOLERANCE)) {
            return Err(AssertionError::NotYetValid);
        }
        let identity = Sha256::new()
            .chain_update("assertion ")
            .chain_update(Sha256::digest(client_id))
            .chain_update(&self.jti);
        Ok(VerifiedAssertion {
            identity: MessageIdentity::from_bytes(identity.finalize().into()),
            too_old_at: self.exp.saturating_add(CLOCK_TOLERANCE),
        })
    }
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.0.iter().map(|key| (key.kid(), key.algorithm())))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const X: &str = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
    const Y: &str = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";

    fn keys(jwks: Value) -> Result<ClientKeys, SettingsError> {
        let Value::Object(members) = jwks else { unreachable!() };
        ClientKeys::from_settings(members)
    }

    #[test]
    fn keys_are_public_well_formed_and_for_a_served_algorithm() {
        assert_eq!(
            keys(json!({"keys": [{"kty": "EC", "crv": "P-256", "x": X, "y": Y}]})).unwrap().0.len(),
            1
        );
        for jwks in [
            json!({}),
            json!({"keys": []}),
            json!({"keys": {}}),
            json!({"keys": ["text"]}),
            json!({"keys": [{"kty": "oct", "k": "AQAB"}]}),
            json!({"keys": [{"kty": "oct"}]}),
            json!({"keys": [{"kty": "EC", "crv": "P-256", "x": X, "y": Y, "d": "AQAB"}]}),
            json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AQAB", "y": Y}]}),
            json!({"keys": [{"kty": "EC", "crv": "P-256", "x": X, "y": Y, "use": "enc"}]}),
            json!({"keys": [{"kty": "EC", "crv": "P-256", "x": X, "y": Y}, {"kty": "EC"}]}),
        ] {
            assert_eq!(keys(jwks.clone()).map(|_| ()).unwrap_err().key, "jwks", "{jwks}");
        }
    }

    fn claims(changes: Value) -> Option<AssertionClaims> {
        let own = json!({
            "iss": "app", "sub": "app", "aud": "https://op.example", "exp": 1060, "jti": "1",
            "iat": 1000,
        });
        let Value::Object(mut members) = own else { unreachable!() };
        let Value::Object(changes) = changes else { unreachable!() };
        members.extend(changes);
        members.retain(|_, value| !value.is_null());
        AssertionClaims::from_members(members)
    }

    fn check(changes: Value) -> Result<(), AssertionError> {
        let audiences = ["https://op.example", "https://op.example/connect/token"];
        let expected = Expected { client_id: "app", audiences: &audiences, fapi2: false };
        claims(changes).unwrap().check(&expected, Timestamp::from_seconds(1000)).map(|_| ())
    }

    #[test]
    fn what_is_required_must_be_there() {
        for name in ["iss", "sub", "aud", "exp", "jti"] {
            assert!(claims(json!({name: null})).is_none(), "{name}");
            assert!(claims(json!({name: {}})).is_none(), "{name}");
        }
        assert!(claims(json!({"jti": ""})).is_none() && claims(json!({"nbf": "soon"})).is_none());
        assert!(check(json!({"iat": null})).is_ok());
    }

    #[test]
    fn the_audience_is_this_provider_and_nobody_else() {
        for aud in [
            json!("https://op.example/connect/token"),
            json!(["https://op.example"]),
            json!(["https://op.example", "https://op.example/connect/token"]),
        ] {
            assert_eq!(check(json!({"aud": aud})), Ok(()));
        }
        for aud in [
            json!("https://other.example"),
            json!("https://op.example/"),
            json!([]),
            json!(["https://op.example", "https://other.example"]),
        ] {
            assert_eq!(check(json!({"aud": aud})), Err(AssertionError::WrongAudience));
        }
    }

    #[test]
    fn times_hold_up_to_a_minute_of_difference() {
        for (changes, expected) in [
            (json!({"exp": 941}), Ok(())),
            (json!({"exp": 940}), Err(AssertionError::Expired)),
            (json!({"exp": 1660}), Ok(())),
            (json!({"exp": 1661}), Err(AssertionError::TooLong)),
            (json!({"exp": i64::MAX}), Err(AssertionError::TooLong)),
            (json!({"nbf": 1060}), Ok(())),
            (json!({"nbf": 1061}), Err(AssertionError::NotYetValid)),
            (json!({"iat": 1061}), Err(AssertionError::NotYetValid)),
            (json!({"iss": "other"}), Err(AssertionError::WrongClient)),
            (json!({"sub": "other"}), Err(AssertionError::WrongClient)),
        ] {
            assert_eq!(check(changes.clone()), expected, "{changes}");
        }
    }
}

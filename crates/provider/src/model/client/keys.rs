//! The public keys by which a client signs what it sends: assertions (RFC 7523) and request objects
//! (RFC 9101).

use std::{fmt, sync::Arc};

use doorward_protocol::{
    claims::{Audience, numeric_date},
    jose::{ED25519, SigningAlgorithm},
    json,
    jwk::{Jwk, JwkSet, has_private_members},
    jws::UnverifiedJws,
    verification::VerificationKey,
};
use serde_json::{Map, Value};

use crate::model::settings_error::SettingsError;

/// The algorithms that clients may sign by, under each of their names.
pub const ALGORITHMS: [&str; 5] = ["PS256", "ES256", "EdDSA", ED25519, "RS256"];

/// The public keys by which a client signs.
#[derive(Clone, Default)]
pub struct ClientKeys(Arc<[VerificationKey]>);

/// Why a signed message is not taken as one of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// Not a compact JWS whose payload is a JSON object, with each member once.
    Malformed,
    /// Its `typ` is that of another kind of message.
    WrongType,
    /// `alg` is `none`, symmetric, or not allowed here.
    UnsupportedAlgorithm,
    /// No key of the client made the signature.
    BadSignature,
    /// The client publishes its keys, and they can't be fetched.
    KeysUnavailable,
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

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims of a message that one of these keys signed. `types` are the values of `typ` that
    /// it may have; a message without one passes (RFC 8725 section 3.11). `allowed` says which of
    /// [`ALGORITHMS`] are, so that the header never chooses.
    pub(crate) fn open(
        &self,
        compact: &str,
        types: &[&str],
        allowed: impl Fn(SigningAlgorithm) -> bool,
    ) -> Result<Map<String, Value>, SignatureError> {
        let jws = UnverifiedJws::parse(compact).map_err(|_| SignatureError::Malformed)?;
        let header = jws.header();
        if header.typ.is_some() && !types.iter().any(|typ| header.is_type(typ)) {
            return Err(SignatureError::WrongType);
        }
        let listed = ALGORITHMS.contains(&header.alg.as_str());
        let algorithm = header.algorithm().filter(|own| listed && allowed(*own));
        let algorithm = algorithm.ok_or(SignatureError::UnsupportedAlgorithm)?;
        let kid = header.kid.as_deref();
        let is_named =
            |key: &VerificationKey| kid.is_none_or(|kid| key.kid().is_none_or(|own| own == kid));
        let mut fitting = self.0.iter().filter(|key| key.algorithm() == algorithm && is_named(key));
        if !fitting.any(|key| key.verifies(compact)) {
            return Err(SignatureError::BadSignature);
        }
        json::unambiguous_object(jws.unverified_payload()).ok_or(SignatureError::Malformed)
    }
}

fn usable(key: &Jwk, algorithm: SigningAlgorithm) -> Option<VerificationKey> {
    // What has a thumbprint is well-formed.
    key.thumbprint().and_then(|_| VerificationKey::for_algorithm(key, algorithm))
}

/// The claims that say who made a message, for whom, and when it holds (RFC 7519 section 4.1).
/// Which of them must be there depends on the message.
#[derive(Debug, Default)]
pub(crate) struct MessageClaims {
    pub(crate) iss: Option<String>,
    pub(crate) sub: Option<String>,
    pub(crate) aud: Option<Audience>,
    pub(crate) jti: Option<String>,
    /// Seconds since 1970 (UTC), as the other times.
    pub(crate) exp: Option<i64>,
    pub(crate) nbf: Option<i64>,
    pub(crate) iat: Option<i64>,
}

impl MessageClaims {
    /// Reads the claims; `None` if one of them is empty or of another type.
    pub(crate) fn read(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| match members.get(name) {
            None => Some(None),
            Some(Value::String(text)) if !text.is_empty() => Some(Some(text.clone())),
            Some(_) => None,
        };
        let time = |name: &str| match members.get(name) {
            None => Some(None),
            Some(value) => numeric_date(value).map(Some),
        };
        let aud = members.get("aud").map(|aud| serde_json::from_value(aud.clone()).ok());
        Some(Self {
            iss: text("iss")?,
            sub: text("sub")?,
            jti: text("jti")?,
            exp: time("exp")?,
            nbf: time("nbf")?,
            iat: time("iat")?,
            aud: match aud {
                Some(read) => Some(read?),
                None => None,
            },
        })
    }

    /// Whether `nbf` and `iat` have come, for a clock that is this many seconds ahead of ours.
    pub(crate) fn has_begun(&self, now: i64, tolerance: i64) -> bool {
        [self.nbf, self.iat]
            .into_iter()
            .flatten()
            .all(|begin| begin <= now.saturating_add(tolerance))
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
}

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

/// How many keys a client has that no operator wrote down. Nobody needs more: a key, its successor,
/// and one of each algorithm.
pub(crate) const MOST_KEYS_OF_A_STRANGER: usize = 16;

/// How many keys are tried for one message. Anybody can make messages of a client, and each try
/// takes time. A message that names its key needs one.
const MOST_TRIED: usize = 4;

/// What is wrong with a setting that is no set.
const NO_SET: &str = "give a JSON Web Key Set: { keys = [{ kty = \"EC\", … }] }";

/// What is wrong with a set that tells a secret.
pub(crate) const PRIVATE_KEY: &str =
    "a key is private or symmetric: give the public part only, and make a new key";

/// The public keys by which a client signs.
#[derive(Clone, Default)]
pub struct ClientKeys {
    ready: Arc<[VerificationKey]>,
    bytes: usize,
}

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
        let Some(Value::Array(listed)) = jwks.get("keys") else { return Err(refuse(NO_SET)) };
        if has_private_keys(listed) {
            return Err(refuse(PRIVATE_KEY));
        }
        let count = listed.len();
        let keys = JwkSet::from_members(jwks)
            .map(|set| set.keys)
            .filter(|keys| keys.len() == count && count > 0);
        let keys = keys.ok_or_else(|| refuse(NO_SET))?;
        let ready: Vec<_> = keys.iter().map(Ready::of).collect();
        if ready.iter().any(Ready::is_empty) {
            return Err(refuse("a key is malformed, or for none of PS256, ES256, EdDSA, RS256"));
        }
        Ok(ready.into_iter().collect())
    }

    /// The [`usable`] keys of a published set, this many at most. `None` if there is none.
    pub(crate) fn from_published(mut jwks: Map<String, Value>, most: usize) -> Option<Self> {
        if let Some(Value::Array(listed)) = jwks.get_mut("keys") {
            // A client that publishes a private key has shown it to everybody.
            listed.retain(|key| key.as_object().is_some_and(|key| !has_private_members(key)));
        }
        let keys: Self = usable(jwks, most).map(|(_, ready)| ready).collect();
        (!keys.is_empty()).then_some(keys)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// About how many bytes of memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether these are the very same keys, read once.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ready, &other.ready)
    }

    /// The keys that are tried for a message with this header: those that it names, or those
    /// without a name if no key has the one that it gives, or all where it gives none. They are few
    /// in each case.
    fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> impl Iterator<Item = &VerificationKey> {
        let fitting = || self.ready.iter().filter(move |key| key.algorithm() == algorithm);
        let is_known = kid.is_some() && fitting().any(|key| key.kid() == kid);
        let is_tried = move |key: &&VerificationKey| match (kid, is_known) {
            (None, _) => true,
            (Some(_), true) => key.kid() == kid,
            (Some(_), false) => key.kid().is_none(),
        };
        fitting().filter(is_tried).take(MOST_TRIED)
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
        let mut candidates = self.candidates(header.kid.as_deref(), algorithm);
        if !candidates.any(|key| key.verifies(compact)) {
            return Err(SignatureError::BadSignature);
        }
        json::unambiguous_object(jws.unverified_payload()).ok_or(SignatureError::Malformed)
    }
}

/// Whether one of the keys as written is private or symmetric.
pub(crate) fn has_private_keys(listed: &[Value]) -> bool {
    listed.iter().filter_map(Value::as_object).any(has_private_members)
}

/// What is kept of the set that a client gives which no operator wrote down: the [`usable`] keys,
/// [`MOST_KEYS_OF_A_STRANGER`] at most, each with the members that a public key of its type has.
/// `None` if there is none.
pub(crate) fn kept_of_a_stranger(jwks: Map<String, Value>) -> Option<Map<String, Value>> {
    let keys = usable(jwks, MOST_KEYS_OF_A_STRANGER);
    let keys = keys.filter_map(|(key, _)| serde_json::to_value(bare(key)).ok());
    let keys: Vec<Value> = keys.collect();
    (!keys.is_empty()).then(|| Map::from_iter([("keys".to_owned(), Value::Array(keys))]))
}

/// The keys of a set that can be used here, and as what. Others are not our concern (RFC 7517
/// section 5). It gives the first of those that can be used, this many at most.
fn usable(jwks: Map<String, Value>, most: usize) -> impl Iterator<Item = (Jwk, Ready)> {
    let keys = JwkSet::from_members(jwks).unwrap_or_default().keys.into_iter();
    let ready = keys.map(|key| {
        let ready = Ready::of(&key);
        (key, ready)
    });
    ready.filter(|(_, ready)| !ready.is_empty()).take(most)
}

/// The key with the members that a public key of its type has, and no others (RFC 7518 section 6,
/// RFC 8037 section 2).
fn bare(mut key: Jwk) -> Jwk {
    (key.n, key.e, key.crv, key.x, key.y) = match key.kty.as_str() {
        "RSA" => (key.n, key.e, None, None, None),
        "EC" => (None, None, key.crv, key.x, key.y),
        _ => (None, None, key.crv, key.x, None),
    };
    key.extra.clear();
    key
}

/// One key, for each of [`ALGORITHMS`] that it can be used by, and about how many bytes these take.
struct Ready {
    keys: Vec<VerificationKey>,
    bytes: usize,
}

impl Ready {
    fn of(key: &Jwk) -> Self {
        // What has a thumbprint is well-formed.
        let is_well_formed = key.thumbprint().is_some();
        let algorithms =
            ALGORITHMS.iter().filter(|_| is_well_formed).filter_map(|name| name.parse().ok());
        let usable = |algorithm| VerificationKey::for_algorithm(key, algorithm);
        let keys: Vec<_> = algorithms.filter_map(usable).collect();
        let texts = [&key.kid, &key.n, &key.e, &key.x, &key.y];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let bytes = keys.len() * (size_of::<VerificationKey>() + texts);
        Self { keys, bytes }
    }

    fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl FromIterator<Ready> for ClientKeys {
    fn from_iter<I: IntoIterator<Item = Ready>>(keys: I) -> Self {
        let mut bytes = 0_usize;
        let mut ready = Vec::new();
        for key in keys {
            bytes = bytes.saturating_add(key.bytes);
            ready.extend(key.keys);
        }
        Self { ready: ready.into(), bytes }
    }
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
            .entries(self.ready.iter().map(|key| (key.kid(), key.algorithm())))
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
            keys(json!({"keys": [{"kty": "EC", "crv": "P-256", "x": X, "y": Y}]}))
                .unwrap()
                .ready
                .len(),
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

    fn named(kid: Option<&str>) -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": kid})
    }

    #[test]
    fn few_keys_are_tried_for_one_message() {
        let all =
            json!({"keys": (0..745).map(|kid| named(Some(&kid.to_string()))).collect::<Value>()});
        let all = keys(all).unwrap();
        let tried = |keys: &ClientKeys, kid| {
            let tried = keys.candidates(kid, SigningAlgorithm::Es256);
            tried.map(|key| key.kid().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(tried(&all, None), ["0", "1", "2", "3"]);
        assert_eq!(tried(&all, Some("744")), ["744"]);
        assert!(tried(&all, Some("745")).is_empty());
        assert_eq!(all.candidates(None, SigningAlgorithm::Ps256).count(), 0);
        let same = json!({"keys": (0..745).map(|_| named(Some("same"))).collect::<Value>()});
        assert_eq!(tried(&keys(same).unwrap(), Some("same")).len(), MOST_TRIED);
        let mixed = keys(json!({"keys": [named(None), named(Some("a")), named(None)]})).unwrap();
        assert_eq!(tried(&mixed, Some("a")), ["a"]);
        assert_eq!(tried(&mixed, Some("b")), ["", ""], "one of these may be meant");
        assert_eq!(tried(&mixed, None), ["", "a", ""]);
    }

    #[test]
    fn of_a_published_set_the_first_keys_are_kept_that_can_be_used() {
        let listed = (0..40).map(|number| match number % 2 {
            0 => json!({"kty": "EC", "crv": "P-521", "x": X, "y": Y}),
            _ => named(Some(&number.to_string())),
        });
        let jwks = Map::from_iter([("keys".to_owned(), listed.collect::<Value>())]);
        let kept = |most| {
            let keys = ClientKeys::from_published(jwks.clone(), most).unwrap();
            keys.ready.iter().map(|key| key.kid().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kept(3), ["1", "3", "5"]);
        assert_eq!(kept(usize::MAX).len(), 20);
        // The same holds for a set that a client registers.
        let registered = kept_of_a_stranger(jwks.clone()).unwrap();
        let names = registered["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str());
        let names: Vec<_> = names.map(Option::unwrap).collect();
        assert_eq!(names, kept(MOST_KEYS_OF_A_STRANGER));
        assert_eq!(names.len(), 16);
        assert_eq!(kept_of_a_stranger(registered.clone()), Some(registered));
    }

    #[test]
    fn of_a_registered_key_the_members_of_its_type_are_kept() {
        let kept = |key: &Value| {
            let set = Map::from_iter([("keys".to_owned(), json!([key]))]);
            kept_of_a_stranger(set).map(|mut set| set["keys"][0].take())
        };
        let more = json!({
            "x5t": "AQAB", "x5c": ["AQAB"], "x5u": "https://app.example/", "ext": true,
            "more": [{"": 0}],
        });
        let (modulus, other) = ("w".repeat(342), json!("text"));
        for (key, others) in [
            (json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y}), ["n", "e"].as_slice()),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": X}), &["n", "e", "y"]),
            (json!({"kty": "RSA", "n": modulus, "e": "AQAB"}), &["crv", "x", "y"]),
        ] {
            let mut key = key;
            key.as_object_mut().unwrap().extend([
                ("kid".to_owned(), json!("1")),
                ("use".to_owned(), json!("sig")),
                ("key_ops".to_owned(), json!(["verify"])),
            ]);
            let mut asked = key.clone();
            let members = asked.as_object_mut().unwrap();
            members.extend(more.as_object().unwrap().clone());
            members.extend(others.iter().map(|name| ((*name).to_owned(), other.clone())));
            assert_eq!(kept(&asked), Some(key), "{asked}");
        }
        for key in [
            json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "use": "enc"}),
            json!({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RSA-OAEP"}),
            json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "key_ops": [["verify"]]}),
            json!({"kty": "EC", "crv": "P-256", "x": "AQAB", "y": Y}),
            json!({"kty": "oct"}),
            json!([{"kty": "EC"}]),
            json!(null),
        ] {
            assert_eq!(kept(&key), None, "{key}");
        }
    }
}

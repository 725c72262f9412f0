//! Public JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037) and sets of them.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use crate::{jose::SigningAlgorithm, json};

/// Members that hold private or symmetric key material (RFC 7518 section 6.2.2, 6.3.2, 6.4). They
/// are dropped on reading, so that a [`Jwk`] can always be published and never passes on a private
/// key.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key. Members that are not listed are kept in `extra`.
///
/// ```
/// use doorward_protocol::{jose::SigningAlgorithm, jwk::Jwk};
///
/// let key = Jwk::ed25519("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
/// assert!(key.can_verify(SigningAlgorithm::EdDsa));
/// assert_eq!(
///     key.thumbprint().map(|name| name.to_string()).as_deref(),
///     Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Jwk {
    /// Family of the key: `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// Name of the key within its set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The one algorithm that the key is for, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig` or `enc`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub key_use: Option<String>,
    /// Operations that the key is for (RFC 7517 section 4.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
    /// RSA modulus, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// Curve: `P-256`, `P-384`, `P-521` or `Ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// X coordinate or Ed25519 public key, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Y coordinate, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Members that are not listed above; never private ones when the key was read.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Jwk {
    /// An RSA public key from modulus and exponent in base64url.
    pub fn rsa(modulus: impl Into<String>, exponent: impl Into<String>) -> Self {
        Self {
            kty: "RSA".to_owned(),
            n: Some(modulus.into()),
            e: Some(exponent.into()),
            ..Self::default()
        }
    }

    /// A public key on a NIST curve from its coordinates in base64url.
    pub fn ec(curve: impl Into<String>, x: impl Into<String>, y: impl Into<String>) -> Self {
        Self {
            kty: "EC".to_owned(),
            crv: Some(curve.into()),
            x: Some(x.into()),
            y: Some(y.into()),
            ..Self::default()
        }
    }

    /// An Ed25519 public key in base64url (RFC 8037 section 2).
    pub fn ed25519(x: impl Into<String>) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: Some("Ed25519".to_owned()),
            x: Some(x.into()),
            ..Self::default()
        }
    }

    /// The key as one that signs by this algorithm, under this name.
    #[must_use]
    pub fn for_signing(mut self, algorithm: SigningAlgorithm, kid: impl Into<String>) -> Self {
        self.alg = Some(algorithm.as_str().to_owned());
        self.key_use = Some("sig".to_owned());
        self.kid = Some(kid.into());
        self
    }

    /// Whether signatures of this algorithm may be checked with this key: family, curve, `use`,
    /// `key_ops` and `alg` agree and the public members are there. A key that names another
    /// algorithm is refused, so that a token can't choose how a key is used (RFC 8725 section 3.1).
    pub fn can_verify(&self, algorithm: SigningAlgorithm) -> bool {
        let has_members = match self.kty.as_str() {
            "RSA" => self.n.is_some() && self.e.is_some(),
            "EC" => self.x.is_some() && self.y.is_some(),
            "OKP" => self.x.is_some(),
            _ => false,
        };
        has_members
            && self.kty == algorithm.key_type()
            && algorithm.curve().is_none_or(|curve| self.crv.as_deref() == Some(curve))
            && self.key_use.as_deref().is_none_or(|key_use| key_use == "sig")
            && self
                .key_ops
                .as_ref()
                .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
            && self.alg.as_deref().is_none_or(|alg| SigningAlgorithm::named(alg) == Some(algorithm))
    }
}

/// Whether a key as written holds private or symmetric material.
pub fn has_private_members(members: &Map<String, Value>) -> bool {
    PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name))
}

impl Jwk {
    /// Reads a key; `None` if it has no `kty`, or a member of the wrong type.
    pub fn from_members(mut members: Map<String, Value>) -> Option<Self> {
        // One exit for all members of the wrong type: in wasm, every early return would cost code
        // that drops the members read so far.
        let mut fits = true;
        let mut text = |name: &str| match json::take(&mut members, name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                fits = false;
                None
            }
        };
        let mut jwk = Self {
            kty: text("kty").unwrap_or_default(),
            kid: text("kid"),
            alg: text("alg"),
            key_use: text("use"),
            n: text("n"),
            e: text("e"),
            crv: text("crv"),
            x: text("x"),
            y: text("y"),
            ..Self::default()
        };
        jwk.key_ops = match json::take(&mut members, "key_ops") {
            None | Some(Value::Null) => None,
            Some(Value::Array(operations)) => {
                let texts =
                    operations.iter().map(|operation| operation.as_str().map(str::to_owned));
                Some(texts.collect::<Option<_>>()?)
            }
            Some(_) => return None,
        };
        if !fits || jwk.kty.is_empty() {
            return None;
        }
        jwk.extra = json::kept(members, &|name, value| {
            !value.is_null() && !PRIVATE_MEMBERS.contains(&name)
        });
        Some(jwk)
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_members(Map::deserialize(deserializer)?)
            .ok_or_else(|| D::Error::custom("not a JSON Web Key"))
    }
}

/// A set of public keys (RFC 7517 section 5). Entries that are no keys, and symmetric keys, are
/// left out on reading.
///
/// ```
/// use doorward_protocol::{
///     jose::SigningAlgorithm,
///     jwk::{Jwk, JwkSet, KeySelectionError},
/// };
///
/// let ed25519 = Jwk::ed25519("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
/// let set = JwkSet::new(vec![ed25519.for_signing(SigningAlgorithm::EdDsa, "2026")]);
/// let key = set.select(Some("2026"), SigningAlgorithm::EdDsa)?;
/// assert_eq!(key.kid.as_deref(), Some("2026"));
/// // A key is used only for its own algorithm, whatever a token says.
/// let other = set.select(Some("2026"), SigningAlgorithm::Rs256);
/// assert_eq!(other, Err(KeySelectionError::NotFound));
/// # Ok::<(), KeySelectionError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JwkSet {
    /// The keys in the order of the document.
    pub keys: Vec<Jwk>,
}

/// Why no key of a set was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySelectionError {
    /// No key of the set fits the token's `kid` and `alg`. Keys rotate: fetching the set anew may
    /// help.
    #[error("no key of the set fits the token")]
    NotFound,
    /// The token names no key and several fit its algorithm.
    #[error("the token does not say which of several keys signed it")]
    Ambiguous,
}

impl JwkSet {
    /// A set of these keys.
    pub fn new(keys: Vec<Jwk>) -> Self {
        Self { keys }
    }

    /// The key that a token says it was signed with: by `kid`, or the only one that fits the
    /// algorithm when the token has no `kid` (OIDC Core section 10.1). The key fits the algorithm
    /// in any case.
    ///
    /// # Errors
    /// No key fits, or several do and the token does not say which.
    pub fn select(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Result<&Jwk, KeySelectionError> {
        let mut fitting = self.keys.iter().filter(|key| {
            key.can_verify(algorithm) && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        });
        let key = fitting.next().ok_or(KeySelectionError::NotFound)?;
        match fitting.next() {
            Some(_) => Err(KeySelectionError::Ambiguous),
            None => Ok(key),
        }
    }
}

impl JwkSet {
    /// Reads a set; `None` if it has no array of keys.
    pub fn from_members(mut members: Map<String, Value>) -> Option<Self> {
        let Some(Value::Array(keys)) = json::take(&mut members, "keys") else {
            return None;
        };
        let keys = keys.into_iter().filter_map(|key| match key {
            Value::Object(members) => Jwk::from_members(members),
            _ => None,
        });
        Some(Self { keys: keys.filter(|key| key.kty != "oct").collect() })
    }
}

impl<'de> Deserialize<'de> for JwkSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_members(Map::deserialize(deserializer)?)
            .ok_or_else(|| D::Error::custom("not a set of JSON Web Keys"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 7517 appendix A.1, shortened.
    const RFC_EXAMPLE: &str = r#"{"keys":[
        {"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
         "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
        {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx","e":"AQAB",
         "alg":"RS256","kid":"2011-04-29"}]}"#;

    fn rsa(kid: &str) -> Jwk {
        Jwk::rsa("AQAB", "AQAB").for_signing(SigningAlgorithm::Rs256, kid)
    }

    #[test]
    fn reads_the_rfc_example() {
        let set: JwkSet = serde_json::from_str(RFC_EXAMPLE).unwrap();
        assert_eq!(set.keys.len(), 2);
        assert!(!set.keys[0].can_verify(SigningAlgorithm::Es256), "for encryption");
        assert!(set.keys[1].can_verify(SigningAlgorithm::Rs256));
        assert!(!set.keys[1].can_verify(SigningAlgorithm::Ps256), "for RS256 only");
    }

    #[test]
    fn leaves_out_what_is_no_public_key() {
        let set: JwkSet = serde_json::from_str(
            r#"{"keys":[1,{"kid":"x"},{"kty":"oct","k":"c2VjcmV0"},{"kty":"RSA","n":5},
                {"kty":"OKP","crv":"Ed25519","x":"AA","d":"private","x5t":"kept"}],"more":true}"#,
        )
        .unwrap();
        assert_eq!(set.keys.len(), 1);
        let written = serde_json::to_string(&set).unwrap();
        assert!(!written.contains("private"));
        assert!(written.contains("kept"));
    }

    #[test]
    fn curve_family_and_operations_must_fit() {
        let key = Jwk::ec("P-384", "AA", "AA");
        assert!(key.can_verify(SigningAlgorithm::Es384));
        assert!(!key.can_verify(SigningAlgorithm::Es256));
        assert!(!key.can_verify(SigningAlgorithm::Rs384));
        let signing_only = Jwk { key_ops: Some(vec!["sign".to_owned()]), ..key };
        assert!(!signing_only.can_verify(SigningAlgorithm::Es384));
        let renamed = Jwk { alg: Some("Ed25519".to_owned()), ..Jwk::ed25519("AA") };
        assert!(renamed.can_verify(SigningAlgorithm::EdDsa));
    }

    #[test]
    fn selects_by_name_or_the_only_one() {
        let rs256 = SigningAlgorithm::Rs256;
        let set = JwkSet { keys: vec![rsa("a"), rsa("b"), Jwk::ed25519("AA")] };
        assert_eq!(set.select(Some("b"), rs256), Ok(&set.keys[1]));
        assert_eq!(set.select(Some("c"), rs256), Err(KeySelectionError::NotFound));
        assert_eq!(set.select(None, rs256), Err(KeySelectionError::Ambiguous));
        assert_eq!(set.select(None, SigningAlgorithm::EdDsa), Ok(&set.keys[2]));
        assert_eq!(
            set.select(Some("a"), SigningAlgorithm::Es256),
            Err(KeySelectionError::NotFound)
        );
    }

    #[test]
    fn writing_then_reading_gives_the_same() {
        let set = JwkSet { keys: vec![rsa("a"), Jwk::ec("P-256", "AA", "BB")] };
        let written = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<JwkSet>(&written).unwrap(), set);
        assert!(written.contains(r#""use":"sig""#));
    }
}

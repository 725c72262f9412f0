//! JWK thumbprints (RFC 7638): the name of a public key that everyone computes alike.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::{base64url, jwk::Jwk};

/// The SHA-256 thumbprint of a public key: 43 base64url characters. It is not a secret.
///
/// ```
/// use doorward_protocol::{jwk::Jwk, thumbprint::Thumbprint};
///
/// // RFC 8037 appendix A.3.
/// let key = Jwk::ed25519("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
/// let named = Thumbprint::parse("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")?;
/// assert_eq!(key.thumbprint(), Some(named));
/// # Ok::<(), doorward_protocol::thumbprint::NotAThumbprint>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Thumbprint(String);

/// The text is not base64url of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JWK thumbprint: the base64url of a SHA-256 hash")]
#[non_exhaustive]
pub struct NotAThumbprint;

impl Thumbprint {
    /// Takes what a message presented (`dpop_jkt`, `cnf.jkt`).
    ///
    /// # Errors
    /// The text is not base64url of 32 bytes.
    pub fn parse(text: impl Into<String>) -> Result<Self, NotAThumbprint> {
        let text = text.into();
        match base64url::decode(&text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text)),
            _ => Err(NotAThumbprint),
        }
    }

    /// The thumbprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Jwk {
    /// The key's thumbprint, over the members that RFC 7638 section 3.2 and RFC 8037 section 2
    /// name, in their order.
    ///
    /// `None` unless each of them is written in the one form that its RFC allows (RFC 7518 section
    /// 6.2.1 and 6.3.1): a key that may be spelled in two ways would have two names.
    pub fn thumbprint(&self) -> Option<Thumbprint> {
        // Every member is base64url or one of the names below: none needs escaping.
        let json = match (&*self.kty, &self.crv, &self.x, &self.y, &self.n, &self.e) {
            ("EC", Some(crv), Some(x), Some(y), ..) => {
                let length = coordinate_length(crv)?;
                let (x, y) = (of_length(x, length)?, of_length(y, length)?);
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            ("OKP", Some(crv), Some(x), ..) if crv == "Ed25519" => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, of_length(x, 32)?)
            }
            ("RSA", .., Some(n), Some(e)) => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, unsigned(e)?, unsigned(n)?)
            }
            _ => return None,
        };
        Some(Thumbprint(base64url::encode(Sha256::digest(json))))
    }
}

fn coordinate_length(curve: &str) -> Option<usize> {
    match curve {
        "P-256" => Some(32),
        "P-384" => Some(48),
        "P-521" => Some(66),
        _ => None,
    }
}

fn of_length(text: &str, length: usize) -> Option<&str> {
    base64url::decode(text).is_ok_and(|bytes| bytes.len() == length).then_some(text)
}

/// A number in the fewest octets that hold it.
fn unsigned(text: &str) -> Option<&str> {
    base64url::decode(text)
        .is_ok_and(|bytes| bytes.first().is_some_and(|first| *first != 0))
        .then_some(text)
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn thumbprint(jwk: serde_json::Value) -> Option<String> {
        let jwk: Jwk = serde_json::from_value(jwk).unwrap();
        jwk.thumbprint().map(|own| own.to_string())
    }

    /// RFC 7638 section 3.1: members beside the required ones do not count.
    #[test]
    fn the_rsa_example_of_rfc_7638_holds() {
        let example = json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        assert_eq!(thumbprint(example).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// RFC 8037 appendix A.3.
    #[test]
    fn the_ed25519_example_of_rfc_8037_holds() {
        let example = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        assert_eq!(thumbprint(example).unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// RFC 9449 section 4.1 (the key) and section 6.1 (its thumbprint).
    #[test]
    fn the_ec_example_of_rfc_9449_holds() {
        let example = json!({
            "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        });
        assert_eq!(thumbprint(example).unwrap(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn each_curve_has_its_length() {
        let key = |crv: &str, bytes: usize| {
            let coordinate = base64url::encode(vec![7; bytes]);
            thumbprint(json!({"kty": "EC", "crv": crv, "x": coordinate, "y": coordinate})).is_some()
        };
        assert!(key("P-256", 32) && key("P-384", 48) && key("P-521", 66));
        assert!(
            !key("P-256", 31) && !key("P-256", 33) && !key("P-384", 32) && !key("secp256k1", 32)
        );
    }

    #[test]
    fn a_key_in_another_spelling_has_no_thumbprint() {
        for jwk in [
            json!({"kty": "RSA", "n": "AAEC", "e": "AQAB"}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AAEAAQ"}),
            json!({"kty": "RSA", "n": "AQAB==", "e": "AQAB"}),
            json!({"kty": "RSA", "n": "", "e": "AQAB"}),
            json!({"kty": "RSA", "e": "AQAB"}),
            json!({
                "kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}),
            json!({"kty": "oct", "k": "AQAB"}),
        ] {
            assert_eq!(thumbprint(jwk.clone()), None, "{jwk}");
        }
    }

    #[test]
    fn reads_only_what_can_be_a_thumbprint() {
        assert!(Thumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").is_ok());
        for text in [
            "",
            "short",
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I=",
            "0ZcOCORZNYy+DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        ] {
            assert_eq!(Thumbprint::parse(text), Err(NotAThumbprint), "{text}");
        }
    }
}

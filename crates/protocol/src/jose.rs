//! Signature algorithms of JSON Web Tokens (RFC 7518 section 3.1, RFC 8037) and the hash that binds
//! tokens to ID tokens.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::base64url;

/// An asymmetric signature algorithm. There are no values for `none` and the HMAC family, so no
/// setting and no token can name them.
///
/// ```
/// use doorward_protocol::jose::SigningAlgorithm;
///
/// assert_eq!("ES256".parse(), Ok(SigningAlgorithm::Es256));
/// assert!("none".parse::<SigningAlgorithm>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "a verifier decides how each is checked")]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, the default of OIDC Core.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512. Browsers verify it; servers here do not.
    Es512,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

/// The name that RFC 9864 gives to `EdDSA` with the curve of that name. Some software writes only
/// this one.
pub const ED25519: &str = "Ed25519";

/// The algorithm is unknown here or not asymmetric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a supported signature algorithm; use RS256 or PS256 (or their 384 and 512 forms), ES256, \
     ES384 or EdDSA"
)]
#[non_exhaustive]
pub struct UnsupportedAlgorithm;

impl SigningAlgorithm {
    /// Every algorithm, in the order of declaration.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The algorithm that the `alg` of a message or a key names, by any of its names.
    pub fn named(alg: &str) -> Option<Self> {
        if alg == ED25519 { Some(Self::EdDsa) } else { alg.parse().ok() }
    }

    /// The `alg` value (RFC 7518 section 3.1), as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The `kty` of keys for this algorithm (RFC 7518 section 6.1, RFC 8037 section 2).
    pub fn key_type(self) -> &'static str {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                "RSA"
            }
            Self::Es256 | Self::Es384 | Self::Es512 => "EC",
            Self::EdDsa => "OKP",
        }
    }

    /// The `crv` of keys for this algorithm, where there is one.
    pub fn curve(self) -> Option<&'static str> {
        match self {
            Self::Es256 => Some("P-256"),
            Self::Es384 => Some("P-384"),
            Self::Es512 => Some("P-521"),
            Self::EdDsa => Some("Ed25519"),
            _ => None,
        }
    }

    /// The base64url of the left half of the token's hash: `at_hash` and `c_hash` (OIDC Core
    /// section 3.1.3.6). The hash is that of the algorithm; SHA-512 for Ed25519.
    pub fn left_half_hash(self, token: &str) -> String {
        let left = |hash: &[u8]| base64url::encode(&hash[..hash.len() / 2]);
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => left(&Sha256::digest(token)),
            Self::Rs384 | Self::Ps384 | Self::Es384 => left(&Sha384::digest(token)),
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::EdDsa => left(&Sha512::digest(token)),
        }
    }
}

impl FromStr for SigningAlgorithm {
    type Err = UnsupportedAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnsupportedAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or(UnsupportedAlgorithm)
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for SigningAlgorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SigningAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// OIDC Core appendix A.3: `at_hash` in the example ID token of `response_type=id_token token`.
    #[test]
    fn the_openid_example_holds() {
        let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(SigningAlgorithm::Rs256.left_half_hash(access_token), "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn neither_none_nor_hmac_can_be_named() {
        for text in ["none", "None", "HS256", "rs256", ""] {
            assert_eq!(text.parse::<SigningAlgorithm>(), Err(UnsupportedAlgorithm));
        }
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
            assert_eq!(SigningAlgorithm::named(algorithm.as_str()), Some(algorithm));
        }
    }

    #[test]
    fn ed25519_is_read_by_both_names_and_written_by_one() {
        assert_eq!(SigningAlgorithm::named("Ed25519"), Some(SigningAlgorithm::EdDsa));
        assert_eq!("Ed25519".parse::<SigningAlgorithm>(), Err(UnsupportedAlgorithm));
        assert_eq!(SigningAlgorithm::named("Ed448"), None);
    }
}

//! Proof Key for Code Exchange (RFC 7636), method S256 only (RFC 9700 section 2.1.1).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::base64url;

/// The value of `code_challenge_method` that is served.
pub const S256: &str = "S256";

/// A `code_verifier`: 43 to 128 unreserved characters (RFC 7636 section 4.1). Secret until the code
/// is redeemed.
///
/// ```
/// use doorward_protocol::pkce::{CodeChallenge, CodeVerifier};
///
/// // RFC 7636 appendix B. A client makes a verifier by `from_entropy`.
/// let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")?;
/// let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")?;
/// assert_eq!(verifier.challenge(), challenge);
/// assert!(challenge.matches(&verifier));
/// assert!(!challenge.matches(&CodeVerifier::from_entropy([7; 32])));
/// # Ok::<(), doorward_protocol::pkce::PkceError>(())
/// ```
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct CodeVerifier(String);

/// A `code_challenge` of method S256 (RFC 7636 section 4.2): 43 to 128 unreserved characters by the
/// grammar, of which only the 43 base64url characters of a SHA-256 hash can ever match. See
/// [`CodeVerifier`] for an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

/// Why a verifier or a challenge was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PkceError {
    /// RFC 7636 section 4.1.
    #[error("code_verifier must be 43 to 128 letters, digits, '-', '.', '_' or '~'")]
    InvalidVerifier,
    /// RFC 7636 section 4.2.
    #[error("code_challenge must be 43 to 128 letters, digits, '-', '.', '_' or '~'")]
    InvalidChallenge,
}

impl CodeVerifier {
    /// Makes a verifier of 43 characters out of 32 random bytes.
    pub fn from_entropy(random: [u8; 32]) -> Self {
        Self(base64url::encode(random))
    }

    /// Reads a verifier.
    ///
    /// # Errors
    /// The text has another length, or another character.
    pub fn parse(text: impl Into<String>) -> Result<Self, PkceError> {
        let text = text.into();
        if is_unreserved(&text) { Ok(Self(text)) } else { Err(PkceError::InvalidVerifier) }
    }

    /// The S256 challenge of this verifier.
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(base64url::encode(Sha256::digest(&self.0)))
    }

    /// The text itself, for the token request and for the state store.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// `43*128unreserved` (RFC 7636 sections 4.1 and 4.2).
fn is_unreserved(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CodeVerifier(redacted)")
    }
}

impl CodeChallenge {
    /// Reads a challenge.
    ///
    /// # Errors
    /// The text has another length, or another character.
    pub fn parse(text: impl Into<String>) -> Result<Self, PkceError> {
        let text = text.into();
        if is_unreserved(&text) { Ok(Self(text)) } else { Err(PkceError::InvalidChallenge) }
    }

    /// Whether the verifier is the one the challenge was made from; constant time.
    pub fn matches(&self, verifier: &CodeVerifier) -> bool {
        self.0.as_bytes().ct_eq(verifier.challenge().0.as_bytes()).into()
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for CodeVerifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for CodeChallenge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 7636 appendix B.
    #[test]
    fn the_rfc_example_holds() {
        let octets: [u8; 32] = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212,
            37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = CodeVerifier::from_entropy(octets);
        assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(verifier.challenge().matches(&verifier));
    }

    #[test]
    fn verifier_limits() {
        assert!(CodeVerifier::parse("a".repeat(42)).is_err());
        assert!(CodeVerifier::parse("a".repeat(43)).is_ok());
        assert!(CodeVerifier::parse("~".repeat(128)).is_ok());
        assert!(CodeVerifier::parse("a".repeat(129)).is_err());
        assert!(CodeVerifier::parse(format!("{}+", "a".repeat(43))).is_err());
        assert!(CodeVerifier::parse(format!("{}é", "a".repeat(43))).is_err());
    }

    #[test]
    fn challenge_limits() {
        assert!(CodeChallenge::parse("A".repeat(43)).is_ok());
        assert!(CodeChallenge::parse("A".repeat(42)).is_err());
        assert!(CodeChallenge::parse("A".repeat(128)).is_ok());
        assert!(CodeChallenge::parse("A".repeat(129)).is_err());
        assert!(CodeChallenge::parse(format!("{}=", "A".repeat(43))).is_err());
        assert!(CodeChallenge::parse(format!("{}+", "A".repeat(42))).is_err());
    }

    #[test]
    fn another_verifier_does_not_match() {
        let challenge = CodeVerifier::from_entropy([1; 32]).challenge();
        assert!(!challenge.matches(&CodeVerifier::from_entropy([2; 32])));
    }
}

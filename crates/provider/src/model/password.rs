//! Password hashes: Argon2id (RFC 9106).

use std::fmt;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use doorward_protocol::secret::Secret;
use unicode_normalization::UnicodeNormalization as _;

/// An Argon2id hash in PHC string form, with its salt and parameters. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password could not be hashed or a hash not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The text is no Argon2 hash in PHC form.
    #[error("not an Argon2id hash in PHC form ($argon2id$…)")]
    NotAHash,
    /// More than 1,024 bytes.
    #[error("a password must have 1 to 1024 bytes")]
    Length,
    /// The hash could not be computed.
    #[error("the password could not be hashed")]
    Hashing,
}

/// Longer passwords are refused before they are hashed.
const MAX_LENGTH: usize = 1024;

impl PasswordHash {
    /// Hashes a password with a fresh salt: Argon2id, 19 MiB, 2 passes, 1 lane (the OWASP
    /// baseline). Takes about 20 ms.
    pub fn compute(password: &Secret) -> Result<Self, PasswordError> {
        let prepared = prepared(password);
        let bytes = prepared.expose().as_bytes();
        if bytes.is_empty() || password.expose().len().max(bytes.len()) > MAX_LENGTH {
            return Err(PasswordError::Length);
        }
        let hash: phc::PasswordHash =
            Argon2::default().hash_password(bytes).map_err(|_| PasswordError::Hashing)?;
        Ok(Self(hash.to_string()))
    }

    /// Reads a hash in PHC form; only Argon2id is accepted.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordError::NotAHash)?;
        if hash.algorithm.as_str() == "argon2id" {
            Ok(Self(text.to_owned()))
        } else {
            Err(PasswordError::NotAHash)
        }
    }

    /// A hash that the store kept and that was read with care before it went there; it is looked at
    /// here by its beginning only.
    pub fn stored(text: String) -> Result<Self, PasswordError> {
        if text.starts_with("$argon2id$") { Ok(Self(text)) } else { Err(PasswordError::NotAHash) }
    }

    /// The PHC string, for the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the password is the one that was hashed, however its accents are written. As typed
    /// it counts, too: hashes from before passwords were prepared are of that form.
    pub fn verify(&self, password: &Secret) -> bool {
        let prepared = prepared(password);
        self.verify_bytes(&prepared) || (prepared != *password && self.verify_bytes(password))
    }

    fn verify_bytes(&self, password: &Secret) -> bool {
        let bytes = password.expose().as_bytes();
        bytes.len() <= MAX_LENGTH
            && phc::PasswordHash::new(&self.0)
                .is_ok_and(|hash| Argon2::default().verify_password(bytes, &hash).is_ok())
    }
}

/// The form in which passwords are hashed (RFC 8265 section 4.2, OpaqueString): other spaces are
/// the ASCII space, and characters are in Unicode's composed form (NFC).
fn prepared(password: &Secret) -> Secret {
    let with_ascii_spaces =
        password.expose().chars().map(|letter| if is_other_space(letter) { ' ' } else { letter });
    Secret::new(with_ascii_spaces.nfc().collect::<String>())
}

/// Whether this is a space (general category Zs) beside the ASCII one.
fn is_other_space(letter: char) -> bool {
    matches!(
        letter,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hashes_verify_and_differ_by_salt() {
        let password = Secret::new("correct horse");
        let (one, two) =
            (PasswordHash::compute(&password).unwrap(), PasswordHash::compute(&password).unwrap());
        assert_ne!(one, two);
        assert!(one.verify(&password) && two.verify(&password));
        assert!(!one.verify(&Secret::new("wrong horse")));
        assert_eq!(PasswordHash::parse(one.as_str()).unwrap(), one);
        assert!(!format!("{one:?}").contains("argon2"));
    }

    #[test]
    fn verifies_however_accents_and_spaces_are_written() {
        let (composed, decomposed) =
            (Secret::new("caf\u{e9} au lait"), Secret::new("cafe\u{301}\u{a0}au lait"));
        for set in [&composed, &decomposed] {
            let hash = PasswordHash::compute(set).unwrap();
            assert!(hash.verify(&composed) && hash.verify(&decomposed));
            assert!(!hash.verify(&Secret::new("cafe au lait")));
        }
        // A hash of the bytes as they were typed, as earlier versions made it.
        let bytes = decomposed.expose().as_bytes();
        let earlier: phc::PasswordHash = Argon2::default().hash_password(bytes).unwrap();
        let earlier = PasswordHash::parse(&earlier.to_string()).unwrap();
        assert!(earlier.verify(&decomposed));
    }

    #[test]
    fn refuses_other_hashes_and_lengths() {
        assert_eq!(PasswordHash::parse("plain"), Err(PasswordError::NotAHash));
        assert_eq!(PasswordHash::compute(&Secret::new("")), Err(PasswordError::Length));
        assert_eq!(
            PasswordHash::compute(&Secret::new("x".repeat(1025))),
            Err(PasswordError::Length)
        );
    }
}

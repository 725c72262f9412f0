//! User codes: short enough to be typed from another screen (RFC 8628 section 6.1).

use sha2::{Digest as _, Sha256};

use crate::model::time::Entropy;

/// Consonants that look and sound unlike each other; without vowels no words come out (section
/// 6.1). 20 letters to the power of 8 are 34 bits: enough for a few minutes behind a throttle.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A user code in its one form: eight letters of the alphabet in upper case.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

/// SHA-256 of a user code: what the store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserCodeHash([u8; 32]);

impl UserCode {
    /// Draws a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut letters = String::with_capacity(LENGTH);
        while letters.len() < LENGTH {
            for byte in entropy.bytes() {
                // 240 is the last multiple of 20 that fits: what lies beyond would favour some
                // letters.
                if byte < 240 && letters.len() < LENGTH {
                    letters.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
                }
            }
        }
        Self(letters)
    }

    /// Reads what a user typed, in any case and with whatever stands between the letters; `None` if
    /// it is not a user code.
    pub fn typed(text: &str) -> Option<Self> {
        let letters: String = text
            .chars()
            .filter(|letter| !matches!(letter, ' ' | '-' | '.' | '_' | '–' | '—' | '\u{a0}'))
            .collect();
        let letters = letters.to_ascii_uppercase();
        let is_code =
            letters.len() == LENGTH && letters.bytes().all(|letter| ALPHABET.contains(&letter));
        is_code.then_some(Self(letters))
    }

    /// As it is shown: two groups.
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at(LENGTH / 2);
        format!("{first}-{second}")
    }

    /// The hash under which the store knows it.
    pub fn hash(&self) -> UserCodeHash {
        UserCodeHash(Sha256::digest(&self.0).into())
    }
}

/// Whoever knows a user code can try to have it confirmed by somebody else.
impl std::fmt::Debug for UserCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("UserCode(redacted)")
    }
}

impl UserCodeHash {
    /// Takes a hash out of the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::time::SystemEntropy;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_however_it_is_typed() {
        let code = UserCode::generate(&SystemEntropy);
        assert_eq!(code.shown().len(), 9);
        assert_eq!(UserCode::typed(&code.shown()), Some(code));
        let expected = UserCode::typed("WDJB-MJHT").unwrap();
        for typed in ["wdjbmjht", " WDJB MJHT ", "w-d-j-b-m-j-h-t", "WDJB–MJHT", "wdjb.mjht"] {
            assert_eq!(UserCode::typed(typed), Some(expected.clone()), "{typed}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for typed in ["", "WDJB-MJH", "WDJB-MJHTX", "WDJA-MJHT", "12345678", "WDJB-MJH\u{131}"] {
            assert_eq!(UserCode::typed(typed), None, "{typed}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", UserCode::typed("WDJB-MJHT").unwrap()).contains("WDJB"));
    }
}

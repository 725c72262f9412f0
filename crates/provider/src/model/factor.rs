//! What a user has beside a password: an authenticator app (RFC 6238), recovery codes and passkeys
//! (Web Authentication Level 3), as the store keeps them.

use std::fmt;

use doorward_protocol::ids::Sub;
use sha2::{Digest as _, Sha256};

use crate::model::{
    signing_key::SealedKey,
    time::{Entropy, Timestamp},
};

/// An authenticator app of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTotp {
    /// Whose it is.
    pub sub: Sub,
    /// Whether a code of it was entered. One without is being set up.
    pub confirmed: bool,
    /// The shared secret, encrypted.
    pub secret: SealedKey,
    /// The time step of the last code that was accepted.
    pub last_step: i64,
    /// How many wrong codes were entered since the last right one.
    pub failures: u32,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// A passkey of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPasskey {
    /// The identifier that the authenticator chose.
    pub credential_id: Vec<u8>,
    /// Whose it is.
    pub sub: Sub,
    /// What the authenticator knows the user by: 16 random bytes, the same for all passkeys of a
    /// user. It says nothing about who that is (Web Authentication Level 3 section 14.6.1).
    pub user_handle: Vec<u8>,
    /// What the user calls it.
    pub name: String,
    /// The public key and what is checked with it, as JSON of the library that verifies.
    pub credential: String,
    /// The signature counter (Web Authentication Level 3 section 6.1.1); 0 where there is none.
    pub counter: u32,
    /// Whether it may be copied to other devices.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was used last.
    pub used_at: Option<Timestamp>,
}

/// Which factors a user has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FactorSummary {
    /// Since when there is an authenticator app.
    pub totp_since: Option<Timestamp>,
    /// How many recovery codes are unused.
    pub recovery_codes: u32,
    /// How many passkeys there are.
    pub passkeys: u32,
    /// How many identities at other providers are linked. They are no second factor.
    pub identities: u32,
}

impl FactorSummary {
    /// Whether a password alone does not sign this user in.
    pub fn has_second_step(&self) -> bool {
        self.totp_since.is_some()
    }

    /// Whether the factors are these; identities at other providers are none.
    pub fn has_factors_of(&self, other: Self) -> bool {
        Self { identities: self.identities, ..other } == *self
    }

    /// Whether there is any, recovery codes included; identities at other providers are none.
    pub fn has_any(&self) -> bool {
        self.is_strong() || self.recovery_codes > 0
    }

    /// Whether there is something that is stronger than a password alone.
    pub fn is_strong(&self) -> bool {
        self.totp_since.is_some() || self.passkeys > 0
    }

    /// Whether the user can do without a password: there are two passkeys, or one and a recovery
    /// code for the day on which it is lost, or another provider vouches for the user.
    pub fn replace_a_password(&self) -> bool {
        let by_passkeys = self.passkeys > 1 || (self.passkeys == 1 && self.recovery_codes > 0);
        by_passkeys || self.identities > 0
    }

    /// In how many ways a user without a password signs in: a recovery code is none, since it
    /// counts once.
    pub fn ways_in(&self) -> u32 {
        self.passkeys.saturating_add(self.identities)
    }
}

/// How many recovery codes are made at a time.
pub const RECOVERY_CODES: usize = 10;
/// With this many or fewer left, the user is told to make new ones.
pub const FEW_RECOVERY_CODES: u32 = 3;
/// How many passkeys a user may have.
pub const MOST_PASSKEYS: u32 = 20;

/// Letters and digits that are not mistaken for each other. There are 32, so each is 5 bits.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_LENGTH: usize = 24;
const GROUP: usize = 4;

/// A recovery code: 24 characters, 120 bits. NIST SP 800-63B-4 section 3.1.2 asks for a slow hash
/// below 112 bits; so a fast one will do.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

/// SHA-256 of a recovery code and its user: what the store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryCodeHash([u8; 32]);

impl RecoveryCode {
    /// Draws a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let bytes = entropy.bytes();
        let letters = bytes.iter().take(CODE_LENGTH);
        Self(letters.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
    }

    /// Draws as many as a user gets.
    pub fn generate_all(entropy: &dyn Entropy) -> Vec<Self> {
        (0..RECOVERY_CODES).map(|_| Self::generate(entropy)).collect()
    }

    /// Reads what a user typed, in any case and with whatever stands between the groups; `None` if
    /// it is not a recovery code.
    pub fn typed(text: &str) -> Option<Self> {
        let letters: String = text
            .chars()
            .filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '–' | '—' | '.'))
            .take(CODE_LENGTH + 1)
            .collect();
        let letters = letters.to_ascii_uppercase();
        let is_code =
            letters.len() == CODE_LENGTH && letters.bytes().all(|own| ALPHABET.contains(&own));
        is_code.then_some(Self(letters))
    }

    /// As it is shown: six groups.
    pub fn shown(&self) -> String {
        let mut shown = String::with_capacity(CODE_LENGTH + CODE_LENGTH / GROUP);
        for (index, letter) in self.0.chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                shown.push('-');
            }
            shown.push(letter);
        }
        shown
    }

    /// The hash under which the store knows it as this user's.
    pub fn hash(&self, sub: &Sub) -> RecoveryCodeHash {
        // No sub has a zero byte.
        let hash = Sha256::new().chain_update(sub.as_str()).chain_update([0]).chain_update(&self.0);
        RecoveryCodeHash(hash.finalize().into())
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryCode(redacted)")
    }
}

impl RecoveryCodeHash {
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
        let code = RecoveryCode::generate(&SystemEntropy);
        let shown = code.shown();
        assert_eq!(shown.len(), 29);
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', " ")] {
            assert_eq!(RecoveryCode::typed(&typed), Some(code.clone()), "{typed}");
        }
        assert_eq!(RecoveryCode::typed(&shown[1..]), None);
        assert_eq!(RecoveryCode::typed(&format!("{shown}A")), None);
        assert_eq!(RecoveryCode::typed(&shown.replace('-', "I")), None);
        assert!(!format!("{code:?}").contains(&shown[..4]));
    }

    #[test]
    fn the_same_code_of_two_users_has_two_hashes() {
        let code = RecoveryCode::generate(&SystemEntropy);
        let [alice, bob] = ["alice", "bob"].map(|sub| Sub::parse(sub).unwrap());
        assert_eq!(code.hash(&alice), code.hash(&alice));
        assert_ne!(code.hash(&alice), code.hash(&bob));
    }

    #[test]
    fn ten_different_ones_are_drawn() {
        let mut codes: Vec<String> =
            RecoveryCode::generate_all(&SystemEntropy).iter().map(RecoveryCode::shown).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), RECOVERY_CODES);
    }
}

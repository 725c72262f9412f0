//! Signing keys as the store keeps them: encrypted.

use std::fmt;

use doorward_protocol::jose::SigningAlgorithm;

use crate::model::time::{Seconds, Timestamp};

/// How long a key stays published after its successor took over. A JWT must end within this time
/// after it was signed: afterwards nobody may be able to verify it.
pub const RETAINED_FOR: Seconds = Seconds::new(14 * 86_400);

/// A signing key as the store keeps it.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// Key identifier (RFC 7517 section 4.5), random.
    pub kid: String,
    /// The one algorithm that it signs by.
    pub algorithm: SigningAlgorithm,
    /// It signs from this timestamp on. Before, it is only published.
    pub activates_at: Timestamp,
    /// The private key, encrypted.
    pub sealed: SealedKey,
}

/// A private key, encrypted: nonce and ciphertext with tag. The `kid` is authenticated with it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey(Vec<u8>);

impl SealedKey {
    /// Takes the bytes out of the store.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealedKey(redacted)")
    }
}

//! Identities of messages that may be used once.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Identifies such a message: a SHA-256 hash of its kind, its author and its `jti`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageIdentity([u8; 32]);

impl MessageIdentity {
    /// Takes a hash.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Identifies a message of this kind by its author and its `jti`.
    pub(crate) fn of(kind: &str, author: &str, jti: &str) -> Self {
        let identity =
            Sha256::new().chain_update(kind).chain_update(Sha256::digest(author)).chain_update(jti);
        Self(identity.finalize().into())
    }

    /// The 32 bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MessageIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MessageIdentity(redacted)")
    }
}

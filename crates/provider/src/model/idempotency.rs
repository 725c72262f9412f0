//! Requests that a caller may repeat without doing twice what they ask for (the header
//! `Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header).

use crate::model::{signing_key::SealedKey, time::Timestamp};

/// A request under a key that its caller chose. All three are hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Of the key and its caller.
    pub key: [u8; 32],
    /// Of the caller, to count keys by.
    pub caller: [u8; 32],
    /// Of what is asked for: another request under the same key is a mistake.
    pub request: [u8; 32],
    /// The key is free again from this timestamp on.
    pub expires_at: Timestamp,
}

/// What became of a request under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptAnswer {
    /// It is being answered.
    None,
    /// It was answered so: encrypted, for it may hold a secret that is shown once.
    Sealed(SealedKey),
}

//! Requests that a caller may repeat without doing twice what they ask for (the header
//! `Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header).

use crate::model::{signing_key::SealedKey, time::Timestamp};

/// A request under a key that its caller chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// A hash of the key and its caller.
    pub key: [u8; 32],
    /// A hash of the caller, to count keys by.
    pub caller: [u8; 32],
    /// A code over what is asked for: another request under the same key is a mistake. It is made
    /// with a secret, for a body may hold a password.
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

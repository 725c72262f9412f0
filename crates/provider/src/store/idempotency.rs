//! Keys under which a request may be repeated.

use async_trait::async_trait;

use crate::{
    model::{
        idempotency::{IdempotentRequest, KeptAnswer},
        signing_key::SealedKey,
        time::Timestamp,
    },
    store::StoreError,
};

/// The outcome of [`IdempotencyKeys::begin_request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The key is new: do what is asked for, and report by
    /// [`finish_request`](IdempotencyKeys::finish_request) or
    /// [`forget_request`](IdempotencyKeys::forget_request).
    New,
    /// The same request came before.
    Known(KeptAnswer),
    /// Another request came under this key before.
    Other,
    /// The caller has as many keys as may be.
    TooMany,
}

/// The table of keys.
#[async_trait]
pub trait IdempotencyKeys: Send + Sync + 'static {
    /// Takes a key for a request, unless it was taken and has not expired, or its caller has `most`
    /// of them. Of any number of calls at the same time one gets [`Begun::New`].
    async fn begin_request(
        &self,
        request: IdempotentRequest,
        most: u32,
        now: Timestamp,
    ) -> Result<Begun, StoreError>;
    /// Keeps the answer until that timestamp.
    async fn finish_request(
        &self,
        key: [u8; 32],
        answer: SealedKey,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Frees a key: what was asked for was not done.
    async fn forget_request(&self, key: [u8; 32]) -> Result<(), StoreError>;
}

//! Pushed authorization requests (RFC 9126).

use async_trait::async_trait;

use crate::{
    model::{
        pushed_request::{Held, PushedRequest},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::StoreError,
};

/// The pushed requests table.
#[async_trait]
pub trait PushedRequests: Send + Sync + 'static {
    /// Adds a pushed authorization request.
    async fn add_pushed_request(&self, request: PushedRequest) -> Result<(), StoreError>;
    /// The pushed request with this hash, unless it has expired or was consumed.
    async fn pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError>;
    /// Lets a pushed request live until that moment, and remembers what the user came with. Only
    /// the first call does anything, so that the request ends in any case.
    async fn hold_pushed_request(
        &self,
        hash: TokenHash,
        held: Held,
        until: Timestamp,
    ) -> Result<(), StoreError>;
    /// Takes a pushed request away: `true` for the one call that it was still there for, unexpired.
    async fn consume_pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

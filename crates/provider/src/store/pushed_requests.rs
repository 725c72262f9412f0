//! Pushed authorization requests (RFC 9126).

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;

use crate::{
    model::{
        pushed_request::{FirstVisit, PushedRequest},
        throttle::WaitingBound,
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::StoreError,
};

/// The pushed requests table.
#[async_trait]
pub trait PushedRequests: Send + Sync + 'static {
    /// Adds a pushed authorization request. `false`, and nothing is added, if it has no place: as
    /// many as `bound` allows wait already. See [`WaitingBound`] for which one makes room.
    async fn add_pushed_request(
        &self,
        request: PushedRequest,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Whether a further request of this client would find a place. Nothing is changed.
    async fn has_place_for_pushed_request(
        &self,
        client_id: &ClientId,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The pushed request with this hash, unless it has expired or was consumed.
    async fn pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError>;
    /// Sets when a pushed request expires, and stores what the user came with. Only the first call
    /// does anything, so that no request lives for ever.
    async fn hold_pushed_request(
        &self,
        hash: TokenHash,
        held: FirstVisit,
        until: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes a pushed request. Returns `true` once, if it had not expired.
    async fn consume_pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

//! What keeps the database healthy: the removal of expired rows, and the readiness check.

use async_trait::async_trait;

use crate::{model::time::Timestamp, store::StoreError};

/// Commands that belong to no single table.
#[async_trait]
pub trait Maintenance: Send + Sync + 'static {
    /// Removes at most `limit` expired rows of each kind, and returns how many. Each kind is a
    /// transaction of its own, followed by a pause as long as it took.
    async fn remove_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
    /// Removes a page of what commands have left to the server: the sessions of users who are
    /// disabled, with notices for their clients, and everything of clients that were removed.
    /// Nobody finds any of it any more. Returns how many rows it removed or changed, and 0 if
    /// nothing is left by now. Several processes can do it at once.
    async fn remove_left_behind(&self, now: Timestamp) -> Result<u64, StoreError>;
    /// Fails with [`StoreError::WrongClock`] if `now` differs from the database's clock by more
    /// than the store's bound. A caller must not remove anything for its age then, nor make or
    /// remove signing keys.
    async fn check_clock(&self, now: Timestamp) -> Result<(), StoreError>;
    /// Answers if the database does, and accepts writes.
    async fn ping(&self) -> Result<(), StoreError>;
    /// Answers if the database answers a query. One whose disk is full, or that only reads, does.
    async fn answers_queries(&self) -> Result<(), StoreError>;
}

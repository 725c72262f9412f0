//! What keeps the database healthy: the removal of expired rows, and the readiness check.

use async_trait::async_trait;

use crate::{model::time::Timestamp, store::StoreError};

/// Commands that belong to no single table.
#[async_trait]
pub trait Maintenance: Send + Sync + 'static {
    /// Removes at most `limit` rows of each kind that are of no more use; returns how many went.
    async fn remove_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
    /// Answers if the database does.
    async fn ping(&self) -> Result<(), StoreError>;
}

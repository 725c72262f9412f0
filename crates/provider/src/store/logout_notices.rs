//! The outbox of OpenID Connect Back-Channel Logout 1.0.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;

use crate::{
    model::{logout_notice::LogoutNotice, time::Timestamp},
    store::StoreError,
};

/// The logout notices that clients have still to be sent.
#[async_trait]
pub trait LogoutNotices: Send + Sync + 'static {
    /// Takes up to `limit` logout notices for this client that are due, those that wait longest
    /// first. Each counts an attempt and is due again at `due_again`, unless until then the caller
    /// drops or postpones it; so none is lost with a process that dies, and no two callers have one
    /// at once.
    async fn claim_logout_notices(
        &self,
        client_id: &ClientId,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<LogoutNotice>, StoreError>;
    /// Whether any client has a notice that is due.
    async fn logout_notice_is_due(&self, now: Timestamp) -> Result<bool, StoreError>;
    /// Makes a logout notice due at that timestamp.
    async fn postpone_logout_notice(&self, id: i64, due: Timestamp) -> Result<(), StoreError>;
    /// Removes a logout notice: delivered, or given up.
    async fn drop_logout_notice(&self, id: i64) -> Result<(), StoreError>;
}

//! Account events: what users see of what happened to their accounts.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;

use crate::{
    model::account_event::{AccountEvent, KeptEvent},
    store::StoreError,
};

/// The table of account events.
#[async_trait]
pub trait AccountEvents: Send + Sync + 'static {
    /// Keeps an event if the user is still there. Beyond
    /// [`MOST_PER_USER`](crate::model::account_event::MOST_PER_USER) the user's oldest goes.
    async fn add_account_event(&self, event: AccountEvent) -> Result<(), StoreError>;
    /// At most `limit` events of a user, the latest first: those with a smaller number than
    /// `before`, if it is given.
    async fn account_events(
        &self,
        sub: &Sub,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, StoreError>;
}

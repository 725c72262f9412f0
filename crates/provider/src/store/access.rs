//! The access that a user gave to clients, summed up over grants and consents.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, Sub};

use crate::{
    model::{client_access::ClientAccess, time::Timestamp},
    store::StoreError,
};

/// What a user sees and revokes as the access of a client.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// The access that clients have by live grants or remembered consents of this user: one entry
    /// for each client and scope, for at most `limit` clients in the order of their identifiers,
    /// from the one after `after` on.
    async fn access_of(
        &self,
        sub: &Sub,
        after: Option<&ClientId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<ClientAccess>, StoreError>;
    /// Revokes a client's grants for this user, also those that a process with a faster clock has
    /// made, and forgets the consent. What could become a grant is removed, too: codes, and what
    /// devices were allowed. Works in pages; after an error it can be repeated.
    async fn revoke_access(
        &self,
        sub: &Sub,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

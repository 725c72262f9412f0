//! Grants: what a user allowed a client, from which its tokens are issued.

use std::sync::Arc;

use async_trait::async_trait;
use doorward_protocol::ids::GrantId;

use crate::{
    model::{
        grant::{Grant, RefreshToken},
        password::PasswordHash,
        time::Timestamp,
        user::User,
    },
    store::StoreError,
};

/// The grants table.
#[async_trait]
pub trait Grants: Send + Sync + 'static {
    /// Adds a grant that no code leads to (resource owner password credentials), and its refresh
    /// token. `false`, and nothing is added, if by now the user is gone, disabled, or has another
    /// password than `verified`.
    async fn add_grant(
        &self,
        grant: Grant,
        verified: &PasswordHash,
        expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Revokes a grant if it lives and has a refresh token that could renew it: `true` if it was
    /// so.
    async fn revoke_renewable_grant(
        &self,
        grant_id: &GrantId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Revokes a grant with everything issued from it: `false` if it was revoked before, or there
    /// is none.
    async fn revoke_grant(&self, grant_id: &GrantId, now: Timestamp) -> Result<bool, StoreError>;
    /// The grant and its user, unless revoked or expired.
    async fn live_grant(
        &self,
        grant_id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(Arc<Grant>, User)>, StoreError>;
}

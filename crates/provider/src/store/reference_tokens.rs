//! Reference access tokens, which are opaque to clients and looked up by introspection (RFC 7662).

use async_trait::async_trait;
use doorward_protocol::claims::AccessTokenClaims;

use crate::{
    model::{grant::ReferenceToken, time::Timestamp, token_handle::TokenHash},
    store::StoreError,
};

/// The reference tokens table.
#[async_trait]
pub trait ReferenceTokens: Send + Sync + 'static {
    /// Adds a reference access token, which lives until the `exp` of its claims.
    async fn add_reference_token(&self, token: ReferenceToken) -> Result<(), StoreError>;
    /// What the reference access token with this hash says, unless it has expired or was revoked
    /// itself. The caller checks whether its grant still lives
    /// ([`Grants::live_grant`](super::Grants::live_grant)).
    async fn reference_token(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<AccessTokenClaims>, StoreError>;
    /// Ends a reference access token: `false` if there is none.
    async fn revoke_reference_token(&self, hash: TokenHash) -> Result<bool, StoreError>;
}

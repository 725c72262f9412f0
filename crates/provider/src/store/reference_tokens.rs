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
    /// Adds a reference access token, which lives until the `exp` of its claims. One grant has a
    /// limited number of them, or one client without a grant. Beyond it those are removed that
    /// expire first. Returns how many of these had not expired by the `iat` of the new token.
    async fn add_reference_token(&self, token: ReferenceToken) -> Result<u64, StoreError>;
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

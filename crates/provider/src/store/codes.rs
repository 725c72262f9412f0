//! Authorization codes (RFC 6749 section 4.1.2).

use async_trait::async_trait;

use crate::{
    model::{
        grant::{AuthorizationCode, Grant, RefreshToken},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::StoreError,
};

/// What became of an attempt to redeem a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// This call redeemed it: the grant is stored, and the refresh token if one was given.
    Redeemed,
    /// It was redeemed before, so the grant made from it is now revoked (RFC 6749 section 4.1.2).
    Replayed {
        /// Whether this call revoked it.
        revoked: bool,
    },
    /// The session that it was issued in has ended. Nothing was changed.
    SessionEnded,
    /// No such code, or it is gone.
    Unknown,
}

/// The codes table.
#[async_trait]
pub trait Codes: Send + Sync + 'static {
    /// Adds a code, and in the same transaction its client to those that take part in the session
    /// of its grant; `notify` says whether the client wants a logout notice. `false`, and nothing
    /// is added, if that session has ended.
    async fn add_code(
        &self,
        hash: TokenHash,
        code: AuthorizationCode,
        notify: bool,
    ) -> Result<bool, StoreError>;
    /// The code with this hash, redeemed or not, expired or not, as long as it is kept.
    async fn code(&self, hash: TokenHash) -> Result<Option<AuthorizationCode>, StoreError>;
    /// Redeems a code at most once. On success the grant lives until `grant_expires_at` at least,
    /// and the refresh token is added to it. A second attempt revokes the grant. Expiry was judged
    /// by the caller.
    async fn redeem_code(
        &self,
        hash: TokenHash,
        grant: Grant,
        grant_expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError>;
}

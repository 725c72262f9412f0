//! Refresh tokens and their rotation (RFC 9700 section 4.14.2).

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    model::{
        grant::{Grant, RefreshToken, RefreshTokenState},
        time::{Seconds, Timestamp},
        token_handle::{SuccessorSeed, TokenHash},
        user::User,
    },
    store::StoreError,
};

/// What became of an attempt to replace a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// This call consumed it: the successor is stored.
    Rotated,
    /// It was consumed within the grace time and its successor is still unused: answer with that
    /// successor again.
    Repeated {
        /// The stored seed of the successor.
        seed: SuccessorSeed,
        /// When the successor ends.
        expires_at: Timestamp,
    },
    /// It was consumed before, beyond grace: the whole grant is now revoked (RFC 9700 section
    /// 4.14.2).
    Replayed,
    /// No such token, it expired or was forgotten, or its grant is revoked.
    Unknown,
}

/// The replacement of a refresh token by its successor.
#[derive(Debug, Clone)]
pub struct RotateRefreshToken {
    /// The token that was presented.
    pub presented: TokenHash,
    /// The seed of the successor, kept with the presented token.
    pub seed: SuccessorSeed,
    /// The successor.
    pub successor: RefreshToken,
    /// The grant lives until then at least: its last access token may end after the successor.
    pub grant_expires_at: Timestamp,
    /// Whether the presented token names its family: then nothing is lost when it is forgotten once
    /// the successor is used.
    pub forgettable: bool,
    /// The present timestamp.
    pub now: Timestamp,
    /// How long after consumption the presented token may still be repeated.
    pub grace: Seconds,
}

/// A refresh token with all that is needed to judge it.
#[derive(Debug, Clone)]
pub struct RefreshTokenRecord {
    /// The token.
    pub token: RefreshToken,
    /// Its part in the family.
    pub state: RefreshTokenState,
    /// The grant, unless it is revoked.
    pub grant: Option<Arc<Grant>>,
    /// The user of the grant, if there still is one.
    pub user: Option<User>,
}

/// The refresh tokens table.
#[async_trait]
pub trait RefreshTokens: Send + Sync + 'static {
    /// The refresh token with this hash, whatever its state.
    async fn refresh_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<RefreshTokenRecord>, StoreError>;
    /// Consumes a refresh token and adds its successor, at most once; see [`Rotation`]. The grant
    /// lives until `grant_expires_at` at least. What the presented token was the successor of is
    /// forgotten if it was forgettable: so of one grant two tokens are kept, however often it is
    /// renewed.
    async fn rotate_refresh_token(
        &self,
        rotation: RotateRefreshToken,
    ) -> Result<Rotation, StoreError>;
    /// Moves the end of a reusable refresh token, and that of its grant to `grant_expires_at` at
    /// least. `false` if there is no such live token.
    async fn extend_refresh_token(
        &self,
        hash: TokenHash,
        expires_at: Timestamp,
        grant_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

//! Sessions at the provider (OpenID Connect Session Management 1.0), and the clients that take part
//! in them.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;

use crate::{
    model::{
        account_notice::AccountNotices,
        session::{
            EndedSession, Session, SessionCursor, SessionSelector, SignInProof, UpstreamSession,
        },
        signing_key::SealedKey,
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::StoreError,
};

/// The sessions table and the clients of each session.
///
/// When a session ends, its grants without offline access are revoked, and a
/// [`LogoutNotice`](crate::model::logout_notice::LogoutNotice) is queued for each client that took
/// part and wants one.
///
/// A session lives as long as its user is enabled. A user who is disabled may have sessions for a
/// while that [`Maintenance::remove_left_behind`](crate::store::Maintenance::remove_left_behind)
/// has not ended yet: they are not found, give nothing to clients, and end before the user is
/// enabled again.
///
/// The ID token of a session at another provider is kept until no session here began by it any
/// more.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Adds a session in place of the browser's earlier one, if any. An earlier one with another
    /// `sid` ends; one with the same `sid` continues as the new one. If the user then has more
    /// sessions than the store's limit, those with the oldest sign-in end.
    ///
    /// Returns `false`, and changes nothing, if by now the user is gone or disabled, or what was
    /// verified is not the user's any more. What tells of the sign-in is kept with the session.
    async fn start_session(
        &self,
        session: Session,
        verified: &SignInProof,
        replaces: Option<TokenHash>,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The session with this cookie, unless it has expired or its user is disabled.
    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError>;
    /// Ends the selected session. An unknown one is no error.
    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError>;
    /// Ends all sessions of a user, a page of them in each transaction, and returns how many ended.
    /// After an error the command can be repeated: it ends the rest.
    async fn end_sessions_of(&self, sub: &Sub, now: Timestamp) -> Result<u64, StoreError>;
    /// The live sessions of a user, the latest sign-in first: at most `limit` of them, from the one
    /// after the cursor on. A user who is disabled has none.
    async fn sessions_of(
        &self,
        sub: &Sub,
        after: Option<&SessionCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError>;
    /// How many sessions there are in all that have not expired. Counts to `most`, and no further.
    /// Those of a user who was disabled count until they are removed.
    async fn count_sessions(&self, most: u32, now: Timestamp) -> Result<u64, StoreError>;
    /// Keeps the encrypted ID token of a session at another provider until this timestamp, in place
    /// of an earlier one. A session that begins here by it keeps it as long as it lasts itself.
    async fn keep_upstream_id_token(
        &self,
        session: &UpstreamSession,
        sealed: SealedKey,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;
    /// The ID token that is kept of a session at another provider.
    async fn upstream_id_token(
        &self,
        session: &UpstreamSession,
        now: Timestamp,
    ) -> Result<Option<SealedKey>, StoreError>;
}

//! Sessions at the provider (OpenID Connect Session Management 1.0), and the clients that take part in them.

use async_trait::async_trait;

use crate::{
    model::{
        password::PasswordHash,
        session::{EndedSession, Session, SessionSelector},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::StoreError,
};

/// The sessions table and the clients of each session.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Adds a session in place of the browser's earlier one, if any. One with another `sid` ends as
    /// by [`end_sessions`](Self::end_sessions); one with the same `sid` goes on in the new one. `false`, and
    /// nothing changes, if by now the user is gone, disabled, or has another password than
    /// `verified`.
    async fn start_session(
        &self,
        session: Session,
        verified: &PasswordHash,
        replaces: Option<TokenHash>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The session with this cookie, unless it has expired.
    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError>;
    /// Ends sessions in one transaction: with each, its grants without offline access are revoked,
    /// and a [`LogoutNotice`] is queued for each client that took part and wants one. Unknown
    /// sessions are no error.
    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError>;
    /// The live sessions of a user, the latest sign-in first.
    async fn sessions_of(&self, sub: &str, now: Timestamp) -> Result<Vec<Session>, StoreError>;
}

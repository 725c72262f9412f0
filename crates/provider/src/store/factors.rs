//! Authenticator apps and recovery codes.

use async_trait::async_trait;
use doorward_protocol::ids::{SessionId, Sub};

use crate::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        factor::{FactorSummary, RecoveryCodeHash, StoredTotp},
        signing_key::SealedKey,
        time::Timestamp,
    },
    store::StoreError,
};

/// The tables of authenticator apps and recovery codes.
#[async_trait]
pub trait Factors: Send + Sync + 'static {
    /// Which factors a user has, passkeys included.
    async fn factors(&self, sub: &Sub) -> Result<FactorSummary, StoreError>;
    /// The authenticator app in use, or the one that is being set up.
    async fn totp(&self, sub: &Sub, confirmed: bool) -> Result<Option<StoredTotp>, StoreError>;
    /// Keeps the secret of an app that is being set up, in place of an earlier one.
    async fn set_up_totp(
        &self,
        sub: &Sub,
        secret: SealedKey,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Puts the app with this secret in use, in place of an earlier one; `step` is the time step of
    /// the code that was entered. With it go new recovery codes in place of those that are there,
    /// if any are given. Returns `false`, and changes nothing, if by now another secret, or none,
    /// is being set up, the session of the addition has ended, or the user is gone or disabled.
    ///
    /// If it is the user's first factor, every session but that of the addition ends, and every
    /// grant that did not begin in it is removed: they began with a password alone.
    async fn confirm_totp(
        &self,
        sub: &Sub,
        secret: &SealedKey,
        step: i64,
        codes: &[RecoveryCodeHash],
        addition: FactorAddition,
    ) -> Result<bool, StoreError>;
    /// Accepts a code of this time step: of any number of parallel calls one gets `true`, and none
    /// if a code of this step or a later one was accepted before (RFC 6238 section 5.2). The count
    /// of wrong codes begins again.
    async fn accept_totp_step(&self, sub: &Sub, step: i64) -> Result<bool, StoreError>;
    /// Counts a wrong code.
    async fn totp_failed(&self, sub: &Sub) -> Result<(), StoreError>;
    /// Removes the authenticator app, and the recovery codes unless there are passkeys. Returns
    /// `false` if there was none.
    async fn remove_totp(&self, sub: &Sub, notices: AccountNotices) -> Result<bool, StoreError>;
    /// Puts recovery codes in place of those that are there, and tells of it. Returns `false`, and
    /// changes nothing, if the user has neither an authenticator app nor a passkey, or the session
    /// in which they are made has ended.
    async fn put_recovery_codes(
        &self,
        sub: &Sub,
        session: &SessionId,
        codes: &[RecoveryCodeHash],
        notices: AccountNotices,
    ) -> Result<bool, StoreError>;
    /// Uses a recovery code up: of any number of parallel calls one gets how many are left, all
    /// others `None`.
    async fn use_recovery_code(
        &self,
        sub: &Sub,
        code: RecoveryCodeHash,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError>;
    /// Removes authenticator app, recovery codes and passkeys, tells of it, and ends the user's
    /// sessions and grants as another password does. Returns what was there; if that is nothing,
    /// nothing is told. If `found` is given and other factors are there by now, it removes nothing
    /// and returns `None`.
    async fn reset_factors(
        &self,
        sub: &Sub,
        found: Option<FactorSummary>,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<Option<FactorSummary>, StoreError>;
    /// At most `limit` authenticator apps, set up or not, in the order of their users, from the one
    /// after this user and state on.
    async fn totps(
        &self,
        after: Option<(&Sub, bool)>,
        limit: u32,
    ) -> Result<Vec<StoredTotp>, StoreError>;
    /// Puts another encryption of the same secret in place of `before`; `false` if it is not there
    /// any more.
    async fn reseal_totp(&self, before: &StoredTotp, sealed: SealedKey)
    -> Result<bool, StoreError>;
}

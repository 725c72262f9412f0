//! Passkeys.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;

use crate::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        factor::StoredPasskey,
        identity_provider::IdentityProvider,
        time::Timestamp,
    },
    store::StoreError,
};

/// What became of a new passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedPasskey {
    /// It is stored.
    Added,
    /// There is one with its identifier already.
    Taken,
    /// The user has as many as may be.
    TooMany,
    /// The session in which it was to be added has ended, or the user is gone or disabled.
    Ended,
}

/// What became of a passkey that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedPasskey {
    /// It is gone.
    Removed,
    /// The user has no such passkey.
    Unknown,
    /// The user has no password, no other passkey and no identity at another provider, and so could
    /// not sign in any more.
    LastWayIn,
}

/// The use of a passkey, to be noted.
#[derive(Debug, Clone)]
pub struct PasskeyUse {
    /// Which one.
    pub credential_id: Vec<u8>,
    /// The counter that was compared.
    pub counter_before: u32,
    /// The counter by now.
    pub counter: u32,
    /// Whether it may be copied to other devices.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// The credential by now, as JSON.
    pub credential: String,
}

/// The table of passkeys.
#[async_trait]
pub trait Passkeys: Send + Sync + 'static {
    /// Adds a passkey unless the user has `most` of them, or the session of the addition has ended.
    /// If it is the user's first factor, what began before ends as by
    /// [`confirm_totp`](crate::store::Factors::confirm_totp).
    async fn add_passkey(
        &self,
        passkey: StoredPasskey,
        most: u32,
        addition: FactorAddition,
    ) -> Result<AddedPasskey, StoreError>;
    /// The passkeys of a user, the oldest first. There are no more than were allowed.
    async fn passkeys(&self, sub: &Sub) -> Result<Vec<StoredPasskey>, StoreError>;
    /// The passkey with this identifier.
    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<StoredPasskey>, StoreError>;
    /// Notes a use. Returns `false`, and changes nothing, if the passkey is gone, or has another
    /// counter than the one that was compared: two copies of it are being used.
    async fn passkey_used(&self, used: PasskeyUse, now: Timestamp) -> Result<bool, StoreError>;
    /// Gives a passkey of this user another name. Returns `false` if the user has no such passkey.
    async fn rename_passkey(
        &self,
        sub: &Sub,
        credential_id: &[u8],
        name: &str,
    ) -> Result<bool, StoreError>;
    /// Removes a passkey of this user, unless it is the last way in. `providers` are the others by
    /// which users sign in: an identity at any other is no way in.
    async fn remove_passkey(
        &self,
        sub: &Sub,
        credential_id: &[u8],
        providers: &[IdentityProvider],
        notices: AccountNotices,
    ) -> Result<RemovedPasskey, StoreError>;
}

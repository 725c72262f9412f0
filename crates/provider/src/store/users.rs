//! Users, and the users of the last import from the configuration.

use async_trait::async_trait;

use crate::{
    model::{password::PasswordHash, time::Timestamp, user::User},
    store::StoreError,
};

/// The users table.
///
/// What a command ends or removes may be more than one transaction should hold. Then it first works
/// in pages, and the last transaction changes the user together with the rest. If it fails in
/// between, the user is unchanged, and the command can be repeated.
#[async_trait]
pub trait Users: Send + Sync + 'static {
    /// Brings each user in as [`User::imported`] decides, and remembers them as the last import.
    /// Each is written as by [`put_user`](Self::put_user).
    async fn import_users(&self, users: Vec<User>, now: Timestamp) -> Result<(), StoreError>;
    /// The users of past imports, each as it was imported last.
    async fn imported_users(&self) -> Result<Vec<User>, StoreError>;
    /// Adds a user or replaces the one with the same `sub`. A username that belongs to another
    /// `sub` is an error. The sessions of a user who is disabled or has a new password end; with a
    /// new password the user's grants, and what devices were allowed, are removed, too.
    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError>;
    /// Replaces a user as by [`put_user`](Self::put_user), but only if the stored one is still
    /// `before`. Returns `false`, and changes nothing, if someone has changed or removed the user
    /// meanwhile.
    async fn replace_user(
        &self,
        user: User,
        before: User,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// At most `limit` users in the order of their normalized usernames, from the one after
    /// `after` on.
    async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError>;
    /// Removes a user with sessions, grants, consents, and what devices were allowed. Returns
    /// `false` if there is no such user.
    async fn remove_user(&self, sub: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// The user with this normalized username.
    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError>;
    /// The user with this subject identifier.
    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError>;
    /// Replaces the hash of a password by another hash of the same password. Sessions and grants go
    /// on. `false`, and nothing changes, if the user has another hash by now.
    async fn rehash_password(
        &self,
        sub: &str,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<bool, StoreError>;
}

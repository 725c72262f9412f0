//! Users, and what the last import of configured users was.

use async_trait::async_trait;

use crate::{
    model::{time::Timestamp, user::User},
    store::StoreError,
};

/// The users table.
#[async_trait]
pub trait Users: Send + Sync + 'static {
    /// Makes of these users what [`User::imported`] says, and remembers them as those of the last
    /// import. Each is written as by [`put_user`](Self::put_user).
    async fn import_users(&self, users: Vec<User>, now: Timestamp) -> Result<(), StoreError>;
    /// The users of past imports as they were imported last.
    async fn imported_users(&self) -> Result<Vec<User>, StoreError>;
    /// Adds a user or replaces the one with the same `sub`. A username that belongs to another
    /// `sub` is an error. The sessions of a user who has another password now or is disabled end as
    /// by [`Sessions::end_sessions`](super::Sessions::end_sessions); with another password, all grants go, too, and what devices were
    /// allowed.
    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError>;
    /// Replaces a user as by [`put_user`](Self::put_user), but only if the stored one is still
    /// `before`: `false`, and nothing changes, if someone has changed or removed the user meanwhile.
    async fn replace_user(
        &self,
        user: User,
        before: User,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// All users, by their names.
    async fn users(&self) -> Result<Vec<User>, StoreError>;
    /// Removes a user: sessions end as by [`Sessions::end_sessions`](super::Sessions::end_sessions); grants, what devices were
    /// allowed, and consents go. `false` if there is no such user.
    async fn remove_user(&self, sub: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// The user with this normalized username.
    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError>;
    /// The user with this subject identifier.
    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError>;
}

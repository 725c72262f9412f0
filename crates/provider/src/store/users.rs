//! Users, and the users of the last import from the configuration.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;

use crate::{
    model::{
        account_notice::AccountNotices,
        identity_provider::IdentityProvider,
        outbox::OutboxMail,
        password::PasswordHash,
        time::Timestamp,
        user::User,
        user_query::{FoundUser, UserCounts, UserCursor, UserQuery},
    },
    store::StoreError,
};

/// What became of a password that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedPassword {
    /// The user has none any more.
    Removed,
    /// The user has neither two passkeys, nor one and a recovery code, nor an identity at another
    /// provider.
    NoOtherWay,
    /// There is no such user, or the user has no password.
    None,
}

/// A configured user who was not imported, since somebody else has, or had, what only one user can
/// have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedUser {
    /// The configured user.
    pub user: User,
    /// The user who has the user name or the verified e-mail address; `None`: a removed user had
    /// the `sub`, by which applications would take this one for that one.
    pub owner: Option<Sub>,
}

/// The users table.
///
/// What a command ends or removes may be more than one transaction should hold. Then it first works
/// in pages, and the last transaction changes the user together with the rest. If it fails in
/// between, the user is unchanged, and the command can be repeated.
///
/// It is the other way round with the sessions of a user who is disabled: the user is changed at
/// once, with a first page of them, and
/// [`Maintenance::remove_left_behind`](crate::store::Maintenance::remove_left_behind) ends the
/// others. None of them lives any more. Before the user is enabled again, all have ended.
///
/// A change or a removal that would leave no enabled user with the role
/// [`OWNER`](crate::model::user::OWNER), where there was one, is an error and changes nothing. Only
/// an import may do that.
#[async_trait]
pub trait Users: Send + Sync + 'static {
    /// Brings each user in as [`User::imported`] decides, and remembers them as the last import.
    /// Each is written as by [`put_user`](Self::put_user). A configured user whose user name or
    /// verified e-mail address belongs to a user who is not configured is skipped, and comes in
    /// with a later import; nothing is taken from the other one. One whose `sub` a removed user had
    /// is skipped, too.
    async fn import_users(
        &self,
        users: Vec<User>,
        now: Timestamp,
    ) -> Result<Vec<SkippedUser>, StoreError>;
    /// The users of past imports, each as it was imported last.
    async fn imported_users(&self) -> Result<Vec<User>, StoreError>;
    /// Adds a user or replaces the one with the same `sub`. A username or a verified e-mail address
    /// that belongs to another `sub` is an error. The sessions of a user who is disabled or has a
    /// new password end; with a new password the user's grants, and what devices were allowed, are
    /// removed, too. With another password or verified address, the user's tickets that were issued
    /// for the one before are removed, except those that verify an address.
    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError>;
    /// Replaces a user as by [`put_user`](Self::put_user), but only if the stored one is still
    /// `before`. Returns `false`, and changes nothing, if someone has changed or removed the user
    /// meanwhile.
    async fn replace_user(
        &self,
        user: User,
        before: User,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change_user(user, before, AccountNotices::default(), now).await
    }
    /// Replaces a user as by [`replace_user`](Self::replace_user), and keeps what tells of it.
    async fn change_user(
        &self,
        user: User,
        before: User,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// At most `limit` users in the order of their normalized usernames, from the one after
    /// `after` on.
    async fn users(&self, after: Option<&str>, limit: u32) -> Result<Vec<User>, StoreError>;
    /// At most `limit` users whom the query finds, in its order, from the one after the cursor on.
    async fn find_users(
        &self,
        query: &UserQuery,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<FoundUser>, StoreError>;
    /// At most `limit` users with a further address that is the key, or begins with it, in the
    /// order of their identifiers: see
    /// [`further_email_keys`](crate::model::user_query::further_email_keys).
    async fn with_further_address(
        &self,
        key: &str,
        is_prefix: bool,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;
    /// Where a list goes on after this many users whom the query finds. `None` if there are fewer.
    /// Reads the index up to it.
    async fn user_cursor(
        &self,
        query: &UserQuery,
        users: u64,
    ) -> Result<Option<UserCursor>, StoreError>;
    /// How many users there are. Reads an index as a whole.
    async fn count_users(&self) -> Result<UserCounts, StoreError>;
    /// Removes a user as by [`remove_user`](Self::remove_user), but only if the stored one is still
    /// `before`. Returns `false`, and removes nothing, otherwise.
    async fn remove_user_as(&self, before: User, now: Timestamp) -> Result<bool, StoreError>;
    /// Removes a user with sessions, grants, consents, tickets, mails, identities at other
    /// providers, and what devices were allowed. Returns `false` if there is no such user.
    async fn remove_user(&self, sub: &Sub, now: Timestamp) -> Result<bool, StoreError> {
        self.delete_user(sub, Vec::new(), now).await
    }
    /// Removes a user as by [`remove_user`](Self::remove_user), and queues mails about it. They
    /// must be about nobody, since mails about the user go, too.
    async fn delete_user(
        &self,
        sub: &Sub,
        mails: Vec<OutboxMail>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Takes a user's password away, if the user can sign in without it. Sessions and grants end as
    /// with another password. `providers` are the others by which users sign in: an identity at any
    /// other is no way in.
    async fn remove_password(
        &self,
        sub: &Sub,
        providers: &[IdentityProvider],
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<RemovedPassword, StoreError>;
    /// The user with this normalized username.
    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError>;
    /// The user with this verified e-mail address, in the form of
    /// [`normalized_email`](crate::model::email::normalized_email).
    async fn user_by_email(&self, normalized: &str) -> Result<Option<User>, StoreError>;
    /// The user with this subject identifier.
    async fn user(&self, sub: &Sub) -> Result<Option<User>, StoreError>;
    /// Whether a user has this subject identifier, or a removed user had it. No other user may get
    /// it (OIDC Core section 2).
    async fn is_used_sub(&self, sub: &Sub) -> Result<bool, StoreError>;
    /// One password hash for each cost (memory, passes, lanes) that users' hashes have: at most
    /// `limit` of them. Reads all users.
    async fn password_costs(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError>;
    /// Replaces the hash of a password by another hash of the same password. Sessions and grants go
    /// on. `false`, and nothing changes, if the user has another hash by now.
    async fn rehash_password(
        &self,
        sub: &Sub,
        before: &PasswordHash,
        after: &PasswordHash,
    ) -> Result<bool, StoreError>;
}

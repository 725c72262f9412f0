//! Identities at other providers, each linked with one user.

use async_trait::async_trait;
use doorward_protocol::ids::{SessionId, Sub};

use crate::{
    model::{
        account_notice::AccountNotices,
        external_identity::{ExternalId, IdentityUse, StoredIdentity},
        identity_provider::IdentityProvider,
        provisioning::ProvisionedAs,
        ticket::TicketPurpose,
        time::Timestamp,
        token_handle::TokenHash,
        user::User,
    },
    store::StoreError,
};

/// What became of a user who was to be added with an identity. Only the first one has changed
/// anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedIdentityUser {
    /// The user is there, and has the identity.
    Added,
    /// The identity is linked with this user.
    IdentityTaken(Sub),
    /// There is no such ticket: it was used, it has expired, or it never was.
    NoTicket,
    /// Another user has the user name, or the `sub`.
    NameTaken,
    /// Another user has the verified e-mail address.
    EmailTaken,
}

/// What became of an identity that was to be linked. Only the first one has changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedIdentity {
    /// It is linked.
    Added,
    /// The user has it already.
    WasLinked,
    /// Another user has it. It stays theirs.
    Taken,
    /// The user has as many as may be.
    TooMany,
    /// The user has another one of this issuer, and nobody but the address says that this one is
    /// theirs, too.
    HasAnother,
    /// The user has unlinked one of this issuer, and nobody but the address says that this one is
    /// to be linked.
    WasUnlinked,
    /// There is no such user any more, the user may not sign in, the address that had to be the
    /// user's is not, or the session in which the user asked has ended.
    NoUser,
}

/// What became of an identity that was to be unlinked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedIdentity {
    /// It is gone, and what its mapping gave with it.
    Removed,
    /// The user has no such identity.
    Unknown,
    /// The user has no password, no passkey and no other identity, and so could not sign in any
    /// more.
    LastWayIn,
}

/// An identity that is to be linked with a user who is there.
#[derive(Debug, Clone)]
pub struct IdentityLink {
    /// The identity and the user.
    pub identity: StoredIdentity,
    /// By what it is known that the identity is the user's.
    pub by: LinkedBy,
    /// How many identities the user may have.
    pub most: u32,
}

/// An identity that is to be unlinked from its user.
#[derive(Debug, Clone)]
pub struct IdentityRemoval {
    /// The user.
    pub sub: Sub,
    /// The identity.
    pub id: ExternalId,
    /// The other providers by which users sign in. An identity at any other is no way in.
    pub providers: Vec<IdentityProvider>,
    /// Whether the user wants it. Then no address links an identity of this issuer with the user,
    /// until the user links one.
    pub by_user: bool,
}

/// By what it is known that an identity is a user's. The store looks again in the transaction that
/// links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkedBy {
    /// An operator has asked for the link.
    Request,
    /// The user has asked for the link in this session, which must not have ended.
    Session(SessionId),
    /// The address must still be the user's verified one, in the form of
    /// [`normalized_email`](crate::model::email::normalized_email), and the user may have no other
    /// identity of this issuer.
    Email(String),
    /// The user name must still be the user's, in the form of
    /// [`normalized_username`](crate::model::user::normalized_username). The user may have no
    /// password, no passkey, no identity, no right in the administration, no verified e-mail
    /// address but this one, and no ticket by which a person could sign in: nobody could sign in to
    /// the account so far.
    Username {
        /// The user name.
        username: String,
        /// The address that is known to be that of the entry, in the form of
        /// [`normalized_email`](crate::model::email::normalized_email).
        email: Option<String>,
    },
    /// The client must still call the user so. It must have added the user, who may have no
    /// password, no passkey, no identity and no right in the administration.
    Provisioned(ProvisionedAs),
}

impl LinkedBy {
    /// The session in which the user has asked for the link, if one did.
    pub fn session(&self) -> Option<&SessionId> {
        if let Self::Session(sid) = self { Some(sid) } else { None }
    }

    /// The address, if it is linked by one.
    pub fn email(&self) -> Option<&str> {
        if let Self::Email(email) = self { Some(email) } else { None }
    }

    /// The only address that a user may have who is linked by the name.
    pub fn only_email(&self) -> Option<&str> {
        if let Self::Username { email, .. } = self { email.as_deref() } else { None }
    }

    /// What the user is called by a client that provisions, if it is linked by that.
    pub fn provisioned(&self) -> Option<&ProvisionedAs> {
        if let Self::Provisioned(called) = self { Some(called) } else { None }
    }

    /// Whether only a user is linked so who has no other way in.
    pub fn is_first_way_in(&self) -> bool {
        matches!(self, Self::Username { .. } | Self::Provisioned(_))
    }

    /// The user name, if it is linked by one.
    pub fn username(&self) -> Option<&str> {
        if let Self::Username { username, .. } = self { Some(username) } else { None }
    }
}

/// The table of identities.
#[async_trait]
pub trait ExternalIdentities: Send + Sync + 'static {
    /// The identity, if it is linked.
    async fn external_identity(
        &self,
        id: &ExternalId,
    ) -> Result<Option<StoredIdentity>, StoreError>;
    /// The identities of a user, the oldest first. There are no more than were allowed.
    async fn external_identities(&self, sub: &Sub) -> Result<Vec<StoredIdentity>, StoreError>;
    /// Adds a user with an identity, and uses up the ticket that allows it, if one is needed, in
    /// one transaction: of any number of calls for one identity at the same time, one adds a user.
    /// Who is added by an invitation becomes a member of those of its groups that are there.
    async fn add_user_with_identity(
        &self,
        user: User,
        identity: StoredIdentity,
        ticket: Option<(TokenHash, TicketPurpose)>,
        now: Timestamp,
    ) -> Result<AddedIdentityUser, StoreError>;
    /// Links an identity with a user. It is never taken from another user. One that the user has
    /// asked for makes it forgotten that they unlinked another one of its issuer.
    async fn add_external_identity(
        &self,
        link: IdentityLink,
        notices: AccountNotices,
    ) -> Result<AddedIdentity, StoreError>;
    /// Notes a sign-in, and puts what the mapping gives in place of what it gave. Returns `false`,
    /// and changes nothing, if the identity is not this user's any more.
    async fn external_identity_used(
        &self,
        id: &ExternalId,
        sub: &Sub,
        used: IdentityUse,
    ) -> Result<bool, StoreError>;
    /// Unlinks an identity of this user, unless it is the last way in, and ends the user's sessions
    /// that began by it.
    async fn remove_external_identity(
        &self,
        removal: IdentityRemoval,
        notices: AccountNotices,
        now: Timestamp,
    ) -> Result<RemovedIdentity, StoreError>;
}

//! Everything that can be asked of the administration, as one table.

use serde::Serialize;

use super::{AdminRole, AdminScope, ChangeEvent, table::Mark};

/// What can be asked for. The router is built from this, so there is no route without a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Who the caller is, and what they may do.
    Me,
    /// How many users, sessions, clients, keys and waiting mails there are.
    Overview,
    /// Sign-ins and refusals of the last day, hour by hour.
    Activity,
    /// Users in pages, found by the beginning of user name, e-mail address or name.
    ListUsers,
    /// Adds a user.
    CreateUser,
    /// A user with all claims.
    ReadUser,
    /// Changes a user. Members that are not given stay; a claim that is null is removed.
    ChangeUser,
    /// Removes a user with everything of theirs.
    RemoveUser,
    /// Gives a user a role in the administration, or takes it.
    SetAdminRole,
    /// Sends the user a link to set another password.
    ResetPassword,
    /// Which second factors a user has.
    ReadFactors,
    /// Takes authenticator app, recovery codes and passkeys away from a user who has lost them.
    ResetFactors,
    /// The passkeys of a user, the oldest first.
    ListPasskeys,
    /// Removes a passkey of a user. Sessions that began by it go on until they are ended.
    RemovePasskey,
    /// The accounts at other providers by which a user signs in.
    ListLinks,
    /// Links an account at another provider with a user, who then signs in by it.
    AddLink,
    /// Removes an account at another provider from a user. The sessions that began by it end.
    RemoveLink,
    /// The sessions of a user, the latest sign-in first.
    ListSessions,
    /// Ends all sessions of a user.
    EndSessions,
    /// Ends a session of a user.
    EndSession,
    /// The clients that have access to a user's data.
    ListGrants,
    /// Revokes a client's access to a user's data.
    RevokeGrant,
    /// What happened to a user's account, the latest first.
    ListAccountEvents,
    /// The invitations that wait, the next to expire first.
    ListInvitations,
    /// Invites somebody to make an account.
    CreateInvitation,
    /// Withdraws an invitation.
    WithdrawInvitation,
    /// Groups in pages.
    ListGroups,
    /// Adds a group.
    CreateGroup,
    /// What the members of a group get.
    ReadGroup,
    /// Changes what the members of a group get. Members that are not given stay; a claim that is
    /// null is removed.
    ChangeGroup,
    /// Removes a group. Its members stay users.
    RemoveGroup,
    /// The members of a group in pages.
    ListMembers,
    /// Makes a user a member of a group.
    AddMember,
    /// Ends a user's membership in a group.
    RemoveMember,
    /// The directories whose users are managed.
    ListDirectories,
    /// Users of a directory in pages, found by the beginning of user name, name or e-mail address.
    ListDirectoryUsers,
    /// Adds a user to a directory.
    CreateDirectoryUser,
    /// A user of a directory, with attributes and groups.
    ReadDirectoryUser,
    /// Changes a user of a directory, and signs out here whoever is disabled.
    ChangeDirectoryUser,
    /// Sets the password of a user of a directory, and signs the user out here.
    SetDirectoryPassword,
    /// Groups of a directory.
    ListDirectoryGroups,
    /// Makes a user of a directory a member of one of its groups.
    AddDirectoryMember,
    /// Ends a membership in a group of a directory.
    RemoveDirectoryMember,
    /// Clients in pages.
    ListClients,
    /// Adds a client. Its secret, if it needs one, is in this answer alone.
    CreateClient,
    /// A client's settings, without its secrets.
    ReadClient,
    /// Changes a client's settings. Settings that are not given stay; null sets the default.
    ChangeClient,
    /// Removes a client with everything that it was granted.
    RemoveClient,
    /// A client's secrets, by the first characters of their hashes.
    ListSecrets,
    /// Makes a secret, which is in this answer alone.
    AddSecret,
    /// Removes a secret.
    RemoveSecret,
    /// The clients that registered themselves, in pages.
    ListRegisteredClients,
    /// Removes a client that registered itself, with everything that it was granted.
    RemoveRegisteredClient,
    /// The initial access tokens, with which clients register themselves.
    ListRegistrationTokens,
    /// Makes an initial access token, which is in this answer alone.
    AddRegistrationToken,
    /// Removes an initial access token. Clients that were registered with it stay.
    RemoveRegistrationToken,
    /// Identity resources, API resources and scopes, as the configuration defines them.
    ListResources,
    /// The other providers by which users sign in, in pages.
    ListIdentityProviders,
    /// Adds an identity provider.
    CreateIdentityProvider,
    /// An identity provider's settings, without its secret.
    ReadIdentityProvider,
    /// Changes an identity provider. Settings that are not given stay; null sets the default.
    ChangeIdentityProvider,
    /// Removes an identity provider. The links of users with it stay.
    RemoveIdentityProvider,
    /// Asks an identity provider for its metadata and keys, and says what to enter there.
    CheckIdentityProvider,
    /// The signing keys.
    ListKeys,
    /// Makes new keys that take over in seven minutes.
    RotateKeys,
    /// Removes a key at once. Tokens that it signed are no longer valid.
    RetireKey,
    /// The audit history, the latest first. A page may have fewer records than were asked for, or
    /// none, and there are more as long as it has a `next`.
    ListEvents,
    /// The audit history as JSON lines, the latest first unless `order` says otherwise.
    ExportEvents,
    /// The mails that wait to be sent, the oldest first.
    ListMails,
    /// Tries a mail again at once.
    RetryMail,
    /// The configuration in effect, without secrets.
    ReadConfiguration,
}

/// Whether an operation changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// It only looks.
    Read,
    /// It changes something.
    Change,
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Operation {
    /// Every operation, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::Me,
        Self::Overview,
        Self::Activity,
        Self::ListUsers,
        Self::CreateUser,
        Self::ReadUser,
        Self::ChangeUser,
        Self::RemoveUser,
        Self::SetAdminRole,
        Self::ResetPassword,
        Self::ReadFactors,
        Self::ResetFactors,
        Self::ListPasskeys,
        Self::RemovePasskey,
        Self::ListLinks,
        Self::AddLink,
        Self::RemoveLink,
        Self::ListSessions,
        Self::EndSessions,
        Self::EndSession,
        Self::ListGrants,
        Self::RevokeGrant,
        Self::ListAccountEvents,
        Self::ListInvitations,
        Self::CreateInvitation,
        Self::WithdrawInvitation,
        Self::ListGroups,
        Self::CreateGroup,
        Self::ReadGroup,
        Self::ChangeGroup,
        Self::RemoveGroup,
        Self::ListMembers,
        Self::AddMember,
        Self::RemoveMember,
        Self::ListDirectories,
        Self::ListDirectoryUsers,
        Self::CreateDirectoryUser,
        Self::ReadDirectoryUser,
        Self::ChangeDirectoryUser,
        Self::SetDirectoryPassword,
        Self::ListDirectoryGroups,
        Self::AddDirectoryMember,
        Self::RemoveDirectoryMember,
        Self::ListClients,
        Self::CreateClient,
        Self::ReadClient,
        Self::ChangeClient,
        Self::RemoveClient,
        Self::ListSecrets,
        Self::AddSecret,
        Self::RemoveSecret,
        Self::ListRegisteredClients,
        Self::RemoveRegisteredClient,
        Self::ListRegistrationTokens,
        Self::AddRegistrationToken,
        Self::RemoveRegistrationToken,
        Self::ListResources,
        Self::ListIdentityProviders,
        Self::CreateIdentityProvider,
        Self::ReadIdentityProvider,
        Self::ChangeIdentityProvider,
        Self::RemoveIdentityProvider,
        Self::CheckIdentityProvider,
        Self::ListKeys,
        Self::RotateKeys,
        Self::RetireKey,
        Self::ListEvents,
        Self::ExportEvents,
        Self::ListMails,
        Self::RetryMail,
        Self::ReadConfiguration,
    ];

    /// A short name, as `list_users`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The operation of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    /// The method of its request.
    pub fn method(self) -> Method {
        self.row().method
    }

    /// The path of its request, below `/api/admin/v1`, with its placeholders.
    pub fn path(self) -> &'static str {
        self.row().path
    }

    /// The scope that the access token must have.
    pub fn scope(self) -> AdminScope {
        self.row().scope
    }

    /// The roles of the people who may do it.
    pub fn roles(self) -> &'static [AdminRole] {
        self.row().roles
    }

    /// Whether it changes something.
    pub fn kind(self) -> OperationKind {
        if self.method() == Method::Get { OperationKind::Read } else { OperationKind::Change }
    }

    /// Whether the request must say which state of the object it is about (`If-Match`).
    pub fn is_guarded(self) -> bool {
        self.has(Mark::Guarded)
    }

    /// Whether a person must have signed in by two factors not long ago.
    pub fn needs_fresh_sign_in(self) -> bool {
        self.has(Mark::Fresh)
    }

    /// Whether it takes an `Idempotency-Key`.
    pub fn creates(self) -> bool {
        self.has(Mark::Creates)
    }

    /// Whether a client that asks for itself may do it.
    pub fn is_for_machines(self) -> bool {
        !self.has(Mark::PeopleOnly)
    }

    /// The command that does the same, without the program's name.
    pub fn command(self) -> Option<&'static str> {
        self.row().command
    }

    /// What the audit history calls a change, as `user_added`; `None` if it only looks. A command
    /// that does the same is called the same.
    pub fn event(self) -> Option<ChangeEvent> {
        self.row().event
    }

    fn has(self, mark: Mark) -> bool {
        self.row().marks.contains(&mark)
    }
}

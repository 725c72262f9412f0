//! What each operation does, in a sentence.

use super::Operation;

impl Operation {
    /// One sentence about it.
    #[allow(clippy::too_many_lines)] // It is a table.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Me => "Who the caller is, and what they may do.",
            Self::Overview => {
                "How many users, sessions, clients, keys and waiting mails there are."
            }
            Self::Activity => "Sign-ins and refusals of the last day, hour by hour.",
            Self::ListUsers => {
                "Users in pages, found by the beginning of user name, e-mail address or name."
            }
            Self::CreateUser => "Adds a user.",
            Self::ReadUser => "A user with all claims.",
            Self::ChangeUser => {
                "Changes a user. Members that are not given stay; a claim that is null is \
                 removed."
            }
            Self::RemoveUser => "Removes a user with everything of theirs.",
            Self::SetAdminRole => "Gives a user a role in the administration, or takes it.",
            Self::ResetPassword => "Sends the user a link to set another password.",
            Self::ReadFactors => "Which second factors a user has.",
            Self::ResetFactors => {
                "Takes authenticator app, recovery codes and passkeys away from a user who has \
                 lost them."
            }
            Self::ListPasskeys => "The passkeys of a user, the oldest first.",
            Self::RemovePasskey => {
                "Removes a passkey of a user. Sessions that began by it go on until they are ended."
            }
            Self::ListLinks => "The accounts at other providers by which a user signs in.",
            Self::AddLink => {
                "Links an account at another provider with a user, who then signs in by it."
            }
            Self::RemoveLink => {
                "Removes an account at another provider from a user. The sessions that began by \
                 it end."
            }
            Self::ListSessions => "The sessions of a user, the latest sign-in first.",
            Self::EndSessions => "Ends all sessions of a user.",
            Self::EndSession => "Ends a session of a user.",
            Self::ListGrants => "The clients that have access to a user's data.",
            Self::RevokeGrant => "Revokes a client's access to a user's data.",
            Self::ListAccountEvents => "What happened to a user's account, the latest first.",
            Self::ListInvitations => "The invitations that wait, the next to expire first.",
            Self::CreateInvitation => "Invites somebody to make an account.",
            Self::WithdrawInvitation => "Withdraws an invitation.",
            Self::ListGroups => "Groups in pages.",
            Self::CreateGroup => "Adds a group.",
            Self::ReadGroup => "What the members of a group get.",
            Self::ChangeGroup => {
                "Changes what the members of a group get. Members that are not given stay; a \
                 claim that is null is removed."
            }
            Self::RemoveGroup => "Removes a group. Its members stay users.",
            Self::ListMembers => "The members of a group in pages.",
            Self::AddMember => "Makes a user a member of a group.",
            Self::RemoveMember => "Ends a user's membership in a group.",
            Self::ListDirectories => "The directories whose users are managed.",
            Self::ListDirectoryUsers => {
                "Users of a directory in pages, found by the beginning of user name, name or \
                 e-mail address. Of a large directory some are read: `is_cut` says so."
            }
            Self::CreateDirectoryUser => "Adds a user to a directory.",
            Self::ReadDirectoryUser => "A user of a directory, with attributes and groups.",
            Self::ChangeDirectoryUser => {
                "Changes a user of a directory, and signs out here whoever is disabled. Members \
                 that are not given stay; an attribute without values is removed."
            }
            Self::SetDirectoryPassword => {
                "Sets the password of a user of a directory, and signs the user out here."
            }
            Self::ListDirectoryGroups => {
                "Groups of a directory, found by the beginning of the name."
            }
            Self::AddDirectoryMember => {
                "Makes a user of a directory a member of one of its groups."
            }
            Self::RemoveDirectoryMember => "Ends a membership in a group of a directory.",
            Self::ListClients => "Clients in pages.",
            Self::CreateClient => {
                "Adds a client. Its secret, if it needs one, is in this answer alone."
            }
            Self::ReadClient => "A client's settings, without its secrets.",
            Self::ChangeClient => {
                "Changes a client's settings. Settings that are not given stay; null sets the \
                 default."
            }
            Self::RemoveClient => "Removes a client with everything that it was granted.",
            Self::ListSecrets => "A client's secrets, by the first characters of their hashes.",
            Self::AddSecret => "Makes a secret, which is in this answer alone.",
            Self::RemoveSecret => "Removes a secret.",
            Self::ListRegisteredClients => "The clients that registered themselves, in pages.",
            Self::RemoveRegisteredClient => {
                "Removes a client that registered itself, with everything that it was granted."
            }
            Self::ListRegistrationTokens => {
                "The initial access tokens, with which clients register themselves."
            }
            Self::AddRegistrationToken => {
                "Makes an initial access token, which is in this answer alone."
            }
            Self::RemoveRegistrationToken => {
                "Removes an initial access token. Clients that were registered with it stay."
            }
            Self::ListResources => {
                "Identity resources, API resources and scopes, as the configuration defines \
                 them."
            }
            Self::ListIdentityProviders => "The other providers by which users sign in, in pages.",
            Self::CreateIdentityProvider => "Adds an identity provider.",
            Self::ReadIdentityProvider => "An identity provider's settings, without its secret.",
            Self::ChangeIdentityProvider => {
                "Changes an identity provider. Settings that are not given stay; null sets the \
                 default."
            }
            Self::RemoveIdentityProvider => {
                "Removes an identity provider. The links of users with it stay."
            }
            Self::CheckIdentityProvider => {
                "Asks an identity provider for its metadata and keys, and says what to enter there."
            }
            Self::ListKeys => "The signing keys.",
            Self::RotateKeys => "Makes new keys that take over in seven minutes.",
            Self::RetireKey => "Removes a key at once. Tokens that it signed are no longer valid.",
            Self::ListEvents => {
                "The audit history, the latest first. A page may have fewer records than \
                 were asked for, or none, and there are more as long as it has a `next`."
            }
            Self::ExportEvents => "The audit history as JSON lines.",
            Self::ListMails => "The mails that wait to be sent, the oldest first.",
            Self::RetryMail => "Tries a mail again at once.",
            Self::ReadConfiguration => "The configuration in effect, without secrets.",
        }
    }
}

//! The table of operations: a row for each.

use super::{AdminRole, AdminScope, ChangeEvent, Method, Operation};

/// A row of the table.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) scope: AdminScope,
    pub(super) roles: &'static [AdminRole],
    /// What the request must prove: see the methods of [`Operation`].
    pub(super) marks: &'static [Mark],
    /// The command that does the same.
    pub(super) command: Option<&'static str>,
    /// What the audit history calls it; `None` if it only looks.
    pub(super) event: Option<ChangeEvent>,
}

const fn row(
    name: &'static str,
    method: Method,
    path: &'static str,
    scope: AdminScope,
    roles: &'static [AdminRole],
) -> Row {
    Row { name, method, path, scope, roles, marks: &[], command: None, event: None }
}

impl Row {
    const fn marked(self, marks: &'static [Mark]) -> Self {
        Self { marks, ..self }
    }

    const fn like_command(self, command: &'static str) -> Self {
        Self { command: Some(command), ..self }
    }

    const fn recorded_as(self, event: ChangeEvent) -> Self {
        Self { event: Some(event), ..self }
    }
}

/// What is special about an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It needs `If-Match`.
    Guarded,
    /// It needs a recent sign-in by two factors.
    Fresh,
    /// It creates, and so takes an `Idempotency-Key`.
    Creates,
    /// It is for people only.
    PeopleOnly,
}

use AdminRole::{Admin, Auditor, Helpdesk, Owner};
use Mark::{Creates, Fresh, Guarded, PeopleOnly};
use Method::{Delete, Get, Patch, Post, Put};

const EVERYBODY: &[AdminRole] = &[Owner, Admin, Helpdesk, Auditor];
const READERS: &[AdminRole] = &[Owner, Admin, Auditor];
const HELPERS: &[AdminRole] = &[Owner, Admin, Helpdesk];
const ADMINS: &[AdminRole] = &[Owner, Admin];
const OWNERS: &[AdminRole] = &[Owner];

impl Operation {
    #[allow(clippy::too_many_lines)] // It is the table.
    pub(super) const fn row(self) -> Row {
        use AdminScope::{
            AuditRead, ClientsRead, ClientsWrite, DirectoryRead, DirectoryWrite, GroupsRead,
            GroupsWrite, KeysRead, KeysWrite, ProvidersRead, ProvidersWrite, RolesWrite,
            SystemRead, SystemWrite, UsersRead, UsersWrite,
        };
        use ChangeEvent as Event;
        match self {
            Self::Me => row("me", Get, "/me", UsersRead, EVERYBODY),
            Self::Overview => row("overview", Get, "/overview", SystemRead, EVERYBODY),
            Self::Activity => row("activity", Get, "/activity", SystemRead, EVERYBODY),
            Self::ListUsers => {
                row("list_users", Get, "/users", UsersRead, EVERYBODY).like_command("user list")
            }
            Self::CreateUser => row("create_user", Post, "/users", UsersWrite, ADMINS)
                .marked(&[Fresh, Creates])
                .like_command("user add")
                .recorded_as(Event::UserAdded),
            Self::ReadUser => row("read_user", Get, "/users/{sub}", UsersRead, EVERYBODY)
                .like_command("user show"),
            Self::ChangeUser => row("change_user", Patch, "/users/{sub}", UsersWrite, ADMINS)
                .marked(&[Guarded, Fresh])
                .like_command("user set")
                .recorded_as(Event::UserChanged),
            Self::RemoveUser => row("remove_user", Delete, "/users/{sub}", UsersWrite, ADMINS)
                .marked(&[Guarded, Fresh])
                .like_command("user remove")
                .recorded_as(Event::UserRemoved),
            Self::SetAdminRole => {
                row("set_admin_role", Put, "/users/{sub}/admin-role", RolesWrite, ADMINS)
                    .marked(&[Guarded, Fresh, PeopleOnly])
                    .like_command("admin grant")
                    .recorded_as(Event::AdminRoleChanged)
            }
            Self::ResetPassword => {
                row("reset_password", Post, "/users/{sub}/password-reset", UsersWrite, HELPERS)
                    .marked(&[Fresh])
                    .like_command("user passwd")
                    .recorded_as(Event::PasswordLinkSent)
            }
            Self::ReadFactors => {
                row("read_factors", Get, "/users/{sub}/factors", UsersRead, EVERYBODY)
                    .like_command("user show")
            }
            Self::ResetFactors => {
                row("reset_factors", Delete, "/users/{sub}/factors", UsersWrite, HELPERS)
                    .marked(&[Guarded, Fresh])
                    .like_command("user reset-factors")
                    .recorded_as(Event::UserFactorsReset)
            }
            Self::ListPasskeys => {
                row("list_passkeys", Get, "/users/{sub}/passkeys", UsersRead, EVERYBODY)
                    .like_command("user passkeys")
            }
            Self::RemovePasskey => row(
                "remove_passkey",
                Delete,
                "/users/{sub}/passkeys/{passkey}",
                UsersWrite,
                HELPERS,
            )
            .marked(&[Fresh])
            .like_command("user remove-passkey")
            .recorded_as(Event::UserPasskeyRemoved),
            Self::ListLinks => row("list_links", Get, "/users/{sub}/links", UsersRead, EVERYBODY)
                .like_command("user links"),
            Self::AddLink => row("add_link", Post, "/users/{sub}/links", UsersWrite, ADMINS)
                .marked(&[Fresh, Creates])
                .like_command("user link")
                .recorded_as(Event::UserLinked),
            Self::RemoveLink => {
                row("remove_link", Delete, "/users/{sub}/links/{link}", UsersWrite, ADMINS)
                    .marked(&[Fresh])
                    .like_command("user unlink")
                    .recorded_as(Event::UserUnlinked)
            }
            Self::ListSessions => {
                row("list_sessions", Get, "/users/{sub}/sessions", UsersRead, EVERYBODY)
                    .like_command("session list")
            }
            Self::EndSessions => {
                row("end_sessions", Delete, "/users/{sub}/sessions", UsersWrite, HELPERS)
                    .like_command("session end")
                    .recorded_as(Event::SessionsEnded)
            }
            Self::EndSession => {
                row("end_session", Delete, "/users/{sub}/sessions/{sid}", UsersWrite, HELPERS)
                    .like_command("session end")
                    .recorded_as(Event::SessionsEnded)
            }
            Self::ListGrants => {
                row("list_grants", Get, "/users/{sub}/grants", UsersRead, EVERYBODY)
                    .like_command("grant list")
            }
            Self::RevokeGrant => {
                row("revoke_grant", Delete, "/users/{sub}/grants/{client_id}", UsersWrite, ADMINS)
                    .like_command("grant revoke")
                    .recorded_as(Event::AccessRevoked)
            }
            Self::ListAccountEvents => {
                row("list_account_events", Get, "/users/{sub}/events", UsersRead, EVERYBODY)
                    .like_command("user events")
            }
            Self::ListInvitations => {
                row("list_invitations", Get, "/invitations", UsersRead, EVERYBODY)
                    .like_command("user invitations")
            }
            Self::CreateInvitation => {
                row("create_invitation", Post, "/invitations", UsersWrite, ADMINS)
                    .marked(&[Fresh, Creates])
                    .like_command("user invite")
                    .recorded_as(Event::UserInvited)
            }
            Self::WithdrawInvitation => {
                row("withdraw_invitation", Delete, "/invitations/{id}", UsersWrite, ADMINS)
                    .like_command("user uninvite")
                    .recorded_as(Event::UserUninvited)
            }
            Self::ListGroups => {
                row("list_groups", Get, "/groups", GroupsRead, EVERYBODY).like_command("group list")
            }
            Self::CreateGroup => row("create_group", Post, "/groups", GroupsWrite, ADMINS)
                .marked(&[Fresh, Creates])
                .like_command("group add")
                .recorded_as(Event::GroupAdded),
            Self::ReadGroup => row("read_group", Get, "/groups/{group}", GroupsRead, EVERYBODY)
                .like_command("group show"),
            Self::ChangeGroup => row("change_group", Patch, "/groups/{group}", GroupsWrite, ADMINS)
                .marked(&[Guarded, Fresh])
                .like_command("group set")
                .recorded_as(Event::GroupChanged),
            Self::RemoveGroup => {
                row("remove_group", Delete, "/groups/{group}", GroupsWrite, ADMINS)
                    .marked(&[Guarded, Fresh])
                    .like_command("group remove")
                    .recorded_as(Event::GroupRemoved)
            }
            Self::ListMembers => {
                row("list_members", Get, "/groups/{group}/members", GroupsRead, EVERYBODY)
                    .like_command("group member list")
            }
            Self::AddMember => {
                row("add_member", Put, "/groups/{group}/members/{sub}", GroupsWrite, ADMINS)
                    .marked(&[Fresh])
                    .like_command("group member add")
                    .recorded_as(Event::GroupMemberAdded)
            }
            Self::RemoveMember => {
                row("remove_member", Delete, "/groups/{group}/members/{sub}", GroupsWrite, ADMINS)
                    .marked(&[Fresh])
                    .like_command("group member remove")
                    .recorded_as(Event::GroupMemberRemoved)
            }
            Self::ListDirectories => {
                row("list_directories", Get, "/directories", DirectoryRead, ADMINS)
            }
            Self::ListDirectoryUsers => row(
                "list_directory_users",
                Get,
                "/directories/{directory}/users",
                DirectoryRead,
                ADMINS,
            )
            .like_command("directory user list"),
            Self::CreateDirectoryUser => row(
                "create_directory_user",
                Post,
                "/directories/{directory}/users",
                DirectoryWrite,
                ADMINS,
            )
            .marked(&[Fresh, Creates])
            .like_command("directory user add")
            .recorded_as(Event::DirectoryUserAdded),
            Self::ReadDirectoryUser => row(
                "read_directory_user",
                Get,
                "/directories/{directory}/users/{entry}",
                DirectoryRead,
                ADMINS,
            )
            .like_command("directory user show"),
            Self::ChangeDirectoryUser => row(
                "change_directory_user",
                Patch,
                "/directories/{directory}/users/{entry}",
                DirectoryWrite,
                ADMINS,
            )
            .marked(&[Guarded, Fresh])
            .like_command("directory user set")
            .recorded_as(Event::DirectoryUserChanged),
            Self::SetDirectoryPassword => row(
                "set_directory_password",
                Put,
                "/directories/{directory}/users/{entry}/password",
                DirectoryWrite,
                ADMINS,
            )
            .marked(&[Fresh])
            .like_command("directory user password")
            .recorded_as(Event::DirectoryPasswordSet),
            Self::ListDirectoryGroups => row(
                "list_directory_groups",
                Get,
                "/directories/{directory}/groups",
                DirectoryRead,
                ADMINS,
            ),
            Self::AddDirectoryMember => row(
                "add_directory_member",
                Put,
                "/directories/{directory}/users/{entry}/groups/{group}",
                DirectoryWrite,
                ADMINS,
            )
            .marked(&[Fresh])
            .like_command("directory user groups")
            .recorded_as(Event::DirectoryMemberAdded),
            Self::RemoveDirectoryMember => row(
                "remove_directory_member",
                Delete,
                "/directories/{directory}/users/{entry}/groups/{group}",
                DirectoryWrite,
                ADMINS,
            )
            .marked(&[Fresh])
            .like_command("directory user groups")
            .recorded_as(Event::DirectoryMemberRemoved),
            Self::ListClients => row("list_clients", Get, "/clients", ClientsRead, READERS)
                .like_command("client list"),
            Self::CreateClient => row("create_client", Post, "/clients", ClientsWrite, ADMINS)
                .marked(&[Fresh, Creates])
                .like_command("client add")
                .recorded_as(Event::ClientAdded),
            Self::ReadClient => {
                row("read_client", Get, "/clients/{client_id}", ClientsRead, READERS)
                    .like_command("client show")
            }
            Self::ChangeClient => {
                row("change_client", Patch, "/clients/{client_id}", ClientsWrite, ADMINS)
                    .marked(&[Guarded, Fresh])
                    .like_command("client set")
                    .recorded_as(Event::ClientChanged)
            }
            Self::RemoveClient => {
                row("remove_client", Delete, "/clients/{client_id}", ClientsWrite, ADMINS)
                    .marked(&[Guarded, Fresh])
                    .like_command("client remove")
                    .recorded_as(Event::ClientRemoved)
            }
            Self::ListSecrets => {
                row("list_secrets", Get, "/clients/{client_id}/secrets", ClientsRead, READERS)
                    .like_command("client secret list")
            }
            Self::AddSecret => {
                row("add_secret", Post, "/clients/{client_id}/secrets", ClientsWrite, ADMINS)
                    .marked(&[Guarded, Fresh, Creates])
                    .like_command("client secret add")
                    .recorded_as(Event::ClientSecretAdded)
            }
            Self::RemoveSecret => row(
                "remove_secret",
                Delete,
                "/clients/{client_id}/secrets/{secret}",
                ClientsWrite,
                ADMINS,
            )
            .marked(&[Guarded, Fresh])
            .like_command("client secret remove")
            .recorded_as(Event::ClientSecretRemoved),
            Self::ListRegisteredClients => {
                row("list_registered_clients", Get, "/registered-clients", ClientsRead, READERS)
                    .like_command("client registered")
            }
            Self::RemoveRegisteredClient => row(
                "remove_registered_client",
                Delete,
                "/registered-clients/{client_id}",
                ClientsWrite,
                ADMINS,
            )
            .marked(&[Fresh])
            .like_command("client remove")
            .recorded_as(Event::ClientRemoved),
            Self::ListRegistrationTokens => {
                row("list_registration_tokens", Get, "/registration-tokens", ClientsRead, READERS)
                    .like_command("client registration-token list")
            }
            Self::AddRegistrationToken => {
                row("add_registration_token", Post, "/registration-tokens", ClientsWrite, ADMINS)
                    .marked(&[Fresh, Creates])
                    .like_command("client registration-token add")
                    .recorded_as(Event::RegistrationTokenAdded)
            }
            Self::RemoveRegistrationToken => row(
                "remove_registration_token",
                Delete,
                "/registration-tokens/{token}",
                ClientsWrite,
                ADMINS,
            )
            .marked(&[Fresh])
            .like_command("client registration-token remove")
            .recorded_as(Event::RegistrationTokenRemoved),
            Self::ListResources => row("list_resources", Get, "/resources", ClientsRead, READERS),
            Self::ListIdentityProviders => {
                row("list_identity_providers", Get, "/identity-providers", ProvidersRead, READERS)
                    .like_command("identity-provider list")
            }
            // Who controls a provider signs in as every user for whom it may vouch.
            Self::CreateIdentityProvider => {
                row("create_identity_provider", Post, "/identity-providers", ProvidersWrite, OWNERS)
                    .marked(&[Fresh, Creates])
                    .like_command("identity-provider add")
                    .recorded_as(Event::IdentityProviderAdded)
            }
            Self::ReadIdentityProvider => row(
                "read_identity_provider",
                Get,
                "/identity-providers/{identity_provider}",
                ProvidersRead,
                READERS,
            )
            .like_command("identity-provider show"),
            Self::ChangeIdentityProvider => row(
                "change_identity_provider",
                Patch,
                "/identity-providers/{identity_provider}",
                ProvidersWrite,
                OWNERS,
            )
            .marked(&[Guarded, Fresh])
            .like_command("identity-provider set")
            .recorded_as(Event::IdentityProviderChanged),
            Self::RemoveIdentityProvider => row(
                "remove_identity_provider",
                Delete,
                "/identity-providers/{identity_provider}",
                ProvidersWrite,
                OWNERS,
            )
            .marked(&[Guarded, Fresh])
            .like_command("identity-provider remove")
            .recorded_as(Event::IdentityProviderRemoved),
            Self::CheckIdentityProvider => row(
                "check_identity_provider",
                Get,
                "/identity-providers/{identity_provider}/check",
                ProvidersRead,
                READERS,
            )
            .like_command("identity-provider check"),
            Self::ListKeys => {
                row("list_keys", Get, "/keys", KeysRead, READERS).like_command("keys list")
            }
            Self::RotateKeys => row("rotate_keys", Post, "/keys", KeysWrite, OWNERS)
                .marked(&[Fresh, Creates])
                .like_command("keys rotate")
                .recorded_as(Event::KeysRotated),
            Self::RetireKey => row("retire_key", Delete, "/keys/{kid}", KeysWrite, OWNERS)
                .marked(&[Fresh])
                .like_command("keys retire")
                .recorded_as(Event::KeyRetired),
            Self::ListEvents => {
                row("list_events", Get, "/events", AuditRead, READERS).like_command("audit list")
            }
            Self::ExportEvents => row("export_events", Get, "/events/export", AuditRead, READERS)
                .like_command("audit export"),
            Self::ListMails => {
                row("list_mails", Get, "/outbox", SystemRead, READERS).like_command("mail outbox")
            }
            Self::RetryMail => row("retry_mail", Post, "/outbox/{id}/retry", SystemWrite, ADMINS)
                .recorded_as(Event::MailRetried),
            Self::ReadConfiguration => {
                row("read_configuration", Get, "/configuration", SystemRead, READERS)
                    .like_command("config show")
            }
        }
    }
}

//! The scopes of the administration's API.

use serde::Serialize;

/// A scope of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum AdminScope {
    /// To look at users, their factors, sessions and grants.
    UsersRead,
    /// To change them.
    UsersWrite,
    /// To give and take roles in the administration.
    RolesWrite,
    /// To look at groups and their members.
    GroupsRead,
    /// To change groups and their members.
    GroupsWrite,
    /// To look at the users and groups of directories.
    DirectoryRead,
    /// To change them.
    DirectoryWrite,
    /// To look at clients, resources and scopes.
    ClientsRead,
    /// To change clients.
    ClientsWrite,
    /// To look at the other providers by which users sign in.
    ProvidersRead,
    /// To change them.
    ProvidersWrite,
    /// To look at signing keys.
    KeysRead,
    /// To change them.
    KeysWrite,
    /// To look at the audit history.
    AuditRead,
    /// To look at the outbox, the configuration and the numbers of the overview.
    SystemRead,
    /// To send mails again.
    SystemWrite,
}

impl AdminScope {
    /// Every scope.
    pub const ALL: [Self; 16] = [
        Self::UsersRead,
        Self::UsersWrite,
        Self::RolesWrite,
        Self::GroupsRead,
        Self::GroupsWrite,
        Self::DirectoryRead,
        Self::DirectoryWrite,
        Self::ClientsRead,
        Self::ClientsWrite,
        Self::ProvidersRead,
        Self::ProvidersWrite,
        Self::KeysRead,
        Self::KeysWrite,
        Self::AuditRead,
        Self::SystemRead,
        Self::SystemWrite,
    ];

    /// The scope in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::UsersRead => "admin:users.read",
            Self::UsersWrite => "admin:users.write",
            Self::RolesWrite => "admin:roles.write",
            Self::GroupsRead => "admin:groups.read",
            Self::GroupsWrite => "admin:groups.write",
            Self::DirectoryRead => "admin:directory.read",
            Self::DirectoryWrite => "admin:directory.write",
            Self::ClientsRead => "admin:clients.read",
            Self::ClientsWrite => "admin:clients.write",
            Self::ProvidersRead => "admin:providers.read",
            Self::ProvidersWrite => "admin:providers.write",
            Self::KeysRead => "admin:keys.read",
            Self::KeysWrite => "admin:keys.write",
            Self::AuditRead => "admin:audit.read",
            Self::SystemRead => "admin:system.read",
            Self::SystemWrite => "admin:system.write",
        }
    }

    /// What it gives, for the consent page.
    pub fn title(self) -> &'static str {
        match self {
            Self::UsersRead => "Look at all users",
            Self::UsersWrite => "Change all users",
            Self::RolesWrite => "Give and take roles in the administration",
            Self::GroupsRead => "Look at groups and their members",
            Self::GroupsWrite => "Change groups and their members",
            Self::DirectoryRead => "Look at users and groups of directories",
            Self::DirectoryWrite => "Change users and groups of directories",
            Self::ClientsRead => "Look at clients and resources",
            Self::ClientsWrite => "Change clients",
            Self::ProvidersRead => "Look at identity providers",
            Self::ProvidersWrite => "Change identity providers",
            Self::KeysRead => "Look at signing keys",
            Self::KeysWrite => "Change signing keys",
            Self::AuditRead => "Look at the history of who did what",
            Self::SystemRead => "Look at outbox and configuration",
            Self::SystemWrite => "Send mails again",
        }
    }

    /// The scope of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

//! What the audit history calls changes that somebody asks for who administers.

macro_rules! change_events {
    ($($(#[$about:meta])* $name:ident = $text:literal,)+) => {
        /// A change that was asked for by the API, by command, by SCIM or by the configuration. The
        /// same change is called the same, whatever way it came. What users and clients do has
        /// events of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ChangeEvent {
            $($(#[$about])* $name,)+
        }

        impl ChangeEvent {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in the audit history and in the log.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

change_events! {
    /// A user was added.
    UserAdded = "user_added",
    /// A user was changed.
    UserChanged = "user_changed",
    /// A user may sign in again.
    UserEnabled = "user_enabled",
    /// A user is kept out.
    UserDisabled = "user_disabled",
    /// A user has another password.
    UserPasswordChanged = "user_password_changed",
    /// A user has other roles.
    UserRolesChanged = "user_roles_changed",
    /// A user was removed.
    UserRemoved = "user_removed",
    /// Users were imported from another system.
    UsersImported = "users_imported",
    /// A user has another role in the administration, or none.
    AdminRoleChanged = "admin_role_changed",
    /// A user got a link to set another password.
    PasswordLinkSent = "password_link_sent",
    /// The second factors of a user were taken away.
    UserFactorsReset = "user_factors_reset",
    /// A passkey of a user was removed.
    UserPasskeyRemoved = "user_passkey_removed",
    /// An account at another provider was linked with a user.
    UserLinked = "user_linked",
    /// An account at another provider was removed from a user.
    UserUnlinked = "user_unlinked",
    /// Sessions of a user were ended.
    SessionsEnded = "sessions_ended",
    /// A client's access to a user's data was revoked.
    AccessRevoked = "access_revoked",
    /// Somebody was invited.
    UserInvited = "user_invited",
    /// An invitation was withdrawn.
    UserUninvited = "user_uninvited",
    /// A group was added.
    GroupAdded = "group_added",
    /// A group was changed.
    GroupChanged = "group_changed",
    /// A group was removed.
    GroupRemoved = "group_removed",
    /// A user became a member of a group.
    GroupMemberAdded = "group_member_added",
    /// A user was taken out of a group.
    GroupMemberRemoved = "group_member_removed",
    /// A user was added to a directory.
    DirectoryUserAdded = "directory_user_added",
    /// A user of a directory was changed.
    DirectoryUserChanged = "directory_user_changed",
    /// A password was set in a directory.
    DirectoryPasswordSet = "directory_password_set",
    /// A user became a member of a group of a directory.
    DirectoryMemberAdded = "directory_member_added",
    /// A user was taken out of a group of a directory.
    DirectoryMemberRemoved = "directory_member_removed",
    /// A client was added.
    ClientAdded = "client_added",
    /// A client was changed.
    ClientChanged = "client_changed",
    /// A client was removed.
    ClientRemoved = "client_removed",
    /// A client got another secret.
    ClientSecretAdded = "client_secret_added",
    /// A secret of a client was removed.
    ClientSecretRemoved = "client_secret_removed",
    /// A token to register clients was made.
    RegistrationTokenAdded = "registration_token_added",
    /// A token to register clients was removed.
    RegistrationTokenRemoved = "registration_token_removed",
    /// An identity provider was added.
    IdentityProviderAdded = "identity_provider_added",
    /// An identity provider was changed.
    IdentityProviderChanged = "identity_provider_changed",
    /// An identity provider was removed.
    IdentityProviderRemoved = "identity_provider_removed",
    /// New signing keys were made.
    KeysRotated = "keys_rotated",
    /// A signing key was removed.
    KeyRetired = "key_retired",
    /// The keys were encrypted with another master key.
    KeysResealed = "keys_resealed",
    /// A mail that waits was tried again.
    MailRetried = "mail_retried",
    /// The database was restored from a copy.
    DatabaseRestored = "database_restored",
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_guide_explains_every_change_in_its_order() {
        let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/audit.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        let (_, changes) = guide.split_once("\n## Changes\n").unwrap();
        let (changes, _) = changes.split_once("\n## ").unwrap();
        let rows = changes.lines().filter_map(|line| line.strip_prefix("| `"));
        let names = rows.filter_map(|row| row.split('`').next()).filter(|name| *name != "event");
        let known = ChangeEvent::ALL.iter().map(|event| event.name());
        assert_eq!(names.collect::<Vec<_>>(), known.collect::<Vec<_>>());
    }
}

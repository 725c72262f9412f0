//! What happened to an account, for its owner to look at.

use doorward_protocol::ids::Sub;

use crate::model::{
    session::Device,
    time::{Seconds, Timestamp},
};

/// How long an event is kept: half a year.
pub const KEPT_FOR: Seconds = Seconds::new(180 * 24 * 3600);

/// How many events of one user are kept. The oldest makes room for a new one.
pub const MOST_PER_USER: u32 = 200;

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEvent {
    /// Subject identifier of the account's user.
    pub sub: Sub,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: AccountEventKind,
    /// From where, as far as it is known.
    pub device: Device,
    /// What it was done to: the client, the address, the name of the passkey.
    pub detail: Option<String>,
}

/// An event that the store keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// Its number: a later event has a greater one.
    pub number: i64,
    /// The event.
    pub event: AccountEvent,
}

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountEventKind {
    /// The user registered.
    Registered,
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed in with a browser that was not known.
    SignedInFromNewDevice,
    /// The user ended a session.
    SessionEnded,
    /// The password was changed by its owner.
    PasswordChanged,
    /// An operator or administrator set another password.
    PasswordSetByAdministrator,
    /// The password was removed by its owner.
    PasswordRemoved,
    /// A forgotten password was replaced.
    PasswordReset,
    /// So many passwords were wrong that no more were taken from there.
    PasswordGuessed,
    /// The e-mail address was changed.
    EmailChanged,
    /// An operator or administrator set another e-mail address.
    EmailSetByAdministrator,
    /// The name or another claim was changed.
    ProfileChanged,
    /// A client's access was taken back.
    AccessRevoked,
    /// A passkey or an authenticator app was added.
    FactorAdded,
    /// A passkey or an authenticator app was removed.
    FactorRemoved,
    /// An operator or administrator took all second factors away.
    FactorsReset,
    /// An identity at another provider was linked.
    IdentityLinked,
    /// An identity at another provider was unlinked.
    IdentityUnlinked,
    /// New recovery codes took the place of those that were there.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// The data was downloaded.
    DataDownloaded,
}

impl AccountEventKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::Registered,
        Self::SignedIn,
        Self::SignedInFromNewDevice,
        Self::SessionEnded,
        Self::PasswordChanged,
        Self::PasswordSetByAdministrator,
        Self::PasswordRemoved,
        Self::PasswordReset,
        Self::PasswordGuessed,
        Self::EmailChanged,
        Self::EmailSetByAdministrator,
        Self::ProfileChanged,
        Self::AccessRevoked,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::FactorsReset,
        Self::IdentityLinked,
        Self::IdentityUnlinked,
        Self::RecoveryCodesMade,
        Self::RecoveryCodeUsed,
        Self::DataDownloaded,
    ];

    /// Whether there is another password since.
    pub fn is_new_password(self) -> bool {
        matches!(
            self,
            Self::PasswordChanged | Self::PasswordSetByAdministrator | Self::PasswordReset
        )
    }

    /// The name under which the store keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::SignedIn => "signed_in",
            Self::SignedInFromNewDevice => "signed_in_from_new_device",
            Self::SessionEnded => "session_ended",
            Self::PasswordChanged => "password_changed",
            Self::PasswordSetByAdministrator => "password_set_by_administrator",
            Self::PasswordRemoved => "password_removed",
            Self::PasswordReset => "password_reset",
            Self::PasswordGuessed => "password_guessed",
            Self::EmailChanged => "email_changed",
            Self::EmailSetByAdministrator => "email_set_by_administrator",
            Self::ProfileChanged => "profile_changed",
            Self::AccessRevoked => "access_revoked",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::FactorsReset => "factors_reset",
            Self::IdentityLinked => "identity_linked",
            Self::IdentityUnlinked => "identity_unlinked",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::DataDownloaded => "data_downloaded",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in AccountEventKind::ALL {
            assert_eq!(AccountEventKind::parse(kind.as_str()), Some(kind));
        }
    }
}

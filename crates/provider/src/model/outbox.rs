//! Mails that wait to be sent.

use doorward_protocol::ids::{ClientId, Sub};
use serde_json::{Map, Value};

use crate::model::{email::normalized_email, time::Timestamp};

/// Seconds for which a mail that only tells something is tried to be sent: three days.
pub(crate) const NOTICE_LIFETIME: u32 = 259_200;

/// A mail as the store keeps it, until it is sent or has expired.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxMail {
    /// Identifier, drawn at random.
    pub id: String,
    /// The address that it goes to.
    pub to: String,
    /// What it tells.
    pub kind: MailKind,
    /// The language that it is written in, as `en`.
    pub language: String,
    /// What its template is given: `link`, `name`, `device` and others. A link is a credential, so
    /// `Debug` shows none of it.
    pub data: Map<String, Value>,
    /// The user whom it is about; `None` if there is none yet.
    pub sub: Option<Sub>,
    /// The client at whose sign-in it was asked for, whose look it has; `None`: the provider's.
    pub client_id: Option<ClientId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// It is not sent from this timestamp on.
    pub expires_at: Timestamp,
}

/// A mail that waits, and what became of it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMail {
    /// The mail.
    pub mail: OutboxMail,
    /// How many times it was taken to be sent, this time included.
    pub attempts: u32,
    /// When it is due.
    pub due_at: Timestamp,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Where a list of mails goes on: after the mail with these values. The oldest comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailCursor {
    /// When it was written.
    pub created_at: Timestamp,
    /// Its identifier.
    pub id: String,
}

/// Where a search by address goes on: after the mail with these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressCursor {
    /// The address that it goes to, in the form in which addresses are compared.
    pub address: String,
    /// Its identifier.
    pub id: String,
}

impl QueuedMail {
    /// Where a search by address goes on after this mail.
    pub fn address_cursor(&self) -> AddressCursor {
        AddressCursor { address: normalized_email(&self.mail.to), id: self.mail.id.clone() }
    }

    /// Where the list goes on after this mail.
    pub fn cursor(&self) -> MailCursor {
        MailCursor { created_at: self.mail.created_at, id: self.mail.id.clone() }
    }
}

impl std::fmt::Debug for OutboxMail {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("OutboxMail")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("language", &self.language)
            .field("sub", &self.sub)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What a mail tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailKind {
    /// A link to show that the address is the reader's, or to register under it.
    VerifyEmail,
    /// A link to make this the address of an account.
    ChangeEmail,
    /// The account has another address now (to the one before).
    EmailChanged,
    /// A link to set another password.
    ResetPassword,
    /// The password was changed.
    PasswordChanged,
    /// The password was removed.
    PasswordRemoved,
    /// The profile was changed.
    ProfileChanged,
    /// So many passwords were wrong that no more are taken from there.
    PasswordGuessed,
    /// A link to register, from an operator.
    Invitation,
    /// Somebody wanted to register under the address of an account.
    AccountExists,
    /// A sign-in with a device that was not used before.
    NewDevice,
    /// A passkey or an authenticator app was added.
    FactorAdded,
    /// A passkey or an authenticator app was removed.
    FactorRemoved,
    /// An operator or administrator took all second factors away.
    FactorsReset,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// New recovery codes took the place of those that were there.
    RecoveryCodesMade,
    /// The account was deleted.
    AccountDeleted,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::VerifyEmail,
        Self::ChangeEmail,
        Self::EmailChanged,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::PasswordRemoved,
        Self::ProfileChanged,
        Self::PasswordGuessed,
        Self::Invitation,
        Self::AccountExists,
        Self::NewDevice,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::FactorsReset,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesMade,
        Self::AccountDeleted,
    ];

    /// The name of the kind, for the store and for files of templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::EmailChanged => "email_changed",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::PasswordRemoved => "password_removed",
            Self::ProfileChanged => "profile_changed",
            Self::PasswordGuessed => "password_guessed",
            Self::Invitation => "invitation",
            Self::AccountExists => "account_exists",
            Self::NewDevice => "new_device",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::FactorsReset => "factors_reset",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::AccountDeleted => "account_deleted",
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
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn a_mail_shows_neither_its_link_nor_its_address() {
        let data = Map::from_iter([("link".to_owned(), "https://op.example/secret".into())]);
        let mail = OutboxMail {
            id: "1".to_owned(),
            to: "ada@example.com".to_owned(),
            kind: MailKind::ResetPassword,
            language: "en".to_owned(),
            data,
            sub: None,
            client_id: None,
            created_at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(1),
        };
        let shown = format!("{mail:?}");
        assert!(!shown.contains("secret") && !shown.contains("ada@"), "{shown}");
    }
}

//! Users of a directory (LDAP) are managed: what may be asked of it, and what comes back. Only
//! where the operator has given it an account of its own for that, and only in the configured
//! subtree.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use doorward_protocol::secret::Secret;

use crate::{
    model::{
        external_identity::{ExternalId, ExternalSubject, Issuer},
        identity_provider::IdentityProviderName,
        time::Timestamp,
        user::User,
    },
    store::{ExternalIdentities, StoreError, Users},
};

/// How many values an attribute may get.
pub const MOST_VALUES: usize = 50;
/// The longest value in bytes.
pub const LONGEST_VALUE: usize = 4096;
/// The longest user name in bytes.
const LONGEST_NAME: usize = 255;

/// The values of attributes by the names of the attributes.
pub type EntryAttributes = BTreeMap<String, Vec<String>>;

/// The users of a directory, as far as they may be managed. LDAP is behind it.
#[async_trait]
pub trait DirectoryManager: Send + Sync + fmt::Debug {
    /// What may be done.
    fn abilities(&self) -> &ManagedDirectory;

    /// Entries of which the user name, a name or the address begins with the text, sorted by user
    /// name. This many are read; an empty text is the beginning of all.
    async fn find(
        &self,
        text: &str,
        most: usize,
        now: Timestamp,
    ) -> Result<Found<ManagedEntry>, ManageError>;

    /// The entry with this user name.
    async fn named(&self, name: &str, now: Timestamp) -> Result<ManagedEntry, ManageError>;

    /// The entry with this identifier.
    async fn entry(
        &self,
        id: &ExternalSubject,
        now: Timestamp,
    ) -> Result<ManagedEntry, ManageError>;

    /// Adds an entry.
    async fn create(&self, new: &NewEntry, now: Timestamp) -> Result<ManagedEntry, ManageError>;

    /// Changes an entry that was read before. What somebody else has changed meanwhile stays.
    async fn change(
        &self,
        before: &ManagedEntry,
        changes: &EntryChanges,
        now: Timestamp,
    ) -> Result<ManagedEntry, ManageError>;

    /// Sets the password. `must_change`: the user has to set another one at the next sign-in.
    async fn set_password(
        &self,
        entry: &ManagedEntry,
        password: &Secret,
        must_change: bool,
    ) -> Result<(), ManageError>;

    /// The groups of which the name begins with the text, sorted by name.
    async fn groups(&self, text: &str, most: usize) -> Result<Found<DirectoryGroup>, ManageError>;

    /// The group with this name.
    async fn group_named(&self, name: &str) -> Result<DirectoryGroup, ManageError>;

    /// The group with this identifier.
    async fn group(&self, id: &ExternalSubject) -> Result<DirectoryGroup, ManageError>;

    /// The groups that have the entry as a member. Groups in groups don't count.
    async fn groups_of(&self, entry: &ManagedEntry) -> Result<Vec<DirectoryGroup>, ManageError>;

    /// Makes an entry a member of a group, or ends that. `false`: it was so before.
    async fn set_member(
        &self,
        entry: &ManagedEntry,
        group: &DirectoryGroup,
        is_member: bool,
    ) -> Result<bool, ManageError>;
}

/// What may be done in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedDirectory {
    /// Its name.
    pub name: IdentityProviderName,
    /// The entry under which the users are.
    pub base: String,
    /// The attributes that may be edited.
    pub editable: Vec<String>,
    /// Whether memberships in groups may be changed.
    pub has_groups: bool,
}

/// What was found, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// What was read.
    pub items: Vec<T>,
    /// Whether there is more.
    pub is_cut: bool,
}

/// A user's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedEntry {
    /// What names it for ever.
    pub id: ExternalSubject,
    /// The distinguished name.
    pub dn: String,
    /// The user name.
    pub username: String,
    /// The full name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether nobody has disabled it.
    pub enabled: bool,
    /// The attributes that may be edited and are there.
    pub attributes: EntryAttributes,
    /// The directory's own mark of its state, if it has one (`entryCSN`).
    pub state: Option<String>,
    /// `userAccountControl` of Active Directory.
    pub flags: Option<i64>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryGroup {
    /// What names it for ever.
    pub id: ExternalSubject,
    /// The distinguished name.
    pub dn: String,
    /// The name.
    pub name: String,
}

/// An entry to add.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The user name.
    pub username: String,
    /// Below which entry it is added. `None`: the configured one.
    pub parent: Option<String>,
    /// The attributes, of those that may be edited.
    pub attributes: EntryAttributes,
    /// The password. Nobody can sign in without one.
    pub password: Option<Secret>,
    /// Whether the user has to set another password at the first sign-in.
    pub must_change: bool,
    /// Whether the account can be used.
    pub enabled: bool,
}

/// A change of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryChanges {
    /// Another user name.
    pub username: Option<String>,
    /// Whether the account can be used.
    pub enabled: Option<bool>,
    /// Values in place of those that the attributes have. Without any the attribute is removed.
    pub attributes: EntryAttributes,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManageError {
    /// There is no such entry or group where users or groups may be managed.
    #[error("there is none in the part of the directory that is managed here")]
    Missing,
    /// Something that was given can't be so.
    #[error("{field}: {problem}")]
    Invalid {
        /// What.
        field: String,
        /// Why.
        problem: String,
    },
    /// The entry is not in the configured subtree.
    #[error("{0} is not in the part of the directory that is managed here")]
    Outside(String),
    /// There is an entry of this name.
    #[error("the directory has an entry of this name already")]
    Exists,
    /// Several entries have the name.
    #[error("several entries have this name: name it by its identifier")]
    Ambiguous,
    /// Somebody else has changed the entry.
    #[error("somebody has changed the entry meanwhile: read it again")]
    Overtaken,
    /// Memberships are not managed in this directory.
    #[error("groups are not managed in this directory: its table management has no group_base")]
    NoGroups,
    /// The directory does not do it, by its rules or by its rights.
    #[error("the directory refuses it: {0}")]
    Refused(String),
    /// None of its servers answers in time.
    #[error("the directory does not answer: {0}")]
    Unavailable(String),
    /// It answers what can't be used: the operator has to look.
    #[error("the directory's answer can't be used: {0}")]
    NotAccepted(String),
}

impl ManageError {
    /// What was given under this name can't be so.
    pub fn invalid(field: &str, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.to_owned(), problem: problem.into() }
    }

    /// Whether a change may have been made all the same: the answer did not come, or was not
    /// understood.
    pub fn may_be_changed(&self) -> bool {
        matches!(self, Self::NotAccepted(_) | Self::Unavailable(_))
    }

    /// Whether a password may have been set all the same. That takes more than one step, and a
    /// later one may have been refused.
    pub fn may_have_set_password(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NotAccepted(_) | Self::Unavailable(_))
    }
}

/// Refuses what can't be a user name in any directory.
pub fn check_username(name: &str) -> Result<(), ManageError> {
    let is_good = (1..=LONGEST_NAME).contains(&name.len())
        && name.trim() == name
        && !name.contains(char::is_control);
    if is_good {
        return Ok(());
    }
    let problem = "a user name has 1 to 255 bytes, no control characters, and no space around it";
    Err(ManageError::invalid("username", problem))
}

/// The values by the names that the settings have for the attributes. Others are refused, and so
/// are values that no attribute can have.
pub fn checked_attributes(
    given: &EntryAttributes,
    editable: &[String],
) -> Result<EntryAttributes, ManageError> {
    let mut checked = EntryAttributes::new();
    for (name, values) in given {
        let field = format!("attributes.{name}");
        let refuse = |problem: String| Err(ManageError::invalid(&field, problem));
        let Some(known) = editable.iter().find(|own| own.eq_ignore_ascii_case(name)) else {
            return refuse(format!(
                "it may not be edited here; there are: {}",
                editable.join(", ")
            ));
        };
        if values.len() > MOST_VALUES {
            return refuse(format!("an attribute has at most {MOST_VALUES} values"));
        }
        let is_good = |value: &String| {
            let text = value.trim();
            !text.is_empty() && value.len() <= LONGEST_VALUE && !value.contains(char::is_control)
        };
        if !values.iter().all(is_good) {
            return refuse(format!(
                "a value has 1 to {LONGEST_VALUE} bytes, no control characters, and not space alone"
            ));
        }
        let mut values = values.clone();
        values.sort();
        values.dedup();
        if checked.insert(known.clone(), values).is_some() {
            return refuse("it is given twice".to_owned());
        }
    }
    Ok(checked)
}

/// The user whose identity is an entry of a directory.
pub async fn linked_user(
    identities: &dyn ExternalIdentities,
    users: &dyn Users,
    directory: &IdentityProviderName,
    id: &ExternalSubject,
) -> Result<Option<User>, StoreError> {
    let issuer = crate::model::directory::issuer(directory);
    let Ok(issuer) = Issuer::parse(&issuer) else { return Ok(None) };
    let id = ExternalId { issuer, subject: id.clone() };
    match identities.external_identity(&id).await? {
        Some(identity) => users.user(&identity.sub).await,
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn attributes(values: &[(&str, &[&str])]) -> EntryAttributes {
        let owned = |(name, values): &(&str, &[&str])| {
            ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect())
        };
        values.iter().map(owned).collect()
    }

    #[test]
    fn only_attributes_of_the_settings_are_edited() {
        let editable = ["mail".to_owned(), "givenName".to_owned()];
        let check = |given: &[(&str, &[&str])]| checked_attributes(&attributes(given), &editable);
        let checked = check(&[("GIVENNAME", &["b", "a", "b"]), ("mail", &[])]).unwrap();
        assert_eq!(checked, attributes(&[("givenName", &["a", "b"]), ("mail", &[])]));
        for wrong in [
            &[("userPassword", &["x"][..])][..],
            &[("mail;lang-de", &["x"])],
            &[("", &["x"])],
            &[("mail", &[""])],
            &[("mail", &["  "])],
            &[("mail", &["a\0"])],
            &[("mail", &["a\nb"])],
            &[("mail", &["x"]), ("MAIL", &["y"])],
        ] {
            assert!(matches!(check(wrong), Err(ManageError::Invalid { .. })), "{wrong:?}");
        }
        let long = "x".repeat(LONGEST_VALUE + 1);
        assert!(check(&[("mail", &[&long])]).is_err());
        assert!(check(&[("mail", &["x"; MOST_VALUES + 1])]).is_err());
    }

    #[test]
    fn what_was_not_answered_may_have_been_done() {
        let text = || "x".to_owned();
        let (unanswered, strange) =
            (ManageError::Unavailable(text()), ManageError::NotAccepted(text()));
        for unclear in [&unanswered, &strange] {
            assert!(unclear.may_be_changed() && unclear.may_have_set_password(), "{unclear}");
        }
        // The password is set, and what it needs with it is refused.
        let refused = ManageError::Refused(text());
        assert!(!refused.may_be_changed() && refused.may_have_set_password());
        for clear in [
            ManageError::Missing,
            ManageError::Outside(text()),
            ManageError::invalid("x", "y"),
            ManageError::Exists,
            ManageError::Ambiguous,
            ManageError::Overtaken,
            ManageError::NoGroups,
        ] {
            assert!(!clear.may_be_changed() && !clear.may_have_set_password(), "{clear}");
        }
    }

    #[test]
    fn a_user_name_is_a_short_text() {
        let long = "x".repeat(256);
        for wrong in ["", " ", " ada", "ada ", "a\0", "a\nb", &long] {
            assert!(check_username(wrong).is_err(), "{wrong:?}");
        }
        for good in ["ada", "o*(b)\\,x+y", "ada lovelace", "#1", "\u{e9}"] {
            assert!(check_username(good).is_ok(), "{good:?}");
        }
    }
}

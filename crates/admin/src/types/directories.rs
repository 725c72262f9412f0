//! Users of directories, as the API writes and reads them.

use std::collections::BTreeMap;

use doorward_protocol::secret::Secret;
use serde::{Deserialize, Serialize};

/// A directory whose users are managed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct DirectoryRow {
    /// Its name.
    pub name: String,
    /// The entry below which its users are managed.
    pub base: String,
    /// The attributes that may be edited.
    pub editable_attributes: Vec<String>,
    /// Whether memberships in its groups are managed.
    pub has_groups: bool,
}

/// A directory's user of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct DirectoryUserRow {
    /// What names the entry for ever: `entryUUID` or `objectGUID`.
    pub id: String,
    /// The distinguished name.
    pub dn: String,
    /// What the user signs in with.
    pub username: String,
    /// The full name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether nobody has disabled the account.
    pub enabled: bool,
}

/// A page of a directory's users, sorted by user name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct DirectoryUsers {
    /// The rows.
    pub items: Vec<DirectoryUserRow>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "api", schema(required = false))]
    pub next: Option<String>,
    /// Whether there are more than are read of a directory at once: only some of them are in these
    /// pages. A longer `prefix` finds the others.
    pub is_cut: bool,
}

/// A group of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct DirectoryGroupRow {
    /// What names the entry for ever.
    pub id: String,
    /// The distinguished name.
    pub dn: String,
    /// The name.
    pub name: String,
}

/// Groups of a directory, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct DirectoryGroups {
    /// The rows.
    pub items: Vec<DirectoryGroupRow>,
    /// Whether there are more. A longer `prefix` finds the others.
    pub is_cut: bool,
}

/// A directory's user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct DirectoryUserView {
    /// What names the entry for ever: `entryUUID` or `objectGUID`.
    pub id: String,
    /// The distinguished name.
    pub dn: String,
    /// What the user signs in with.
    pub username: String,
    /// Whether nobody has disabled the account.
    pub enabled: bool,
    /// The attributes that may be edited and are there, with their values.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// The groups that have the user as a member.
    pub groups: Vec<DirectoryGroupRow>,
    /// The account here, once the user has signed in.
    pub sub: Option<String>,
}

/// A user to add to a directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewDirectoryUser {
    /// What the user signs in with.
    pub username: String,
    /// The distinguished name of the entry below which the user is added. It is in the part of the
    /// directory that is managed. Without it, the entry of the settings.
    pub parent: Option<String>,
    /// Attributes of those that may be edited, with their values.
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<String>>,
    /// The password. Without one nobody can sign in.
    #[cfg_attr(feature = "api", schema(value_type = Option<String>, write_only))]
    pub password: Option<Secret>,
    /// Whether the user has to set another password at the first sign-in.
    #[serde(default)]
    pub must_change: bool,
    /// Whether the account can be used.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// A change of a directory's user. What is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DirectoryUserChanges {
    /// What the user signs in with. Where the entry is named by it, it is changed by itself.
    pub username: Option<String>,
    /// Whether the account can be used. Whoever is disabled is signed out here.
    pub enabled: Option<bool>,
    /// Values in place of those that the attributes have. An empty list removes an attribute.
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// A password for a directory's user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DirectoryPassword {
    /// The password.
    #[cfg_attr(feature = "api", schema(value_type = String, write_only))]
    pub password: Secret,
    /// Whether the user has to set another one at the next sign-in.
    #[serde(default)]
    pub must_change: bool,
}

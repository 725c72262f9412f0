//! `[[directories]]` and `[directories.management]`.

use std::path::PathBuf;

use doorward_directory::settings::{DirectoryKind, PasswordChange};
use doorward_protocol::secret::Secret;
use doorward_provider::model::{
    claim_mapping::ClaimMapping,
    directory::{Asked, TRUST_WITHOUT_ANSWER},
    identity_provider::{FirstSignIn, IdentityProviderName},
};
use serde::Deserialize;

use super::yes;
use crate::config::values::Seconds;

/// `[[directories]]`: a directory (LDAP) by which users sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, clippy::struct_excessive_bools)] // Independent settings.
pub struct DirectoryTable {
    pub name: IdentityProviderName,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub kind: DirectoryKind,
    pub servers: Vec<String>,
    #[serde(default = "yes")]
    pub start_tls: bool,
    #[serde(default)]
    pub allow_plain: bool,
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(default)]
    pub bind_dn: Option<String>,
    #[serde(default)]
    pub bind_password: Option<Secret>,
    #[serde(default)]
    pub bind_password_file: Option<PathBuf>,
    pub base: String,
    #[serde(default)]
    pub user_filter: Option<String>,
    #[serde(default)]
    pub user_dn: Option<String>,
    #[serde(default)]
    pub decoy_dn: Option<String>,
    #[serde(default = "every_name")]
    pub names: Vec<String>,
    #[serde(default)]
    pub asked: Asked,
    #[serde(default = "create")]
    pub first_sign_in: FirstSignIn,
    #[serde(default)]
    pub link_by_username: bool,
    #[serde(default)]
    pub trusted_email_domains: Vec<String>,
    #[serde(default)]
    pub id_attribute: Option<String>,
    #[serde(default)]
    pub username_attribute: Option<String>,
    #[serde(default)]
    pub email_attribute: Option<String>,
    #[serde(default)]
    pub name_attribute: Option<String>,
    #[serde(default)]
    pub given_name_attribute: Option<String>,
    #[serde(default)]
    pub family_name_attribute: Option<String>,
    #[serde(default)]
    pub attributes: Vec<String>,
    #[serde(default)]
    pub groups: GroupsFrom,
    #[serde(default)]
    pub group_base: Option<String>,
    #[serde(default)]
    pub group_filter: Option<String>,
    #[serde(default = "default_group_name")]
    pub group_name_attribute: String,
    #[serde(default)]
    pub nested_groups: bool,
    #[serde(default)]
    pub claims: ClaimMapping,
    #[serde(default)]
    pub password_change: PasswordChange,
    #[serde(default = "default_refresh_interval")]
    pub refresh_interval: u32,
    #[serde(default = "default_trust_without_answer")]
    pub trust_without_answer: u32,
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout: Seconds,
    #[serde(default = "default_answer_timeout")]
    pub answer_timeout: Seconds,
    #[serde(default = "default_directory_connections")]
    pub max_connections: u32,
    #[serde(default = "default_most_groups")]
    pub max_groups: u32,
    #[serde(default)]
    pub management: Option<DirectoryManagementTable>,
}

/// `[directories.management]`: how the users of a directory are managed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct DirectoryManagementTable {
    pub bind_dn: String,
    #[serde(default)]
    pub bind_password: Option<Secret>,
    #[serde(default)]
    pub bind_password_file: Option<PathBuf>,
    pub base: String,
    #[serde(default)]
    pub create_in: Option<String>,
    #[serde(default)]
    pub user_filter: Option<String>,
    #[serde(default)]
    pub object_classes: Option<Vec<String>>,
    #[serde(default)]
    pub naming_attribute: Option<String>,
    #[serde(default)]
    pub editable_attributes: Option<Vec<String>>,
    #[serde(default)]
    pub disable_attribute: Option<String>,
    #[serde(default)]
    pub disabled_value: Option<String>,
    #[serde(default)]
    pub group_base: Option<String>,
    #[serde(default)]
    pub group_filter: Option<String>,
    #[serde(default)]
    pub member_attribute: Option<String>,
}

/// `groups`: how the groups of a directory's user are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupsFrom {
    /// Not at all.
    #[default]
    None,
    /// By the attribute `memberOf` of the user's entry.
    MemberOf,
    /// By a search.
    Search,
}

fn every_name() -> Vec<String> {
    vec!["*".to_owned()]
}

fn create() -> FirstSignIn {
    FirstSignIn::Create
}

fn default_group_name() -> String {
    "cn".to_owned()
}

fn default_refresh_interval() -> u32 {
    300
}

fn default_trust_without_answer() -> u32 {
    TRUST_WITHOUT_ANSWER.get()
}

fn default_connect_timeout() -> Seconds {
    Seconds::new(3)
}

fn default_answer_timeout() -> Seconds {
    Seconds::new(5)
}

fn default_directory_connections() -> u32 {
    8
}

fn default_most_groups() -> u32 {
    1000
}

//! Users, as the API writes and reads them.

use doorward_protocol::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::AdminRole;

/// A user of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct UserRow {
    /// The identifier that applications see.
    pub sub: String,
    /// What the user signs in with.
    pub username: String,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the address is known to be the user's.
    pub email_verified: bool,
    /// The full name.
    pub name: Option<String>,
    /// The roles in applications: the claim `role`, a text or a list of texts, or null.
    pub roles: Value,
    /// The role in the administration.
    pub admin_role: Option<String>,
}

/// A user with all claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct UserView {
    /// The identifier that applications see.
    pub sub: String,
    /// What the user signs in with.
    pub username: String,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Whether there is a password.
    pub has_password: bool,
    /// The role in the administration.
    pub admin_role: Option<String>,
    /// The client that adds, changes and removes the user by SCIM.
    #[serde(default)]
    pub provisioned_by: Option<String>,
    /// The claims, without the role in the administration, without what SCIM notes of the user, and
    /// without those of the groups.
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub claims: Map<String, Value>,
    /// The groups that the user is in. They are changed by their members.
    pub groups: Vec<String>,
}

/// A user to add.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What the user signs in with.
    pub username: String,
    /// The identifier that applications see. It must never have been another user's. Without it a
    /// random one is drawn.
    pub sub: Option<String>,
    /// Whether the user may sign in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The password. Without one the user follows a link to set it, or has an invitation.
    #[cfg_attr(feature = "api", schema(value_type = Option<String>, write_only))]
    pub password: Option<Secret>,
    /// The role in the administration.
    pub admin_role: Option<AdminRole>,
    /// The claims.
    #[serde(default)]
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub claims: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// A change of a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserChanges {
    /// What the user signs in with.
    pub username: Option<String>,
    /// Whether the user may sign in. All sessions of a user end who may not.
    pub enabled: Option<bool>,
    /// Claims in place of those of the same names. One that is null is removed.
    #[serde(default)]
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub claims: Map<String, Value>,
}

/// A role to give or to take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AdminRoleBody {
    /// The role; null takes it.
    #[serde(deserialize_with = "present")]
    pub role: Option<AdminRole>,
}

/// Null is a value that must be said.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<AdminRole>, D::Error> {
    Option::deserialize(from)
}

/// What users are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The user name.
    #[default]
    Username,
    /// The e-mail address. Users without one are left out.
    Email,
    /// The full name. Users without one are left out.
    Name,
}

/// Which users are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// All of them.
    #[default]
    All,
    /// Those who may sign in.
    Enabled,
    /// Those who may not. Sorted by user name only.
    Disabled,
    /// Those who have a role in the administration. Sorted by user name only.
    Administrators,
}

/// A session of a user. Timestamps are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct SessionRow {
    /// The identifier that clients know.
    pub sid: String,
    /// When the user signed in.
    pub signed_in: i64,
    /// When the session expires.
    pub expires: i64,
    /// How the user signed in (RFC 8176).
    pub methods: Vec<String>,
    /// The network address.
    pub address: Option<String>,
    /// The browser.
    pub browser: Option<String>,
}

/// The access of a client to a user's data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct GrantRow {
    /// The client.
    pub client_id: String,
    /// What it may have.
    pub scope: String,
    /// The first grant; null for a consent alone.
    pub since: Option<i64>,
    /// The last use.
    pub last_used: Option<i64>,
}

/// An account at another provider by which a user signs in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct LinkRow {
    /// What names it here.
    pub id: String,
    /// The name of the provider in the configuration, when it was used last.
    pub provider: String,
    /// Whom the provider calls so.
    pub subject: String,
    /// What the provider calls the user, for people.
    pub name: Option<String>,
    /// Since when.
    pub since: i64,
    /// When the provider vouched for the user last.
    pub last_used: Option<i64>,
    /// The issuer of the provider.
    pub issuer: String,
    /// What its claims gave at the last sign-in.
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub claims: Map<String, Value>,
}

/// An account at another provider to link with a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// The name of the provider or of the directory in the configuration.
    pub provider: String,
    /// Whom the provider calls so: the `sub` of its ID tokens, or its `subject_claim`.
    pub subject: String,
    /// The issuer. It is needed where the provider has an issuer for each tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct EventRow {
    /// When.
    pub at: i64,
    /// What.
    pub event: String,
    /// The network address.
    pub address: Option<String>,
    /// The browser.
    pub browser: Option<String>,
    /// To what.
    pub detail: Option<String>,
}

/// Which second factors a user has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct FactorsView {
    /// Since when there is an authenticator app: seconds since 1970.
    pub authenticator_app_since: Option<i64>,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
    /// How many passkeys there are.
    pub passkeys: u32,
}

/// A passkey of a user. Timestamps are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct PasskeyRow {
    /// What names it here.
    pub id: String,
    /// What the user calls it.
    pub name: String,
    /// Since when.
    pub since: i64,
    /// When the user signed in by it last.
    pub last_used: Option<i64>,
    /// Whether it is copied to other devices of the user.
    pub backed_up: bool,
}

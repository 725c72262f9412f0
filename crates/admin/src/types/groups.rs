//! Groups and their members.

use doorward_protocol::account::GroupName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct GroupView {
    /// Its name, in the claim `groups`.
    pub name: String,
    /// What people call it, if that is not its name. It is in no token.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The roles of its members in applications (claim `role`).
    pub roles: Vec<String>,
    /// Further claims of its members.
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub claims: Map<String, Value>,
    /// The client that adds, changes and removes the group by SCIM; missing if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "api", schema(required = false))]
    pub provisioned_by: Option<String>,
}

/// A group to add.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its name: letters, digits, and . _ - : / between them.
    #[cfg_attr(feature = "api", schema(
        value_type = String,
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9])?$"
    ))]
    pub name: GroupName,
    /// What people call it, if that is not its name.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The roles of its members in applications.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Further claims of its members.
    #[serde(default)]
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub claims: Map<String, Value>,
}

/// A change of a group. What is not given stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupChanges {
    /// What people call it. An empty text takes it away.
    pub display_name: Option<String>,
    /// What it is for. An empty text takes it away.
    pub description: Option<String>,
    /// The roles, in place of those that it has.
    pub roles: Option<Vec<String>>,
    /// Claims in place of those of the same names. One that is null is removed.
    #[serde(default)]
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub claims: Map<String, Value>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct MemberRow {
    /// The user.
    pub sub: String,
    /// What the user signs in with.
    pub username: Option<String>,
}

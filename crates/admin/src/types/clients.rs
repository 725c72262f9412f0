//! Clients and their secrets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A client of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct ClientRow {
    /// Its identifier.
    pub client_id: String,
    /// What users see.
    pub client_name: Option<String>,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether it must authenticate.
    pub require_client_secret: bool,
    /// What it may ask for.
    pub allowed_scopes: Vec<String>,
    /// Whether the configuration defines it.
    pub configured: bool,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct ClientView {
    /// Its identifier.
    pub client_id: String,
    /// Whether the configuration defines it.
    pub configured: bool,
    /// Why the caller can't change it here, if they can't.
    pub read_only: Option<String>,
    /// The settings under their names in the configuration, defaults included. In place of its
    /// secrets there is their number.
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub settings: Map<String, Value>,
}

/// A client to add.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Its identifier.
    pub client_id: String,
    /// The settings under their names in the configuration. What is not given has its default.
    #[serde(default)]
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub settings: Map<String, Value>,
}

/// A change of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientChanges {
    /// Settings in place of those of the same names. One that is null has its default again.
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub settings: Map<String, Value>,
}

/// A client that was added.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct CreatedClient {
    /// The client.
    pub client: ClientView,
    /// The secret that was made for it, if it needs one. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "api", schema(required = false))]
    pub client_secret: Option<String>,
}

/// A secret of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct SecretRow {
    /// Its name: the first characters of its hash.
    pub secret: Option<String>,
    /// When it expires: seconds since 1970.
    pub expires_at: Option<i64>,
    /// What it is for.
    pub description: Option<String>,
}

/// A secret to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// It expires after this many days. Without it, it does not expire.
    #[cfg_attr(feature = "api", schema(minimum = 1, maximum = 36_500))]
    pub days: Option<u32>,
    /// What it is for.
    pub description: Option<String>,
}

/// A secret that was made.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct CreatedSecret {
    /// The secret itself. It is not shown again.
    pub client_secret: String,
}

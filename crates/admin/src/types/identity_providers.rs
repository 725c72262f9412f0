//! Other providers by which users sign in.

use std::collections::BTreeMap;

use doorward_protocol::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A provider of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct IdentityProviderRow {
    /// Its name, which is in its addresses.
    pub name: String,
    /// What is known of it beforehand, by its name in the configuration.
    pub preset: String,
    /// What people call it. Unknown if its settings do not hold.
    pub title: Option<String>,
    /// Its issuer, or the template of its issuers. Unknown if its settings do not hold.
    pub issuer: Option<String>,
    /// Whether users may sign in by it. Unknown if its settings do not hold.
    pub enabled: Option<bool>,
    /// Whether the configuration defines it.
    pub configured: bool,
    /// Why nobody signs in by it although it is enabled, if that is so.
    pub problem: Option<String>,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct IdentityProviderView {
    /// Its name, which is in its addresses.
    pub name: String,
    /// Whether the configuration defines it.
    pub configured: bool,
    /// Why it can't be changed here, if it can't.
    pub read_only: Option<String>,
    /// Why nobody signs in by it although it is enabled, if that is so.
    pub problem: Option<String>,
    /// What our client authenticates by there: `client_secret` or `client_key`. Unknown where the
    /// configuration defines it. The secret or the key itself is never shown.
    pub credential: Option<String>,
    /// The settings under their names in the configuration, as they were given.
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub settings: Map<String, Value>,
    /// What to enter at the provider: the addresses of this server by their names.
    pub registration: BTreeMap<String, String>,
}

/// A provider to add. It takes a `client_secret` or a `client_key`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewIdentityProvider {
    /// Its name, which never changes: 1 to 32 characters, a to z, 0 to 9 and hyphens.
    pub name: String,
    /// The settings under their names in the configuration. What is not given has its default.
    #[serde(default)]
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub settings: Map<String, Value>,
    /// The secret of our client there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "api", schema(value_type = Option<String>, write_only))]
    pub client_secret: Option<Secret>,
    /// The private key of our client there, in PEM (PKCS 8), in place of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "api", schema(value_type = Option<String>, write_only))]
    pub client_key: Option<Secret>,
}

/// A change of a provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderChanges {
    /// Settings in place of those of the same names. One that is null has its default again.
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub settings: Map<String, Value>,
    /// Another secret. It must be given where it would be sent to another address than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "api", schema(value_type = Option<String>, write_only))]
    pub client_secret: Option<Secret>,
    /// Another private key, in PEM (PKCS 8), in place of what there was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "api", schema(value_type = Option<String>, write_only))]
    pub client_key: Option<Secret>,
}

/// What a look at a provider found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct CheckedIdentityProvider {
    /// The steps in their order. The first that fails may be the last.
    pub checks: Vec<CheckStep>,
    /// What to enter at the provider: `client_id`, and the addresses of this server.
    pub registration: BTreeMap<String, String>,
}

/// A step of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct CheckStep {
    /// What was looked at.
    pub check: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, or what is wrong and what to do.
    pub text: String,
}

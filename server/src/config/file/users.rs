//! `[[users]]`.

use doorward_protocol::secret::Secret;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::yes;

/// `[[users]]`: a user who is imported at the start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UserSettings {
    pub username: String,
    #[serde(default)]
    pub sub: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub password_hash: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub claims: Map<String, Value>,
}

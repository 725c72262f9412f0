//! `[scim]`.

use serde::Deserialize;

use crate::config::values::WebUrl;

/// `[scim]`: users and groups from other systems.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ScimSection {
    pub enabled: bool,
    pub url: Option<WebUrl>,
    pub issuer_address: Option<String>,
    pub emails_are_verified: bool,
    pub may_take_over: bool,
    pub requests_per_minute: u32,
}

impl Default for ScimSection {
    fn default() -> Self {
        Self {
            enabled: false,
            url: None,
            issuer_address: None,
            emails_are_verified: false,
            may_take_over: false,
            requests_per_minute: 3000,
        }
    }
}

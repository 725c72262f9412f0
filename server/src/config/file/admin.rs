//! `[admin]`.

use serde::Deserialize;

use crate::config::values::{ListenAddress, Origin, Seconds, WebUrl};

/// `[admin]`: the API for operators.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, clippy::struct_excessive_bools)] // Independent settings.
pub struct AdminSection {
    pub enabled: bool,
    pub listen: Option<ListenAddress>,
    pub url: Option<WebUrl>,
    pub issuer_address: Option<String>,
    pub allowed_origins: Vec<Origin>,
    pub pages: bool,
    pub fresh_sign_in: Seconds,
    pub requests_per_minute: u32,
    pub command_line: bool,
    pub allow_private_addresses: bool,
}

impl Default for AdminSection {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: None,
            url: None,
            issuer_address: None,
            allowed_origins: Vec::new(),
            pages: true,
            fresh_sign_in: Seconds::new(900),
            requests_per_minute: 600,
            command_line: false,
            allow_private_addresses: false,
        }
    }
}

//! `[audit]`.

use std::path::PathBuf;

use doorward_protocol::secret::Secret;
use doorward_provider::use_case::audit_trail::AuditSettings;
use serde::Deserialize;

use crate::config::values::WebUrl;

/// `[audit]`: the history of who did what.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AuditSection {
    pub keep_days: u32,
    pub refusals_per_minute: u32,
    pub webhook_url: Option<WebUrl>,
    pub webhook_secret: Option<Secret>,
    pub webhook_secret_file: Option<PathBuf>,
}

impl Default for AuditSection {
    fn default() -> Self {
        Self {
            keep_days: 365,
            refusals_per_minute: AuditSettings::default().refusals_per_minute,
            webhook_url: None,
            webhook_secret: None,
            webhook_secret_file: None,
        }
    }
}

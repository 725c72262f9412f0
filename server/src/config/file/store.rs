//! `[store]`.

use std::path::PathBuf;

use doorward_protocol::secret::Secret;
use doorward_provider_store::Limits;
use serde::Deserialize;

use crate::config::values::Seconds;

/// Where the database is by default. Only this path's folder is created if it is missing.
pub const DEFAULT_STORE_PATH: &str = "data/doorward.sqlite3";

/// `[store]`: the provider's database.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct StoreSection {
    pub path: PathBuf,
    pub group_commit: bool,
    pub url: Option<Secret>,
    pub ca_file: Option<PathBuf>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub password_file: Option<PathBuf>,
    pub connections: u16,
    pub statement_timeout: Seconds,
    pub max_clock_skew: Seconds,
    pub max_sessions_per_user: u32,
    pub max_grants_per_user_and_client: u32,
    pub max_reference_tokens_per_grant: u32,
    pub master_key_file: Option<PathBuf>,
    pub master_key: Option<Secret>,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            path: DEFAULT_STORE_PATH.into(),
            group_commit: true,
            url: None,
            ca_file: None,
            client_certificate: None,
            client_key: None,
            password_file: None,
            connections: 10,
            statement_timeout: Seconds::new(5),
            max_clock_skew: Seconds::new(5),
            max_sessions_per_user: Limits::default().sessions_per_user,
            max_grants_per_user_and_client: Limits::default().grants_per_user_and_client,
            max_reference_tokens_per_grant: Limits::default().reference_tokens_per_grant,
            master_key_file: None,
            master_key: None,
        }
    }
}

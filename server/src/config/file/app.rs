//! `[app]`.

use doorward_app::config::StoreKind;
use doorward_protocol::scope::Scope;
use serde::Deserialize;

use super::known;
use crate::config::values::{ListenAddress, Origin, RedirectTarget, WebUrl};

/// `[app]`: the single-page application, and what its page is told in `/config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AppSection {
    pub url: Origin,
    pub listen: ListenAddress,
    pub authority: Option<WebUrl>,
    pub client_id: String,
    pub redirect_uri: Option<RedirectTarget>,
    pub post_logout_redirect_uri: Option<RedirectTarget>,
    pub scope: Scope,
    pub api_url: Option<WebUrl>,
    pub user_store: StoreKind,
    pub load_user_info: bool,
    pub automatic_silent_renew: bool,
    pub connect_origins: Vec<Origin>,
}

impl Default for AppSection {
    fn default() -> Self {
        Self {
            url: known("http://localhost:5001"),
            listen: known("localhost:5001"),
            authority: None,
            client_id: "PkceJS".to_owned(),
            redirect_uri: None,
            post_logout_redirect_uri: None,
            scope: "openid profile offline_access MyBackendApi2".parse().unwrap_or_default(),
            api_url: None,
            user_store: StoreKind::Session,
            load_user_info: true,
            automatic_silent_renew: true,
            connect_origins: Vec::new(),
        }
    }
}

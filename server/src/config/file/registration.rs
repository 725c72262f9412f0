//! `[client_registration]`.

use doorward_provider::model::{
    client::GrantType,
    registration::{RegistrationMode, RegistrationSettings},
};
use serde::Deserialize;

use crate::config::values::Seconds;

/// `[client_registration]`: clients that no operator wrote down.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct ClientRegistrationSection {
    pub mode: RegistrationMode,
    pub metadata_documents: bool,
    pub scopes: Vec<String>,
    pub grant_types: Vec<GrantType>,
    pub allow_offline_access: bool,
    pub require_pkce: bool,
    pub redirect_hosts: Vec<String>,
    pub allow_loopback_redirect_uris: bool,
    pub allow_private_use_schemes: bool,
    pub most_per_address: u32,
    pub unused_lifetime: Seconds,
    pub idle_lifetime: Seconds,
    pub allow_private_addresses: bool,
}

impl Default for ClientRegistrationSection {
    fn default() -> Self {
        let settings = RegistrationSettings::default();
        Self {
            mode: settings.mode,
            metadata_documents: settings.metadata_documents,
            scopes: settings.scopes,
            grant_types: settings.grant_types.into_iter().collect(),
            allow_offline_access: settings.allow_offline_access,
            require_pkce: settings.require_pkce,
            redirect_hosts: settings.redirect_hosts,
            allow_loopback_redirect_uris: settings.allow_loopback_redirect_uris,
            allow_private_use_schemes: settings.allow_private_use_schemes,
            most_per_address: settings.most_per_address,
            unused_lifetime: Seconds::new(settings.unused_lifetime.get()),
            idle_lifetime: Seconds::new(settings.idle_lifetime.get()),
            allow_private_addresses: settings.allow_private_addresses,
        }
    }
}

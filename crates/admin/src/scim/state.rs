//! What the endpoint works with.

use std::sync::Arc;

use axum::extract::FromRef;
use doorward_provider::{
    Provider,
    model::{branding::BrandingFiles, time::Entropy},
    store::Store,
};
use doorward_resource_server::ResourceServer;

use crate::{
    FreshSignIn,
    api::{AdminParts, AdminSettings, SharedConfiguration, state::AdminApi},
};

/// What the endpoint is made from.
pub struct ScimParts {
    /// The provider whose users and groups are provisioned.
    pub provider: Arc<Provider>,
    /// Its store.
    pub store: Arc<dyn Store>,
    /// Verifies access tokens with the audience [`AUDIENCE`](super::AUDIENCE).
    pub resource_server: ResourceServer,
    /// Draws identifiers.
    pub entropy: Arc<dyn Entropy>,
    /// The settings.
    pub settings: ScimSettings,
}

/// The settings of the endpoint.
#[derive(Debug, Clone)]
pub struct ScimSettings {
    /// The URL that clients are given, which ends in `/scim/v2`.
    pub url: String,
    /// How many requests a client may send in a minute.
    pub requests_per_minute: u32,
    /// Whether an e-mail address that a client gives is known to be the user's.
    pub emails_are_verified: bool,
    /// Whether clients may act on users that they did not add, and on groups that they did not add
    /// and that carry neither roles nor claims.
    pub may_take_over: bool,
}

/// The endpoint's state. Clones share it.
#[derive(Clone)]
pub struct ScimApi {
    /// The administration, which does what is asked for.
    pub admin: AdminApi,
    settings: Arc<ScimSettings>,
}

impl FromRef<ScimApi> for ResourceServer {
    fn from_ref(api: &ScimApi) -> Self {
        Self::from_ref(&api.admin)
    }
}

impl ScimApi {
    pub(super) fn new(parts: ScimParts) -> Self {
        let admin = AdminApi::new(AdminParts {
            provider: parts.provider,
            store: parts.store,
            resource_server: parts.resource_server,
            entropy: parts.entropy,
            // No client is changed by this endpoint.
            branding_files: Arc::new(BrandingFiles::default),
            settings: AdminSettings {
                fresh_sign_in: FreshSignIn::default(),
                requests_per_minute: parts.settings.requests_per_minute,
                configuration: SharedConfiguration::default(),
                configuration_file: String::new(),
            },
        });
        Self { admin, settings: Arc::new(parts.settings) }
    }

    /// The URL of the endpoint.
    pub fn base(&self) -> &str {
        &self.settings.url
    }

    /// The settings.
    pub fn settings(&self) -> &ScimSettings {
        &self.settings
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        self.admin.store()
    }
}

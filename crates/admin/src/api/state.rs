//! What the API works with.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRef;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    Provider,
    model::{
        branding::BrandingFiles,
        time::{Entropy, Timestamp},
        user::User,
    },
    store::{Store, StoreError},
};
use doorward_resource_server::ResourceServer;

use super::{problem::Problem, rate_limit::RateLimit};
use crate::{FreshSignIn, Operation, types::system::ConfigurationView};

/// Says what clients may name for their look.
pub type KnownFiles = Arc<dyn Fn() -> BrandingFiles + Send + Sync>;

/// What the API is made from.
pub struct AdminParts {
    /// The provider that is administered.
    pub provider: Arc<Provider>,
    /// Its store.
    pub store: Arc<dyn Store>,
    /// Verifies access tokens with the audience [`AUDIENCE`](super::AUDIENCE).
    pub resource_server: ResourceServer,
    /// Draws identifiers and secrets.
    pub entropy: Arc<dyn Entropy>,
    /// What clients may name for their look, as it is by now.
    pub branding_files: KnownFiles,
    /// The settings.
    pub settings: AdminSettings,
}

/// The settings of the API.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// The sign-in that operations need which matter.
    pub fresh_sign_in: FreshSignIn,
    /// How many requests a caller may send in a minute.
    pub requests_per_minute: u32,
    /// The configuration.
    pub configuration: SharedConfiguration,
    /// Where it is written, for people.
    pub configuration_file: String,
}

/// The configuration as it was read last: TOML without secrets. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SharedConfiguration(Arc<RwLock<ReadConfiguration>>);

#[derive(Debug, Clone, Default)]
struct ReadConfiguration {
    toml: String,
    needs_restart: Vec<String>,
}

impl SharedConfiguration {
    /// With this one in effect.
    pub fn new(toml: String) -> Self {
        Self(Arc::new(RwLock::new(ReadConfiguration { toml, needs_restart: Vec::new() })))
    }

    /// It was read again. These keys have other values than are in effect until a restart.
    pub fn replace(&self, toml: String, needs_restart: Vec<String>) {
        let read = ReadConfiguration { toml, needs_restart };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = read;
    }

    /// What is shown of it.
    pub(crate) fn view(&self, file: &str) -> ConfigurationView {
        let ReadConfiguration { toml, needs_restart } =
            self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        ConfigurationView { file: file.to_owned(), toml, needs_restart }
    }
}

/// The API's state. Clones share it.
#[derive(Clone)]
pub struct AdminApi(Arc<Inner>);

struct Inner {
    parts: AdminParts,
    rate_limit: RateLimit,
}

/// The API's state for the layers of one operation.
#[derive(Clone)]
pub struct Guarding {
    /// The API.
    pub api: AdminApi,
    /// The operation.
    pub operation: Operation,
}

impl FromRef<AdminApi> for ResourceServer {
    fn from_ref(api: &AdminApi) -> Self {
        api.parts().resource_server.clone()
    }
}

impl FromRef<Guarding> for ResourceServer {
    fn from_ref(guarding: &Guarding) -> Self {
        Self::from_ref(&guarding.api)
    }
}

impl AdminApi {
    pub(crate) fn new(parts: AdminParts) -> Self {
        let rate_limit = RateLimit::new(parts.settings.requests_per_minute);
        Self(Arc::new(Inner { parts, rate_limit }))
    }

    pub(crate) fn parts(&self) -> &AdminParts {
        &self.0.parts
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.0.parts.provider
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.0.parts.store
    }

    pub(crate) fn settings(&self) -> &AdminSettings {
        &self.0.parts.settings
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.parts.entropy
    }

    pub(crate) fn rate_limit(&self) -> &RateLimit {
        &self.0.rate_limit
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.provider().now()
    }

    /// The user whom a path names by `sub`.
    pub(crate) async fn user(&self, sub: &str) -> Result<User, Problem> {
        let found = match Sub::parse(sub) {
            Ok(sub) => self.store().user(&sub).await?,
            Err(_) => None,
        };
        found.ok_or_else(|| Problem::missing("There is no user with this sub."))
    }

    /// Takes over changes of the identity providers here. Other processes see them within a second.
    pub(crate) async fn identity_providers_changed(&self) -> Result<(), StoreError> {
        self.provider().refresh_identity_providers().await.map(|_| ())
    }

    /// Takes over changes of the clients here. Other processes see them within a second.
    pub(crate) async fn clients_changed(&self) -> Result<(), StoreError> {
        self.provider().clients().refresh().await.map(|_| ())
    }
}

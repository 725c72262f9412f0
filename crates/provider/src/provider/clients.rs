//! The clients of operators, what every client is told of this provider, and how it authenticates.

use std::{collections::BTreeSet, sync::Arc};

use doorward_protocol::metadata::ProviderMetadata;

use super::Provider;
use crate::{
    keys::remote::PublishedKeys,
    model::client::Client,
    use_case::{
        authenticate::{
            AuthenticatedClient, ClientAuthenticator, ClientCredentials, ClientEndpoint,
        },
        client_registry::ClientRegistry,
        discovery::Discovery,
        error::TokenError,
    },
};

impl Provider {
    /// The clients in use.
    pub fn clients(&self) -> &ClientRegistry {
        &self.clients
    }

    /// The client of an operator, if there is one and it is enabled.
    pub fn client(&self, client_id: &str) -> Option<Arc<Client>> {
        self.clients.get(client_id)
    }

    /// Whether a client or an API with this name can authenticate here.
    pub fn can_authenticate(&self, name: &str) -> bool {
        self.clients.get(name).is_some() || self.resources.authenticating_api(name).is_some()
    }

    /// Whether pages of this origin may read our answers: a client lists it, or clients may come
    /// whose pages can be anywhere.
    pub fn allows_cors_origin(&self, origin: &str) -> bool {
        self.settings.registration.takes_strangers() || self.clients.allow_cors_origin(origin)
    }

    /// The origins of clients' pages: those that responses are sent to, and those of their scripts.
    pub fn client_origins(&self) -> BTreeSet<String> {
        self.clients.origins()
    }

    /// The version of the clients in use. It changes with every change of them.
    pub fn clients_version(&self) -> i64 {
        self.clients.version()
    }

    /// The discovery document.
    pub fn metadata(&self) -> ProviderMetadata {
        let discovery = Discovery {
            settings: &self.settings,
            clients: &self.clients.snapshot(),
            resources: &self.resources,
            algorithms: self.keys.algorithms(),
        };
        discovery.metadata()
    }

    /// Authenticates a client at this endpoint. An assertion is consumed by it.
    pub async fn authenticate(
        &self,
        credentials: &ClientCredentials,
        endpoint: ClientEndpoint,
    ) -> Result<AuthenticatedClient, TokenError> {
        self.authenticator().authenticate(credentials, endpoint).await
    }

    pub(super) fn authenticator(&self) -> ClientAuthenticator<'_> {
        ClientAuthenticator {
            single_uses: &*self.store,
            clients: self.directory(),
            published_keys: self.published_keys(),
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    pub(super) fn published_keys(&self) -> PublishedKeys<'_> {
        PublishedKeys { of_operators: &self.remote_keys, of_strangers: &self.keys_of_strangers }
    }
}

//! The use cases of clients: which there are, what they are told of this provider, and how they
//! authenticate and register.

use std::sync::Arc;

use super::Provider;
use crate::{
    keys::remote::PublishedKeys,
    use_case::{
        authenticate::ClientAuthenticator, client_directory::ClientDirectory,
        client_registry::ClientRegistry, discovery::Discovery, registration::Registration,
    },
};

impl Provider {
    /// The clients of operators.
    pub fn clients(&self) -> &Arc<ClientRegistry> {
        &self.clients
    }

    /// Every client that there is: those of operators, and those that no operator wrote down.
    pub fn client_directory(&self) -> ClientDirectory<'_> {
        ClientDirectory {
            registry: &self.clients,
            registered: &*self.store,
            documents: &self.client_documents,
            settings: &self.settings.registration,
            salt: &self.salt_of_strangers,
            clock: &*self.clock,
        }
    }

    /// Clients that register themselves.
    pub fn registration(&self) -> Registration<'_> {
        Registration {
            table: &*self.store,
            clients: &*self.store,
            failures: &*self.store,
            directory: self.client_directory(),
            documents: &*self.documents,
            sectors: &self.sectors,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// How clients authenticate.
    pub fn authenticator(&self) -> ClientAuthenticator<'_> {
        ClientAuthenticator {
            single_uses: &*self.store,
            clients: self.client_directory(),
            resources: &self.resources,
            published_keys: self.published_keys(),
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    /// What clients are told of this provider.
    pub fn discovery(&self) -> Discovery<'_> {
        Discovery {
            settings: &self.settings,
            clients: self.clients.snapshot(),
            resources: &self.resources,
            algorithms: self.keys.algorithms(),
        }
    }

    pub(super) fn published_keys(&self) -> PublishedKeys<'_> {
        PublishedKeys { of_operators: &self.remote_keys, of_strangers: &self.keys_of_strangers }
    }
}

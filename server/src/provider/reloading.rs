//! Takes over clients, users and the look of a configuration that is read again.

use std::sync::Arc;

use doorward_provider::{
    Provider,
    model::{client::Client, stored_client::StoredClient},
    store::Store,
};

use doorward_provider_http::{Branding, SharedBranding};

use super::{
    configured::{self, Configured},
    users,
};
use crate::{config::ProviderConfig, error::StartError};

/// The running provider, its store and its look.
pub struct Reloading {
    pub(super) provider: Arc<Provider>,
    pub(super) store: Arc<dyn Store>,
    pub(super) branding: SharedBranding,
}

impl Reloading {
    /// Imports users and clients as a start does, and takes over how the pages look. Nothing is
    /// imported if a client needs resources that the running provider does not have. Every process
    /// sees new clients within a second.
    pub async fn import(
        &self,
        config: ProviderConfig,
        branding: Branding,
        demo: bool,
    ) -> Result<(), StartError> {
        let algorithms = self.provider.keys().algorithms();
        let mut clients = Vec::new();
        for settings in config.clients {
            let label = format!("the client {:?}", settings.client_id);
            let refused = |error: &dyn std::fmt::Display| {
                StartError::Refused(format!("{label} needs a restart: {error}"))
            };
            Client::checked(settings.clone(), demo, self.provider.resources(), algorithms)
                .map_err(|error| refused(&error))?;
            clients.push(StoredClient::new(settings, true).map_err(|error| refused(&error))?);
        }
        let failed = |error: &dyn std::fmt::Display| StartError::Refused(error.to_string());
        let read = || Configured::read(&*self.store, &config.users);
        let before = read().await.map_err(|error| failed(&error))?;
        users::import(&*self.store, &config.users).await.map_err(|error| failed(&error))?;
        self.store.import_clients(clients).await.map_err(|error| failed(&error))?;
        let now = read().await.map_err(|error| failed(&error))?;
        configured::record(&self.provider, before.changed_to(now)).await;
        self.branding.replace(branding);
        Ok(())
    }
}

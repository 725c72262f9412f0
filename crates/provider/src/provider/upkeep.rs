//! What runs beside the requests.

use std::sync::Arc;

use super::Provider;
use crate::{
    store::StoreError,
    use_case::{deliveries::Deliveries, upkeep::Upkeep},
};

impl Provider {
    /// Keys, expired rows, the clock and the database.
    pub fn upkeep(&self) -> Upkeep<'_> {
        Upkeep {
            database: &*self.store,
            signing_keys: &*self.store,
            keys: &self.keys,
            audit: &self.audit,
            client_documents: &self.client_documents,
            logout_queued: &self.logout.queued,
            published_keys: self.published_keys(),
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// What is delivered: logout tokens, mails and audit records.
    pub fn deliveries(&self) -> Deliveries {
        Deliveries {
            logout: Arc::clone(&self.logout),
            mail: Arc::clone(&self.mail),
            audit: Arc::clone(&self.audit),
        }
    }

    /// Removes what commands have left to the server, and looks for more every second, until it is
    /// dropped.
    pub async fn watch_left_behind(self: Arc<Self>) {
        self.upkeep().watch_left_behind().await;
    }

    /// Takes over changes of the identity providers until it is dropped.
    pub async fn watch_identity_providers(self: Arc<Self>) {
        self.identity_providers.watch(&*self.store).await;
    }

    /// Takes over the store's identity providers if they changed, and returns whether they did.
    pub async fn refresh_identity_providers(&self) -> Result<bool, StoreError> {
        self.identity_providers.refresh(&*self.store).await
    }
}

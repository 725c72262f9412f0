//! What runs beside the requests.

use std::sync::Arc;

use super::Provider;
use crate::use_case::{deliveries::Deliveries, upkeep::Upkeep};

impl Provider {
    /// Keys, expired rows, the clock and the database.
    pub fn upkeep(&self) -> Upkeep<'_> {
        Upkeep {
            database: &*self.store,
            signing_keys: &*self.store,
            keys: &self.keys,
            audit: &self.audit,
            client_documents: &self.client_documents,
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
}

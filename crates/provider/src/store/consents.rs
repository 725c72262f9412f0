//! Remembered consents.

use async_trait::async_trait;

use crate::{model::consent::Consent, store::StoreError};

/// The consents table.
#[async_trait]
pub trait Consents: Send + Sync + 'static {
    /// The consent that a user gave a client to remember.
    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError>;
    /// Remembers a consent in place of an earlier one.
    async fn remember_consent(
        &self,
        sub: &str,
        client_id: &str,
        consent: Consent,
    ) -> Result<(), StoreError>;
}

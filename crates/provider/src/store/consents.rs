//! Remembered consents.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, Sub};

use crate::{model::consent::Consent, store::StoreError};

/// The consents table.
#[async_trait]
pub trait Consents: Send + Sync + 'static {
    /// The consent that a user gave a client to remember.
    async fn consent(&self, sub: &Sub, client_id: &ClientId)
    -> Result<Option<Consent>, StoreError>;
    /// Remembers a consent in place of an earlier one, if the user is still there.
    async fn remember_consent(
        &self,
        sub: &Sub,
        client_id: &ClientId,
        consent: Consent,
    ) -> Result<(), StoreError>;
}

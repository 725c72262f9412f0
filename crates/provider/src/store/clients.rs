//! Clients, configured ones and those added by command.

use async_trait::async_trait;

use crate::{
    model::stored_client::{StoredClient, StoredClients},
    store::StoreError,
};

/// The clients table and its version.
#[async_trait]
pub trait Clients: Send + Sync + 'static {
    /// All clients, by their identifiers.
    async fn clients(&self) -> Result<StoredClients, StoreError>;
    /// [`StoredClients::version`]: asked for every second.
    async fn clients_version(&self) -> Result<i64, StoreError>;
    /// Makes these the configured clients, in place of whatever client has one of their
    /// identifiers. Other configured ones are taken out; what they were granted stays, but for
    /// nobody's use. The version changes if a client does.
    async fn import_clients(&self, clients: Vec<StoredClient>) -> Result<(), StoreError>;
    /// Adds a client; `false`, and nothing is added, if its identifier is taken.
    async fn add_client(&self, client: StoredClient) -> Result<bool, StoreError>;
    /// Replaces a client's settings; `false`, and nothing changes, if it is gone or the version is
    /// another one by now.
    async fn replace_client(&self, client: StoredClient, version: i64) -> Result<bool, StoreError>;
    /// Removes a client with everything that it was granted or is on its way to be: grants, tokens,
    /// codes, pushed requests, device codes, consents and logout notices. `false` if there was no
    /// such client and nothing of it.
    async fn remove_client(&self, client_id: &str) -> Result<bool, StoreError>;
}

//! Clients, configured ones and those added by command.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;

use crate::{
    model::stored_client::{StoredClient, StoredClients},
    store::StoreError,
};

/// The clients table and its version.
#[async_trait]
pub trait Clients: Send + Sync + 'static {
    /// All clients, by their identifiers.
    async fn clients(&self) -> Result<StoredClients, StoreError>;
    /// At most `limit` clients whose identifiers begin so, in their order, from the one after
    /// `after` on.
    async fn clients_page(
        &self,
        prefix: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<StoredClient>, StoreError>;
    /// The client with this identifier.
    async fn client(&self, client_id: &ClientId) -> Result<Option<StoredClient>, StoreError>;
    /// The [`StoredClients::version`], which each node reads every second.
    async fn clients_version(&self) -> Result<i64, StoreError>;
    /// Makes these the configured clients. Each replaces a client with the same identifier; other
    /// configured clients are removed, and their grants stay without use. What is left of a client
    /// that [`remove_client`](Self::remove_client) has removed goes before another one has its
    /// identifier. The version changes if a client does.
    async fn import_clients(&self, clients: Vec<StoredClient>) -> Result<(), StoreError>;
    /// Adds a client; `false`, and nothing is added, if its identifier is taken. First it removes
    /// in pages what is left of an earlier client with this identifier: a new one inherits
    /// nothing.
    async fn add_client(&self, client: StoredClient) -> Result<bool, StoreError>;
    /// Replaces a client's settings. Returns `false`, and changes nothing, if the client is gone or
    /// the version has changed.
    async fn replace_client(&self, client: StoredClient, version: i64) -> Result<bool, StoreError>;
    /// Removes a client, one that registered itself too, with everything of it: grants, tokens,
    /// codes, pushed requests, device codes, consents and logout notices. What is more than a page
    /// of it is left to
    /// [`Maintenance::remove_left_behind`](crate::store::Maintenance::remove_left_behind), and is
    /// of no use any more. If there is no such client, but something of it, that is removed in
    /// pages. Returns `false` if there was nothing of it. If `version` is given and the version of
    /// the clients is another one by now, it removes nothing and returns `false`.
    async fn remove_client(
        &self,
        client_id: &ClientId,
        version: Option<i64>,
    ) -> Result<bool, StoreError>;
}

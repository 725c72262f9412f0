//! Clients that registered themselves (RFC 7591), and the initial access tokens for it.
//!
//! There may be very many, so that they are apart from the clients of operators: those are all in
//! memory, these are read one by one.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;
use serde_json::{Map, Value};

use crate::{
    model::{
        registration::{Admission, RegisteredClient, RegistrationOutcome, RegistrationToken},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::StoreError,
};

/// The tables of registered clients and of initial access tokens.
#[async_trait]
pub trait RegisteredClients: Send + Sync + 'static {
    /// Adds a client, and uses an initial access token once, in one transaction. The store refuses
    /// it as [`StoreError::Unavailable`] if too many clients without use wait in all.
    async fn add_registered_client(
        &self,
        client: RegisteredClient,
        admission: &Admission,
        now: Timestamp,
    ) -> Result<RegistrationOutcome, StoreError>;
    /// The client with this identifier, unless it has expired.
    async fn registered_client(
        &self,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Option<RegisteredClient>, StoreError>;
    /// At most `limit` clients whose identifiers begin so, in their order, from the one after
    /// `after` on.
    async fn registered_clients_page(
        &self,
        prefix: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<RegisteredClient>, StoreError>;
    /// Replaces the metadata and the secret of a client that has this registration access token.
    /// With other metadata it is another client to its users, who did not consent to that: what
    /// they had remembered is forgotten in the same transaction. Returns `false`, and changes
    /// nothing, if there is none.
    async fn replace_registered_client(
        &self,
        client_id: &ClientId,
        management: TokenHash,
        metadata: Map<String, Value>,
        secret: Option<TokenHash>,
    ) -> Result<bool, StoreError>;
    /// Notes that tokens were issued to a client, which lives until then or as long as before,
    /// whichever is longer.
    async fn registered_client_used(
        &self,
        client_id: &ClientId,
        until: Timestamp,
    ) -> Result<(), StoreError>;
    /// Whether a client with this identifier was removed, and rows of it may still be there.
    async fn is_being_removed(&self, client_id: &ClientId) -> Result<bool, StoreError>;
    /// Adds an initial access token; `false`, and nothing is added, if its name is taken.
    async fn add_registration_token(&self, token: RegistrationToken) -> Result<bool, StoreError>;
    /// Whether an initial access token can be used now. It is used by
    /// [`RegisteredClients::add_registered_client`] only.
    async fn registration_token_counts(
        &self,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// At most `limit` initial access tokens in the order of their names, from the one after
    /// `after` on. Those that have expired are among them until they are swept.
    async fn registration_tokens_page(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RegistrationToken>, StoreError>;
    /// Removes an initial access token. Returns `false` if there was none.
    async fn remove_registration_token(&self, id: &str) -> Result<bool, StoreError>;
}

//! Every client that there is: those of operators, which are at hand; those that registered
//! themselves, which are read from the store one by one; and those that are documents elsewhere.

use std::sync::Arc;

use doorward_protocol::{host, ids::ClientId, secret::Secret};
use serde_json::Value;
use url::Url;

use crate::{
    model::{
        client::{Client, ClientOrigin},
        registration::{
            ClientMetadata, DocumentUrl, MetadataError, RegisteredClient, RegistrationPolicy,
            RegistrationSettings, registered_id,
        },
        time::Clock,
    },
    store::{RegisteredClients, StoreError},
    use_case::{client_documents::ClientDocuments, client_registry::ClientRegistry},
};

/// A registered client that is used is noted once a day.
const NOTED_EVERY: i64 = 86_400;

/// Finds clients: what it reads for that.
#[derive(Clone, Copy)]
pub struct ClientDirectory<'a> {
    pub(crate) registry: &'a ClientRegistry,
    pub(crate) registered: &'a dyn RegisteredClients,
    pub(crate) documents: &'a ClientDocuments,
    pub(crate) settings: &'a RegistrationSettings,
    /// What pairwise subjects of registered clients are made with.
    pub(crate) salt: &'a Secret,
    pub(crate) clock: &'a dyn Clock,
}

impl<'a> ClientDirectory<'a> {
    /// Whether pages of this origin may read our answers: a client lists it, or clients may come
    /// whose pages can be anywhere.
    pub fn allows_cors_origin(&self, origin: &str) -> bool {
        self.settings.takes_strangers() || self.registry.allow_cors_origin(origin)
    }

    /// Lets a registered client live on that got tokens. A failure is logged and nothing more: the
    /// tokens are issued.
    pub(crate) async fn note_use(&self, client: &Client) {
        let ClientOrigin::Registered { expires_at, used } = client.origin else { return };
        let until = self.clock.now().plus(self.settings.idle_lifetime);
        if used && until.since(expires_at) < NOTED_EVERY {
            return;
        }
        if let Err(error) = self.registered.registered_client_used(&client.client_id, until).await {
            tracing::error!(%error, "the use of a registered client can't be noted");
        }
    }

    /// The client with this identifier, if there is one and it is enabled.
    pub(crate) async fn find(&self, client_id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        if let Some(client) = self.registry.get(client_id) {
            return Ok(Some(client));
        }
        if let Some(url) = self.document_url(client_id) {
            // What a client of this name has left must not be the document's.
            if self.registered.is_being_removed(url.client_id()).await? {
                return Ok(None);
            }
            return Ok(self.documents.find(&url, self.clock.now()).await);
        }
        let Some(client_id) = registered_id(client_id) else { return Ok(None) };
        let stored = self.registered.registered_client(&client_id, self.clock.now()).await?;
        Ok(stored.and_then(|stored| self.registered(&stored)))
    }

    /// The same, unless it is a document. No document is fetched for a page that may list many.
    pub(crate) async fn at_hand(
        &self,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Client>>, StoreError> {
        match self.document_url(client_id) {
            Some(_) => Ok(None),
            None => self.find(client_id).await,
        }
    }

    /// The name of a client for its users, or its identifier. No document is fetched for it: a page
    /// may list many.
    pub(crate) async fn name_of(&self, client_id: &ClientId) -> Result<String, StoreError> {
        let name = match self.document_url(client_id) {
            Some(url) => self.documents.known_name(&url),
            None => self.at_hand(client_id).await?.map(|client| client.name.clone()),
        };
        Ok(name.unwrap_or_else(|| client_id.to_string()))
    }

    /// The identifier as the URL of a document, where such clients are taken.
    pub(crate) fn document_url(&self, client_id: &str) -> Option<DocumentUrl> {
        let settings = self.settings;
        let is_taken = settings.metadata_documents && self.registry.get(client_id).is_none();
        is_taken.then(|| DocumentUrl::parse(client_id, settings.allow_private_addresses)).flatten()
    }

    /// Whether it could be the URL of a document, if it were shorter.
    pub(crate) fn is_overlong_document_url(&self, client_id: &str) -> bool {
        self.settings.metadata_documents
            && client_id.len() > ClientId::LONGEST
            && Url::parse(client_id).is_ok_and(|url| url.scheme() == "https")
    }

    /// The host of this address of a client, if nobody vouches for it: anybody can register a
    /// client, and so have a link of this provider that leads to their page (RFC 9700 section
    /// 4.11.2). Who lists hosts in the settings vouches for them. Programs on the user's machine
    /// are no pages.
    pub(crate) fn unvouched_host(&self, client: &Client, uri: &str) -> Option<String> {
        if !client.is_stranger() || !self.settings.redirect_hosts.is_empty() {
            return None;
        }
        let url = Url::parse(uri).ok()?;
        let is_page = matches!(url.scheme(), "https" | "http") && !host::is_loopback(&url);
        url.host_str().filter(|_| is_page).map(str::to_owned)
    }

    /// What clients are held to that no operator wrote down.
    pub(crate) fn policy(&self) -> RegistrationPolicy<'a> {
        self.registry.policy(self.settings, self.salt)
    }

    /// A registered client as it may be now. One that the settings do not allow any more is treated
    /// as unknown.
    fn registered(&self, stored: &RegisteredClient) -> Option<Arc<Client>> {
        let client = self.checked(stored).inspect_err(|error| {
            let client_id = &stored.client_id;
            tracing::warn!(
                %client_id,
                %error,
                "this registered client is not allowed any more; it is treated as unknown"
            );
        });
        client.ok().map(Arc::new)
    }

    fn checked(&self, stored: &RegisteredClient) -> Result<Client, MetadataError> {
        let metadata: ClientMetadata =
            serde_json::from_value(Value::Object(stored.metadata.clone()))
                .map_err(|_| MetadataError::new("client_id", "its metadata can't be read"))?;
        let client =
            self.policy().registered_client(&stored.client_id, &metadata, stored.secret)?;
        Ok(client.of_origin(ClientOrigin::Registered {
            expires_at: stored.expires_at,
            used: stored.used,
        }))
    }
}

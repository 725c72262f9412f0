//! The clients in use: those of the store, checked, and kept at hand until the store says that they
//! changed.
//!
//! The configuration's clients are imported into the store at start; others are added there by
//! command. Every process asks for the store's version each second ([`ClientRegistry::watch`]);
//! so a client or a secret that was taken away counts no more a second later, wherever it was taken
//! away.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use doorward_protocol::{ids::ClientId, jose::SigningAlgorithm, secret::Secret};
use tokio::sync::watch;

use crate::{
    model::{
        client::{Client, GrantType, RedirectUri},
        registration::{RegistrationPolicy, RegistrationSettings},
        resource::Resources,
        signing_key::RETAINED_FOR,
        stored_client::StoredClients,
    },
    store::{self, StoreError},
};

/// How often the store is asked whether clients changed.
const POLL: Duration = Duration::from_secs(1);

/// The clients that are enabled, at one version of the store.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    version: i64,
    by_id: HashMap<ClientId, Arc<Client>>,
    cors_origins: HashSet<String>,
}

impl Clients {
    /// Takes over what the store has. A client whose settings are not valid, as after a scope was
    /// taken out of the configuration, is left out and logged. The other clients go on.
    pub(crate) fn from_store(
        stored: StoredClients,
        resources: &Resources,
        algorithms: &[SigningAlgorithm],
    ) -> Self {
        let mut by_id = HashMap::new();
        for stored in stored.clients {
            let client_id = stored.client_id.as_str();
            let Ok(mut settings) = stored.parsed() else {
                tracing::error!(
                    client_id,
                    "the settings of this client can't be read; it is treated as unknown"
                );
                continue;
            };
            if settings.shorten_jwts() {
                tracing::warn!(
                    client_id,
                    seconds = RETAINED_FOR.get(),
                    "tokens of this client would outlive the key that signs them, and end before: \
                     set shorter lifetimes, or access_token_type to reference"
                );
            }
            match Client::checked(settings, false, resources, algorithms) {
                Ok(client) if client.enabled => {
                    drop(by_id.insert(client.client_id.clone(), Arc::new(client)));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(
                        client_id,
                        %error,
                        "a setting of this client is not valid; the client is treated as unknown"
                    );
                }
            }
        }
        let cors_origins = by_id
            .values()
            .flat_map(|client: &Arc<Client>| client.cors_origins.iter().cloned())
            .collect();
        Self { version: stored.version, by_id, cors_origins }
    }

    pub(crate) fn get(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.by_id.get(client_id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.by_id.values()
    }

    /// Whether some client may use this grant type.
    pub(crate) fn allow(&self, grant_type: GrantType) -> bool {
        self.iter().any(|client| client.grant_types.contains(&grant_type))
    }
}

/// The clients in use. Every process has one registry.
pub struct ClientRegistry {
    table: Arc<dyn store::Clients>,
    current: watch::Sender<Arc<Clients>>,
    resources: Arc<Resources>,
    algorithms: Vec<SigningAlgorithm>,
}

impl ClientRegistry {
    /// Reads and checks all clients of the store, for these resources and signing algorithms.
    pub(crate) async fn load(
        table: Arc<dyn store::Clients>,
        resources: Arc<Resources>,
        algorithms: Vec<SigningAlgorithm>,
    ) -> Result<Self, StoreError> {
        let clients = Clients::from_store(table.clients().await?, &resources, &algorithms);
        Ok(Self { table, current: watch::Sender::new(Arc::new(clients)), resources, algorithms })
    }

    /// The client, if there is one and it is enabled.
    pub fn get(&self, client_id: &str) -> Option<Arc<Client>> {
        self.current.borrow().get(client_id).cloned()
    }

    /// What clients are held to that no operator wrote down.
    pub(crate) fn policy<'a>(
        &'a self,
        settings: &'a RegistrationSettings,
        salt: &'a Secret,
    ) -> RegistrationPolicy<'a> {
        let (resources, algorithms) = (&*self.resources, self.algorithms.as_slice());
        RegistrationPolicy { settings, resources, algorithms, salt }
    }

    /// Whether a client lists this origin for its browser code.
    pub fn allow_cors_origin(&self, origin: &str) -> bool {
        self.current.borrow().cors_origins.contains(origin)
    }

    /// The origins of clients' pages: those that responses are sent to, and those of their scripts.
    pub fn origins(&self) -> BTreeSet<String> {
        let clients = self.snapshot();
        let redirects =
            clients.iter().flat_map(|client| &client.redirect_uris).filter_map(RedirectUri::origin);
        redirects.chain(clients.cors_origins.iter().cloned()).collect()
    }

    /// The version of the clients in use. It changes with every change of them.
    pub fn version(&self) -> i64 {
        self.current.borrow().version
    }

    /// The clients as they are now.
    pub(crate) fn snapshot(&self) -> Arc<Clients> {
        Arc::clone(&self.current.borrow())
    }

    /// Receives the clients now and after each change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<Clients>> {
        self.current.subscribe()
    }

    /// Takes over the store's clients if they changed, and returns whether they did.
    pub async fn refresh(&self) -> Result<bool, StoreError> {
        if self.table.clients_version().await? == self.version() {
            return Ok(false);
        }
        let clients =
            Clients::from_store(self.table.clients().await?, &self.resources, &self.algorithms);
        let version = clients.version;
        self.current.send_replace(Arc::new(clients));
        tracing::info!(version, "clients changed");
        Ok(true)
    }

    /// Takes over changes of the clients until it is dropped. While the store can't be reached the
    /// clients stay as they are.
    pub async fn watch(self: Arc<Self>) {
        let mut reached = true;
        loop {
            tokio::time::sleep(POLL).await;
            let outcome = self.refresh().await;
            if let Err(error) = &outcome
                && reached
            {
                tracing::error!(
                    %error,
                    "clients can't be read; the known ones stay in use, and the read is repeated"
                );
            }
            reached = outcome.is_ok();
        }
    }
}

impl std::fmt::Debug for ClientRegistry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClientRegistry")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

//! The provider: settings, clients, resources, keys and store in one place. Each use case stands in a module of its own.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use doorward_protocol::jose::SigningAlgorithm;
use tokio::sync::Notify;

use crate::{
    client::{Client, RedirectUri, SettingsError},
    dpop::Nonces,
    keys::KeyRing,
    password::PasswordVerifier,
    resource::Resources,
    store::{Store, StoreError},
    time::{Clock, Entropy, Timestamp},
};

/// What holds for the provider as a whole. Lifetimes are in seconds.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Issuer identifier: https (http on this machine), no query, no fragment, no slash at its end (OIDC Core section 2).
    pub issuer: String,
    /// Life of a session whose user did not ask to be remembered.
    pub session_lifetime: u32,
    /// Life of a session whose user did.
    pub remember_me_lifetime: u32,
    /// How long a consumed refresh token is still answered with its unused successor.
    pub refresh_token_grace: u32,
    /// How long a pushed authorization request can be opened.
    pub pushed_authorization_request_lifetime: u32,
    /// Whether every client must push its authorization requests.
    pub require_pushed_authorization_requests: bool,
    /// What signs access tokens.
    pub access_token_signing_alg: SigningAlgorithm,
}

/// Everything that a provider is made of.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct ProviderParts {
    pub settings: ProviderSettings,
    pub clients: Vec<Client>,
    pub resources: Resources,
    pub keys: KeyRing,
    pub passwords: PasswordVerifier,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// The OpenID provider. Its methods are the use cases.
pub struct Provider {
    pub(crate) settings: ProviderSettings,
    pub(crate) clients: HashMap<String, Arc<Client>>,
    cors_origins: HashSet<String>,
    pub(crate) resources: Resources,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: KeyRing,
    pub(crate) nonces: Nonces,
    pub(crate) passwords: PasswordVerifier,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Rung when a session ended here, so that its logout tokens leave at once.
    pub(crate) logout_queued: Notify,
}

impl Provider {
    /// Puts the parts together. Refuses two clients of one name, scopes that nothing defines, and algorithms without keys.
    pub fn new(parts: ProviderParts, store: Arc<dyn Store>) -> Result<Self, SettingsError> {
        let algorithms = parts.keys.algorithms();
        if !algorithms.contains(&parts.settings.access_token_signing_alg) {
            let value = parts.settings.access_token_signing_alg;
            let problem = "list this algorithm under signing_algorithms, too";
            return Err(SettingsError::new("access_token_signing_alg", value, problem));
        }
        let mut clients = HashMap::new();
        for client in parts.clients {
            if !algorithms.contains(&client.id_token_signing_alg) {
                let problem = "list this algorithm under signing_algorithms, too";
                return Err(SettingsError::new("id_token_signing_alg", client.id_token_signing_alg, problem));
            }
            if let Some(unknown) = client.allowed_scope.iter().find(|scope| !parts.resources.knows(scope)) {
                return Err(SettingsError::new("allowed_scopes", unknown, "no resource defines this scope"));
            }
            let id = client.client_id.clone();
            if parts.resources.authenticating_api(&id).is_some() {
                let problem = "an API with secrets has this name; at the introspection endpoint one could not be told from the other";
                return Err(SettingsError::new("client_id", id, problem));
            }
            if clients.insert(id.clone(), Arc::new(client)).is_some() {
                return Err(SettingsError::new("client_id", id, "this client is defined twice"));
            }
        }
        let enabled = clients.values().filter(|client: &&Arc<Client>| client.enabled);
        let cors_origins = enabled.flat_map(|client| client.cors_origins.iter().cloned()).collect();
        Ok(Self {
            settings: parts.settings,
            clients,
            cors_origins,
            resources: parts.resources,
            store,
            nonces: Nonces::new(parts.keys.mac_key("dpop nonces")),
            keys: parts.keys,
            passwords: parts.passwords,
            clock: parts.clock,
            entropy: parts.entropy,
            logout_queued: Notify::new(),
        })
    }

    /// The settings.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The key ring.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The resources.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The client, if there is one and it is enabled.
    pub fn client(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.clients.get(client_id).filter(|client| client.enabled)
    }

    /// Whether a client lists this origin for its browser code.
    pub fn allows_cors_origin(&self, origin: &str) -> bool {
        self.cors_origins.contains(origin)
    }

    /// The origins of clients' pages: those that responses are sent to, and those of their scripts.
    pub fn client_origins(&self) -> BTreeSet<String> {
        let clients = || self.clients.values().filter(|client| client.enabled);
        let redirects = clients().flat_map(|client| &client.redirect_uris).filter_map(RedirectUri::origin);
        redirects.chain(self.cors_origins.iter().cloned()).collect()
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Rotates keys that are due and removes what has expired. To be called every minute or so.
    pub async fn maintain(&self) -> Result<u64, crate::keys::KeyRingError> {
        // So few that a request which comes meanwhile waits some milliseconds for the batch before it.
        const ROWS_AT_A_TIME: u32 = 200;
        // A key that fails must not stop the sweep.
        let rotated = self.maintain_keys().await;
        let mut removed = 0;
        loop {
            let batch = self.store.remove_expired(self.now(), ROWS_AT_A_TIME).await?;
            removed += batch;
            if batch < u64::from(ROWS_AT_A_TIME) {
                return rotated.map(|()| removed);
            }
        }
    }

    /// Rotates keys that are due and takes over what other processes did. To be called every few seconds where there are others.
    pub async fn maintain_keys(&self) -> Result<(), crate::keys::KeyRingError> {
        self.keys.maintain(&*self.store, self.now(), &*self.entropy).await
    }

    /// Answers if the store does.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Provider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

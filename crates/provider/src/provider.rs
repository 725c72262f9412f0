//! The provider: settings, clients, resources, keys and store in one place. Each use case stands in
//! a module of its own.

use std::{collections::HashSet, sync::Arc};

use aws_lc_rs::hmac;
use doorward_protocol::jose::SigningAlgorithm;
use tokio::sync::{Notify, watch};

use crate::{
    keys::{
        KeyRing,
        remote::{JwksSource, RemoteKeys},
    },
    model::{
        client::{Client, ClientSettings},
        resource::Resources,
        settings_error::SettingsError,
        stored_client::StoredClient,
        time::{Clock, Entropy, Timestamp},
    },
    store::{Store, StoreError},
    use_case::{
        client_registry::{self, Clients},
        dpop::Nonces,
        password_verifier::PasswordVerifier,
    },
};

/// What holds for the provider as a whole. Lifetimes are in seconds.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Issuer identifier: https (http on this machine), no query, no fragment, no slash at its end
    /// (OIDC Core section 2).
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
    /// The clients of the configuration, which are imported into the store.
    pub clients: Vec<ClientSettings>,
    /// Whether their secrets may stand in plain text (demo mode).
    pub plain_secrets: bool,
    pub resources: Resources,
    pub keys: KeyRing,
    pub passwords: PasswordVerifier,
    /// The way to the keys of clients with `jwks_uri`.
    pub jwks_source: Arc<dyn JwksSource>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// The OpenID provider. Its methods are the use cases.
pub struct Provider {
    pub(crate) settings: ProviderSettings,
    pub(crate) clients: watch::Sender<Arc<Clients>>,
    pub(crate) resources: Resources,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: KeyRing,
    pub(crate) nonces: Nonces,
    /// Makes families of refresh tokens out of codes.
    pub(crate) families: hmac::Key,
    pub(crate) passwords: PasswordVerifier,
    pub(crate) remote_keys: RemoteKeys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Rung when a session ended here, so that its logout tokens leave at once.
    pub(crate) logout_queued: Notify,
}

/// The provider can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// A setting does not hold.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Provider {
    /// Puts the parts together and imports the configured clients. Refuses two of one name, scopes
    /// that nothing defines, and algorithms without keys.
    pub async fn assemble(
        parts: ProviderParts,
        store: Arc<dyn Store>,
    ) -> Result<Self, AssembleError> {
        let algorithms = parts.keys.algorithms();
        if !algorithms.contains(&parts.settings.access_token_signing_alg) {
            let value = parts.settings.access_token_signing_alg;
            let problem = "list this algorithm under signing_algorithms, too";
            return Err(SettingsError::new("access_token_signing_alg", value, problem).into());
        }
        parts.resources.check_algorithms(algorithms)?;
        let mut names = HashSet::new();
        let mut configured = Vec::new();
        for settings in parts.clients {
            let client = Client::checked(
                settings.clone(),
                parts.plain_secrets,
                &parts.resources,
                algorithms,
            )?;
            if !names.insert(client.client_id.clone()) {
                let problem = "this client is defined twice";
                return Err(SettingsError::new("client_id", client.client_id, problem).into());
            }
            configured.push(StoredClient::new(settings, true)?);
        }
        store.import_clients(configured).await?;
        let clients = client_registry::load(&*store, &parts.resources, algorithms).await?;
        Ok(Self {
            settings: parts.settings,
            clients: watch::Sender::new(Arc::new(clients)),
            resources: parts.resources,
            store,
            nonces: Nonces::new(parts.keys.mac_key("dpop nonces")),
            families: parts.keys.mac_key("families of refresh tokens"),
            keys: parts.keys,
            passwords: parts.passwords,
            remote_keys: RemoteKeys::new(parts.jwks_source),
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

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Rotates keys that are due and removes what has expired. To be called every minute or so.
    pub async fn maintain(&self) -> Result<u64, crate::keys::KeyRingError> {
        // So few that a request which comes meanwhile waits some milliseconds for the batch before
        // it.
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

    /// Rotates keys that are due and takes over what other processes did. To be called every few
    /// seconds where there are others.
    pub async fn maintain_keys(&self) -> Result<(), crate::keys::KeyRingError> {
        self.store.check_clock(self.now()).await?;
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

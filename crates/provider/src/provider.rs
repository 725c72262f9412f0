//! The provider: its parts, put together. The files in the folder `provider` make its use cases of
//! them, each of which says what it reads and changes.

mod accounts;
mod clients;
mod sign_in;
mod tokens;
mod upkeep;

use std::{
    collections::HashSet,
    sync::{Arc, atomic::AtomicBool},
};

use aws_lc_rs::hmac;
use doorward_protocol::{base64url, dpop::Nonces, secret::Secret};
use tokio::sync::Notify;

use crate::{
    ProviderSettings,
    keys::{
        KeyRing,
        document_source::{DocumentSource, KeysOfStrangers},
        host_limit::HostLimit,
        remote::{JwksSource, RemoteKeys},
    },
    model::{
        client::{Client, ClientSettings},
        device_cookie::DeviceCookies,
        password_rules::PasswordRules,
        resource::Resources,
        second_factor::RememberedBrowsers,
        settings_error::SettingsError,
        stored_client::StoredClient,
        time::{Clock, Entropy, OnceAMinute, Timestamp},
    },
    store::{Store, StoreError},
    use_case::{
        audit_trail::{AuditKeyError, AuditSettings, AuditTrail, chain_key},
        client_documents::{ClientDocuments, DocumentRules},
        client_registry::ClientRegistry,
        directory::{AccessOfUsers, DirectoryClients},
        identity_provider_registry::IdentityProviderRegistry,
        logout::back_channel::LogoutDelivery,
        mail_delivery::MailDelivery,
        new_password::{BreachedPasswords, NewPasswords},
        passkeys::PasskeyVerifier,
        password_verifier::PasswordVerifier,
        token::issue::TokenIssuer,
        upstream::UpstreamClients,
        upstream_factory::UpstreamFactory,
    },
};

/// How often within a minute one host is asked for the redirect URIs of a sector.
const MOST_SECTORS_PER_HOST: u32 = 30;

/// Everything that a provider is made of.
#[allow(missing_docs)]
pub struct ProviderParts {
    pub settings: ProviderSettings,
    /// The clients of the configuration, which are imported into the store.
    pub clients: Vec<ClientSettings>,
    /// Whether their secrets may be plain text (demo mode).
    pub plain_secrets: bool,
    pub resources: Resources,
    pub keys: KeyRing,
    pub passwords: PasswordVerifier,
    /// Passwords that were published.
    pub breached_passwords: Arc<dyn BreachedPasswords>,
    /// Fetches the keys of clients with `jwks_uri`.
    pub jwks_source: Arc<dyn JwksSource>,
    /// Fetches what clients publish that no operator wrote down.
    pub documents: Arc<dyn DocumentSource>,
    /// The clients of the other providers that the settings name.
    pub upstream_clients: UpstreamClients,
    /// The rules for other providers that are in the store, and what makes their clients.
    pub upstream_factory: Arc<dyn UpstreamFactory>,
    /// The clients of the directories by which users sign in.
    pub directory_clients: DirectoryClients,
    /// How audit records are kept.
    pub audit: AuditSettings,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// The OpenID provider. Its methods return its parts and its use cases, whose methods do what there
/// is to do: `provider.accounts().reset_link(…)`.
pub struct Provider {
    settings: ProviderSettings,
    clients: Arc<ClientRegistry>,
    resources: Arc<Resources>,
    store: Arc<dyn Store>,
    keys: Arc<KeyRing>,
    issuer: TokenIssuer,
    logout: Arc<LogoutDelivery>,
    mail: Arc<MailDelivery>,
    audit: Arc<AuditTrail>,
    nonces: Nonces,
    /// Makes families of refresh tokens out of codes.
    families: hmac::Key,
    devices: DeviceCookies,
    browsers: RememberedBrowsers,
    passkeys: PasskeyVerifier,
    passwords: PasswordVerifier,
    new_passwords: NewPasswords,
    remote_keys: RemoteKeys,
    keys_of_strangers: RemoteKeys,
    documents: Arc<dyn DocumentSource>,
    sectors: HostLimit,
    client_documents: ClientDocuments,
    identity_providers: IdentityProviderRegistry,
    directory_clients: DirectoryClients,
    access_of_users: AccessOfUsers,
    /// What pairwise subjects of registered clients are made with.
    salt_of_strangers: Secret,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// The provider can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// A setting is not valid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of the audit chain can't be had.
    #[error(transparent)]
    AuditKey(#[from] AuditKeyError),
}

impl Provider {
    /// Puts the parts together and imports the configured clients. Refuses two clients of one name,
    /// scopes that nothing defines, and algorithms without keys.
    pub async fn assemble(
        parts: ProviderParts,
        store: Arc<dyn Store>,
    ) -> Result<Self, AssembleError> {
        let typ = parts.settings.access_token_typ;
        let parts =
            ProviderParts { resources: parts.resources.with_access_token_typ(typ), ..parts };
        store.import_clients(configured_clients(&parts)?).await?;
        parts.passwords.learn_all(&*store).await?;
        let ProviderParts { settings, keys, clock, entropy, .. } = parts;
        let shared = Shared {
            store: &store,
            settings: &settings,
            keys: &Arc::new(keys),
            resources: &Arc::new(parts.resources),
            clock: &clock,
            entropy: &entropy,
        };
        let (keys, resources) = (Arc::clone(shared.keys), Arc::clone(shared.resources));
        let clients = shared.client_registry().await?;
        let upstream = (parts.upstream_clients, parts.upstream_factory);
        let providers = IdentityProviderRegistry::load(&*store, &settings, upstream, &keys).await?;
        let salt_of_strangers = salt_of_strangers(&keys);
        let document_rules = shared.document_rules(&salt_of_strangers);
        let logout = shared.logout_delivery(&clients);
        let audit = shared.audit_trail(parts.audit).await?;
        let passkeys =
            PasskeyVerifier::new(&settings.issuer, &settings.second_factor.related_origins)?;
        let min_length = settings.accounts.min_password_length;
        Ok(Self {
            issuer: shared.token_issuer(),
            mail: Arc::new(shared.mail_delivery(&clients)),
            audit: Arc::new(audit),
            access_of_users: shared.access_of_users(&logout),
            logout: Arc::new(logout),
            clients,
            resources,
            nonces: Nonces::new(&keys.derived_secret("dpop nonces")),
            families: keys.mac_key("families of refresh tokens"),
            devices: DeviceCookies::new(keys.mac_key("device cookies")),
            salt_of_strangers,
            browsers: RememberedBrowsers::new(keys.mac_key("browsers of the second factor")),
            passkeys,
            keys,
            passwords: parts.passwords,
            new_passwords: NewPasswords {
                rules: PasswordRules { min_length },
                breached: parts.breached_passwords,
            },
            remote_keys: RemoteKeys::new(parts.jwks_source),
            keys_of_strangers: RemoteKeys::of_strangers(Arc::new(KeysOfStrangers(Arc::clone(
                &parts.documents,
            )))),
            client_documents: ClientDocuments::new(Arc::clone(&parts.documents), document_rules),
            documents: parts.documents,
            sectors: HostLimit::new(MOST_SECTORS_PER_HOST),
            identity_providers: providers,
            directory_clients: parts.directory_clients,
            settings,
            store,
            clock,
            entropy,
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

    /// The trail of audit records.
    pub fn audit(&self) -> &Arc<AuditTrail> {
        &self.audit
    }

    /// The resources.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The timestamp of now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// What several use cases are made of.
struct Shared<'a> {
    store: &'a Arc<dyn Store>,
    settings: &'a ProviderSettings,
    keys: &'a Arc<KeyRing>,
    resources: &'a Arc<Resources>,
    clock: &'a Arc<dyn Clock>,
    entropy: &'a Arc<dyn Entropy>,
}

impl Shared<'_> {
    async fn client_registry(&self) -> Result<Arc<ClientRegistry>, StoreError> {
        let (resources, algorithms) = (Arc::clone(self.resources), self.keys.algorithms().to_vec());
        Ok(Arc::new(ClientRegistry::load(self.store.clone(), resources, algorithms).await?))
    }

    fn document_rules(&self, salt: &Secret) -> DocumentRules {
        DocumentRules {
            settings: self.settings.registration.clone(),
            resources: Arc::clone(self.resources),
            algorithms: self.keys.algorithms().to_vec(),
            salt: salt.clone(),
        }
    }

    fn token_issuer(&self) -> TokenIssuer {
        TokenIssuer {
            issuer: self.settings.issuer.clone(),
            access_token_signing_alg: self.settings.access_token_signing_alg,
            acr: self.settings.acr.clone(),
            keys: Arc::clone(self.keys),
            resources: Arc::clone(self.resources),
            reference_tokens: self.store.clone(),
            ended_logged: OnceAMinute::default(),
            entropy: Arc::clone(self.entropy),
        }
    }

    fn logout_delivery(&self, clients: &Arc<ClientRegistry>) -> LogoutDelivery {
        LogoutDelivery {
            notices: self.store.clone(),
            clients: Arc::clone(clients),
            keys: Arc::clone(self.keys),
            issuer: self.settings.issuer.clone(),
            queued: Arc::new(Notify::new()),
            clock: Arc::clone(self.clock),
            entropy: Arc::clone(self.entropy),
        }
    }

    fn mail_delivery(&self, clients: &Arc<ClientRegistry>) -> MailDelivery {
        MailDelivery {
            outbox: self.store.clone(),
            clients: Arc::clone(clients),
            queued: Arc::new(Notify::new()),
            is_failing: AtomicBool::new(false),
            keys: Arc::clone(self.keys),
            clock: Arc::clone(self.clock),
            entropy: Arc::clone(self.entropy),
        }
    }

    async fn audit_trail(&self, settings: AuditSettings) -> Result<AuditTrail, AuditKeyError> {
        let key = Box::pin(chain_key(&**self.store, self.keys.master(), &**self.entropy)).await?;
        let (clock, entropy) = (Arc::clone(self.clock), Arc::clone(self.entropy));
        Ok(AuditTrail::new(self.store.clone(), key, settings, clock, entropy))
    }

    fn access_of_users(&self, logout: &LogoutDelivery) -> AccessOfUsers {
        AccessOfUsers {
            sessions: self.store.clone(),
            access: self.store.clone(),
            events: self.store.clone(),
            logout_queued: Arc::clone(&logout.queued),
        }
    }
}

/// What pairwise subjects of registered clients are made with. It is the same in every process and
/// after every start.
fn salt_of_strangers(keys: &KeyRing) -> Secret {
    let key = keys.mac_key("pairwise subjects of registered clients");
    Secret::new(base64url::encode(hmac::sign(&key, b"salt")))
}

/// The clients of the configuration, checked by themselves and against the other parts.
fn configured_clients(parts: &ProviderParts) -> Result<Vec<StoredClient>, SettingsError> {
    let algorithms = parts.keys.algorithms();
    if !algorithms.contains(&parts.settings.access_token_signing_alg) {
        let value = parts.settings.access_token_signing_alg;
        let problem = "list this algorithm under signing_algorithms, too";
        return Err(SettingsError::new("access_token_signing_alg", value, problem));
    }
    parts.resources.check_algorithms(algorithms)?;
    let mut names = HashSet::new();
    let mut configured = Vec::new();
    for settings in &parts.clients {
        let client =
            Client::checked(settings.clone(), parts.plain_secrets, &parts.resources, algorithms)?;
        if !names.insert(client.client_id.clone()) {
            let problem = "this client is defined twice";
            return Err(SettingsError::new("client_id", client.client_id, problem));
        }
        configured.push(StoredClient::new(settings.clone(), true)?);
    }
    Ok(configured)
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Provider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

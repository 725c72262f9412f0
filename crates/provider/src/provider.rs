//! The provider: its parts, put together. The files in the folder `provider` have its methods, each
//! of which is one use case, and list what a use case may read and change.

mod access;
mod accounts;
mod authorization;
mod clients;
mod device_flow;
mod directories;
mod external;
mod factors;
mod own_account;
mod registration;
mod sign_in;
mod tokens;
mod upkeep;
mod upstream;

pub use self::factors::{AfterRecoveryCode, PasskeyStepError};

use std::{
    collections::HashSet,
    sync::{Arc, atomic::AtomicBool},
};

use aws_lc_rs::hmac;
use doorward_protocol::{dpop::Nonces, secret::Secret};
use tokio::sync::Notify;

use crate::{
    ProviderSettings,
    audit::{self, Trail},
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

/// The OpenID provider. Its methods are the use cases.
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
    /// Notified when a mail was queued.
    mail_queued: Arc<Notify>,
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
        let (keys, resources) = (Arc::new(keys), Arc::new(parts.resources));
        let algorithms = keys.algorithms().to_vec();
        let clients =
            ClientRegistry::load(&*store, Arc::clone(&resources), algorithms.clone()).await?.into();
        let upstream = (parts.upstream_clients, parts.upstream_factory);
        let providers = IdentityProviderRegistry::load(&*store, &settings, upstream, &keys).await?;
        let salt_of_strangers = registration::salt(&keys);
        let document_rules = DocumentRules {
            settings: settings.registration.clone(),
            resources: Arc::clone(&resources),
            algorithms,
            salt: salt_of_strangers.clone(),
        };
        let issuer = TokenIssuer {
            issuer: settings.issuer.clone(),
            access_token_signing_alg: settings.access_token_signing_alg,
            acr: settings.acr.clone(),
            keys: Arc::clone(&keys),
            resources: Arc::clone(&resources),
            reference_tokens: store.clone(),
            ended_logged: OnceAMinute::default(),
            entropy: Arc::clone(&entropy),
        };
        let logout = LogoutDelivery {
            notices: store.clone(),
            clients: Arc::clone(&clients),
            keys: Arc::clone(&keys),
            issuer: settings.issuer.clone(),
            queued: Arc::new(Notify::new()),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        };
        let min_length = settings.accounts.min_password_length;
        let new_passwords = NewPasswords {
            rules: PasswordRules { min_length },
            breached: parts.breached_passwords,
        };
        let mail_queued = Arc::new(Notify::new());
        let mail = MailDelivery {
            outbox: store.clone(),
            queued: Arc::clone(&mail_queued),
            is_failing: AtomicBool::new(false),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        };
        let audit = AuditTrail::new(
            store.clone(),
            Box::pin(chain_key(&*store, keys.master(), &*entropy)).await?,
            parts.audit,
            Arc::clone(&clock),
            Arc::clone(&entropy),
        );
        let access_of_users = AccessOfUsers {
            sessions: store.clone(),
            access: store.clone(),
            logout_queued: Arc::clone(&logout.queued),
        };
        let passkeys =
            PasskeyVerifier::new(&settings.issuer, &settings.second_factor.related_origins)?;
        Ok(Self {
            settings,
            clients,
            resources,
            store,
            issuer,
            logout: Arc::new(logout),
            mail: Arc::new(mail),
            audit: Arc::new(audit),
            nonces: Nonces::new(&keys.derived_secret("dpop nonces")),
            families: keys.mac_key("families of refresh tokens"),
            devices: DeviceCookies::new(keys.mac_key("device cookies")),
            salt_of_strangers,
            browsers: RememberedBrowsers::new(keys.mac_key("browsers of the second factor")),
            passkeys,
            keys,
            passwords: parts.passwords,
            new_passwords,
            mail_queued,
            remote_keys: RemoteKeys::new(parts.jwks_source),
            keys_of_strangers: RemoteKeys::of_strangers(Arc::new(KeysOfStrangers(Arc::clone(
                &parts.documents,
            )))),
            client_documents: ClientDocuments::new(Arc::clone(&parts.documents), document_rules),
            documents: parts.documents,
            sectors: HostLimit::new(registration::MOST_SECTORS_PER_HOST),
            identity_providers: providers,
            directory_clients: parts.directory_clients,
            access_of_users,
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
    pub fn audit(&self) -> &AuditTrail {
        &self.audit
    }

    /// Runs a task whose events are recorded, as those of this request.
    pub async fn audited<F: Future>(&self, request: audit::Request, task: F) -> F::Output {
        let trail: Arc<dyn Trail> = self.audit.clone();
        audit::scope(trail, request, task).await
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

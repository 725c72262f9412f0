//! The provider as this process runs it: database, keys, users, and the tasks that run beside the
//! requests.

mod audit_webhook;
pub mod breached_passwords;
pub mod configured;
pub mod database;
pub mod directories;
pub mod mail;
pub mod master_key;
mod reloading;
mod tasks;
mod to_clients;
pub mod upstream;
mod users;

use std::{fmt::Display, sync::Arc};

use axum::Router;
use doorward_provider::{
    AssembleError, Provider, ProviderParts,
    keys::{KeyRing, RotationPolicy},
    model::time::{SystemClock, SystemEntropy},
    store::Store,
    use_case::password_verifier::PasswordVerifier,
};
use doorward_provider_http::{Branding, HttpSettings, Network, SharedBranding};

use self::{
    configured::Configured,
    database::{Database, WriteProbe},
    mail::Mailer,
    tasks::Tasks,
    to_clients::{HttpDocumentSource, HttpJwksSource},
    upstream::{Requests, StoredUpstreams},
    users::ImportError,
};
pub use self::{
    reloading::Reloading,
    to_clients::{body, reason},
};
use crate::{
    config::{AuditConfig, ConfigError, MailConfig, ProviderConfig, SettingSources, StoreConfig},
    error::StartError,
};

/// The provider and its database.
pub struct RunningProvider {
    /// The provider.
    pub provider: Arc<Provider>,
    /// Its endpoints and pages.
    pub router: Router,
    /// The proxies whose word on the address of a request is trusted.
    pub trusted_proxies: Vec<Network>,
    /// Whether the database can be written.
    pub writable: Arc<WriteProbe>,
    /// How the pages look.
    pub branding: SharedBranding,
    database: Database,
    tasks: Tasks,
}

/// What a provider is started with.
pub struct ProviderSetup<'a> {
    /// Its own part of the configuration.
    pub config: ProviderConfig,
    /// Where it keeps its data.
    pub store: &'a StoreConfig,
    /// How it sends mail; `None`: it sends none.
    pub mail: Option<&'a MailConfig>,
    /// How its pages look.
    pub branding: Branding,
    /// How audit records are kept, and where they are sent.
    pub audit: AuditConfig,
    /// Whether this is demo mode.
    pub demo: bool,
    /// Certification authorities (DER) for its requests, beside the machine's.
    pub trusted: &'a [Vec<u8>],
    /// Where the settings come from.
    pub sources: &'a SettingSources,
}

impl ProviderSetup<'_> {
    /// Opens the database, creates what is missing in it, and assembles the provider.
    pub async fn start(self) -> Result<RunningProvider, StartError> {
        let database = Database::open(self.store, self.sources).await?;
        let read = Configured::read(&*database.store(), &self.config.users).await;
        let before = read.map_err(|error| self.broken(&error))?;
        self.import_users(&*database.store()).await?;
        let keys = self.open_keys(&*database.store()).await?;
        let Self { config, store, mail, branding, audit, demo, trusted, sources } = self;
        let upstream_clients = upstream::clients(config.upstream, &Requests::of_operator(trusted))?;
        let upstream_factory =
            StoredUpstreams::new(&config.settings.issuer, trusted, config.allow_private_providers);
        let directories = directories::open(config.directory_clients, trusted)?;
        let allow_private = config.settings.registration.allow_private_addresses;
        let parts = ProviderParts {
            settings: config.settings,
            clients: config.clients,
            plain_secrets: demo,
            resources: config.resources,
            keys,
            passwords: password_verifier(),
            breached_passwords: breached_passwords::open(&config.breached_passwords, trusted)?,
            jwks_source: Arc::new(HttpJwksSource::new(trusted)?),
            documents: Arc::new(HttpDocumentSource::new(trusted, allow_private)?),
            upstream_clients,
            upstream_factory: Arc::new(upstream_factory),
            directory_clients: directories::clients(&directories),
            audit: audit.settings,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        let broken = |error: &dyn Display| database::refuse(store, sources, error.to_string());
        let assembled = Provider::assemble(parts, database.store()).await;
        let provider = Arc::new(assembled.map_err(|error| match error {
            AssembleError::Settings(error) => {
                sources.refuse(&format!("provider.{}", error.key), &error.value, error.problem)
            }
            AssembleError::Store(error) => broken(&error),
            AssembleError::AuditKey(error) => broken(&error),
        })?);
        // In demo mode everything is known.
        if !demo {
            let read = Configured::read(&*database.store(), &config.users).await;
            let now = read.map_err(|error| broken(&error))?;
            configured::record(&provider, before.changed_to(now)).await;
        }
        let branding = SharedBranding::new(branding);
        let mailer = mail
            .map(|mail| Arc::new(Mailer::new(mail, branding.clone(), provider.issuer(), trusted)));
        let trusted_proxies = config.trusted_proxies;
        let settings = HttpSettings {
            trusted_proxies: trusted_proxies.clone(),
            demo_mailbox: mailer.as_ref().and_then(|mailer| mailer.mailbox()),
            branding: branding.clone(),
            ..HttpSettings::default()
        };
        let router = doorward_provider_http::router(Arc::clone(&provider), settings);
        let tasks = Tasks::spawn(&provider, directories, mailer, audit.webhook, trusted)?;
        let writable = Arc::new(WriteProbe::new(database.store()));
        Ok(RunningProvider {
            provider,
            router,
            trusted_proxies,
            writable,
            branding,
            database,
            tasks,
        })
    }

    /// Imports the users of the configuration. Refuses a database of demo mode outside of it.
    async fn import_users(&self, store: &dyn Store) -> Result<(), StartError> {
        let users = &self.config.users;
        if !self.demo {
            let left = users::left_from_demo(store, users).await;
            if let Some(username) = left.map_err(|error| self.broken(&error))? {
                let problem = format!(
                    "this database was used in demo mode: everyone knows the password of its user \
                     {username}. Use another database, or define this user under [[users]]"
                );
                return Err(self.broken(&problem).into());
            }
        }
        let imported = users::import(store, users).await.map_err(|error| match error {
            ImportError::Store(error) => self.broken(&error),
            other => self.sources.refuse("users", "[[users]]", other.to_string()),
        })?;
        if imported > 0 {
            tracing::debug!(users = imported, "users of the configuration were added or changed");
        }
        Ok(())
    }

    /// Opens the key ring, and makes the signing keys that are missing.
    async fn open_keys(&self, store: &dyn Store) -> Result<KeyRing, StartError> {
        let stored = store.signing_keys().await.map_err(|error| self.broken(&error))?;
        let master = master_key::obtain(&self.store.master_key, &stored, &SystemEntropy)?;
        let algorithms = self.config.signing_algorithms.clone();
        let (policy, clock) = (RotationPolicy::default(), &SystemClock);
        let opened = KeyRing::open(store, master, policy, algorithms, clock, &SystemEntropy).await;
        Ok(opened.map_err(|error| self.broken(&error))?)
    }

    /// The error of a database that can't be used.
    fn broken(&self, problem: &dyn Display) -> ConfigError {
        database::refuse(self.store, self.sources, problem.to_string())
    }
}

impl RunningProvider {
    /// The database.
    pub fn store(&self) -> Arc<dyn Store> {
        self.database.store()
    }

    /// What takes over clients and users of a configuration that is read again.
    pub fn reloading(&self) -> Reloading {
        Reloading {
            provider: Arc::clone(&self.provider),
            store: self.database.store(),
            branding: self.branding.clone(),
        }
    }

    /// Ends the tasks and logs what the database did. Call this when no request is being answered.
    pub async fn stop(self) {
        self.tasks.stop().await;
        let stats = self.database.stats();
        let (commits, commands) = stats.map(|stats| (stats.commits, stats.commands)).unzip();
        tracing::info!(commits, commands, "the database is closed");
    }
}

/// At most half of the machine's cores compute password hashes; the others issue tokens.
fn password_verifier() -> PasswordVerifier {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    PasswordVerifier::new((cores / 2).clamp(1, 8))
}

//! The provider as this process runs it: database, keys, users, and the tasks that run beside the
//! requests.

pub mod database;
pub mod master_key;
mod reloading;
mod to_clients;
mod users;

use std::{sync::Arc, time::Duration};

use axum::Router;
use doorward_provider::{
    AssembleError, Provider, ProviderParts,
    keys::{KeyRing, RotationPolicy},
    model::{
        password::PasswordError,
        time::{SystemClock, SystemEntropy},
    },
    store::Store,
    use_case::password_verifier::PasswordVerifier,
};
use doorward_provider_http::HttpSettings;
use tokio::task::AbortHandle;

pub use self::reloading::Reloading;
use self::{
    database::{Database, WriteProbe},
    to_clients::{HttpBackChannel, HttpJwksSource},
    users::ImportError,
};
use crate::{
    config::{ProviderConfig, SettingSources, StoreConfig},
    error::StartError,
};

/// How often keys are maintained. A key that another process made is known here after this time.
const KEY_INTERVAL: Duration = Duration::from_secs(10);
/// Expired rows are removed on every sixth round.
const ROUNDS_PER_SWEEP: u64 = 6;

/// The provider and its database.
pub struct RunningProvider {
    /// The provider.
    pub provider: Arc<Provider>,
    /// Its endpoints and pages.
    pub router: Router,
    /// Whether the database can be written.
    pub writable: Arc<WriteProbe>,
    database: Database,
    /// The tasks that run beside the requests.
    tasks: Vec<AbortHandle>,
}

/// Opens the database, creates what is missing in it, and assembles the provider. `trusted` are
/// certification authorities (DER) for its requests to clients, beside the machine's.
pub async fn start(
    config: ProviderConfig,
    store_config: &StoreConfig,
    demo: bool,
    trusted: &[Vec<u8>],
    sources: &SettingSources,
) -> Result<RunningProvider, StartError> {
    let passwords = tokio::task::spawn_blocking(password_verifier);
    let database = Database::open(store_config, sources).await?;
    let store = database.store();
    let broken =
        |error: &dyn std::fmt::Display| database::refuse(store_config, sources, error.to_string());
    import_users(&*store, &config, store_config, demo, sources).await?;
    let stored_keys = store.signing_keys().await.map_err(|error| broken(&error))?;
    let master = master_key::obtain(&store_config.master_key, &stored_keys, &SystemEntropy)?;
    let keys = KeyRing::open(
        &*store,
        master,
        RotationPolicy::default(),
        config.signing_algorithms,
        &SystemClock,
        &SystemEntropy,
    )
    .await
    .map_err(|error| broken(&error))?;
    let passwords = passwords.await.map_err(std::io::Error::other)??;
    let parts = ProviderParts {
        settings: config.settings,
        clients: config.clients,
        plain_secrets: demo,
        resources: config.resources,
        keys,
        passwords,
        jwks_source: Arc::new(HttpJwksSource::new(trusted)?),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let provider = Provider::assemble(parts, store).await.map_err(|error| match error {
        AssembleError::Settings(error) => {
            sources.refuse(&format!("provider.{}", error.key), &error.value, error.problem)
        }
        AssembleError::Store(error) => broken(&error),
    })?;
    let provider = Arc::new(provider);
    let settings = HttpSettings { trusted_proxies: config.trusted_proxies };
    let router = doorward_provider_http::router(Arc::clone(&provider), settings);
    let channel = HttpBackChannel::new(trusted)?;
    let tasks = vec![
        tokio::spawn(maintain(Arc::clone(&provider))).abort_handle(),
        tokio::spawn(Arc::clone(&provider).watch_clients()).abort_handle(),
        tokio::spawn(Arc::clone(&provider).deliver_logout_tokens(Arc::new(channel))).abort_handle(),
    ];
    let writable = Arc::new(WriteProbe::new(database.store()));
    Ok(RunningProvider { provider, router, writable, database, tasks })
}

impl RunningProvider {
    /// What takes over clients and users of a configuration that is read again.
    pub fn reloading(&self) -> Reloading {
        Reloading { provider: Arc::clone(&self.provider), store: self.database.store() }
    }

    /// Ends the tasks and logs what the database did. Call this when no request is being answered.
    pub fn stop(self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        let stats = self.database.stats();
        let (commits, commands) = stats.map(|stats| (stats.commits, stats.commands)).unzip();
        tracing::info!(commits, commands, "the database is closed");
    }
}

/// At most half of the machine's cores compute password hashes; the others issue tokens.
fn password_verifier() -> Result<PasswordVerifier, PasswordError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    PasswordVerifier::new((cores / 2).clamp(1, 8))
}

async fn import_users(
    store: &dyn Store,
    config: &ProviderConfig,
    store_config: &StoreConfig,
    demo: bool,
    sources: &SettingSources,
) -> Result<(), StartError> {
    let refuse = |problem: String| database::refuse(store_config, sources, problem);
    if !demo {
        let left = users::left_from_demo(store, &config.users).await;
        let left = left.map_err(|error| refuse(error.to_string()))?;
        if let Some(username) = left {
            let problem = format!(
                "this database was used in demo mode: everyone knows the password of its user \
                 {username}. Use another database, or define this user under [[users]]"
            );
            return Err(refuse(problem).into());
        }
    }
    let imported = users::import(store, &config.users).await.map_err(|error| match error {
        ImportError::Store(error) => refuse(error.to_string()),
        other => sources.refuse("users", "[[users]]", other.to_string()),
    })?;
    if imported > 0 {
        tracing::debug!(users = imported, "users of the configuration were added or changed");
    }
    Ok(())
}

async fn maintain(provider: Arc<Provider>) {
    let mut times = tokio::time::interval(KEY_INTERVAL);
    times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in 0_u64.. {
        times.tick().await;
        let done = if round % ROUNDS_PER_SWEEP == 0 {
            provider.maintain().await
        } else {
            provider.maintain_keys().await.map(|()| 0)
        };
        match done {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "expired rows were removed"),
            Err(error) => {
                tracing::error!(%error, "maintenance failed; it is tried again in ten seconds");
            }
        }
    }
}

//! The provider as this process runs it: store, keys, users, clock, and the task that keeps them in order.

use std::{sync::Arc, time::Duration};

use axum::Router;
use doorward_provider::{
    Provider, ProviderParts,
    keys::{KeyRing, RotationPolicy},
    password::PasswordVerifier,
    store::Store as _,
    time::{SystemClock, SystemEntropy},
};
use doorward_provider_http::HttpSettings;
use doorward_provider_store::{SqliteOptions, SqliteStore};
use tokio::task::AbortHandle;

use crate::{
    StartError,
    back_channel::HttpBackChannel,
    config::{Places, ProviderConfig, StoreConfig},
    master_key, private_file,
    users::{self, ImportError},
};

/// How often expired rows are removed and keys looked after.
const MAINTENANCE: Duration = Duration::from_mins(1);

/// The provider and its database.
pub struct RunningProvider {
    /// The provider.
    pub provider: Arc<Provider>,
    /// Its endpoints and pages.
    pub router: Router,
    store: Arc<SqliteStore>,
    maintenance: AbortHandle,
    logout_delivery: AbortHandle,
}

/// Opens the store, makes what is missing in it, and puts the provider together. `trusted` are certification authorities (DER) for its
/// requests to clients, beside the machine's.
pub async fn start(
    config: ProviderConfig,
    store_config: &StoreConfig,
    demo: bool,
    trusted: &[Vec<u8>],
    places: &Places,
) -> Result<RunningProvider, StartError> {
    let passwords = tokio::task::spawn_blocking(password_verifier);
    let store = Arc::new(open_store(store_config, places)?);
    let broken =
        |error: &dyn std::fmt::Display| places.refuse("store.path", store_config.path.display(), error.to_string());
    import_users(&store, &config, store_config, demo, places).await?;
    let keys_exist = !store.signing_keys().await.map_err(|error| broken(&error))?.is_empty();
    let master = master_key::obtain(&store_config.master_key, keys_exist, &SystemEntropy)
        .map_err(|error| StartError::Failed(error.to_string()))?;
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
    let passwords = passwords.await.map_err(|error| StartError::Failed(error.to_string()))?;
    let parts = ProviderParts {
        settings: config.settings,
        clients: config.clients,
        resources: config.resources,
        keys,
        passwords: passwords.map_err(|error| StartError::Failed(error.to_string()))?,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let provider = Provider::new(parts, store.clone())
        .map_err(|error| places.refuse(&format!("provider.{}", error.key), &error.value, error.problem))?;
    let provider = Arc::new(provider);
    let settings = HttpSettings { trusted_proxies: config.trusted_proxies };
    let router = doorward_provider_http::router(Arc::clone(&provider), settings);
    let maintenance = tokio::spawn(maintain(Arc::clone(&provider))).abort_handle();
    let channel = HttpBackChannel::new(trusted).map_err(|error| StartError::Failed(error.to_string()))?;
    let logout_delivery = tokio::spawn(Arc::clone(&provider).deliver_logout_tokens(Arc::new(channel))).abort_handle();
    Ok(RunningProvider { provider, router, store, maintenance, logout_delivery })
}

impl RunningProvider {
    /// Ends the background work and tells what the database did. To be called when no request is under way.
    pub fn stop(self) {
        self.maintenance.abort();
        self.logout_delivery.abort();
        let stats = self.store.stats();
        tracing::info!(commits = stats.commits, commands = stats.commands, "the database is closed");
    }
}

/// Half of the machine's cores may compute password hashes; tokens are issued by the others.
fn password_verifier() -> Result<PasswordVerifier, doorward_provider::password::PasswordError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    PasswordVerifier::new((cores / 2).clamp(1, 8))
}

/// Opens the database, and creates what is missing of it.
pub fn open_store(config: &StoreConfig, places: &Places) -> Result<SqliteStore, StartError> {
    let refuse = |problem: String| places.refuse("store.path", config.path.display(), problem);
    if let Some(folder) = config.path.parent().filter(|_| config.create_folder) {
        // It holds the master key, too: nobody else needs to look into it.
        private_file::create_folder(folder)
            .map_err(|error| refuse(format!("the folder {} can't be created: {error}", folder.display())))?;
    }
    let options = SqliteOptions { group_commit: config.group_commit, ..SqliteOptions::default() };
    Ok(SqliteStore::open(&config.path, &options).map_err(|error| refuse(error.to_string()))?)
}

async fn import_users(
    store: &SqliteStore,
    config: &ProviderConfig,
    store_config: &StoreConfig,
    demo: bool,
    places: &Places,
) -> Result<(), StartError> {
    let path = store_config.path.display();
    if !demo {
        let left = users::left_from_demo(store, &config.users).await;
        let left = left.map_err(|error| places.refuse("store.path", &path, error.to_string()))?;
        if let Some(username) = left {
            let problem = format!(
                "this database was used in demo mode: everyone knows the password of its user {username}. Use another database, or define this user under [[users]]"
            );
            return Err(places.refuse("store.path", path, problem).into());
        }
    }
    let imported = users::import(store, &config.users).await.map_err(|error| match error {
        ImportError::Store(error) => places.refuse("store.path", &path, error.to_string()),
        other => places.refuse("users", "[[users]]", other.to_string()),
    })?;
    if imported > 0 {
        tracing::debug!(users = imported, "users of the configuration added or changed");
    }
    Ok(())
}

async fn maintain(provider: Arc<Provider>) {
    let mut times = tokio::time::interval(MAINTENANCE);
    times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        match provider.maintain().await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "expired rows removed"),
            Err(error) => tracing::error!(%error, "maintenance failed; it is tried again in a minute"),
        }
    }
}

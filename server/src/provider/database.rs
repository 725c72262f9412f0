//! The database behind the store port. Only this module knows whether it is SQLite or PostgreSQL.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_provider::{
    model::{
        message_identity::MessageIdentity,
        time::{Clock as _, Entropy as _, SystemClock, SystemEntropy},
    },
    store::Store,
};
use doorward_provider_store::{PostgresStore, SchemaVersion, SqliteStore, Stats};

use crate::{
    config::{ConfigError, DatabaseConfig, SettingSources, StoreConfig},
    error::StartError,
    private_file,
};

/// An open database.
pub enum Database {
    /// A file beside this process.
    Sqlite(Arc<SqliteStore>),
    /// A server that other processes use as well.
    Postgres(Arc<PostgresStore>),
}

impl Database {
    /// Opens the database and creates what is missing in it.
    pub async fn open(config: &StoreConfig, sources: &SettingSources) -> Result<Self, StartError> {
        if let Some(folder) = &config.folder_to_create {
            // The folder also holds the master key, so it is for this user only.
            private_file::create_folder(folder).map_err(|error| {
                refuse(
                    config,
                    sources,
                    format!("the folder {} can't be created: {error}", folder.display()),
                )
            })?;
        }
        Ok(match &config.database {
            DatabaseConfig::Sqlite { path, options } => {
                let exists = path.exists();
                let store = SqliteStore::open(path, options)
                    .map_err(|error| refuse(config, sources, error.to_string()))?;
                if !exists {
                    own_like_folder(path);
                }
                Self::Sqlite(Arc::new(store))
            }
            DatabaseConfig::Postgres(options) => {
                let store = PostgresStore::open(options).await;
                Self::Postgres(Arc::new(
                    store.map_err(|error| refuse(config, sources, error.to_string()))?,
                ))
            }
        })
    }

    /// Looks at the database as it is: nothing is created, and its schema stays. `None`: the file
    /// is not there yet.
    pub async fn look(
        config: &StoreConfig,
        sources: &SettingSources,
    ) -> Result<Option<(Self, SchemaVersion)>, StartError> {
        Ok(match &config.database {
            DatabaseConfig::Sqlite { path, .. } if !path.exists() => None,
            DatabaseConfig::Sqlite { path, options } => {
                let (store, version) = SqliteStore::look(path, options)
                    .map_err(|error| refuse(config, sources, error.to_string()))?;
                Some((Self::Sqlite(Arc::new(store)), version))
            }
            DatabaseConfig::Postgres(options) => {
                let (store, version) = PostgresStore::look(options)
                    .await
                    .map_err(|error| refuse(config, sources, error.to_string()))?;
                Some((Self::Postgres(Arc::new(store)), version))
            }
        })
    }

    /// Its store port.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// What the single writer of a SQLite file did since it was opened.
    pub fn stats(&self) -> Option<Stats> {
        match self {
            Self::Sqlite(store) => Some(store.stats()),
            Self::Postgres(_) => None,
        }
    }
}

/// How long a successful write counts before the next one is tried.
const WRITE_COUNTS_FOR: Duration = Duration::from_secs(10);
/// How long a failed one counts.
const FAILURE_COUNTS_FOR: Duration = Duration::from_secs(1);
/// When the row of a probe expires, in seconds.
const PROBE_LIVES_FOR: u32 = 60;

/// Tries now and then whether the database can be written. Reads still succeed on a full disk or a
/// read-only file, while nobody can sign in.
pub struct WriteProbe {
    store: Arc<dyn Store>,
    /// When the last write was tried, and whether it succeeded.
    last: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

impl WriteProbe {
    /// For this database.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, last: tokio::sync::Mutex::default() }
    }

    /// Whether the database can be written, as far as is known.
    pub async fn succeeds(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, succeeded)) = *last {
            let counts_for = if succeeded { WRITE_COUNTS_FOR } else { FAILURE_COUNTS_FOR };
            if at.elapsed() < counts_for {
                return succeeded;
            }
        }
        let succeeded = self.write().await;
        *last = Some((Instant::now(), succeeded));
        succeeded
    }

    /// Adds a row that the next sweep after its end removes.
    async fn write(&self) -> bool {
        let now = SystemClock.now();
        // A random value is not a message's hash.
        let row = MessageIdentity::from_bytes(SystemEntropy.bytes());
        match self.store.first_use(row, now.plus(PROBE_LIVES_FOR)).await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(%error, "the database can't be written");
                false
            }
        }
    }
}

/// A database that a root command created must be open to the server's user, whose folder it is in.
fn own_like_folder(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        private_file::adopt_owner(Path::new(&name), private_file::folder_of(path));
    }
}

/// Refuses the setting that names the database.
pub fn refuse(config: &StoreConfig, sources: &SettingSources, problem: String) -> ConfigError {
    match &config.database {
        DatabaseConfig::Sqlite { path, .. } => {
            sources.refuse("store.path", path.display(), problem)
        }
        DatabaseConfig::Postgres(options) => sources.refuse("store.url", &options.url, problem),
    }
}

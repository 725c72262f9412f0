//! The database behind the store port. Only this module knows whether it is SQLite or PostgreSQL.

use std::sync::Arc;

use doorward_provider::store::Store;
use doorward_provider_store::{PostgresStore, SqliteOptions, SqliteStore, Stats};

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
            DatabaseConfig::Sqlite { path, group_commit } => {
                let options =
                    SqliteOptions { group_commit: *group_commit, ..SqliteOptions::default() };
                let store = SqliteStore::open(path, &options);
                Self::Sqlite(Arc::new(
                    store.map_err(|error| refuse(config, sources, error.to_string()))?,
                ))
            }
            DatabaseConfig::Postgres(options) => {
                let store = PostgresStore::open(options).await;
                Self::Postgres(Arc::new(
                    store.map_err(|error| refuse(config, sources, error.to_string()))?,
                ))
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

/// Refuses the setting that names the database.
pub fn refuse(config: &StoreConfig, sources: &SettingSources, problem: String) -> ConfigError {
    match &config.database {
        DatabaseConfig::Sqlite { path, .. } => {
            sources.refuse("store.path", path.display(), problem)
        }
        DatabaseConfig::Postgres(options) => sources.refuse("store.url", &options.url, problem),
    }
}

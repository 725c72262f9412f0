//! The database behind the store port. Which one it is, is known here and nowhere else.

use std::sync::Arc;

use doorward_provider::store::Store;
use doorward_provider_store::{PostgresStore, SqliteOptions, SqliteStore, Stats};

use crate::{
    StartError,
    config::{ConfigError, DatabaseConfig, Places, StoreConfig},
    private_file,
};

/// An open database.
pub enum Database {
    /// A file beside this process.
    Sqlite(Arc<SqliteStore>),
    /// A server that other processes use, too.
    Postgres(Arc<PostgresStore>),
}

impl Database {
    /// Opens the database, and creates what is missing of it.
    pub async fn open(config: &StoreConfig, places: &Places) -> Result<Self, StartError> {
        if let Some(folder) = &config.folder_to_create {
            // It holds the master key, too: nobody else needs to look into it.
            private_file::create_folder(folder).map_err(|error| {
                refuse(
                    config,
                    places,
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
                    store.map_err(|error| refuse(config, places, error.to_string()))?,
                ))
            }
            DatabaseConfig::Postgres(options) => {
                let store = PostgresStore::open(options).await;
                Self::Postgres(Arc::new(
                    store.map_err(|error| refuse(config, places, error.to_string()))?,
                ))
            }
        })
    }

    /// The store port on it.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// What the one writer of a file did since it was opened.
    pub fn stats(&self) -> Option<Stats> {
        match self {
            Self::Sqlite(store) => Some(store.stats()),
            Self::Postgres(_) => None,
        }
    }
}

/// Refuses the setting that says which database it is.
pub fn refuse(config: &StoreConfig, places: &Places, problem: String) -> ConfigError {
    match &config.database {
        DatabaseConfig::Sqlite { path, .. } => places.refuse("store.path", path.display(), problem),
        DatabaseConfig::Postgres(options) => places.refuse("store.url", &options.url, problem),
    }
}

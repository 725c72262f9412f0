//! `[store]`.

use std::{path::Path, time::Duration};

use doorward_provider::keys::MasterKey;
use doorward_provider_store::{PostgresOptions, PostgresUrl};

use super::super::{
    ConfigError, DatabaseConfig, MasterKeySource, SettingSources, StoreConfig,
    file::{DEFAULT_STORE_PATH, StoreSection},
};

/// Checks where the provider keeps its data. `is_used`: by this process.
pub fn check(
    section: StoreSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<StoreConfig, ConfigError> {
    let default_path = Path::new(DEFAULT_STORE_PATH);
    let database = database(&section, is_used, sources)?;
    let master_key = match (section.master_key, section.master_key_file) {
        (Some(_), Some(file)) => {
            let problem = "the key is also given by store.master_key: give one of the two";
            return Err(sources.refuse("store.master_key_file", file.display(), problem));
        }
        (Some(key), None) if MasterKey::parse(key.expose()).is_err() => {
            let problem = "give 32 random bytes as 43 base64url characters, without padding";
            return Err(sources.refuse("store.master_key", "", problem));
        }
        (Some(key), None) => MasterKeySource::Setting(key),
        (None, Some(file)) => MasterKeySource::File(file),
        (None, None) => MasterKeySource::File(section.path.with_extension("key")),
    };
    let keeps_at = |path: &Path| match &database {
        DatabaseConfig::Sqlite { .. } => section.path == path,
        DatabaseConfig::Postgres(_) => {
            matches!(&master_key, MasterKeySource::File(file) if *file == path.with_extension("key"))
        }
    };
    let folder_to_create =
        default_path.parent().filter(|_| keeps_at(default_path)).map(Path::to_owned);
    Ok(StoreConfig { database, folder_to_create, master_key })
}

fn database(
    section: &StoreSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<DatabaseConfig, ConfigError> {
    let path = &section.path;
    let is_default = path == Path::new(DEFAULT_STORE_PATH);
    if let Some(url) = &section.url {
        if !is_default {
            let problem = "the database is also given by store.url: give one of the two";
            return Err(sources.refuse("store.path", path.display(), problem));
        }
        let url = PostgresUrl::parse(url)
            .map_err(|error| sources.refuse("store.url", "", error.to_string()))?;
        if !(1..=1000).contains(&section.connections) {
            return Err(sources.refuse(
                "store.connections",
                section.connections,
                "give 1 to 1000 connections",
            ));
        }
        let ca_file = section.ca_file.clone();
        if let Some(missing) = ca_file.as_ref().filter(|file| is_used && !file.is_file()) {
            let problem = "there is no such file: give one with certificates in PEM form";
            return Err(sources.refuse("store.ca_file", missing.display(), problem));
        }
        return Ok(DatabaseConfig::Postgres(Box::new(PostgresOptions {
            url,
            ca_file,
            connections: section.connections.into(),
            statement_timeout: Duration::from_secs(section.statement_timeout.get().into()),
        })));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(missing) = folder.filter(|folder| is_used && !is_default && !folder.is_dir()) {
        let problem = format!(
            "the folder {} does not exist: create it, or set another path",
            missing.display()
        );
        return Err(sources.refuse("store.path", path.display(), problem));
    }
    Ok(DatabaseConfig::Sqlite { path: path.clone(), group_commit: section.group_commit })
}

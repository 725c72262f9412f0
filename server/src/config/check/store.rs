//! `[store]`.

use std::{path::Path, time::Duration};

use doorward_provider::{keys::MasterKey, store::LONGEST_CLOCK_SKEW};
use doorward_provider_store::{
    ClientCertificate, Limits, PostgresOptions, PostgresUrl, SqliteOptions,
};

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
            let key_file = path.with_extension("key");
            matches!(&master_key, MasterKeySource::File(file) if *file == key_file)
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
    let statement_timeout = Duration::from_secs(section.statement_timeout.get().into());
    let limits = limits(section, sources)?;
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
        if section.max_clock_skew.get() > LONGEST_CLOCK_SKEW.get() {
            return Err(sources.refuse(
                "store.max_clock_skew",
                section.max_clock_skew.get(),
                "give at most 30 seconds: single use is safe up to that",
            ));
        }
        refuse_missing_files(section, is_used, sources)?;
        return Ok(DatabaseConfig::Postgres(Box::new(PostgresOptions {
            url,
            ca_file: section.ca_file.clone(),
            client_certificate: client_certificate(section, sources)?,
            password_file: section.password_file.clone(),
            max_clock_skew: Some(Duration::from_secs(section.max_clock_skew.get().into())),
            connections: section.connections.into(),
            statement_timeout,
            limits,
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
    let options = SqliteOptions {
        group_commit: section.group_commit,
        busy_timeout: statement_timeout,
        limits,
        ..SqliteOptions::default()
    };
    Ok(DatabaseConfig::Sqlite { path: path.clone(), options })
}

fn refuse_missing_files(
    section: &StoreSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<(), ConfigError> {
    for (key, file, content) in [
        ("store.ca_file", &section.ca_file, "certificates in PEM form"),
        ("store.client_certificate", &section.client_certificate, "a certificate in PEM form"),
        ("store.client_key", &section.client_key, "a private key in PEM form"),
        ("store.password_file", &section.password_file, "the password alone"),
    ] {
        if let Some(missing) = file.as_ref().filter(|file| is_used && !file.is_file()) {
            let problem = format!("there is no such file: give one with {content}");
            return Err(sources.refuse(key, missing.display(), problem));
        }
    }
    Ok(())
}

fn client_certificate(
    section: &StoreSection,
    sources: &SettingSources,
) -> Result<Option<ClientCertificate>, ConfigError> {
    match (&section.client_certificate, &section.client_key) {
        (Some(certificate), Some(key)) => {
            Ok(Some(ClientCertificate { certificate: certificate.clone(), key: key.clone() }))
        }
        (None, None) => Ok(None),
        (Some(file), None) => {
            let problem = "the certificate needs its private key: give store.client_key, too";
            Err(sources.refuse("store.client_certificate", file.display(), problem))
        }
        (None, Some(file)) => {
            let problem = "the key needs its certificate: give store.client_certificate, too";
            Err(sources.refuse("store.client_key", file.display(), problem))
        }
    }
}

fn limits(section: &StoreSection, sources: &SettingSources) -> Result<Limits, ConfigError> {
    let limits = Limits {
        sessions_per_user: section.max_sessions_per_user,
        grants_per_user_and_client: section.max_grants_per_user_and_client,
        reference_tokens_per_grant: section.max_reference_tokens_per_grant,
    };
    for (key, value) in [
        ("store.max_sessions_per_user", limits.sessions_per_user),
        ("store.max_grants_per_user_and_client", limits.grants_per_user_and_client),
        ("store.max_reference_tokens_per_grant", limits.reference_tokens_per_grant),
    ] {
        if !(1..=10_000).contains(&value) {
            return Err(sources.refuse(key, value, "give 1 to 10000"));
        }
    }
    Ok(limits)
}

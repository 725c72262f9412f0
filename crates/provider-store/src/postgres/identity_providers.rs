//! Rows of other providers, credentials encrypted.

use async_trait::async_trait;
use doorward_provider::{
    model::{
        identity_provider::IdentityProviderName,
        stored_identity_provider::{
            SealedCredential, StoredIdentityProvider, StoredIdentityProviders,
        },
    },
    store::{IdentityProviders, StoreError},
};
use tokio_postgres::types::ToSql;

use super::{PostgresStore, connection::Connection, failure::Failure, run, schema};
use crate::{
    record::read,
    row::{ColumnError, Row as _, to_json},
};

#[async_trait]
impl IdentityProviders for PostgresStore {
    async fn identity_providers(&self) -> Result<StoredIdentityProviders, StoreError> {
        run!(self, "identity_providers", all)
    }

    async fn identity_providers_version(&self) -> Result<i64, StoreError> {
        run!(self, "identity_providers_version", version)
    }

    async fn add_identity_provider(
        &self,
        provider: StoredIdentityProvider,
        version: i64,
    ) -> Result<bool, StoreError> {
        let settings = to_json(&provider.settings, SETTINGS)?;
        run!(self, "add_identity_provider", change, ADD, &provider, &settings, version)
    }

    async fn replace_identity_provider(
        &self,
        provider: StoredIdentityProvider,
        version: i64,
    ) -> Result<bool, StoreError> {
        let settings = to_json(&provider.settings, SETTINGS)?;
        run!(self, "replace_identity_provider", change, REPLACE, &provider, &settings, version)
    }

    async fn remove_identity_provider(
        &self,
        name: &IdentityProviderName,
        version: i64,
    ) -> Result<bool, StoreError> {
        run!(self, "remove_identity_provider", remove, name, version)
    }

    async fn reseal_identity_providers(
        &self,
        credentials: Vec<(IdentityProviderName, SealedCredential)>,
        version: i64,
    ) -> Result<bool, StoreError> {
        run!(self, "reseal_identity_providers", reseal, &credentials, version)
    }
}

const SETTINGS: &str = "identity_providers.settings";
const VERSION: &str = "identity_providers_version.version";

/// Another number after each change.
async fn version(connection: &Connection) -> Result<i64, Failure> {
    let sql = "SELECT version FROM identity_providers_version";
    let version = connection.first(sql, &[], |row| row.integer(0, VERSION)).await?;
    Ok(version.ok_or(ColumnError::Unreadable(VERSION))?)
}

/// All providers. The version is read first: what changes meanwhile is seen again at the next look.
async fn all(connection: &Connection) -> Result<StoredIdentityProviders, Failure> {
    let version = version(connection).await?;
    let sql = "SELECT name, settings, credential, sealed FROM identity_providers ORDER BY name";
    let providers = connection.all(sql, &[], read::identity_provider).await?;
    Ok(StoredIdentityProviders { version, providers })
}

const ADD: &str = "INSERT INTO identity_providers (name, settings, credential, sealed)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const REPLACE: &str = "UPDATE identity_providers SET settings = $2, credential = $3, sealed = $4
    WHERE name = $1";

/// Writes a provider if none has changed since that version.
async fn change(
    connection: &Connection,
    statement: &'static str,
    provider: &StoredIdentityProvider,
    settings: &str,
    known: i64,
) -> Result<bool, Failure> {
    let SealedCredential { kind, sealed } = &provider.credential;
    connection.begin().await?;
    schema::lock(connection).await?;
    let changed = version(connection).await? == known
        && connection
            .execute(
                statement,
                &[&provider.name.as_str(), &settings, &kind.name(), &sealed.as_bytes()],
            )
            .await?
            > 0;
    finish(connection, changed).await
}

/// Removes a provider if none has changed since that version.
async fn remove(
    connection: &Connection,
    name: &IdentityProviderName,
    known: i64,
) -> Result<bool, Failure> {
    let sql = "DELETE FROM identity_providers WHERE name = $1";
    connection.begin().await?;
    schema::lock(connection).await?;
    let removed = version(connection).await? == known
        && connection.execute(sql, &[&name.as_str()]).await? > 0;
    finish(connection, removed).await
}

/// Gives the table another version if something has changed, and returns whether it has.
async fn finish(connection: &Connection, changed: bool) -> Result<bool, Failure> {
    if changed {
        let sql = "UPDATE identity_providers_version SET version = version + 1";
        connection.execute(sql, &[]).await?;
    }
    connection.commit().await?;
    Ok(changed)
}

/// Writes credentials if no provider has changed since that version.
async fn reseal(
    connection: &Connection,
    credentials: &[(IdentityProviderName, SealedCredential)],
    known: i64,
) -> Result<bool, Failure> {
    let sql = "UPDATE identity_providers SET credential = $2, sealed = $3 WHERE name = $1";
    connection.begin().await?;
    schema::lock(connection).await?;
    let is_known = version(connection).await? == known;
    for (name, SealedCredential { kind, sealed }) in credentials.iter().filter(|_| is_known) {
        let values: [&(dyn ToSql + Sync); 3] = [&name.as_str(), &kind.name(), &sealed.as_bytes()];
        connection.execute(sql, &values).await?;
    }
    finish(connection, is_known).await
}

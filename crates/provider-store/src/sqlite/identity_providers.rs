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
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::{
    record::read,
    row::{ColumnError, Row as _, to_json},
};

#[async_trait]
impl IdentityProviders for SqliteStore {
    async fn identity_providers(&self) -> Result<StoredIdentityProviders, StoreError> {
        self.read("identity_providers", all).await
    }

    async fn identity_providers_version(&self) -> Result<i64, StoreError> {
        self.read("identity_providers_version", version).await
    }

    async fn add_identity_provider(
        &self,
        provider: StoredIdentityProvider,
        version: i64,
    ) -> Result<bool, StoreError> {
        let settings = to_json(&provider.settings, SETTINGS)?;
        let add =
            move |connection: &Connection| change(connection, ADD, &provider, &settings, version);
        self.write("add_identity_provider", add).await
    }

    async fn replace_identity_provider(
        &self,
        provider: StoredIdentityProvider,
        version: i64,
    ) -> Result<bool, StoreError> {
        let settings = to_json(&provider.settings, SETTINGS)?;
        let replace = move |connection: &Connection| {
            change(connection, REPLACE, &provider, &settings, version)
        };
        self.write("replace_identity_provider", replace).await
    }

    async fn remove_identity_provider(
        &self,
        name: &IdentityProviderName,
        version: i64,
    ) -> Result<bool, StoreError> {
        let name = name.clone();
        let remove = move |connection: &Connection| remove(connection, &name, version);
        self.write("remove_identity_provider", remove).await
    }

    async fn reseal_identity_providers(
        &self,
        credentials: Vec<(IdentityProviderName, SealedCredential)>,
        version: i64,
    ) -> Result<bool, StoreError> {
        let reseal = move |connection: &Connection| reseal(connection, &credentials, version);
        self.write("reseal_identity_providers", reseal).await
    }
}

const SETTINGS: &str = "identity_providers.settings";
const VERSION: &str = "identity_providers_version.version";

/// Another number after each change.
fn version(connection: &Connection) -> Result<i64, Failure> {
    let sql = "SELECT version FROM identity_providers_version";
    let version = sql::first(connection, sql, [], |row| row.integer(0, VERSION))?;
    Ok(version.ok_or(ColumnError::Unreadable(VERSION))?)
}

/// All providers. The version is read first: what changes meanwhile is seen again at the next look.
fn all(connection: &Connection) -> Result<StoredIdentityProviders, Failure> {
    let version = version(connection)?;
    let sql = "SELECT name, settings, credential, sealed FROM identity_providers ORDER BY name";
    let providers = sql::all(connection, sql, [], |row| read::identity_provider(row))?;
    Ok(StoredIdentityProviders { version, providers })
}

const ADD: &str = "INSERT INTO identity_providers (name, settings, credential, sealed)
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
const REPLACE: &str = "UPDATE identity_providers SET settings = ?2, credential = ?3, sealed = ?4
    WHERE name = ?1";

/// Writes a provider if none has changed since that version.
fn change(
    connection: &Connection,
    statement: &str,
    provider: &StoredIdentityProvider,
    settings: &str,
    known: i64,
) -> Result<bool, Failure> {
    if version(connection)? != known {
        return Ok(false);
    }
    let SealedCredential { kind, sealed } = &provider.credential;
    let row = params![provider.name.as_str(), settings, kind.name(), sealed.as_bytes()];
    moved_on(connection, execute(connection, statement, row)? > 0)
}

/// Removes a provider if none has changed since that version.
fn remove(
    connection: &Connection,
    name: &IdentityProviderName,
    known: i64,
) -> Result<bool, Failure> {
    if version(connection)? != known {
        return Ok(false);
    }
    let sql = "DELETE FROM identity_providers WHERE name = ?1";
    moved_on(connection, execute(connection, sql, [name.as_str()])? > 0)
}

/// Writes credentials if no provider has changed since that version.
fn reseal(
    connection: &Connection,
    credentials: &[(IdentityProviderName, SealedCredential)],
    known: i64,
) -> Result<bool, Failure> {
    if version(connection)? != known {
        return Ok(false);
    }
    for (name, SealedCredential { kind, sealed }) in credentials {
        let sql = "UPDATE identity_providers SET credential = ?2, sealed = ?3 WHERE name = ?1";
        execute(connection, sql, params![name.as_str(), kind.name(), sealed.as_bytes()])?;
    }
    moved_on(connection, true)
}

/// Gives the table another version if something has changed, and returns whether it has.
fn moved_on(connection: &Connection, changed: bool) -> Result<bool, Failure> {
    if changed {
        let sql = "UPDATE identity_providers_version SET version = version + 1";
        execute(connection, sql, [])?;
    }
    Ok(changed)
}

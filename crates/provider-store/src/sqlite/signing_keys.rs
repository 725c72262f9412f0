//! Rows of signing keys, private parts encrypted.

use async_trait::async_trait;
use doorward_provider::{
    model::{signing_key::StoredKey, time::Timestamp},
    store::{SigningKeys, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::record::read;

#[async_trait]
impl SigningKeys for SqliteStore {
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        self.read("signing_keys", all).await
    }

    async fn add_signing_key(
        &self,
        key: StoredKey,
        unless_since: Timestamp,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.write("add_signing_key", move |connection| add(connection, &key, unless_since)).await
    }

    async fn reseal_signing_keys(&self, keys: Vec<StoredKey>) -> Result<bool, StoreError> {
        self.write("reseal_signing_keys", move |connection| reseal(connection, &keys)).await
    }

    async fn remove_signing_keys(&self, kids: &[String]) -> Result<(), StoreError> {
        let kids = kids.to_vec();
        self.write("remove_signing_keys", move |connection| remove(connection, &kids)).await
    }
}

/// All keys, in the order in which they become active.
fn all(connection: &Connection) -> Result<Vec<StoredKey>, Failure> {
    sql::all(
        connection,
        "SELECT kid, algorithm, activates_at, sealed FROM signing_keys ORDER BY activates_at, kid",
        [],
        |row| read::signing_key(row),
    )
}

/// Adds a key unless there is one of the same algorithm that becomes active at or after that
/// moment; returns all keys. The writer's transaction takes the database's write lock first, so
/// that of several processes one adds its key.
fn add(
    connection: &Connection,
    key: &StoredKey,
    unless_since: Timestamp,
) -> Result<Vec<StoredKey>, Failure> {
    execute(
        connection,
        "INSERT INTO signing_keys (kid, algorithm, activates_at, sealed)
         SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE algorithm = ?2 AND activates_at >= ?5)",
        params![
            key.kid,
            key.algorithm.as_str(),
            key.activates_at.seconds(),
            key.sealed.as_bytes(),
            unless_since.seconds()
        ],
    )?;
    all(connection)
}

/// Replaces the encryption of every key; `false`, and nothing changes, if these are not exactly the
/// keys that are there.
fn reseal(connection: &Connection, keys: &[StoredKey]) -> Result<bool, Failure> {
    let stored = all(connection)?;
    if stored.len() != keys.len()
        || stored.iter().any(|own| keys.iter().all(|key| key.kid != own.kid))
    {
        return Ok(false);
    }
    for key in keys {
        let sql = "UPDATE signing_keys SET sealed = ?2 WHERE kid = ?1";
        execute(connection, sql, params![key.kid, key.sealed.as_bytes()])?;
    }
    Ok(true)
}

/// Removes the keys with these `kid`s.
fn remove(connection: &Connection, kids: &[String]) -> Result<(), Failure> {
    for kid in kids {
        execute(connection, "DELETE FROM signing_keys WHERE kid = ?1", [kid])?;
    }
    Ok(())
}

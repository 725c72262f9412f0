//! Rows of signing keys, private parts encrypted.

use async_trait::async_trait;
use doorward_provider::{
    model::{signing_key::StoredKey, time::Timestamp},
    store::{SigningKeys, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run, schema};
use crate::record::read;

#[async_trait]
impl SigningKeys for PostgresStore {
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        run!(self, "signing_keys", all)
    }

    async fn add_signing_key(
        &self,
        key: StoredKey,
        unless_since: Timestamp,
    ) -> Result<Vec<StoredKey>, StoreError> {
        run!(self, "add_signing_key", add, &key, unless_since)
    }

    async fn reseal_signing_keys(&self, keys: Vec<StoredKey>) -> Result<bool, StoreError> {
        run!(self, "reseal_signing_keys", reseal, &keys)
    }

    async fn remove_signing_keys(&self, kids: &[String]) -> Result<(), StoreError> {
        run!(self, "remove_signing_keys", remove, kids)
    }
}

/// All keys, in the order in which they become active.
async fn all(connection: &Connection) -> Result<Vec<StoredKey>, Failure> {
    connection
        .all(
            "SELECT kid, algorithm, activates_at, sealed FROM signing_keys
            ORDER BY activates_at, kid",
            &[],
            read::signing_key,
        )
        .await
}

/// Adds a key unless there is one of the same algorithm that becomes active at or after that
/// moment; returns all keys. One at a time, so that of several processes one adds its key.
async fn add(
    connection: &Connection,
    key: &StoredKey,
    unless_since: Timestamp,
) -> Result<Vec<StoredKey>, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    connection
        .execute(
            "INSERT INTO signing_keys (kid, algorithm, activates_at, sealed)
             SELECT $1::TEXT, $2::TEXT, $3::BIGINT, $4::BYTEA
             WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE algorithm = $2::TEXT
                 AND activates_at >= $5)",
            &[
                &key.kid,
                &key.algorithm.as_str(),
                &key.activates_at.seconds(),
                &key.sealed.as_bytes(),
                &unless_since.seconds(),
            ],
        )
        .await?;
    let keys = all(connection).await?;
    connection.commit().await?;
    Ok(keys)
}

/// Replaces the encryption of every key; `false`, and nothing changes, if these are not exactly the
/// keys that are there.
async fn reseal(connection: &Connection, keys: &[StoredKey]) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let stored = all(connection).await?;
    let same = stored.len() == keys.len()
        && stored.iter().all(|own| keys.iter().any(|key| key.kid == own.kid));
    if same {
        for key in keys {
            let sql = "UPDATE signing_keys SET sealed = $2 WHERE kid = $1";
            connection.execute(sql, &[&key.kid, &key.sealed.as_bytes()]).await?;
        }
    }
    connection.commit().await?;
    Ok(same)
}

/// Removes the keys with these `kid`s.
async fn remove(connection: &Connection, kids: &[String]) -> Result<(), Failure> {
    connection.execute("DELETE FROM signing_keys WHERE kid = ANY($1)", &[&kids]).await?;
    Ok(())
}

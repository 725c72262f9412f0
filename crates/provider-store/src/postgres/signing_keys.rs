//! Rows of signing keys, private parts encrypted.

use doorward_provider::model::{
    signing_key::{SealedKey, StoredKey},
    time::Timestamp,
};

use super::{
    connection::Connection,
    failure::Failure,
    schema,
    sql::{self, get},
};
use crate::columns::ColumnError;

/// All keys, in the order in which they become active.
pub(super) async fn all(connection: &Connection) -> Result<Vec<StoredKey>, Failure> {
    connection
        .all("SELECT kid, algorithm, activates_at, sealed FROM signing_keys ORDER BY activates_at, kid", &[], |row| {
            let algorithm: &str = get(row, 1, "signing_keys.algorithm")?;
            Ok(StoredKey {
                kid: get(row, 0, "signing_keys.kid")?,
                algorithm: algorithm.parse().map_err(|_| ColumnError::Unreadable("signing_keys.algorithm"))?,
                activates_at: sql::moment(row, 2, "signing_keys.activates_at")?,
                sealed: SealedKey::from_bytes(get(row, 3, "signing_keys.sealed")?),
            })
        })
        .await
}

/// Adds a key unless there is one of the same algorithm that becomes active at or after that
/// moment; returns all keys. One at a time, so that of several processes one adds its key.
pub(super) async fn add(
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
             WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE algorithm = $2::TEXT AND activates_at >= $5)",
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
pub(super) async fn reseal(connection: &Connection, keys: &[StoredKey]) -> Result<bool, Failure> {
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
pub(super) async fn remove(connection: &Connection, kids: &[String]) -> Result<(), Failure> {
    connection.execute("DELETE FROM signing_keys WHERE kid = ANY($1)", &[&kids]).await?;
    Ok(())
}

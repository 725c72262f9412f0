//! Rows of signing keys, private parts encrypted.

use doorward_provider::model::{
    signing_key::{SealedKey, StoredKey},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use super::{
    failure::Failure,
    sql::{self, execute},
};
use crate::columns::ColumnError;

/// All keys, in the order in which they become active.
pub(super) fn all(connection: &Connection) -> Result<Vec<StoredKey>, Failure> {
    sql::all(
        connection,
        "SELECT kid, algorithm, activates_at, sealed FROM signing_keys ORDER BY activates_at, kid",
        [],
        |row| {
            let algorithm: String = row.get(1)?;
            Ok(StoredKey {
                kid: row.get(0)?,
                algorithm: algorithm
                    .parse()
                    .map_err(|_| ColumnError::Unreadable("signing_keys.algorithm"))?,
                activates_at: sql::moment(row, 2)?,
                sealed: SealedKey::from_bytes(row.get(3)?),
            })
        },
    )
}

/// Adds a key unless there is one of the same algorithm that becomes active at or after that
/// moment; returns all keys. The writer's transaction takes the database's write lock first, so
/// that of several processes one adds its key.
pub(super) fn add(
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
pub(super) fn reseal(connection: &Connection, keys: &[StoredKey]) -> Result<bool, Failure> {
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
pub(super) fn remove(connection: &Connection, kids: &[String]) -> Result<(), Failure> {
    for kid in kids {
        execute(connection, "DELETE FROM signing_keys WHERE kid = ?1", [kid])?;
    }
    Ok(())
}

//! Rows of keys under which a request may be repeated.

use async_trait::async_trait;
use doorward_provider::{
    model::{idempotency::IdempotentRequest, signing_key::SealedKey, time::Timestamp},
    store::{Begun, IdempotencyKeys, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::{record::read, row::Row as _};

#[async_trait]
impl IdempotencyKeys for SqliteStore {
    async fn begin_request(
        &self,
        request: IdempotentRequest,
        most: u32,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        self.write("begin_request", move |connection| begin(connection, &request, most, now)).await
    }

    async fn finish_request(
        &self,
        key: [u8; 32],
        answer: SealedKey,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write("finish_request", move |connection| {
            let sql = "UPDATE idempotency_keys SET answer = ?2, expires_at = ?3 WHERE key = ?1";
            execute(connection, sql, params![key, answer.as_bytes(), expires_at.seconds()])?;
            Ok(())
        })
        .await
    }

    async fn forget_request(&self, key: [u8; 32]) -> Result<(), StoreError> {
        self.write("forget_request", move |connection| {
            execute(connection, "DELETE FROM idempotency_keys WHERE key = ?1", [key])?;
            Ok(())
        })
        .await
    }
}

/// Takes the key, or says what it was taken for.
fn begin(
    connection: &Connection,
    request: &IdempotentRequest,
    most: u32,
    now: Timestamp,
) -> Result<Begun, Failure> {
    let IdempotentRequest { key, caller, request, expires_at } = request;
    let sql = "SELECT request, answer FROM idempotency_keys WHERE key = ?1 AND expires_at > ?2";
    let known = sql::first(connection, sql, params![key, now.seconds()], |row| {
        read::kept_answer(row, *request)
    })?;
    if let Some((is_same, answer)) = known {
        return Ok(if is_same { Begun::Known(answer) } else { Begun::Other });
    }
    let sql = "SELECT count(*) FROM idempotency_keys WHERE caller = ?1 AND expires_at > ?2";
    let count = sql::first(connection, sql, params![caller, now.seconds()], |row| {
        row.count(0, "idempotency_keys.count")
    })?;
    if count.unwrap_or(0) >= most {
        return Ok(Begun::TooMany);
    }
    execute(
        connection,
        "INSERT OR REPLACE INTO idempotency_keys (key, caller, request, answer, expires_at)
         VALUES (?1, ?2, ?3, NULL, ?4)",
        params![key, caller, request, expires_at.seconds()],
    )?;
    Ok(Begun::New)
}

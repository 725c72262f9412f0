//! Rows of keys under which a request may be repeated.

use async_trait::async_trait;
use doorward_provider::{
    model::{idempotency::IdempotentRequest, signing_key::SealedKey, time::Timestamp},
    store::{Begun, IdempotencyKeys, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run, schema};
use crate::{record::read, row::Row as _};

#[async_trait]
impl IdempotencyKeys for PostgresStore {
    async fn begin_request(
        &self,
        request: IdempotentRequest,
        most: u32,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        run!(self, "begin_request", begin, &request, most, now)
    }

    async fn finish_request(
        &self,
        key: [u8; 32],
        answer: SealedKey,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "finish_request", finish, &key, &answer, expires_at)
    }

    async fn forget_request(&self, key: [u8; 32]) -> Result<(), StoreError> {
        run!(self, "forget_request", forget, &key)
    }
}

/// Takes the key, or says what it was taken for. The lock lets one request decide at a time; they
/// are few.
async fn begin(
    connection: &Connection,
    request: &IdempotentRequest,
    most: u32,
    now: Timestamp,
) -> Result<Begun, Failure> {
    let IdempotentRequest { key, caller, request, expires_at } = request;
    let (key, caller, now) = (key.as_slice(), caller.as_slice(), now.seconds());
    connection.begin().await?;
    schema::lock(connection).await?;
    let sql = "SELECT request, answer FROM idempotency_keys WHERE key = $1 AND expires_at > $2";
    let known =
        connection.first(sql, &[&key, &now], |row| read::kept_answer(row, *request)).await?;
    if let Some((is_same, answer)) = known {
        return Ok(if is_same { Begun::Known(answer) } else { Begun::Other });
    }
    let sql = "SELECT count(*) FROM idempotency_keys WHERE caller = $1 AND expires_at > $2";
    let read = |row: &tokio_postgres::Row| row.count(0, "idempotency_keys.count");
    if connection.first(sql, &[&caller, &now], read).await?.unwrap_or(0) >= most {
        return Ok(Begun::TooMany);
    }
    connection
        .execute(
            "INSERT INTO idempotency_keys (key, caller, request, answer, expires_at)
             VALUES ($1, $2, $3, NULL, $4)
             ON CONFLICT (key) DO UPDATE SET caller = excluded.caller, request = excluded.request,
                 answer = NULL, expires_at = excluded.expires_at",
            &[&key, &caller, &request.as_slice(), &expires_at.seconds()],
        )
        .await?;
    connection.commit().await?;
    Ok(Begun::New)
}

/// Keeps the answer.
async fn finish(
    connection: &Connection,
    key: &[u8; 32],
    answer: &SealedKey,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    let sql = "UPDATE idempotency_keys SET answer = $2, expires_at = $3 WHERE key = $1";
    connection.execute(sql, &[&key.as_slice(), &answer.as_bytes(), &expires_at.seconds()]).await?;
    Ok(())
}

/// Frees the key.
async fn forget(connection: &Connection, key: &[u8; 32]) -> Result<(), Failure> {
    connection.execute("DELETE FROM idempotency_keys WHERE key = $1", &[&key.as_slice()]).await?;
    Ok(())
}

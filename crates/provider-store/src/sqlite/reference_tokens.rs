//! Rows of reference access tokens.

use async_trait::async_trait;
use doorward_protocol::claims::AccessTokenClaims;
use doorward_provider::{
    model::{grant::ReferenceToken, time::Timestamp, token_handle::TokenHash},
    store::{ReferenceTokens, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::{
    pages,
    record::write,
    row::{Row as _, to_json},
};

#[async_trait]
impl ReferenceTokens for SqliteStore {
    async fn add_reference_token(&self, token: ReferenceToken) -> Result<u64, StoreError> {
        let content = to_json(&token.claims, "reference_tokens.content")?;
        let expires_at = Timestamp::from_seconds(token.claims.exp);
        let limit = self.limits.reference_tokens_per_grant;
        self.write("add_reference_token", move |connection| {
            add(connection, &token, &content, expires_at, limit)
        })
        .await
    }

    async fn reference_token(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<AccessTokenClaims>, StoreError> {
        self.read("reference_token", move |connection| find(connection, hash, now)).await
    }

    async fn revoke_reference_token(&self, hash: TokenHash) -> Result<bool, StoreError> {
        self.write("revoke_reference_token", move |connection| revoke(connection, hash)).await
    }
}

/// Adds a token, and removes those of the same owner beyond the limit; returns how many of these
/// had not expired. `content` is its claims as JSON.
fn add(
    connection: &Connection,
    token: &ReferenceToken,
    content: &str,
    expires_at: Timestamp,
    limit: u32,
) -> Result<u64, Failure> {
    let owner = write::owner_of(token);
    execute(
        connection,
        "INSERT INTO reference_tokens (hash, content, owner, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![token.hash.as_bytes(), content, owner, expires_at.seconds()],
    )?;
    let removed = sql::all(
        connection,
        "DELETE FROM reference_tokens WHERE rowid IN (
             SELECT rowid FROM reference_tokens WHERE owner = ?1
             ORDER BY expires_at DESC LIMIT ?2 OFFSET ?3)
         RETURNING expires_at",
        params![owner, pages::ROWS, limit],
        |row| row.integer(0, "reference_tokens.expires_at"),
    )?;
    Ok(removed.into_iter().filter(|expires_at| *expires_at > token.claims.iat).count() as u64)
}

/// What the token says, unless it has expired.
fn find(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<AccessTokenClaims>, Failure> {
    sql::first(
        connection,
        "SELECT content FROM reference_tokens WHERE hash = ?1 AND expires_at > ?2",
        params![hash.as_bytes(), now.seconds()],
        |row| row.json(0, "reference_tokens.content"),
    )
}

/// Ends a token.
fn revoke(connection: &Connection, hash: TokenHash) -> Result<bool, Failure> {
    let sql = "DELETE FROM reference_tokens WHERE hash = ?1";
    Ok(execute(connection, sql, [hash.as_bytes()])? > 0)
}

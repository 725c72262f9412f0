//! Rows of reference access tokens.

use async_trait::async_trait;
use doorward_protocol::claims::AccessTokenClaims;
use doorward_provider::{
    model::{grant::ReferenceToken, time::Timestamp, token_handle::TokenHash},
    store::{ReferenceTokens, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run};
use crate::{
    pages,
    record::write,
    row::{Row as _, to_json},
};

#[async_trait]
impl ReferenceTokens for PostgresStore {
    async fn add_reference_token(&self, token: ReferenceToken) -> Result<u64, StoreError> {
        let content = to_json(&token.claims, "reference_tokens.content")?;
        let expires_at = Timestamp::from_seconds(token.claims.exp);
        let limit = self.limits.reference_tokens_per_grant;
        run!(self, "add_reference_token", add, &token, &content, expires_at, limit)
    }

    async fn reference_token(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<AccessTokenClaims>, StoreError> {
        run!(self, "reference_token", find, hash, now)
    }

    async fn revoke_reference_token(&self, hash: TokenHash) -> Result<bool, StoreError> {
        run!(self, "revoke_reference_token", revoke, hash)
    }
}

/// Adds a token, and removes those of the same owner beyond the limit; returns how many of these
/// had not expired. `content` is its claims as JSON.
async fn add(
    connection: &Connection,
    token: &ReferenceToken,
    content: &str,
    expires_at: Timestamp,
    limit: u32,
) -> Result<u64, Failure> {
    let ended = connection
        .count(
            "WITH surplus AS (
                 DELETE FROM reference_tokens WHERE hash IN (
                     SELECT hash FROM reference_tokens WHERE owner = $3
                     ORDER BY expires_at DESC LIMIT $5 OFFSET $6)
                 RETURNING expires_at
             ), added AS (
                 INSERT INTO reference_tokens (hash, content, owner, expires_at)
                     VALUES ($1, $2, $3, $4)
             )
             SELECT count(*) FROM surplus WHERE expires_at > $7",
            &[
                &token.hash.as_bytes().as_slice(),
                &content,
                &write::owner_of(token),
                &expires_at.seconds(),
                &i64::from(pages::ROWS),
                &i64::from(limit.saturating_sub(1)),
                &token.claims.iat,
            ],
        )
        .await?;
    Ok(u64::try_from(ended).unwrap_or(0))
}

/// What the token says, unless it has expired.
async fn find(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<AccessTokenClaims>, Failure> {
    connection
        .first(
            "SELECT content FROM reference_tokens WHERE hash = $1 AND expires_at > $2",
            &[&hash.as_bytes().as_slice(), &now.seconds()],
            |row| row.json(0, "reference_tokens.content"),
        )
        .await
}

/// Ends a token.
async fn revoke(connection: &Connection, hash: TokenHash) -> Result<bool, Failure> {
    let sql = "DELETE FROM reference_tokens WHERE hash = $1";
    Ok(connection.execute(sql, &[&hash.as_bytes().as_slice()]).await? > 0)
}

//! Rows of reference access tokens.

use doorward_protocol::claims::AccessTokenClaims;
use doorward_provider::model::{time::Timestamp, token_handle::TokenHash};
use rusqlite::{Connection, params};

use super::{
    failure::Failure,
    sql::{self, execute},
};

/// Adds a token. `content` is its claims as JSON.
pub(super) fn add(
    connection: &Connection,
    hash: TokenHash,
    content: &str,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO reference_tokens (hash, content, expires_at) VALUES (?1, ?2, ?3)",
        params![hash.as_bytes(), content, expires_at.seconds()],
    )?;
    Ok(())
}

/// What the token says, unless it has expired.
pub(super) fn find(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<AccessTokenClaims>, Failure> {
    sql::first(
        connection,
        "SELECT content FROM reference_tokens WHERE hash = ?1 AND expires_at > ?2",
        params![hash.as_bytes(), now.seconds()],
        |row| sql::from_json(row, 0, "reference_tokens.content"),
    )
}

/// Ends a token.
pub(super) fn revoke(connection: &Connection, hash: TokenHash) -> Result<(), Failure> {
    execute(connection, "DELETE FROM reference_tokens WHERE hash = ?1", [hash.as_bytes()])?;
    Ok(())
}

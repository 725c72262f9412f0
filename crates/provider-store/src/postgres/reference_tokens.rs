//! Rows of reference access tokens.

use doorward_protocol::claims::AccessTokenClaims;
use doorward_provider::model::{time::Timestamp, token_handle::TokenHash};

use super::{connection::Connection, failure::Failure, sql};

/// Adds a token. `content` is its claims as JSON.
pub(super) async fn add(
    connection: &Connection,
    hash: TokenHash,
    content: &str,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    connection
        .execute(
            "INSERT INTO reference_tokens (hash, content, expires_at) VALUES ($1, $2, $3)",
            &[&hash.as_bytes().as_slice(), &content, &expires_at.seconds()],
        )
        .await?;
    Ok(())
}

/// What the token says, unless it has expired.
pub(super) async fn find(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<AccessTokenClaims>, Failure> {
    connection
        .first(
            "SELECT content FROM reference_tokens WHERE hash = $1 AND expires_at > $2",
            &[&hash.as_bytes().as_slice(), &now.seconds()],
            |row| sql::from_json(row, 0, "reference_tokens.content"),
        )
        .await
}

/// Ends a token.
pub(super) async fn revoke(connection: &Connection, hash: TokenHash) -> Result<(), Failure> {
    connection
        .execute("DELETE FROM reference_tokens WHERE hash = $1", &[&hash.as_bytes().as_slice()])
        .await?;
    Ok(())
}

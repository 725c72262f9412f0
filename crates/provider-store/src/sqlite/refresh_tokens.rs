//! Rows of refresh tokens, and their rotation with replay detection (RFC 9700 section 4.14.2).

use async_trait::async_trait;
use doorward_protocol::ids::GrantId;
use doorward_provider::{
    model::{grant::RefreshToken, time::Timestamp, token_handle::TokenHash},
    store::{RefreshTokenRecord, RefreshTokens, RotateRefreshToken, Rotation, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    grants,
    groups::given_to,
    sql::{self, execute},
};
use crate::{record::read, row::Row as _, rules::Consumed};

#[async_trait]
impl RefreshTokens for SqliteStore {
    async fn refresh_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<RefreshTokenRecord>, StoreError> {
        self.read("refresh_token", move |connection| find(connection, hash)).await
    }

    async fn rotate_refresh_token(
        &self,
        rotation: RotateRefreshToken,
    ) -> Result<Rotation, StoreError> {
        self.write("rotate_refresh_token", move |connection| rotate(connection, &rotation)).await
    }

    async fn extend_refresh_token(
        &self,
        hash: TokenHash,
        expires_at: Timestamp,
        grant_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("extend_refresh_token", move |connection| {
            extend(connection, hash, expires_at, grant_expires_at, now)
        })
        .await
    }
}

/// Adds a token to a grant, and notes which one will be forgotten when it is replaced.
pub(super) fn add(
    connection: &Connection,
    grant_id: &GrantId,
    token: &RefreshToken,
    predecessor: Option<TokenHash>,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at, predecessor)
            VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            token.hash.as_bytes(),
            grant_id.as_str(),
            token.first_issued_at.seconds(),
            token.expires_at.seconds(),
            predecessor.as_ref().map(TokenHash::as_bytes)
        ],
    )?;
    Ok(())
}

/// The token with this hash, whatever its state.
fn find(connection: &Connection, hash: TokenHash) -> Result<Option<RefreshTokenRecord>, Failure> {
    sql::first(
        connection,
        concat!(
            "SELECT t.first_issued_at, t.expires_at, t.consumed_at, t.seed,
                CASE WHEN g.revoked_at IS NULL THEN g.content END,
                u.sub, u.username, u.password_hash, u.enabled, u.claims, ",
            given_to!("u"),
            " FROM refresh_tokens t
         LEFT JOIN grants g ON g.id = t.grant_id
         LEFT JOIN users u ON u.sub = g.sub
         WHERE t.hash = ?1"
        ),
        [hash.as_bytes()],
        |row| read::refresh_token(row, hash),
    )
}

/// What rotation needs to know of the presented token of a live grant.
struct Presented {
    grant_id: GrantId,
    expires_at: Timestamp,
    consumed: Option<Consumed>,
    predecessor: Option<[u8; 32]>,
}

/// Consumes a token and adds its successor, at most once.
fn rotate(connection: &Connection, rotation: &RotateRefreshToken) -> Result<Rotation, Failure> {
    let RotateRefreshToken {
        presented,
        seed,
        successor,
        grant_expires_at,
        forgettable,
        now,
        grace,
    } = rotation;
    let Some(known) = presented_token(connection, *presented, *now)? else {
        return Ok(Rotation::Unknown);
    };
    match known.consumed {
        Some(consumed) => {
            let outcome = consumed.presented_again(*grace, *now);
            if outcome == Rotation::Replayed {
                grants::revoke(connection, &known.grant_id, *now)?;
            }
            Ok(outcome)
        }
        None if *now >= known.expires_at => Ok(Rotation::Unknown),
        None => {
            execute(
                connection,
                "UPDATE refresh_tokens SET consumed_at = ?2, seed = ?3, successor = ?4
                    WHERE hash = ?1",
                params![
                    presented.as_bytes(),
                    now.seconds(),
                    seed.as_bytes(),
                    successor.hash.as_bytes()
                ],
            )?;
            add(connection, &known.grant_id, successor, forgettable.then_some(*presented))?;
            if let Some(forgotten) = known.predecessor {
                execute(connection, "DELETE FROM refresh_tokens WHERE hash = ?1", [forgotten])?;
            }
            let grant_end = (*grant_expires_at).max(successor.expires_at);
            grants::used(connection, &known.grant_id, grant_end, successor.expires_at, *now)?;
            Ok(Rotation::Rotated)
        }
    }
}

fn presented_token(
    connection: &Connection,
    presented: TokenHash,
    now: Timestamp,
) -> Result<Option<Presented>, Failure> {
    sql::first(
        connection,
        "SELECT t.grant_id, t.expires_at, t.consumed_at, t.seed,
                CASE WHEN s.consumed_at IS NULL THEN s.expires_at END, t.predecessor
         FROM refresh_tokens t
         JOIN grants g ON g.id = t.grant_id AND g.revoked_at IS NULL AND g.expires_at > ?2
         LEFT JOIN refresh_tokens s ON s.hash = t.successor
         WHERE t.hash = ?1",
        params![presented.as_bytes(), now.seconds()],
        |row| {
            Ok(Presented {
                grant_id: row.id(0, "refresh_tokens.grant_id")?,
                expires_at: row.timestamp(1, "refresh_tokens.expires_at")?,
                consumed: read::consumed(row, 2)?,
                predecessor: row.optional_bytes32(5, "refresh_tokens.predecessor")?,
            })
        },
    )
}

/// Moves the end of a reusable token and of its grant; `false` if there is no such live token.
fn extend(
    connection: &Connection,
    hash: TokenHash,
    expires_at: Timestamp,
    grant_expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, Failure> {
    let Some(known) = presented_token(connection, hash, now)? else { return Ok(false) };
    if known.consumed.is_some() || now >= known.expires_at {
        return Ok(false);
    }
    execute(
        connection,
        "UPDATE refresh_tokens SET expires_at = ?2 WHERE hash = ?1",
        params![hash.as_bytes(), expires_at.seconds()],
    )?;
    grants::used(connection, &known.grant_id, grant_expires_at.max(expires_at), expires_at, now)?;
    Ok(true)
}

//! Rows of refresh tokens, and their rotation with replay detection (RFC 9700 section 4.14.2).

use async_trait::async_trait;
use doorward_protocol::ids::GrantId;
use doorward_provider::{
    model::{time::Timestamp, token_handle::TokenHash},
    store::{RefreshTokenRecord, RefreshTokens, RotateRefreshToken, Rotation, StoreError},
};

use super::{
    PostgresStore, clock::ClockGuard, connection::Connection, failure::Failure, grants,
    groups::given_to, run,
};
use crate::{
    record::read,
    row::Row as _,
    rules::{Consumed, USED_AT_RESOLUTION},
};

#[async_trait]
impl RefreshTokens for PostgresStore {
    async fn refresh_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<RefreshTokenRecord>, StoreError> {
        run!(self, "refresh_token", find, hash)
    }

    async fn rotate_refresh_token(
        &self,
        rotation: RotateRefreshToken,
    ) -> Result<Rotation, StoreError> {
        run!(self, "rotate_refresh_token", rotate, &rotation, &self.clock)
    }

    async fn extend_refresh_token(
        &self,
        hash: TokenHash,
        expires_at: Timestamp,
        grant_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "extend_refresh_token", extend, hash, expires_at, grant_expires_at, now)
    }
}

/// The token with this hash, whatever its state.
async fn find(
    connection: &Connection,
    hash: TokenHash,
) -> Result<Option<RefreshTokenRecord>, Failure> {
    connection
        .first(
            concat!(
                "SELECT t.first_issued_at, t.expires_at, t.consumed_at, t.seed,
                    CASE WHEN g.revoked_at IS NULL THEN g.content END,
                    u.sub, u.username, u.password_hash, u.enabled, u.claims, ",
                given_to!("u"),
                " FROM refresh_tokens t
             LEFT JOIN grants g ON g.id = t.grant_id
             LEFT JOIN users u ON u.sub = g.sub
             WHERE t.hash = $1"
            ),
            &[&hash.as_bytes().as_slice()],
            |row| read::refresh_token(row, hash),
        )
        .await
}

/// Consumes a token, adds its successor, forgets its predecessor and notes that the grant is used.
const CONSUME: &str = "WITH consumed AS (
    UPDATE refresh_tokens t SET consumed_at = $2, seed = $3, successor = $4
    FROM grants g
    WHERE t.hash = $1 AND t.consumed_at IS NULL AND t.expires_at > $2
      AND g.id = t.grant_id AND g.revoked_at IS NULL AND g.expires_at > $2
    RETURNING t.grant_id, t.predecessor
), added AS (
    INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at, predecessor)
    SELECT $4::BYTEA, grant_id, $5::BIGINT, $6::BIGINT, CASE WHEN $9::BOOLEAN THEN
        $1::BYTEA END FROM consumed
), forgotten AS (
    DELETE FROM refresh_tokens t USING consumed c WHERE t.hash = c.predecessor
), used AS (
    UPDATE grants g SET expires_at = greatest(g.expires_at, $7), used_at = $2,
        renewable_until = $6
    FROM consumed c
    WHERE g.id = c.grant_id
      AND (g.expires_at < $7 OR g.used_at <= $2 - $8::BIGINT OR g.renewable_until IS
          DISTINCT FROM $6::BIGINT)
)
SELECT count(*) FROM consumed";

/// Consumes a token and adds its successor, at most once.
async fn rotate(
    connection: &Connection,
    rotation: &RotateRefreshToken,
    clock: &ClockGuard,
) -> Result<Rotation, Failure> {
    let RotateRefreshToken {
        presented,
        seed,
        successor,
        grant_expires_at,
        forgettable,
        now,
        grace,
    } = rotation;
    let consumed = connection
        .count(
            CONSUME,
            &[
                &presented.as_bytes().as_slice(),
                &now.seconds(),
                &seed.as_bytes().as_slice(),
                &successor.hash.as_bytes().as_slice(),
                &successor.first_issued_at.seconds(),
                &successor.expires_at.seconds(),
                &(*grant_expires_at).max(successor.expires_at).seconds(),
                &USED_AT_RESOLUTION,
                forgettable,
            ],
        )
        .await?;
    if consumed > 0 {
        return Ok(Rotation::Rotated);
    }
    // Nothing was done. A token that was consumed stays so until it is forgotten, and a replay
    // stays one: what follows needs no transaction.
    let Some((grant_id, Some(consumed))) = consumed_token(connection, *presented, *now).await?
    else {
        return Ok(Rotation::Unknown);
    };
    let outcome = consumed.presented_again(*grace, *now);
    if outcome == Rotation::Replayed {
        clock.check(connection, *now).await?;
        if !grants::revoke(connection, &grant_id, *now).await? {
            // Another one was faster: the grant does not live any more.
            return Ok(Rotation::Unknown);
        }
    }
    Ok(outcome)
}

/// The presented token of a live grant, and which grant that is, if the token was consumed.
async fn consumed_token(
    connection: &Connection,
    presented: TokenHash,
    now: Timestamp,
) -> Result<Option<(GrantId, Option<Consumed>)>, Failure> {
    connection
        .first(
            "SELECT t.grant_id, t.consumed_at, t.seed, CASE WHEN s.consumed_at IS NULL THEN
                s.expires_at END
             FROM refresh_tokens t
             JOIN grants g ON g.id = t.grant_id AND g.revoked_at IS NULL AND g.expires_at > $2
             LEFT JOIN refresh_tokens s ON s.hash = t.successor
             WHERE t.hash = $1 AND t.consumed_at IS NOT NULL",
            &[&presented.as_bytes().as_slice(), &now.seconds()],
            |row| Ok((row.id(0, "refresh_tokens.grant_id")?, read::consumed(row, 1)?)),
        )
        .await
}

/// Moves the end of a reusable token and of its grant; `false` if there is no such live token.
async fn extend(
    connection: &Connection,
    hash: TokenHash,
    expires_at: Timestamp,
    grant_expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, Failure> {
    let extended = connection
        .count(
            "WITH extended AS (
             UPDATE refresh_tokens t SET expires_at = $3
             FROM grants g
             WHERE t.hash = $1 AND t.consumed_at IS NULL AND t.expires_at > $2
               AND g.id = t.grant_id AND g.revoked_at IS NULL AND g.expires_at > $2
             RETURNING t.grant_id
         ), used AS (
             UPDATE grants g SET expires_at = greatest(g.expires_at, $4), used_at = $2,
                 renewable_until = $3
             FROM extended e
             WHERE g.id = e.grant_id
               AND (g.expires_at < $4 OR g.used_at <= $2 - $5::BIGINT OR g.renewable_until IS
                   DISTINCT FROM $3::BIGINT)
         )
         SELECT count(*) FROM extended",
            &[
                &hash.as_bytes().as_slice(),
                &now.seconds(),
                &expires_at.seconds(),
                &grant_expires_at.max(expires_at).seconds(),
                &USED_AT_RESOLUTION,
            ],
        )
        .await?;
    Ok(extended > 0)
}

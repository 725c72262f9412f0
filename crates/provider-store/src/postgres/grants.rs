//! Rows of grants.

use std::sync::Arc;

use async_trait::async_trait;
use doorward_protocol::ids::{GrantId, SessionId, Sub};
use doorward_provider::{
    model::{
        grant::{Grant, RefreshToken},
        password::PasswordHash,
        time::Timestamp,
        user::User,
    },
    store::{Grants, StoreError},
};
use tokio_postgres::types::ToSql;

use super::{
    PostgresStore, clock::ClockGuard, connection::Connection, failure::Failure, groups::given_to,
    run, users,
};
use crate::{
    pages,
    record::{GrantRow, read},
    row::Row as _,
};

#[async_trait]
impl Grants for PostgresStore {
    async fn add_grant(
        &self,
        grant: Grant,
        verified: &PasswordHash,
        expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let grant = GrantRow::encode(grant, expires_at, now)?;
        let limit = self.limits.grants_per_user_and_client;
        run!(self, "add_grant", add_verified, &grant, verified, refresh_token.as_ref(), limit)
    }

    async fn revoke_renewable_grant(
        &self,
        grant_id: &GrantId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "revoke_renewable_grant", revoke_renewable, grant_id, &self.clock, now)
    }

    async fn revoke_grant(&self, grant_id: &GrantId, now: Timestamp) -> Result<bool, StoreError> {
        run!(self, "revoke_grant", revoke, grant_id, now)
    }

    async fn live_grant(
        &self,
        grant_id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(Arc<Grant>, User)>, StoreError> {
        run!(self, "live_grant", live, grant_id, now)
    }
}

/// A statement that adds a grant and, if it has one, its refresh token for the row that the query
/// `$cause` finds or changes; if there is none, nothing. It returns how many rows that were. The
/// oldest live grants of the user and client beyond the limit, `$12` without the new one, are
/// removed with their refresh tokens. The cause's own parameters begin with `$13`.
macro_rules! adding_a_grant {
    ($cause:expr) => {
        concat!(
            "WITH cause AS (",
            $cause,
            "), granted AS (
                 INSERT INTO grants
                     (id, sub, client_id, sid, offline, content, created_at, used_at, expires_at,
                         renewable_until)
                 SELECT $1::TEXT, $2::TEXT, $3::TEXT, $4::TEXT, $5::BOOLEAN, $6::TEXT, $7::BIGINT,
                     $7::BIGINT, $8::BIGINT,
                     $11::BIGINT
                 FROM cause
             ), surplus AS (
                 DELETE FROM grants WHERE id IN (
                     SELECT id FROM grants
                     WHERE sub = $2 AND client_id = $3 AND revoked_at IS NULL
                         AND EXISTS (SELECT 1 FROM cause)
                     ORDER BY created_at DESC LIMIT 500 OFFSET $12::BIGINT
                 ) RETURNING id
             ), surplus_tokens AS (
                 DELETE FROM refresh_tokens WHERE grant_id IN (SELECT id FROM surplus)
             ), token AS (
                 INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at)
                 SELECT $9::BYTEA, $1::TEXT, $10::BIGINT, $11::BIGINT FROM cause
                     WHERE $9::BYTEA IS NOT NULL
             )
             SELECT count(*) FROM cause"
        )
    };
}
pub(super) use adding_a_grant;

/// Adds a grant and its refresh token by a statement of [`adding_a_grant`]; tells whether its cause
/// held.
pub(super) async fn add_because(
    connection: &Connection,
    statement: &str,
    grant: &GrantRow,
    token: Option<&RefreshToken>,
    limit: u32,
    of_cause: &[&(dyn ToSql + Sync)],
) -> Result<bool, Failure> {
    // The grant must not be swept away before its token.
    let end =
        token.map_or(grant.expires_at, |token| token.expires_at.max(grant.expires_at)).seconds();
    let (id, sub) = (grant.id.as_str(), grant.sub.as_str());
    let (client_id, sid) = (grant.client_id.as_str(), grant.sid.as_str());
    let created_at = grant.created_at.seconds();
    let hash = token.map(|token| token.hash.as_bytes().as_slice());
    let first_issued_at = token.map(|token| token.first_issued_at.seconds());
    let token_end = token.map(|token| token.expires_at.seconds());
    let others = i64::from(limit.max(1) - 1);
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &id,
        &sub,
        &client_id,
        &sid,
        &grant.offline,
        &grant.content,
        &created_at,
        &end,
        &hash,
        &first_issued_at,
        &token_end,
        &others,
    ];
    params.extend(of_cause);
    Ok(connection.count(statement, &params).await? > 0)
}

/// Adds a grant for a password that was verified, if it still is the user's.
async fn add_verified(
    connection: &Connection,
    grant: &GrantRow,
    verified: &PasswordHash,
    token: Option<&RefreshToken>,
    limit: u32,
) -> Result<bool, Failure> {
    let add = adding_a_grant!(
        "SELECT 1 FROM users WHERE sub = $2::TEXT AND password_hash = $13 AND enabled
            LIMIT 1 FOR KEY SHARE"
    );
    let added = add_because(connection, add, grant, token, limit, &[&verified.as_str()]).await?;
    if !added && users::may_sign_in(connection, &grant.sub, verified).await? {
        // The user was replaced just now.
        return Err(Failure::Overtaken);
    }
    Ok(added)
}

/// Removes a page of a user's grants, but not those of the session that is kept, if there are more
/// than one page; returns how many.
pub(super) async fn remove_surplus(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
) -> Result<u64, Failure> {
    let (kept, page) = (kept.map(SessionId::as_str), i64::from(pages::ROWS));
    let sql = "SELECT 1 FROM grants WHERE sub = $1 AND sid IS DISTINCT FROM $2::TEXT
        LIMIT 1 OFFSET $3";
    if connection.first(sql, &[&sub.as_str(), &kept, &page], |_| Ok(())).await?.is_none() {
        return Ok(0);
    }
    let sql = "DELETE FROM grants WHERE id IN (SELECT id FROM grants
        WHERE sub = $1 AND sid IS DISTINCT FROM $2::TEXT LIMIT $3 FOR UPDATE)";
    connection.execute(sql, &[&sub.as_str(), &kept, &page]).await
}

/// Revokes the grants of sessions that do not outlive them.
pub(super) async fn revoke_of_sessions(
    connection: &Connection,
    sids: &[&str],
    now: Timestamp,
) -> Result<(), Failure> {
    connection
        .execute(
            "UPDATE grants SET revoked_at = $2 WHERE sid = ANY($1) AND NOT offline
                AND revoked_at IS NULL",
            &[&sids, &now.seconds()],
        )
        .await?;
    Ok(())
}

/// Revokes a grant; `false` if it was revoked before, or there is none. The row stays, so that what
/// was issued from it is recognised and refused.
pub(super) async fn revoke(
    connection: &Connection,
    grant_id: &GrantId,
    now: Timestamp,
) -> Result<bool, Failure> {
    let revoked = connection
        .execute(
            "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
            &[&grant_id.as_str(), &now.seconds()],
        )
        .await?;
    Ok(revoked > 0)
}

/// Revokes a live grant that could be renewed; `false` if it is none.
async fn revoke_renewable(
    connection: &Connection,
    grant_id: &GrantId,
    clock: &ClockGuard,
    now: Timestamp,
) -> Result<bool, Failure> {
    // The caller judged a replay by its clock.
    clock.check(connection, now).await?;
    let revoked = connection
        .execute(
            "UPDATE grants SET revoked_at = $2
             WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2 AND renewable_until > $2",
            &[&grant_id.as_str(), &now.seconds()],
        )
        .await?;
    Ok(revoked > 0)
}

/// The grant and its user, unless revoked or expired.
async fn live(
    connection: &Connection,
    grant_id: &GrantId,
    now: Timestamp,
) -> Result<Option<(Arc<Grant>, User)>, Failure> {
    connection
        .first(
            concat!(
                "SELECT g.content, u.sub, u.username, u.password_hash, u.enabled, u.claims, ",
                given_to!("u"),
                " FROM grants g JOIN users u ON u.sub = g.sub
             WHERE g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2"
            ),
            &[&grant_id.as_str(), &now.seconds()],
            |row| Ok((row.grant(0)?, read::user(row, 1)?)),
        )
        .await
}

//! Rows of grants.

use std::sync::Arc;

use async_trait::async_trait;
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

use super::{PostgresStore, connection::Connection, failure::Failure, run, sql, users};
use crate::{
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
        run!(self, "add_grant", add_verified, &grant, verified, refresh_token.as_ref())
    }

    async fn revoke_renewable_grant(
        &self,
        grant_id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "revoke_renewable_grant", revoke_renewable, grant_id, now)
    }

    async fn revoke_grant(&self, grant_id: &str, now: Timestamp) -> Result<(), StoreError> {
        run!(self, "revoke_grant", revoke, grant_id, now)
    }

    async fn live_grant(
        &self,
        grant_id: &str,
        now: Timestamp,
    ) -> Result<Option<(Arc<Grant>, User)>, StoreError> {
        run!(self, "live_grant", live, grant_id, now)
    }
}

/// A statement that adds a grant and, if it has one, its refresh token for the row that the query
/// `$cause` finds or changes; if there is none, nothing. It returns how many rows that were. The
/// cause's own parameters begin with `$12`.
macro_rules! adding_a_grant {
    ($cause:literal) => {
        concat!(
            "WITH cause AS (",
            $cause,
            "), granted AS (
                 INSERT INTO grants
                     (id, sub, client_id, sid, offline, content, created_at, used_at, expires_at, renewable_until)
                 SELECT $1::TEXT, $2::TEXT, $3::TEXT, $4::TEXT, $5::BOOLEAN, $6::TEXT, $7::BIGINT, $7::BIGINT, $8::BIGINT,
                     $11::BIGINT
                 FROM cause
             ), token AS (
                 INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at)
                 SELECT $9::BYTEA, $1::TEXT, $10::BIGINT, $11::BIGINT FROM cause WHERE $9::BYTEA IS NOT NULL
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
    of_cause: &[&(dyn ToSql + Sync)],
) -> Result<bool, Failure> {
    // The grant must not be swept away before its token.
    let end =
        token.map_or(grant.expires_at, |token| token.expires_at.max(grant.expires_at)).seconds();
    let created_at = grant.created_at.seconds();
    let hash = token.map(|token| token.hash.as_bytes().as_slice());
    let first_issued_at = token.map(|token| token.first_issued_at.seconds());
    let token_end = token.map(|token| token.expires_at.seconds());
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &grant.id,
        &grant.sub,
        &grant.client_id,
        &grant.sid,
        &grant.offline,
        &grant.content,
        &created_at,
        &end,
        &hash,
        &first_issued_at,
        &token_end,
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
) -> Result<bool, Failure> {
    let add = adding_a_grant!(
        "SELECT 1 FROM users WHERE sub = $2::TEXT AND password_hash = $12 AND enabled LIMIT 1 FOR KEY SHARE"
    );
    let added = add_because(connection, add, grant, token, &[&verified.as_str()]).await?;
    if !added && users::may_sign_in(connection, &grant.sub, verified).await? {
        // The user was replaced just now.
        return Err(Failure::Overtaken);
    }
    Ok(added)
}

/// Revokes the grants of sessions that do not outlive them.
pub(super) async fn revoke_of_sessions(
    connection: &Connection,
    sids: &[&str],
    now: Timestamp,
) -> Result<(), Failure> {
    connection
        .execute(
            "UPDATE grants SET revoked_at = $2 WHERE sid = ANY($1) AND NOT offline AND revoked_at IS NULL",
            &[&sids, &now.seconds()],
        )
        .await?;
    Ok(())
}

/// Revokes a grant. The row stays, so that what was issued from it is recognised and refused.
pub(super) async fn revoke(
    connection: &Connection,
    grant_id: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    if !sql::can_hold(grant_id) {
        return Ok(());
    }
    connection
        .execute(
            "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
            &[&grant_id, &now.seconds()],
        )
        .await?;
    Ok(())
}

/// Revokes a live grant that could be renewed; `false` if it is none.
async fn revoke_renewable(
    connection: &Connection,
    grant_id: &str,
    now: Timestamp,
) -> Result<bool, Failure> {
    let revoked = connection
        .execute(
            "UPDATE grants SET revoked_at = $2
             WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2 AND renewable_until > $2",
            &[&grant_id, &now.seconds()],
        )
        .await?;
    Ok(revoked > 0)
}

/// The grant and its user, unless revoked or expired.
async fn live(
    connection: &Connection,
    grant_id: &str,
    now: Timestamp,
) -> Result<Option<(Arc<Grant>, User)>, Failure> {
    connection
        .first(
            "SELECT g.content, u.sub, u.username, u.password_hash, u.enabled, u.claims
             FROM grants g JOIN users u ON u.sub = g.sub
             WHERE g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2",
            &[&grant_id, &now.seconds()],
            |row| Ok((row.grant(0)?, read::user(row, 1)?)),
        )
        .await
}

//! Rows of grants.

use doorward_protocol::scope::OFFLINE_ACCESS;
use doorward_provider::{
    grant::{Grant, RefreshToken},
    time::Timestamp,
    user::User,
};
use rusqlite::{Connection, params};

use super::{
    failure::Failure,
    refresh_tokens,
    sql::{self, execute},
    users,
};

/// A grant as the table's columns, made by the caller so that the writer only writes.
pub(super) struct GrantRow {
    pub(super) id: String,
    pub(super) sid: String,
    sub: String,
    client_id: String,
    offline: bool,
    content: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl GrantRow {
    pub(super) fn encode(grant: Grant, expires_at: Timestamp, created_at: Timestamp) -> Result<Self, Failure> {
        Ok(Self {
            content: sql::to_json(&grant, "grants.content")?,
            offline: grant.scope.contains(OFFLINE_ACCESS),
            id: grant.id,
            sid: grant.authentication.sid,
            sub: grant.authentication.sub,
            client_id: grant.client_id,
            created_at,
            expires_at,
        })
    }
}

/// Adds a grant, and its refresh token if it has one.
pub(super) fn add(
    connection: &Connection,
    grant: &GrantRow,
    refresh_token: Option<&RefreshToken>,
) -> Result<(), Failure> {
    // The grant must not be swept away before its token.
    let end = refresh_token.map_or(grant.expires_at, |token| token.expires_at.max(grant.expires_at));
    execute(
        connection,
        "INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
        params![
            grant.id,
            grant.sub,
            grant.client_id,
            grant.sid,
            grant.offline,
            grant.content,
            grant.created_at.seconds(),
            end.seconds()
        ],
    )?;
    refresh_token.map_or(Ok(()), |token| refresh_tokens::add(connection, &grant.id, token))
}

/// A use is noted if the last one that was noted is so many seconds old.
const USE_IS_NOTED_EVERY: i64 = 3600;

/// Notes that a grant was used, and lets it live until `expires_at` at least.
pub(super) fn used(
    connection: &Connection,
    grant_id: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE grants SET expires_at = max(expires_at, ?2), used_at = ?3
         WHERE id = ?1 AND (expires_at < ?2 OR used_at <= ?3 - ?4)",
        params![grant_id, expires_at.seconds(), now.seconds(), USE_IS_NOTED_EVERY],
    )?;
    Ok(())
}

/// Revokes the grants of a session that do not outlive it.
pub(super) fn revoke_of_session(connection: &Connection, sid: &str, now: Timestamp) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE grants SET revoked_at = ?2 WHERE sid = ?1 AND offline = 0 AND revoked_at IS NULL",
        params![sid, now.seconds()],
    )?;
    Ok(())
}

/// Revokes a grant. The row stays, so that what was issued from it is recognised and refused.
pub(super) fn revoke(connection: &Connection, grant_id: &str, now: Timestamp) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE grants SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![grant_id, now.seconds()],
    )?;
    Ok(())
}

/// The grant and its user, unless revoked or expired.
pub(super) fn live(connection: &Connection, grant_id: &str, now: Timestamp) -> Result<Option<(Grant, User)>, Failure> {
    sql::first(
        connection,
        "SELECT g.content, u.sub, u.username, u.password_hash, u.enabled, u.claims
         FROM grants g JOIN users u ON u.sub = g.sub
         WHERE g.id = ?1 AND g.revoked_at IS NULL AND g.expires_at > ?2",
        params![grant_id, now.seconds()],
        |row| Ok((sql::from_json(row, 0, "grants.content")?, users::read(row, 1)?)),
    )
}

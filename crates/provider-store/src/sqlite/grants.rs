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
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    groups::given_to,
    refresh_tokens,
    sql::{self, execute},
    users,
};
use crate::{
    pages,
    record::{GrantRow, read},
    row::Row as _,
    rules::USED_AT_RESOLUTION,
};

#[async_trait]
impl Grants for SqliteStore {
    async fn add_grant(
        &self,
        grant: Grant,
        verified: &PasswordHash,
        expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (grant, verified) = (GrantRow::encode(grant, expires_at, now)?, verified.clone());
        let limit = self.limits.grants_per_user_and_client;
        self.write("add_grant", move |connection| {
            add_verified(connection, &grant, &verified, refresh_token.as_ref(), limit)
        })
        .await
    }

    async fn revoke_renewable_grant(
        &self,
        grant_id: &GrantId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let grant_id = grant_id.to_owned();
        self.write("revoke_renewable_grant", move |connection| {
            revoke_renewable(connection, &grant_id, now)
        })
        .await
    }

    async fn revoke_grant(&self, grant_id: &GrantId, now: Timestamp) -> Result<bool, StoreError> {
        let grant_id = grant_id.to_owned();
        self.write("revoke_grant", move |connection| revoke(connection, &grant_id, now)).await
    }

    async fn live_grant(
        &self,
        grant_id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(Arc<Grant>, User)>, StoreError> {
        let grant_id = grant_id.to_owned();
        self.read("live_grant", move |connection| live(connection, &grant_id, now)).await
    }
}

/// Adds a grant, and its refresh token if it has one.
pub(super) fn add(
    connection: &Connection,
    grant: &GrantRow,
    refresh_token: Option<&RefreshToken>,
    limit: u32,
) -> Result<(), Failure> {
    remove_beyond(connection, grant, limit)?;
    // The grant must not be swept away before its token.
    let end =
        refresh_token.map_or(grant.expires_at, |token| token.expires_at.max(grant.expires_at));
    execute(
        connection,
        "INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
            expires_at, renewable_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9)",
        params![
            grant.id.as_str(),
            grant.sub.as_str(),
            grant.client_id.as_str(),
            grant.sid.as_str(),
            grant.offline,
            grant.content,
            grant.created_at.seconds(),
            end.seconds(),
            refresh_token.map(|token| token.expires_at.seconds())
        ],
    )?;
    refresh_token.map_or(Ok(()), |token| refresh_tokens::add(connection, &grant.id, token, None))
}

/// Adds a grant for a password that was verified, if it still is the user's.
fn add_verified(
    connection: &Connection,
    grant: &GrantRow,
    verified: &PasswordHash,
    refresh_token: Option<&RefreshToken>,
    limit: u32,
) -> Result<bool, Failure> {
    let may_sign_in = users::may_sign_in(connection, &grant.sub, verified)?;
    if may_sign_in {
        add(connection, grant, refresh_token, limit)?;
    }
    Ok(may_sign_in)
}

/// Notes that a grant was used, that its last refresh token now ends at `renewable_until`, and lets
/// it live until `expires_at` at least.
pub(super) fn used(
    connection: &Connection,
    grant_id: &GrantId,
    expires_at: Timestamp,
    renewable_until: Timestamp,
    now: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE grants SET expires_at = max(expires_at, ?2), used_at = ?3, renewable_until = ?5
         WHERE id = ?1 AND (expires_at < ?2 OR used_at <= ?3 - ?4 OR renewable_until IS NOT ?5)",
        params![
            grant_id.as_str(),
            expires_at.seconds(),
            now.seconds(),
            USED_AT_RESOLUTION,
            renewable_until.seconds()
        ],
    )?;
    Ok(())
}

/// Removes the oldest live grants of this user and client, with their refresh tokens, so that with
/// the new one there are `limit` at most. A page at most goes at a time.
fn remove_beyond(connection: &Connection, new: &GrantRow, limit: u32) -> Result<(), Failure> {
    if limit == u32::MAX {
        return Ok(());
    }
    let surplus = sql::all(
        connection,
        "SELECT id FROM grants WHERE sub = ?1 AND client_id = ?2 AND revoked_at IS NULL
         ORDER BY created_at DESC LIMIT ?3 OFFSET ?4",
        params![new.sub.as_str(), new.client_id.as_str(), pages::ROWS, limit.max(1) - 1],
        |row| row.string(0, "grants.id"),
    )?;
    for id in surplus {
        execute(connection, "DELETE FROM refresh_tokens WHERE grant_id = ?1", [&id])?;
        execute(connection, "DELETE FROM grants WHERE id = ?1", [&id])?;
    }
    Ok(())
}

/// Removes a page of a user's grants, but not those of the session that is kept, if there are more
/// than one page; returns how many.
pub(super) fn remove_surplus(
    connection: &Connection,
    sub: &Sub,
    kept: Option<&SessionId>,
) -> Result<u64, Failure> {
    let kept = kept.map(SessionId::as_str);
    let sql = "SELECT 1 FROM grants WHERE sub = ?1 AND sid IS NOT ?2 LIMIT 1 OFFSET ?3";
    let more = sql::first(connection, sql, params![sub.as_str(), kept, pages::ROWS], |_| Ok(()))?;
    if more.is_none() {
        return Ok(0);
    }
    let sql = "DELETE FROM grants WHERE rowid IN
                   (SELECT rowid FROM grants WHERE sub = ?1 AND sid IS NOT ?2 LIMIT ?3)";
    Ok(execute(connection, sql, params![sub.as_str(), kept, pages::ROWS])? as u64)
}

/// Revokes the grants of a session that do not outlive it.
pub(super) fn revoke_of_session(
    connection: &Connection,
    sid: &SessionId,
    now: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE grants SET revoked_at = ?2 WHERE sid = ?1 AND offline = 0 AND revoked_at IS NULL",
        params![sid.as_str(), now.seconds()],
    )?;
    Ok(())
}

/// Revokes a grant; `false` if it was revoked before, or there is none. The row stays, so that what
/// was issued from it is recognised and refused.
pub(super) fn revoke(
    connection: &Connection,
    grant_id: &GrantId,
    now: Timestamp,
) -> Result<bool, Failure> {
    let revoked = execute(
        connection,
        "UPDATE grants SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![grant_id.as_str(), now.seconds()],
    )?;
    Ok(revoked > 0)
}

/// Revokes a live grant that could be renewed; `false` if it is none.
fn revoke_renewable(
    connection: &Connection,
    grant_id: &GrantId,
    now: Timestamp,
) -> Result<bool, Failure> {
    let revoked = execute(
        connection,
        "UPDATE grants SET revoked_at = ?2
         WHERE id = ?1 AND revoked_at IS NULL AND expires_at > ?2 AND renewable_until > ?2",
        params![grant_id.as_str(), now.seconds()],
    )?;
    Ok(revoked > 0)
}

/// The grant and its user, unless revoked or expired.
fn live(
    connection: &Connection,
    grant_id: &GrantId,
    now: Timestamp,
) -> Result<Option<(Arc<Grant>, User)>, Failure> {
    sql::first(
        connection,
        concat!(
            "SELECT g.content, u.sub, u.username, u.password_hash, u.enabled, u.claims, ",
            given_to!("u"),
            " FROM grants g JOIN users u ON u.sub = g.sub
         WHERE g.id = ?1 AND g.revoked_at IS NULL AND g.expires_at > ?2"
        ),
        params![grant_id.as_str(), now.seconds()],
        |row| Ok((row.grant(0)?, read::user(row, 1)?)),
    )
}

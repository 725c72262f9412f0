//! Rows of authorization codes (RFC 6749 section 4.1.2: used once; a second use revokes what the
//! first gave).

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, GrantId, Sub};
use doorward_provider::{
    model::{
        grant::{AuthorizationCode, Grant, RefreshToken},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{Codes, Redemption, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    grants, sessions,
    sql::{self, execute},
};
use crate::{
    record::GrantRow,
    row::{Row as _, to_json},
    rules::REPLAY_MEMORY,
};

#[async_trait]
impl Codes for SqliteStore {
    async fn add_code(
        &self,
        hash: TokenHash,
        code: AuthorizationCode,
        notify: bool,
    ) -> Result<bool, StoreError> {
        let content = to_json(&code, "codes.content")?;
        self.write("add_code", move |connection| add(connection, hash, &code, &content, notify))
            .await
    }

    async fn code(&self, hash: TokenHash) -> Result<Option<AuthorizationCode>, StoreError> {
        self.read("code", move |connection| find(connection, hash)).await
    }

    async fn redeem_code(
        &self,
        hash: TokenHash,
        grant: Grant,
        grant_expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        let grant = GrantRow::encode(grant, grant_expires_at, now)?;
        let limit = self.limits.grants_per_user_and_client;
        self.write("redeem_code", move |connection| {
            redeem(connection, hash, &grant, refresh_token.as_ref(), limit, now)
        })
        .await
    }
}

/// Adds a code, and its client to its session; `false` if that has ended. `content` is the code as
/// JSON.
fn add(
    connection: &Connection,
    hash: TokenHash,
    code: &AuthorizationCode,
    content: &str,
    notify: bool,
) -> Result<bool, Failure> {
    let sid = &code.grant.authentication.sid;
    if !sessions::lives(connection, sid)? {
        return Ok(false);
    }
    execute(
        connection,
        "INSERT INTO codes (hash, content, expires_at, keep_until) VALUES (?1, ?2, ?3, ?3)",
        params![hash.as_bytes(), content, code.expires_at.seconds()],
    )?;
    sessions::join(connection, sid, &code.grant.client_id, notify)?;
    Ok(true)
}

/// The code with this hash, as long as it is kept.
fn find(connection: &Connection, hash: TokenHash) -> Result<Option<AuthorizationCode>, Failure> {
    sql::first(connection, "SELECT content FROM codes WHERE hash = ?1", [hash.as_bytes()], |row| {
        row.json(0, "codes.content")
    })
}

/// Redeems a code at most once.
fn redeem(
    connection: &Connection,
    hash: TokenHash,
    grant: &GrantRow,
    refresh_token: Option<&RefreshToken>,
    limit: u32,
    now: Timestamp,
) -> Result<Redemption, Failure> {
    let redeemed_before: Option<Option<GrantId>> = sql::first(
        connection,
        "SELECT redeemed_grant_id FROM codes WHERE hash = ?1",
        [hash.as_bytes()],
        |row| row.optional_id(0, "codes.redeemed_grant_id"),
    )?;
    match redeemed_before {
        None => Ok(Redemption::Unknown),
        Some(Some(grant_id)) => {
            let revoked = grants::revoke(connection, &grant_id, now)?;
            Ok(Redemption::Replayed { revoked })
        }
        Some(None) if !sessions::lives(connection, &grant.sid)? => Ok(Redemption::SessionEnded),
        Some(None) => {
            execute(
                connection,
                "UPDATE codes SET redeemed_grant_id = ?2, keep_until = expires_at + ?3
                    WHERE hash = ?1",
                params![hash.as_bytes(), grant.id.as_str(), REPLAY_MEMORY],
            )?;
            grants::add(connection, grant, refresh_token, limit)?;
            Ok(Redemption::Redeemed)
        }
    }
}

/// Any user may run this at any time, and all writes wait for it: it reads the index only.
pub(super) const REMOVE_UNREDEEMED: &str = "DELETE FROM codes INDEXED BY codes_by_client
     WHERE content ->> '$.grant.client_id' = ?2 AND content ->> '$.grant.authentication.sub' = ?1
       AND redeemed_grant_id IS NULL";

/// Removes the codes of a user and a client that were not redeemed.
pub(super) fn remove_unredeemed(
    connection: &Connection,
    sub: &Sub,
    client_id: &ClientId,
) -> Result<(), Failure> {
    execute(connection, REMOVE_UNREDEEMED, [sub.as_str(), client_id.as_str()])?;
    Ok(())
}

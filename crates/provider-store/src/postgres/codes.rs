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

use super::{
    PostgresStore,
    connection::Connection,
    failure::Failure,
    grants::{self, adding_a_grant},
    run,
    sessions::{self, alive},
};
use crate::{
    record::GrantRow,
    row::{Row as _, to_json},
    rules::REPLAY_MEMORY,
};

#[async_trait]
impl Codes for PostgresStore {
    async fn add_code(
        &self,
        hash: TokenHash,
        code: AuthorizationCode,
        notify: bool,
    ) -> Result<bool, StoreError> {
        let content = to_json(&code, "codes.content")?;
        run!(self, "add_code", add, hash, &code, &content, notify)
    }

    async fn code(&self, hash: TokenHash) -> Result<Option<AuthorizationCode>, StoreError> {
        run!(self, "code", find, hash)
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
        run!(self, "redeem_code", redeem, hash, &grant, refresh_token.as_ref(), limit, now)
    }
}

/// Adds a code, and its client to its session; `false` if that has ended. `content` is the code as
/// JSON.
async fn add(
    connection: &Connection,
    hash: TokenHash,
    code: &AuthorizationCode,
    content: &str,
    notify: bool,
) -> Result<bool, Failure> {
    let sid = &code.grant.authentication.sid;
    let added = connection
        .execute(
            concat!(
                "WITH alive AS (",
                alive!("$4"),
                "), joined AS (
                 INSERT INTO session_clients (sid, client_id, notify)
                 SELECT $4::TEXT, $5::TEXT, $6::BOOLEAN FROM alive
                 ON CONFLICT (sid, client_id) DO UPDATE SET notify = excluded.notify
                 WHERE session_clients.notify <> excluded.notify
             )
             INSERT INTO codes (hash, content, expires_at, keep_until)
             SELECT $1::BYTEA, $2::TEXT, $3::BIGINT, $3::BIGINT FROM alive"
            ),
            &[
                &hash.as_bytes().as_slice(),
                &content,
                &code.expires_at.seconds(),
                &sid.as_str(),
                &code.grant.client_id.as_str(),
                &notify,
            ],
        )
        .await?;
    if added == 0 && sessions::lives(connection, sid).await? {
        // The session went on under another cookie just now.
        return Err(Failure::Overtaken);
    }
    Ok(added > 0)
}

/// The code with this hash, as long as it is kept.
async fn find(
    connection: &Connection,
    hash: TokenHash,
) -> Result<Option<AuthorizationCode>, Failure> {
    connection
        .first("SELECT content FROM codes WHERE hash = $1", &[&hash.as_bytes().as_slice()], |row| {
            row.json(0, "codes.content")
        })
        .await
}

/// Redeems a code at most once.
async fn redeem(
    connection: &Connection,
    hash: TokenHash,
    grant: &GrantRow,
    refresh_token: Option<&RefreshToken>,
    limit: u32,
    now: Timestamp,
) -> Result<Redemption, Failure> {
    let redeem = adding_a_grant!(concat!(
        "UPDATE codes SET redeemed_grant_id = $1::TEXT, keep_until = expires_at + $14
         WHERE hash = $13 AND redeemed_grant_id IS NULL AND EXISTS (",
        alive!("$4::TEXT"),
        ") RETURNING 1"
    ));
    let hash = hash.as_bytes().as_slice();
    if grants::add_because(
        connection,
        redeem,
        grant,
        refresh_token,
        limit,
        &[&hash, &REPLAY_MEMORY],
    )
    .await?
    {
        return Ok(Redemption::Redeemed);
    }
    // Nothing was done. Why not, is for ever, but for a session that went on under another cookie
    // just now.
    let known: Option<Option<GrantId>> = connection
        .first("SELECT redeemed_grant_id FROM codes WHERE hash = $1", &[&hash], |row| {
            row.optional_id(0, "codes.redeemed_grant_id")
        })
        .await?;
    match known {
        None => Ok(Redemption::Unknown),
        Some(Some(grant_id)) => {
            let revoked = grants::revoke(connection, &grant_id, now).await?;
            Ok(Redemption::Replayed { revoked })
        }
        Some(None) if sessions::lives(connection, &grant.sid).await? => Err(Failure::Overtaken),
        Some(None) => Ok(Redemption::SessionEnded),
    }
}

/// Any user may run this at any time: it reads the index only.
pub(super) const REMOVE_UNREDEEMED: &str = "DELETE FROM codes WHERE redeemed_grant_id IS NULL
       AND content::JSONB -> 'grant' ->> 'client_id' = $2
       AND content::JSONB -> 'grant' -> 'authentication' ->> 'sub' = $1";

/// Removes the codes of a user and a client that were not redeemed. One that is being redeemed is
/// waited for.
pub(super) async fn remove_unredeemed(
    connection: &Connection,
    sub: &Sub,
    client_id: &ClientId,
) -> Result<(), Failure> {
    connection.execute(REMOVE_UNREDEEMED, &[&sub.as_str(), &client_id.as_str()]).await?;
    Ok(())
}

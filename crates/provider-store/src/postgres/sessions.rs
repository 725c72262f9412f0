//! Rows of sessions, and of the clients that take part in them.
//!
//! A transaction that adds something to a session locks the session's row (`FOR KEY SHARE`), and a
//! transaction that ends the session locks it `FOR UPDATE` first. So nothing is added to a session
//! that has ended, and the end misses nothing that was added.

use std::collections::BTreeMap;

use async_trait::async_trait;
use doorward_provider::{
    model::{
        password::PasswordHash,
        session::{Authentication, EndedSession, Session, SessionCursor, SessionSelector},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{Sessions, StoreError},
};

use super::{
    PostgresStore, connection::Connection, failure::Failure, grants, logout_notices, run, sql,
    users,
};
use crate::{
    pages,
    record::read,
    row::{ColumnError, Row as _, to_json},
};

#[async_trait]
impl Sessions for PostgresStore {
    async fn start_session(
        &self,
        session: Session,
        verified: &PasswordHash,
        replaces: Option<TokenHash>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let amr = to_json(&session.authentication.amr, "sessions.amr")?;
        let limit = self.limits.sessions_per_user;
        run!(self, "start_session", start, &session, &amr, verified, replaces, limit, now)
    }

    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        run!(self, "session", find, cookie, now)
    }

    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError> {
        run!(self, "end_sessions", end, &selector, now)
    }

    async fn end_sessions_of(&self, sub: &str, now: Timestamp) -> Result<u64, StoreError> {
        pages::run_all(pages::SESSIONS, || async move {
            run!(self, "end_sessions_of", end_page, sub, now)
        })
        .await
    }

    async fn sessions_of(
        &self,
        sub: &str,
        after: Option<&SessionCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        run!(self, "sessions_of", of_user, sub, after, limit, now)
    }
}

/// Adds a session in place of the one with the cookie `replaces`, if the password that was verified
/// still is the user's. `amr` is that of the session as JSON.
async fn start(
    connection: &Connection,
    session: &Session,
    amr: &str,
    verified: &PasswordHash,
    replaces: Option<TokenHash>,
    limit: u32,
    now: Timestamp,
) -> Result<bool, Failure> {
    connection.begin().await?;
    if let Some(earlier) = replaces {
        // The user's row first, in the order in which a change of the user takes its locks.
        let lock = "SELECT 1 FROM users WHERE sub = $1 FOR KEY SHARE";
        connection.all(lock, &[&session.authentication.sub], |_| Ok(())).await?;
        connection
            .execute(
                "DELETE FROM sessions WHERE cookie_hash = $1 AND sid = $2",
                &[&earlier.as_bytes().as_slice(), &session.authentication.sid],
            )
            .await?;
        end_within(connection, &SessionSelector::Cookie(earlier), now).await?;
    }
    let started = insert(connection, session, amr, verified).await?;
    if started {
        end_beyond(connection, &session.authentication, limit, now).await?;
        connection.commit().await?;
    }
    Ok(started)
}

async fn insert(
    connection: &Connection,
    session: &Session,
    amr: &str,
    verified: &PasswordHash,
) -> Result<bool, Failure> {
    let Authentication { sub, auth_time, amr: _, sid } = &session.authentication;
    let inserted = connection
        .execute(
            "WITH verified AS (
                 SELECT 1 FROM users WHERE sub = $2 AND password_hash = $9 AND enabled
                     LIMIT 1 FOR KEY SHARE
             )
             INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at, address,
                 browser)
             SELECT $1::BYTEA, $2::TEXT, $3::BIGINT, $4::TEXT, $5::TEXT, $6::BIGINT, $7::TEXT,
                 $8::TEXT FROM verified",
            &[
                &session.cookie_hash.as_bytes().as_slice(),
                sub,
                &auth_time.seconds(),
                &amr,
                sid,
                &session.expires_at.seconds(),
                &session.device.address,
                &session.device.browser,
                &verified.as_str(),
            ],
        )
        .await?;
    if inserted == 0 && users::may_sign_in(connection, sub, verified).await? {
        // The user was replaced just now.
        return Err(Failure::Overtaken);
    }
    Ok(inserted > 0)
}

/// The session with this cookie, unless it has expired.
async fn find(
    connection: &Connection,
    cookie: TokenHash,
    now: Timestamp,
) -> Result<Option<Session>, Failure> {
    connection
        .first(
            "SELECT cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser
                FROM sessions
             WHERE cookie_hash = $1 AND expires_at > $2",
            &[&cookie.as_bytes().as_slice(), &now.seconds()],
            read::session,
        )
        .await
}

/// A page of the live sessions of a user, the latest first.
async fn of_user(
    connection: &Connection,
    sub: &str,
    after: Option<&SessionCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Session>, Failure> {
    let (auth_time, sid) =
        after.map_or((i64::MAX, ""), |after| (after.auth_time.seconds(), after.sid.as_str()));
    if !sql::can_hold(sid) {
        return Ok(Vec::new());
    }
    connection
        .all(
            "SELECT cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser
                FROM sessions
             WHERE sub = $1 AND (auth_time, sid COLLATE \"C\") < ($2, $3) AND expires_at > $5
             ORDER BY auth_time DESC, sid COLLATE \"C\" DESC LIMIT $4",
            &[&sub, &auth_time, &sid, &i64::from(limit), &now.seconds()],
            read::session,
        )
        .await
}

/// Whether there is a session that clients know by this `sid`.
pub(super) async fn lives(connection: &Connection, sid: &str) -> Result<bool, Failure> {
    Ok(connection.count("SELECT count(*) FROM sessions WHERE sid = $1", &[&sid]).await? > 0)
}

/// Ends sessions, with what hangs on them, in a transaction of its own.
async fn end(
    connection: &Connection,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    connection.begin().await?;
    let ended = end_within(connection, selector, now).await?;
    connection.commit().await?;
    Ok(ended)
}

/// Ends a page of a user's sessions in a transaction of its own; returns how many.
async fn end_page(connection: &Connection, sub: &str, now: Timestamp) -> Result<u64, Failure> {
    connection.begin().await?;
    let sql = "SELECT sub, sid FROM sessions WHERE sub = $1 ORDER BY auth_time LIMIT $2 FOR UPDATE";
    let page = connection.all(sql, &[&sub, &i64::from(pages::SESSIONS)], names).await?;
    let rows = page.len() as u64;
    end_each(connection, page, now).await?;
    connection.commit().await?;
    Ok(rows)
}

/// Ends a page of a user's sessions if there are more than one page; returns how many.
pub(super) async fn end_surplus(
    connection: &Connection,
    sub: &str,
    now: Timestamp,
) -> Result<u64, Failure> {
    let sql = "SELECT 1 FROM sessions WHERE sub = $1 LIMIT 1 OFFSET $2";
    let more = connection.first(sql, &[&sub, &i64::from(pages::SESSIONS)], |_| Ok(())).await?;
    if more.is_some() { end_page(connection, sub, now).await } else { Ok(0) }
}

/// Ends the user's oldest sessions beyond the limit, a page at most. The new session stays,
/// whatever its `auth_time` is.
async fn end_beyond(
    connection: &Connection,
    new: &Authentication,
    limit: u32,
    now: Timestamp,
) -> Result<(), Failure> {
    let others = i64::from(limit.max(1) - 1);
    let beyond = connection
        .all(
            "SELECT sub, sid FROM sessions WHERE sub = $1 AND sid <> $2
             ORDER BY auth_time DESC, sid COLLATE \"C\" DESC LIMIT $3 OFFSET $4",
            &[&new.sub, &new.sid, &i64::from(pages::SESSIONS), &others],
            names,
        )
        .await?;
    end_each(connection, beyond, now).await?;
    Ok(())
}

/// Reads `sub, sid`.
fn names(row: &tokio_postgres::Row) -> Result<(String, String), ColumnError> {
    Ok((row.string(0, "sessions.sub")?, row.string(1, "sessions.sid")?))
}

/// Ends the selected session within the transaction that the caller began.
pub(super) async fn end_within(
    connection: &Connection,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    let selected = match selector {
        SessionSelector::Cookie(cookie) => {
            let sql = "SELECT sub, sid FROM sessions WHERE cookie_hash = $1 FOR UPDATE";
            connection.all(sql, &[&cookie.as_bytes().as_slice()], names).await
        }
        SessionSelector::OfUser { sub, sid } => {
            let sql = "SELECT sub, sid FROM sessions WHERE sub = $1 AND sid = $2
                ORDER BY cookie_hash FOR UPDATE";
            connection.all(sql, &[sub, sid], names).await
        }
    }?;
    end_each(connection, selected, now).await
}

/// Ends all sessions of a user within the transaction that the caller began.
pub(super) async fn end_all(
    connection: &Connection,
    sub: &str,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    let sql = "SELECT sub, sid FROM sessions WHERE sub = $1 ORDER BY cookie_hash FOR UPDATE";
    let selected = connection.all(sql, &[&sub], names).await?;
    end_each(connection, selected, now).await
}

/// Ends sessions by their `sid`: after parallel sign-ins in one browser one may have several
/// cookies.
async fn end_each(
    connection: &Connection,
    selected: Vec<(String, String)>,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    let mut ended: BTreeMap<String, EndedSession> = selected
        .into_iter()
        .map(|(sub, sid)| (sid.clone(), EndedSession { sub, sid, clients: Vec::new() }))
        .collect();
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let sids: Vec<String> = ended.keys().cloned().collect();
    let subs: Vec<&str> = ended.values().map(|session| session.sub.as_str()).collect();
    let lock =
        "SELECT cookie_hash FROM sessions WHERE sid = ANY($1) ORDER BY cookie_hash FOR UPDATE";
    connection.all(lock, &[&sids], |_| Ok(())).await?;
    logout_notices::queue(connection, &subs, &sids, now).await?;
    grants::revoke_of_sessions(connection, &sids, now).await?;
    let taken = "DELETE FROM session_clients WHERE sid = ANY($1) RETURNING sid, client_id";
    let mut clients: Vec<(String, String)> = connection
        .all(taken, &[&sids], |row| {
            Ok((row.string(0, "session_clients.sid")?, row.string(1, "session_clients.client_id")?))
        })
        .await?;
    clients.sort();
    connection.execute("DELETE FROM sessions WHERE sid = ANY($1)", &[&sids]).await?;
    for (sid, client) in clients {
        if let Some(session) = ended.get_mut(&sid) {
            session.clients.push(client);
        }
    }
    Ok(ended.into_values().collect())
}

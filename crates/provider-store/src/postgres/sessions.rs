//! Rows of sessions, and of the clients that take part in them.
//!
//! Whatever is added to a session holds a lock on its row (`FOR KEY SHARE`) until it is committed,
//! and whoever ends the session takes the row away from all of them first. So nothing is added to a
//! session that has ended, and its end misses nothing that was added.

use std::collections::BTreeMap;

use async_trait::async_trait;
use doorward_provider::{
    model::{
        password::PasswordHash,
        session::{Authentication, EndedSession, Session, SessionSelector},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{Sessions, StoreError},
};

use super::{
    PostgresStore, connection::Connection, failure::Failure, grants, logout_notices, run, users,
};
use crate::{
    record::read,
    row::{Row as _, to_json},
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
        run!(self, "start_session", start, &session, &amr, verified, replaces, now)
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

    async fn sessions_of(&self, sub: &str, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        run!(self, "sessions_of", of_user, sub, now)
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
    now: Timestamp,
) -> Result<bool, Failure> {
    let Some(earlier) = replaces else { return insert(connection, session, amr, verified).await };
    connection.begin().await?;
    // Before any session, as by who changes the user.
    let lock = "SELECT 1 FROM users WHERE sub = $1 FOR KEY SHARE";
    connection.all(lock, &[&session.authentication.sub], |_| Ok(())).await?;
    connection
        .execute(
            "DELETE FROM sessions WHERE cookie_hash = $1 AND sid = $2",
            &[&earlier.as_bytes().as_slice(), &session.authentication.sid],
        )
        .await?;
    end_within(connection, &SessionSelector::Cookie(earlier), now).await?;
    let started = insert(connection, session, amr, verified).await?;
    if started {
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
                 SELECT 1 FROM users WHERE sub = $2 AND password_hash = $9 AND enabled LIMIT 1 FOR KEY SHARE
             )
             INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser)
             SELECT $1::BYTEA, $2::TEXT, $3::BIGINT, $4::TEXT, $5::TEXT, $6::BIGINT, $7::TEXT, $8::TEXT FROM verified",
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
            "SELECT cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser FROM sessions
             WHERE cookie_hash = $1 AND expires_at > $2",
            &[&cookie.as_bytes().as_slice(), &now.seconds()],
            |row| read::session(row),
        )
        .await
}

/// The live sessions of a user, the latest first.
async fn of_user(
    connection: &Connection,
    sub: &str,
    now: Timestamp,
) -> Result<Vec<Session>, Failure> {
    connection
        .all(
            "SELECT cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser FROM sessions
             WHERE sub = $1 AND expires_at > $2 ORDER BY auth_time DESC, sid",
            &[&sub, &now.seconds()],
            |row| read::session(row),
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

/// Ends sessions within the transaction that the caller began.
pub(super) async fn end_within(
    connection: &Connection,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    let read = |row: &tokio_postgres::Row| {
        Ok((row.string(1, "sessions.sid")?, row.string(0, "sessions.sub")?))
    };
    let selected: Vec<(String, String)> = match selector {
        SessionSelector::Cookie(cookie) => {
            let sql = "SELECT sub, sid FROM sessions WHERE cookie_hash = $1 FOR UPDATE";
            connection.all(sql, &[&cookie.as_bytes().as_slice()], read).await
        }
        SessionSelector::OfUser { sub, sid } => {
            let sql = "SELECT sub, sid FROM sessions WHERE sub = $1 AND sid = $2 ORDER BY cookie_hash FOR UPDATE";
            connection.all(sql, &[sub, sid], read).await
        }
        SessionSelector::AllOfUser(sub) => {
            let sql =
                "SELECT sub, sid FROM sessions WHERE sub = $1 ORDER BY cookie_hash FOR UPDATE";
            connection.all(sql, &[sub], read).await
        }
    }?;
    // By the `sid`: of parallel sign-ins in one browser there may be several cookies for it.
    let users_by_sid: BTreeMap<String, String> = selected.into_iter().collect();
    if users_by_sid.is_empty() {
        return Ok(Vec::new());
    }
    let (sids, subs): (Vec<&str>, Vec<&str>) =
        users_by_sid.iter().map(|(sid, sub)| (sid.as_str(), sub.as_str())).unzip();
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
    let clients_of = |sid: &str| {
        clients.iter().filter(|(of, _)| of == sid).map(|(_, client)| client.clone()).collect()
    };
    Ok(users_by_sid
        .iter()
        .map(|(sid, sub)| EndedSession {
            sub: sub.clone(),
            sid: sid.clone(),
            clients: clients_of(sid),
        })
        .collect())
}

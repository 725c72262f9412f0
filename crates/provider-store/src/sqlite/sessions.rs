//! Rows of sessions, and of the clients that take part in them.

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
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    grants, logout_notices,
    sql::{self, execute},
    users,
};
use crate::{
    record::read,
    row::{Row as _, to_json},
};

#[async_trait]
impl Sessions for SqliteStore {
    async fn start_session(
        &self,
        session: Session,
        verified: &PasswordHash,
        replaces: Option<TokenHash>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (amr, verified) =
            (to_json(&session.authentication.amr, "sessions.amr")?, verified.clone());
        self.write("start_session", move |connection| {
            start(connection, &session, &amr, &verified, replaces, now)
        })
        .await
    }

    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        self.read("session", move |connection| find(connection, cookie, now)).await
    }

    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError> {
        self.write("end_sessions", move |connection| end(connection, &selector, now)).await
    }

    async fn sessions_of(&self, sub: &str, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let sub = sub.to_owned();
        self.read("sessions_of", move |connection| of_user(connection, &sub, now)).await
    }
}

/// Adds a session in place of the one with the cookie `replaces`, if the password that was verified
/// still is the user's. `amr` is that of the session as JSON.
fn start(
    connection: &Connection,
    session: &Session,
    amr: &str,
    verified: &PasswordHash,
    replaces: Option<TokenHash>,
    now: Timestamp,
) -> Result<bool, Failure> {
    let Authentication { sub, auth_time, amr: _, sid } = &session.authentication;
    if !users::may_sign_in(connection, sub, verified)? {
        return Ok(false);
    }
    if let Some(replaced) = replaces {
        execute(
            connection,
            "DELETE FROM sessions WHERE cookie_hash = ?1 AND sid = ?2",
            params![replaced.as_bytes(), sid],
        )?;
        end(connection, &SessionSelector::Cookie(replaced), now)?;
    }
    execute(
        connection,
        "INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            session.cookie_hash.as_bytes(),
            sub,
            auth_time.seconds(),
            amr,
            sid,
            session.expires_at.seconds(),
            session.device.address,
            session.device.browser
        ],
    )?;
    Ok(true)
}

/// The session with this cookie, unless it has expired.
fn find(
    connection: &Connection,
    cookie: TokenHash,
    now: Timestamp,
) -> Result<Option<Session>, Failure> {
    sql::first(
        connection,
        "SELECT cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser FROM sessions
         WHERE cookie_hash = ?1 AND expires_at > ?2",
        params![cookie.as_bytes(), now.seconds()],
        |row| read::session(row),
    )
}

/// The live sessions of a user, the latest first.
fn of_user(connection: &Connection, sub: &str, now: Timestamp) -> Result<Vec<Session>, Failure> {
    sql::all(
        connection,
        "SELECT cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser FROM sessions
         WHERE sub = ?1 AND expires_at > ?2 ORDER BY auth_time DESC, sid",
        params![sub, now.seconds()],
        |row| read::session(row),
    )
}

/// Whether there is a session that clients know by this `sid`.
pub(super) fn lives(connection: &Connection, sid: &str) -> Result<bool, Failure> {
    Ok(sql::first(connection, "SELECT 1 FROM sessions WHERE sid = ?1", [sid], |_| Ok(()))?
        .is_some())
}

/// Notes that a client takes part in a session.
pub(super) fn join(
    connection: &Connection,
    sid: &str,
    client_id: &str,
    notify: bool,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO session_clients (sid, client_id, notify) VALUES (?1, ?2, ?3)
         ON CONFLICT (sid, client_id) DO UPDATE SET notify = excluded.notify WHERE notify <> excluded.notify",
        params![sid, client_id, notify],
    )?;
    Ok(())
}

/// Ends sessions, with what hangs on them.
pub(super) fn end(
    connection: &Connection,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<Vec<EndedSession>, Failure> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.string(0, "sessions.sub")?, row.string(1, "sessions.sid")?))
    };
    let selected: Vec<(String, String)> = match selector {
        SessionSelector::Cookie(cookie) => sql::all(
            connection,
            "SELECT sub, sid FROM sessions WHERE cookie_hash = ?1",
            [cookie.as_bytes()],
            read,
        ),
        SessionSelector::OfUser { sub, sid } => sql::all(
            connection,
            "SELECT sub, sid FROM sessions WHERE sub = ?1 AND sid = ?2",
            [sub, sid],
            read,
        ),
        SessionSelector::AllOfUser(sub) => sql::all(
            connection,
            "SELECT DISTINCT sub, sid FROM sessions WHERE sub = ?1",
            [sub],
            read,
        ),
    }?;
    selected.into_iter().map(|(sub, sid)| end_one(connection, sub, sid, now)).collect()
}

/// By the `sid`: of parallel sign-ins in one browser there may be several cookies for it.
fn end_one(
    connection: &Connection,
    sub: String,
    sid: String,
    now: Timestamp,
) -> Result<EndedSession, Failure> {
    let clients: Vec<String> = sql::all(
        connection,
        "SELECT client_id FROM session_clients WHERE sid = ?1",
        [&sid],
        |row| row.string(0, "session_clients.client_id"),
    )?;
    logout_notices::queue(connection, &sub, &sid, now)?;
    grants::revoke_of_session(connection, &sid, now)?;
    execute(connection, "DELETE FROM session_clients WHERE sid = ?1", [&sid])?;
    execute(connection, "DELETE FROM sessions WHERE sid = ?1", [&sid])?;
    Ok(EndedSession { sub, sid, clients })
}

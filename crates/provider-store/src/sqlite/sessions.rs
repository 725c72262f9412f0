//! Rows of sessions, and of the clients that take part in them.

use doorward_provider::model::{
    password::PasswordHash,
    session::{Authentication, Device, EndedSession, Session, SessionSelector},
    time::Timestamp,
    token_handle::TokenHash,
};
use rusqlite::{Connection, Row, params};

use super::{
    failure::Failure,
    grants, logout_notices,
    sql::{self, execute},
    users,
};

/// Adds a session in place of the one with the cookie `replaces`, if the password that was verified
/// still is the user's. `amr` is that of the session as JSON.
pub(super) fn start(
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
pub(super) fn find(
    connection: &Connection,
    cookie: TokenHash,
    now: Timestamp,
) -> Result<Option<Session>, Failure> {
    sql::first(
        connection,
        "SELECT cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser FROM sessions
         WHERE cookie_hash = ?1 AND expires_at > ?2",
        params![cookie.as_bytes(), now.seconds()],
        read,
    )
}

/// The live sessions of a user, the latest first.
pub(super) fn of_user(
    connection: &Connection,
    sub: &str,
    now: Timestamp,
) -> Result<Vec<Session>, Failure> {
    sql::all(
        connection,
        "SELECT cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser FROM sessions
         WHERE sub = ?1 AND expires_at > ?2 ORDER BY auth_time DESC, sid",
        params![sub, now.seconds()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Session, Failure> {
    Ok(Session {
        cookie_hash: TokenHash::from_bytes(row.get(0)?),
        authentication: Authentication {
            sub: row.get(1)?,
            auth_time: sql::moment(row, 2)?,
            amr: sql::from_json(row, 3, "sessions.amr")?,
            sid: row.get(4)?,
        },
        expires_at: sql::moment(row, 5)?,
        device: Device { address: row.get(6)?, browser: row.get(7)? },
    })
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
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
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
        |row| Ok(row.get(0)?),
    )?;
    logout_notices::queue(connection, &sub, &sid, now)?;
    grants::revoke_of_session(connection, &sid, now)?;
    execute(connection, "DELETE FROM session_clients WHERE sid = ?1", [&sid])?;
    execute(connection, "DELETE FROM sessions WHERE sid = ?1", [&sid])?;
    Ok(EndedSession { sub, sid, clients })
}

//! Rows of sessions.

use doorward_provider::{
    opaque::TokenHash,
    session::{Authentication, Session},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use super::{
    failure::Failure,
    sql::{self, execute},
};

/// Adds a session and ends the one that it replaces. `amr` is that of the session as JSON.
pub(super) fn start(
    connection: &Connection,
    session: &Session,
    amr: &str,
    replaces: Option<TokenHash>,
) -> Result<(), Failure> {
    if let Some(replaced) = replaces {
        end(connection, replaced)?;
    }
    let Authentication { sub, auth_time, amr: _, sid } = &session.authentication;
    execute(
        connection,
        "INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![session.cookie_hash.as_bytes(), sub, auth_time.seconds(), amr, sid, session.expires_at.seconds()],
    )?;
    Ok(())
}

/// The session with this cookie, unless it has expired.
pub(super) fn find(connection: &Connection, cookie: TokenHash, now: Timestamp) -> Result<Option<Session>, Failure> {
    sql::first(
        connection,
        "SELECT sub, auth_time, amr, sid, expires_at FROM sessions WHERE cookie_hash = ?1 AND expires_at > ?2",
        params![cookie.as_bytes(), now.seconds()],
        |row| {
            Ok(Session {
                cookie_hash: cookie,
                authentication: Authentication {
                    sub: row.get(0)?,
                    auth_time: sql::moment(row, 1)?,
                    amr: sql::from_json(row, 2, "sessions.amr")?,
                    sid: row.get(3)?,
                },
                expires_at: sql::moment(row, 4)?,
            })
        },
    )
}

/// Ends a session.
pub(super) fn end(connection: &Connection, cookie: TokenHash) -> Result<(), Failure> {
    execute(connection, "DELETE FROM sessions WHERE cookie_hash = ?1", [cookie.as_bytes()])?;
    Ok(())
}

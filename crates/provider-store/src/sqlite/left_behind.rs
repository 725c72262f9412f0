//! Rows of what is over while rows of it are still there.

use doorward_protocol::ids::ClientId;
use doorward_provider::model::time::Timestamp;
use rusqlite::{Connection, params};

use super::{
    clients,
    failure::Failure,
    sessions,
    sql::{self, execute},
};
use crate::left_behind::{Entry, LeftBehind, Next};

/// Notes that rows are left. The next page of them is due at once.
pub(super) fn note(connection: &Connection, whose: &LeftBehind) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO left_behind (kind, id, due_at) VALUES (?1, ?2, 0)
         ON CONFLICT (kind, id) DO UPDATE SET due_at = 0",
        params![whose.kind(), whose.id()],
    )?;
    Ok(())
}

/// Forgets it: nothing is left, or the same transaction removes what is.
pub(super) fn forget(connection: &Connection, whose: &LeftBehind) -> Result<(), Failure> {
    let sql = "DELETE FROM left_behind WHERE kind = ?1 AND id = ?2";
    execute(connection, sql, params![whose.kind(), whose.id()])?;
    Ok(())
}

/// Whether rows of a removed client with this identifier may be left.
pub(super) fn is_of_client(connection: &Connection, client_id: &ClientId) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM left_behind WHERE kind = 'client' AND id = ?1";
    Ok(sql::first(connection, sql, [client_id.as_str()], |_| Ok(()))?.is_some())
}

/// Whether anything is due.
pub(super) fn is_due(connection: &Connection, now: Timestamp) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM left_behind WHERE due_at <= ?1 LIMIT 1";
    Ok(sql::first(connection, sql, [now.seconds()], |_| Ok(()))?.is_some())
}

/// Removes a page of what is due first: users before clients, since applications wait to be told.
/// Returns how many rows it removed or changed; 0 if nothing is due.
pub(super) fn remove_page(connection: &Connection, now: Timestamp) -> Result<u64, Failure> {
    let sql = "SELECT kind, id, due_at FROM left_behind WHERE due_at <= ?1
               ORDER BY due_at, kind DESC LIMIT 1";
    let entry = sql::first(connection, sql, [now.seconds()], |row| Entry::read(row))?;
    let Some(entry) = entry else { return Ok(0) };
    let rows = match &entry.whose {
        LeftBehind::User(sub) => sessions::end_page(connection, sub, None, now)?,
        LeftBehind::Client(client_id) => clients::remove_page(connection, client_id)?,
    };
    match entry.after(rows, now) {
        Next::Page => {}
        Next::LookAt(due_at) => {
            let sql = "UPDATE left_behind SET due_at = ?3 WHERE kind = ?1 AND id = ?2";
            let params = params![entry.whose.kind(), entry.whose.id(), due_at.seconds()];
            execute(connection, sql, params)?;
        }
        Next::End => forget(connection, &entry.whose)?,
    }
    Ok(rows + 1)
}

/// Puts what is due first off, so that the rest need not wait for it.
pub(super) fn put_off(
    connection: &Connection,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE left_behind SET due_at = ?2 WHERE (kind, id) IN (
             SELECT kind, id FROM left_behind WHERE due_at <= ?1
             ORDER BY due_at, kind DESC LIMIT 1)",
        params![now.seconds(), until.seconds()],
    )?;
    Ok(())
}

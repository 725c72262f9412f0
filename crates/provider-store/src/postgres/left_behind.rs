//! Rows of what is over while rows of it are still there.
//!
//! Whoever works on what is left locks its row here first, and then the rows that are left. So of
//! several processes each has another one. A page of a client and the end of what a user began can
//! still wait for each other in a circle: the database ends it, and the command is repeated.

use doorward_protocol::ids::ClientId;
use doorward_provider::model::time::Timestamp;

use super::{
    clients,
    connection::{Connection, Params},
    failure::Failure,
    sessions,
};
use crate::left_behind::{Entry, LeftBehind, Next};

/// Notes that rows are left. The next page of them is due at once.
pub(super) async fn note(connection: &Connection, whose: &LeftBehind) -> Result<(), Failure> {
    let sql = "INSERT INTO left_behind (kind, id, due_at) VALUES ($1, $2, 0)
               ON CONFLICT (kind, id) DO UPDATE SET due_at = 0";
    connection.execute(sql, &[&whose.kind(), &whose.id()]).await?;
    Ok(())
}

/// Forgets it: nothing is left, or the same transaction removes what is. Whoever is removing a page
/// of it is waited for.
pub(super) async fn forget(connection: &Connection, whose: &LeftBehind) -> Result<(), Failure> {
    let sql = "DELETE FROM left_behind WHERE kind = $1 AND id = $2";
    connection.execute(sql, &[&whose.kind(), &whose.id()]).await?;
    Ok(())
}

/// Whether rows of a removed client with this identifier may be left.
pub(super) async fn is_of_client(
    connection: &Connection,
    client_id: &ClientId,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM left_behind WHERE kind = 'client' AND id = $1";
    Ok(connection.first(sql, &[&client_id.as_str()], |_| Ok(())).await?.is_some())
}

/// Whether anything is due.
pub(super) async fn is_due(connection: &Connection, now: Timestamp) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM left_behind WHERE due_at <= $1 LIMIT 1";
    Ok(connection.first(sql, &[&now.seconds()], |_| Ok(())).await?.is_some())
}

/// Removes a page of what is due first and nobody else is working on: users before clients, since
/// applications wait to be told. Returns how many rows it removed or changed; 0 if there is
/// nothing.
pub(super) async fn remove_page(connection: &Connection, now: Timestamp) -> Result<u64, Failure> {
    connection.begin().await?;
    let sql = "SELECT kind, id, due_at FROM left_behind WHERE due_at <= $1
               ORDER BY due_at, kind DESC LIMIT 1 FOR UPDATE SKIP LOCKED";
    let Some(entry) = connection.first(sql, &[&now.seconds()], Entry::read).await? else {
        return Ok(0);
    };
    let rows = match &entry.whose {
        LeftBehind::User(sub) => sessions::end_page_within(connection, sub, None, now).await?,
        LeftBehind::Client(client_id) => clients::remove_page(connection, client_id).await?,
    };
    match entry.after(rows, now) {
        Next::Page => {}
        Next::LookAt(due_at) => {
            let sql = "UPDATE left_behind SET due_at = $3 WHERE kind = $1 AND id = $2";
            let params: Params<'_> = &[&entry.whose.kind(), &entry.whose.id(), &due_at.seconds()];
            connection.execute(sql, params).await?;
        }
        Next::End => forget(connection, &entry.whose).await?,
    }
    connection.commit().await?;
    Ok(rows + 1)
}

/// Puts what is due first off, so that the rest need not wait for it.
pub(super) async fn put_off(
    connection: &Connection,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), Failure> {
    let sql = "UPDATE left_behind SET due_at = $2 WHERE (kind, id) IN (
                   SELECT kind, id FROM left_behind WHERE due_at <= $1
                   ORDER BY due_at, kind DESC LIMIT 1 FOR UPDATE SKIP LOCKED)";
    connection.execute(sql, &[&now.seconds(), &until.seconds()]).await?;
    Ok(())
}

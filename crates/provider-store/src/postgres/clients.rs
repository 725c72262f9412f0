//! Rows of clients.

use doorward_provider::model::stored_client::{StoredClient, StoredClients};
use tokio_postgres::Row;

use super::{
    connection::Connection,
    failure::Failure,
    schema,
    sql::{from_json, get},
};
use crate::columns::{ClientRow, ColumnError};

/// Another number after each change.
pub(super) async fn version(connection: &Connection) -> Result<i64, Failure> {
    let sql = "SELECT version FROM clients_version";
    let version = connection.first(sql, &[], |row| get(row, 0, "clients_version.version")).await?;
    Ok(version.ok_or(ColumnError::Unreadable("clients_version.version"))?)
}

/// All clients. The version is read first: what changes meanwhile is seen again at the next look.
pub(super) async fn all(connection: &Connection) -> Result<StoredClients, Failure> {
    let version = version(connection).await?;
    let mut clients =
        connection.all("SELECT client_id, settings, configured FROM clients", &[], read).await?;
    // Here, so that the order does not hang on the database's language.
    clients.sort_by(|one: &StoredClient, other| one.client_id.cmp(&other.client_id));
    Ok(StoredClients { version, clients })
}

fn read(row: &Row) -> Result<StoredClient, Failure> {
    Ok(StoredClient {
        client_id: get(row, 0, "clients.client_id")?,
        settings: from_json(row, 1, "clients.settings")?,
        configured: get(row, 2, "clients.configured")?,
    })
}

/// Makes these the configured clients; writes only what changes.
pub(super) async fn import(connection: &Connection, rows: &[ClientRow]) -> Result<(), Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let names: Vec<&str> = rows.iter().map(|row| row.client_id.as_str()).collect();
    let mut changed = connection
        .execute("DELETE FROM clients WHERE configured AND client_id <> ALL($1)", &[&names])
        .await?;
    for ClientRow { client_id, settings, configured } in rows {
        changed += connection
            .execute(
                "INSERT INTO clients (client_id, settings, configured) VALUES ($1, $2, $3)
                 ON CONFLICT (client_id) DO UPDATE SET settings = excluded.settings, configured = excluded.configured
                 WHERE clients.settings <> excluded.settings OR clients.configured <> excluded.configured",
                &[client_id, settings, configured],
            )
            .await?;
    }
    if changed > 0 {
        move_on(connection).await?;
    }
    connection.commit().await
}

/// Adds a client unless its identifier is taken.
pub(super) async fn add(connection: &Connection, row: &ClientRow) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let sql = "INSERT INTO clients (client_id, settings, configured) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let added =
        connection.execute(sql, &[&row.client_id, &row.settings, &row.configured]).await? > 0;
    if added {
        move_on(connection).await?;
    }
    connection.commit().await?;
    Ok(added)
}

/// Replaces a client's settings if no client changed since that version.
pub(super) async fn replace(
    connection: &Connection,
    row: &ClientRow,
    known: i64,
) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let sql = "UPDATE clients SET settings = $2, configured = $3
               WHERE client_id = $1 AND $4 = (SELECT version FROM clients_version)";
    let replaced =
        connection.execute(sql, &[&row.client_id, &row.settings, &row.configured, &known]).await?
            > 0;
    if replaced {
        move_on(connection).await?;
    }
    connection.commit().await?;
    Ok(replaced)
}

/// Removes a client with everything of it; tells whether there was anything.
pub(super) async fn remove(connection: &Connection, client_id: &str) -> Result<bool, Failure> {
    // Rare, and so without indexes of their own: each statement may look at every row of its table.
    // Codes go before grants, so that what is being redeemed is waited for and then found among the
    // grants.
    const STATEMENTS: [&str; 9] = [
        "DELETE FROM clients WHERE client_id = $1",
        "DELETE FROM codes WHERE content::JSONB -> 'grant' ->> 'client_id' = $1",
        "DELETE FROM device_codes WHERE client_id = $1",
        "DELETE FROM grants WHERE client_id = $1",
        "DELETE FROM reference_tokens WHERE content::JSONB ->> 'client_id' = $1",
        "DELETE FROM pushed_requests WHERE client_id = $1",
        "DELETE FROM consents WHERE client_id = $1",
        "DELETE FROM session_clients WHERE client_id = $1",
        "DELETE FROM logout_notices WHERE client_id = $1",
    ];
    connection.begin().await?;
    schema::lock(connection).await?;
    let mut removed = 0;
    for statement in STATEMENTS {
        removed += connection.execute(statement, &[&client_id]).await?;
    }
    if removed > 0 {
        move_on(connection).await?;
    }
    connection.commit().await?;
    Ok(removed > 0)
}

async fn move_on(connection: &Connection) -> Result<(), Failure> {
    connection.execute("UPDATE clients_version SET version = version + 1", &[]).await?;
    Ok(())
}

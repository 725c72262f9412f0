//! Rows of clients.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::stored_client::{StoredClient, StoredClients},
    store::{Clients, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    left_behind,
    sql::{self, execute},
};
use crate::{
    left_behind::LeftBehind,
    pages,
    record::{ClientRow, read},
    row::{ColumnError, Row as _},
    rules,
};

#[async_trait]
impl Clients for SqliteStore {
    async fn clients(&self) -> Result<StoredClients, StoreError> {
        self.read("clients", all).await
    }

    async fn clients_page(
        &self,
        prefix: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<StoredClient>, StoreError> {
        let first = rules::first_of(prefix, after.map(ClientId::as_str));
        let end = rules::end_of(prefix);
        self.read("clients_page", move |connection| page(connection, &first, &end, limit)).await
    }

    async fn client(&self, client_id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
        let client_id = client_id.clone();
        self.read("client", move |connection| find(connection, &client_id)).await
    }

    async fn clients_version(&self) -> Result<i64, StoreError> {
        self.read("clients_version", version).await
    }

    async fn import_clients(&self, clients: Vec<StoredClient>) -> Result<(), StoreError> {
        let rows: Vec<_> = clients.into_iter().map(ClientRow::encode).collect::<Result<_, _>>()?;
        for client_id in rows.iter().map(|row| row.client_id.clone()) {
            let client = client_id.clone();
            let left = self.read("import_clients", move |connection| {
                left_behind::is_of_client(connection, &client)
            });
            if left.await? {
                self.remove_everything_of(&client_id).await?;
            }
        }
        self.write("import_clients", move |connection| import(connection, &rows)).await
    }

    async fn add_client(&self, client: StoredClient) -> Result<bool, StoreError> {
        let row = ClientRow::encode(client)?;
        let client = row.client_id.clone();
        if !self.read("add_client", move |connection| is_taken(connection, &client)).await? {
            self.remove_everything_of(&row.client_id).await?;
        }
        self.write("add_client", move |connection| add(connection, &row)).await
    }

    async fn replace_client(&self, client: StoredClient, version: i64) -> Result<bool, StoreError> {
        let row = ClientRow::encode(client)?;
        self.write("replace_client", move |connection| replace(connection, &row, version)).await
    }

    async fn remove_client(
        &self,
        client_id: &ClientId,
        version: Option<i64>,
    ) -> Result<bool, StoreError> {
        let client = client_id.to_owned();
        let known =
            self.write("remove_client", move |connection| remove(connection, &client, version));
        let known = known.await?;
        if known || version.is_some() {
            return Ok(known);
        }
        // Whoever is no row, such as a client that is a document, may go on: only what there is by
        // now goes.
        Ok(self.remove_everything_of(client_id).await? > 0)
    }
}

impl SqliteStore {
    /// Removes in pages everything of a client that is no row, as long as it is none; returns how
    /// many rows.
    async fn remove_everything_of(&self, client_id: &ClientId) -> Result<u64, StoreError> {
        pages::run_all(pages::ROWS, || {
            let client = client_id.to_owned();
            self.write("remove_client", move |connection| {
                if is_taken(connection, &client)? {
                    Ok(0)
                } else {
                    remove_page(connection, &client)
                }
            })
        })
        .await
    }
}

/// Whether there is a client with this identifier, whoever registered it.
fn is_taken(connection: &Connection, client_id: &ClientId) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM clients WHERE client_id = ?1
               UNION ALL SELECT 1 FROM registered_clients WHERE client_id = ?1 LIMIT 1";
    Ok(sql::first(connection, sql, [client_id.as_str()], |_| Ok(()))?.is_some())
}

/// Another number after each change.
fn version(connection: &Connection) -> Result<i64, Failure> {
    let version = sql::first(connection, "SELECT version FROM clients_version", [], |row| {
        row.integer(0, "clients_version.version")
    })?;
    Ok(version.ok_or(ColumnError::Unreadable("clients_version.version"))?)
}

/// All clients. The version is read first: what changes meanwhile is seen again at the next look.
fn all(connection: &Connection) -> Result<StoredClients, Failure> {
    let version = version(connection)?;
    let sql = "SELECT client_id, settings, configured FROM clients ORDER BY client_id";
    Ok(StoredClients { version, clients: sql::all(connection, sql, [], |row| read::client(row))? })
}

/// A page of clients.
pub(super) const PAGE: &str = "SELECT client_id, settings, configured FROM clients
    WHERE client_id >= ?1 AND client_id < ?2 ORDER BY client_id LIMIT ?3";

fn page(
    connection: &Connection,
    first: &str,
    end: &str,
    limit: u32,
) -> Result<Vec<StoredClient>, Failure> {
    sql::all(connection, PAGE, params![first, end, limit], |row| read::client(row))
}

/// The client with this identifier.
fn find(connection: &Connection, client_id: &ClientId) -> Result<Option<StoredClient>, Failure> {
    let sql = "SELECT client_id, settings, configured FROM clients WHERE client_id = ?1";
    sql::first(connection, sql, [client_id.as_str()], |row| read::client(row))
}

/// Makes these the configured clients; writes only what changes.
fn import(connection: &Connection, rows: &[ClientRow]) -> Result<(), Failure> {
    let sql = "SELECT client_id FROM clients WHERE configured = 1";
    let mut changed = 0;
    let before: Vec<ClientId> =
        sql::all(connection, sql, [], |row| row.id(0, "clients.client_id"))?;
    for before in before {
        if rows.iter().all(|row| row.client_id != before) {
            let sql = "DELETE FROM clients WHERE client_id = ?1";
            changed += execute(connection, sql, [before.as_str()])?;
        }
    }
    for ClientRow { client_id, settings, configured } in rows {
        if left_behind::is_of_client(connection, client_id)? {
            inherit_nothing(connection, client_id)?;
        }
        changed += execute(
            connection,
            "INSERT INTO clients (client_id, settings, configured) VALUES (?1, ?2, ?3)
             ON CONFLICT (client_id) DO UPDATE SET settings = excluded.settings, configured =
                 excluded.configured
             WHERE settings <> excluded.settings OR configured <> excluded.configured",
            params![client_id.as_str(), settings, configured],
        )?;
    }
    if changed > 0 { move_on(connection) } else { Ok(()) }
}

/// Adds a client unless its identifier is taken.
fn add(connection: &Connection, row: &ClientRow) -> Result<bool, Failure> {
    if !is_taken(connection, &row.client_id)? {
        inherit_nothing(connection, &row.client_id)?;
    }
    let sql = "INSERT INTO clients (client_id, settings, configured) VALUES (?1, ?2, ?3)
        ON CONFLICT DO NOTHING";
    let added =
        execute(connection, sql, params![row.client_id.as_str(), row.settings, row.configured])?
            > 0;
    if added {
        move_on(connection)?;
    }
    Ok(added)
}

/// Removes what is left of a client that had the identifier of a new one. Fails if it is more than
/// a page.
fn inherit_nothing(connection: &Connection, client_id: &ClientId) -> Result<(), Failure> {
    left_behind::forget(connection, &LeftBehind::Client(client_id.clone()))?;
    if remove_page(connection, client_id)? >= u64::from(pages::ROWS)
        && remove_page(connection, client_id)? > 0
    {
        return Err(Failure::LeftBehind);
    }
    Ok(())
}

/// Replaces a client's settings if no client changed since that version.
fn replace(connection: &Connection, row: &ClientRow, known: i64) -> Result<bool, Failure> {
    if version(connection)? != known {
        return Ok(false);
    }
    let sql = "UPDATE clients SET settings = ?2, configured = ?3 WHERE client_id = ?1";
    let replaced =
        execute(connection, sql, params![row.client_id.as_str(), row.settings, row.configured])?
            > 0;
    if replaced {
        move_on(connection)?;
    }
    Ok(replaced)
}

/// The remembered consents to a client, a page at a time: `?1` is the client, `?2` the size of the
/// page.
pub(super) const CONSENTS: &str = "DELETE FROM consents WHERE (sub, client_id) IN (
         SELECT sub, client_id FROM consents WHERE client_id = ?1 LIMIT ?2)";

/// Everything of a client, a page at a time: `?1` is the client, `?2` the size of the page. Codes
/// go before grants: a code that is redeemed meanwhile is then found among the grants.
pub(super) const LEFT_BEHIND: [&str; 9] = [
    "DELETE FROM codes WHERE rowid IN (
         SELECT rowid FROM codes WHERE content ->> '$.grant.client_id' = ?1 LIMIT ?2)",
    "DELETE FROM device_codes WHERE rowid IN (
         SELECT rowid FROM device_codes WHERE client_id = ?1 LIMIT ?2)",
    "DELETE FROM grants WHERE rowid IN (
         SELECT rowid FROM grants WHERE client_id = ?1 LIMIT ?2)",
    "DELETE FROM reference_tokens WHERE rowid IN (
         SELECT rowid FROM reference_tokens WHERE content ->> '$.client_id' = ?1 LIMIT ?2)",
    "DELETE FROM pushed_requests WHERE rowid IN (
         SELECT rowid FROM pushed_requests WHERE client_id = ?1 LIMIT ?2)",
    CONSENTS,
    "DELETE FROM session_clients WHERE (sid, client_id) IN (
         SELECT sid, client_id FROM session_clients WHERE client_id = ?1 LIMIT ?2)",
    "DELETE FROM logout_notices WHERE id IN (
         SELECT id FROM logout_notices WHERE client_id = ?1 LIMIT ?2)",
    "DELETE FROM external_ids WHERE (client_id, kind, id) IN (
         SELECT client_id, kind, id FROM external_ids WHERE client_id = ?1 LIMIT ?2)",
];

/// Removes a page of everything of a client; returns how many rows.
pub(super) fn remove_page(connection: &Connection, client_id: &ClientId) -> Result<u64, Failure> {
    let mut removed = 0;
    for statement in LEFT_BEHIND {
        let room = i64::from(pages::ROWS).saturating_sub_unsigned(removed);
        removed += execute(connection, statement, params![client_id.as_str(), room])? as u64;
    }
    Ok(removed)
}

/// Removes a client, and the first page of everything of it. Returns whether there was one.
fn remove(
    connection: &Connection,
    client_id: &ClientId,
    known: Option<i64>,
) -> Result<bool, Failure> {
    if known.is_some() && known != Some(version(connection)?) {
        return Ok(false);
    }
    let removed =
        execute(connection, "DELETE FROM clients WHERE client_id = ?1", [client_id.as_str()])? > 0;
    if removed {
        move_on(connection)?;
    }
    let sql = "DELETE FROM registered_clients WHERE client_id = ?1";
    let known = removed | (execute(connection, sql, [client_id.as_str()])? > 0);
    if known {
        left_behind::note(connection, &LeftBehind::Client(client_id.clone()))?;
        remove_page(connection, client_id)?;
    }
    Ok(known)
}

fn move_on(connection: &Connection) -> Result<(), Failure> {
    execute(connection, "UPDATE clients_version SET version = version + 1", [])?;
    Ok(())
}

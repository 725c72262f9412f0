//! Rows of clients.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::stored_client::{StoredClient, StoredClients},
    store::{Clients, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, left_behind, run, schema};
use crate::{
    left_behind::LeftBehind,
    pages,
    record::{ClientRow, read},
    row::{ColumnError, Row as _},
    rules,
};

#[async_trait]
impl Clients for PostgresStore {
    async fn clients(&self) -> Result<StoredClients, StoreError> {
        run!(self, "clients", all)
    }

    async fn clients_page(
        &self,
        prefix: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<StoredClient>, StoreError> {
        run!(self, "clients_page", page, prefix, after, limit)
    }

    async fn client(&self, client_id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
        run!(self, "client", find, client_id)
    }

    async fn clients_version(&self) -> Result<i64, StoreError> {
        run!(self, "clients_version", version)
    }

    async fn import_clients(&self, clients: Vec<StoredClient>) -> Result<(), StoreError> {
        let rows: Vec<_> = clients.into_iter().map(ClientRow::encode).collect::<Result<_, _>>()?;
        for row in &rows {
            if run!(self, "import_clients", left_behind::is_of_client, &row.client_id)? {
                self.remove_everything_of(&row.client_id).await?;
            }
        }
        run!(self, "import_clients", import, &rows)
    }

    async fn add_client(&self, client: StoredClient) -> Result<bool, StoreError> {
        let row = ClientRow::encode(client)?;
        if !run!(self, "add_client", is_taken, &row.client_id)? {
            self.remove_everything_of(&row.client_id).await?;
        }
        run!(self, "add_client", add, &row)
    }

    async fn replace_client(&self, client: StoredClient, version: i64) -> Result<bool, StoreError> {
        let row = ClientRow::encode(client)?;
        run!(self, "replace_client", replace, &row, version)
    }

    async fn remove_client(
        &self,
        client_id: &ClientId,
        version: Option<i64>,
    ) -> Result<bool, StoreError> {
        let known = run!(self, "remove_client", remove, client_id, version)?;
        if known || version.is_some() {
            return Ok(known);
        }
        // Whoever is no row, such as a client that is a document, may go on: only what there is by
        // now goes.
        Ok(self.remove_everything_of(client_id).await? > 0)
    }
}

impl PostgresStore {
    /// Removes in pages everything of a client that is no row, as long as it is none; returns how
    /// many rows.
    async fn remove_everything_of(&self, client_id: &ClientId) -> Result<u64, StoreError> {
        pages::run_all(pages::ROWS, || async move {
            run!(self, "remove_client", remove_page_of_nobody, client_id)
        })
        .await
    }
}

/// Whether there is a client with this identifier, whoever registered it.
async fn is_taken(connection: &Connection, client_id: &ClientId) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM clients WHERE client_id = $1
               UNION ALL SELECT 1 FROM registered_clients WHERE client_id = $1 LIMIT 1";
    Ok(connection.first(sql, &[&client_id.as_str()], |_| Ok(())).await?.is_some())
}

/// Another number after each change.
async fn version(connection: &Connection) -> Result<i64, Failure> {
    let sql = "SELECT version FROM clients_version";
    let version =
        connection.first(sql, &[], |row| row.integer(0, "clients_version.version")).await?;
    Ok(version.ok_or(ColumnError::Unreadable("clients_version.version"))?)
}

/// All clients. The version is read first: what changes meanwhile is seen again at the next look.
async fn all(connection: &Connection) -> Result<StoredClients, Failure> {
    let version = version(connection).await?;
    let mut clients = connection
        .all("SELECT client_id, settings, configured FROM clients", &[], read::client)
        .await?;
    // Here, so that the order does not hang on the database's language.
    clients.sort_by(|one: &StoredClient, other| one.client_id.cmp(&other.client_id));
    Ok(StoredClients { version, clients })
}

/// A page of clients in the order of bytes, whatever the database's language is.
pub(super) const PAGE: &str = "SELECT client_id, settings, configured FROM clients
    WHERE client_id COLLATE \"C\" >= $1 AND client_id COLLATE \"C\" < $2
    ORDER BY client_id COLLATE \"C\" LIMIT $3";

async fn page(
    connection: &Connection,
    prefix: &str,
    after: Option<&ClientId>,
    limit: u32,
) -> Result<Vec<StoredClient>, Failure> {
    let first = rules::first_of(prefix, after.map(ClientId::as_str));
    let end = rules::end_of(prefix);
    connection.all(PAGE, &[&first, &end, &i64::from(limit)], read::client).await
}

/// The client with this identifier.
async fn find(
    connection: &Connection,
    client_id: &ClientId,
) -> Result<Option<StoredClient>, Failure> {
    let sql = "SELECT client_id, settings, configured FROM clients WHERE client_id = $1";
    connection.first(sql, &[&client_id.as_str()], read::client).await
}

/// Makes these the configured clients; writes only what changes.
async fn import(connection: &Connection, rows: &[ClientRow]) -> Result<(), Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let names: Vec<&str> = rows.iter().map(|row| row.client_id.as_str()).collect();
    let mut changed = connection
        .execute("DELETE FROM clients WHERE configured AND client_id <> ALL($1)", &[&names])
        .await?;
    for ClientRow { client_id, settings, configured } in rows {
        if left_behind::is_of_client(connection, client_id).await? {
            inherit_nothing(connection, client_id).await?;
        }
        changed += connection
            .execute(
                "INSERT INTO clients (client_id, settings, configured) VALUES ($1, $2, $3)
                 ON CONFLICT (client_id) DO UPDATE SET settings = excluded.settings, configured =
                     excluded.configured
                 WHERE clients.settings <> excluded.settings OR clients.configured <>
                     excluded.configured",
                &[&client_id.as_str(), settings, configured],
            )
            .await?;
    }
    if changed > 0 {
        move_on(connection).await?;
    }
    connection.commit().await
}

/// Adds a client unless its identifier is taken.
async fn add(connection: &Connection, row: &ClientRow) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    if !is_taken(connection, &row.client_id).await? {
        inherit_nothing(connection, &row.client_id).await?;
    }
    let sql = "INSERT INTO clients (client_id, settings, configured) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    let added =
        connection.execute(sql, &[&row.client_id.as_str(), &row.settings, &row.configured]).await?
            > 0;
    if added {
        move_on(connection).await?;
    }
    connection.commit().await?;
    Ok(added)
}

/// Removes what is left of a client that had the identifier of a new one, within the transaction
/// that adds it. Fails if it is more than a page.
async fn inherit_nothing(connection: &Connection, client_id: &ClientId) -> Result<(), Failure> {
    left_behind::forget(connection, &LeftBehind::Client(client_id.clone())).await?;
    if remove_page(connection, client_id).await? >= u64::from(pages::ROWS)
        && remove_page(connection, client_id).await? > 0
    {
        return Err(Failure::LeftBehind);
    }
    Ok(())
}

/// Replaces a client's settings if no client changed since that version.
async fn replace(connection: &Connection, row: &ClientRow, known: i64) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let sql = "UPDATE clients SET settings = $2, configured = $3
               WHERE client_id = $1 AND $4 = (SELECT version FROM clients_version)";
    let replaced = connection
        .execute(sql, &[&row.client_id.as_str(), &row.settings, &row.configured, &known])
        .await?
        > 0;
    if replaced {
        move_on(connection).await?;
    }
    connection.commit().await?;
    Ok(replaced)
}

/// The remembered consents to a client, a page at a time: `$1` is the client, `$2` the size of the
/// page.
const CONSENTS: &str = "DELETE FROM consents WHERE (sub, client_id) IN (
         SELECT sub, client_id FROM consents WHERE client_id = $1 LIMIT $2 FOR UPDATE)";

/// Everything of a client, a page at a time: `$1` is the client, `$2` the size of the page. A row
/// that somebody else removes meanwhile is waited for, and another one takes its place in the
/// page: so a page that is not full is the last one. Codes go before grants: a code that is
/// redeemed meanwhile is then found among the grants.
pub(super) const LEFT_BEHIND: [&str; 9] = [
    "DELETE FROM codes WHERE hash IN (
         SELECT hash FROM codes WHERE content::JSONB -> 'grant' ->> 'client_id' = $1
             LIMIT $2 FOR UPDATE)",
    "DELETE FROM device_codes WHERE hash IN (
         SELECT hash FROM device_codes WHERE client_id = $1 LIMIT $2 FOR UPDATE)",
    "DELETE FROM grants WHERE id IN (
         SELECT id FROM grants WHERE client_id = $1 LIMIT $2 FOR UPDATE)",
    "DELETE FROM reference_tokens WHERE hash IN (
         SELECT hash FROM reference_tokens WHERE content::JSONB ->> 'client_id' = $1
             LIMIT $2 FOR UPDATE)",
    "DELETE FROM pushed_requests WHERE hash IN (
         SELECT hash FROM pushed_requests WHERE client_id = $1 LIMIT $2 FOR UPDATE)",
    CONSENTS,
    "DELETE FROM session_clients WHERE (sid, client_id) IN (
         SELECT sid, client_id FROM session_clients WHERE client_id = $1 LIMIT $2 FOR UPDATE)",
    "DELETE FROM logout_notices WHERE id IN (
         SELECT id FROM logout_notices WHERE client_id = $1 LIMIT $2 FOR UPDATE)",
    "DELETE FROM external_ids WHERE (client_id, kind, id) IN (
         SELECT client_id, kind, id FROM external_ids WHERE client_id = $1 LIMIT $2 FOR UPDATE)",
];

/// Removes a page of everything of a client; returns how many rows.
pub(super) async fn remove_page(
    connection: &Connection,
    client_id: &ClientId,
) -> Result<u64, Failure> {
    let mut removed = 0;
    for statement in LEFT_BEHIND {
        let room = i64::from(pages::ROWS).saturating_sub_unsigned(removed);
        removed += connection.execute(statement, &[&client_id.as_str(), &room]).await?;
    }
    Ok(removed)
}

/// The same, unless somebody has the identifier by now.
async fn remove_page_of_nobody(
    connection: &Connection,
    client_id: &ClientId,
) -> Result<u64, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    if is_taken(connection, client_id).await? {
        return Ok(0);
    }
    let removed = remove_page(connection, client_id).await?;
    connection.commit().await?;
    Ok(removed)
}

/// Removes a page of the consents to a client; returns how many.
pub(super) async fn forget_consents(
    connection: &Connection,
    client_id: &ClientId,
) -> Result<u64, Failure> {
    connection.execute(CONSENTS, &[&client_id.as_str(), &i64::from(pages::ROWS)]).await
}

/// Removes a client, and the first page of everything of it. Returns whether there was one.
async fn remove(
    connection: &Connection,
    client_id: &ClientId,
    known: Option<i64>,
) -> Result<bool, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    if known.is_some() && known != Some(version(connection).await?) {
        connection.commit().await?;
        return Ok(false);
    }
    let sql = "DELETE FROM clients WHERE client_id = $1";
    let removed = connection.execute(sql, &[&client_id.as_str()]).await? > 0;
    if removed {
        move_on(connection).await?;
    }
    let sql = "DELETE FROM registered_clients WHERE client_id = $1";
    let registered = connection.execute(sql, &[&client_id.as_str()]).await? > 0;
    let known = removed || registered;
    if known {
        left_behind::note(connection, &LeftBehind::Client(client_id.clone())).await?;
        remove_page(connection, client_id).await?;
    }
    connection.commit().await?;
    Ok(known)
}

async fn move_on(connection: &Connection) -> Result<(), Failure> {
    connection.execute("UPDATE clients_version SET version = version + 1", &[]).await?;
    Ok(())
}

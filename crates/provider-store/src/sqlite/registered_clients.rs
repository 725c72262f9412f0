//! Rows of clients that registered themselves, and of initial access tokens.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::{
        registration::{Admission, RegisteredClient, RegistrationOutcome, RegistrationToken},
        throttle::ThrottleKey,
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{RegisteredClients, StoreError},
};
use rusqlite::{Connection, params};
use serde_json::{Map, Value};

use super::{
    SqliteStore, clients,
    failure::Failure,
    left_behind,
    sql::{self, execute},
};
use crate::{
    limits::UNUSED_REGISTRATIONS,
    pages,
    record::read,
    row::{Row as _, to_json},
    rules,
};

#[async_trait]
impl RegisteredClients for SqliteStore {
    async fn add_registered_client(
        &self,
        client: RegisteredClient,
        admission: &Admission,
        now: Timestamp,
    ) -> Result<RegistrationOutcome, StoreError> {
        let metadata = to_json(&client.metadata, "registered_clients.metadata")?;
        let admission = admission.clone();
        self.write("add_registered_client", move |connection| {
            add(connection, &client, &metadata, &admission, now)
        })
        .await
    }

    async fn registered_client(
        &self,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Option<RegisteredClient>, StoreError> {
        let client_id = client_id.clone();
        self.read("registered_client", move |connection| find(connection, &client_id, now)).await
    }

    async fn is_being_removed(&self, client_id: &ClientId) -> Result<bool, StoreError> {
        let client_id = client_id.clone();
        self.read("is_being_removed", move |connection| {
            left_behind::is_of_client(connection, &client_id)
        })
        .await
    }

    async fn registered_clients_page(
        &self,
        prefix: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<RegisteredClient>, StoreError> {
        let first = rules::first_of(prefix, after.map(ClientId::as_str));
        let end = rules::end_of(prefix);
        self.read("registered_clients_page", move |connection| {
            page(connection, &first, &end, limit)
        })
        .await
    }

    async fn replace_registered_client(
        &self,
        client_id: &ClientId,
        management: TokenHash,
        metadata: Map<String, Value>,
        secret: Option<TokenHash>,
    ) -> Result<bool, StoreError> {
        let metadata = to_json(&metadata, "registered_clients.metadata")?;
        let (client, new) = (client_id.clone(), metadata.clone());
        let changes = self.read("replace_registered_client", move |connection| {
            changes(connection, &client, management, &new)
        });
        if changes.await? == Some(true) {
            self.forget_consents(client_id).await?;
        }
        let client = client_id.clone();
        self.write("replace_registered_client", move |connection| {
            replace(connection, &client, management, &metadata, secret)
        })
        .await
    }

    async fn registered_client_used(
        &self,
        client_id: &ClientId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let client_id = client_id.clone();
        self.write("registered_client_used", move |connection| used(connection, &client_id, until))
            .await
    }

    async fn add_registration_token(&self, token: RegistrationToken) -> Result<bool, StoreError> {
        self.write("add_registration_token", move |connection| add_token(connection, &token)).await
    }

    async fn registration_token_counts(
        &self,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.read("registration_token_counts", move |connection| {
            token_counts(connection, token, now)
        })
        .await
    }

    async fn registration_tokens_page(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RegistrationToken>, StoreError> {
        let after = after.unwrap_or_default().to_owned();
        self.read("registration_tokens_page", move |connection| tokens(connection, &after, limit))
            .await
    }

    async fn remove_registration_token(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write("remove_registration_token", move |connection| {
            Ok(execute(connection, "DELETE FROM registration_tokens WHERE id = ?1", [id])? > 0)
        })
        .await
    }
}

impl SqliteStore {
    /// Removes the consents to a client in pages. What is remembered meanwhile goes with the
    /// change.
    async fn forget_consents(&self, client_id: &ClientId) -> Result<(), StoreError> {
        let page = || {
            let client = client_id.clone();
            self.write("replace_registered_client", move |connection| {
                let params = params![client.as_str(), pages::ROWS];
                Ok(execute(connection, clients::CONSENTS, params)? as u64)
            })
        };
        pages::run_all(pages::ROWS, page).await?;
        Ok(())
    }
}

/// Adds a client, and uses its token.
fn add(
    connection: &Connection,
    client: &RegisteredClient,
    metadata: &str,
    admission: &Admission,
    now: Timestamp,
) -> Result<RegistrationOutcome, Failure> {
    let unused = "SELECT 1 FROM registered_clients WHERE used = 0 AND expires_at > ?1
                  LIMIT 1 OFFSET ?2";
    let params = params![now.seconds(), UNUSED_REGISTRATIONS - 1];
    if sql::first(connection, unused, params, |_| Ok(()))?.is_some() {
        return Ok(RegistrationOutcome::TooMany);
    }
    if let Some(token) = admission.token
        && !token_counts(connection, token, now)?
    {
        return Ok(RegistrationOutcome::NoToken);
    }
    if left_behind::is_of_client(connection, &client.client_id)? {
        return Err(Failure::Conflict(rules::IDENTIFIER_OF_ANOTHER.to_owned()));
    }
    if !insert(connection, client, metadata, admission, now)? {
        return Ok(RegistrationOutcome::TooMany);
    }
    if let Some(token) = admission.token {
        let sql = "UPDATE registration_tokens SET uses_left = uses_left - 1 WHERE hash = ?1";
        execute(connection, sql, [token.as_bytes()])?;
    }
    Ok(RegistrationOutcome::Added)
}

/// Whether an initial access token can be used.
fn token_counts(
    connection: &Connection,
    token: TokenHash,
    now: Timestamp,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM registration_tokens
               WHERE hash = ?1 AND uses_left > 0 AND expires_at > ?2";
    let params = params![token.as_bytes(), now.seconds()];
    Ok(sql::first(connection, sql, params, |_| Ok(()))?.is_some())
}

/// Adds a client, unless too many without use come from its address.
fn insert(
    connection: &Connection,
    client: &RegisteredClient,
    metadata: &str,
    Admission { bound, .. }: &Admission,
    now: Timestamp,
) -> Result<bool, Failure> {
    let added = execute(
        connection,
        "INSERT INTO registered_clients
             (client_id, metadata, secret, management, issued_at, used, expires_at, origin, site)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
         WHERE ?10 > (SELECT count(*) FROM registered_clients
                      WHERE origin = ?8 AND used = 0 AND expires_at > ?11)
           AND (?9 IS NULL OR ?12 > (SELECT count(*) FROM registered_clients
                      WHERE site = ?9 AND used = 0 AND expires_at > ?11))",
        params![
            client.client_id.as_str(),
            metadata,
            client.secret.as_ref().map(TokenHash::as_bytes),
            client.management.as_bytes(),
            client.issued_at.seconds(),
            client.used,
            client.expires_at.seconds(),
            bound.origin.as_bytes(),
            bound.site.as_ref().map(ThrottleKey::as_bytes),
            bound.most,
            now.seconds(),
            bound.most_of_site(),
        ],
    )?;
    Ok(added > 0)
}

/// The client, unless it has expired.
fn find(
    connection: &Connection,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<Option<RegisteredClient>, Failure> {
    let sql = "SELECT client_id, metadata, secret, management, issued_at, used, expires_at
               FROM registered_clients WHERE client_id = ?1 AND expires_at > ?2";
    sql::first(connection, sql, params![client_id.as_str(), now.seconds()], |row| {
        read::registered_client(row)
    })
}

/// A page of clients.
/// A page of the clients, by their identifiers.
pub(super) const PAGE: &str =
    "SELECT client_id, metadata, secret, management, issued_at, used, expires_at
     FROM registered_clients WHERE client_id >= ?1 AND client_id < ?2
     ORDER BY client_id LIMIT ?3";

fn page(
    connection: &Connection,
    first: &str,
    end: &str,
    limit: u32,
) -> Result<Vec<RegisteredClient>, Failure> {
    sql::all(connection, PAGE, params![first, end, limit], |row| read::registered_client(row))
}

/// Whether these are other metadata than those of the client that has this token.
fn changes(
    connection: &Connection,
    client_id: &ClientId,
    management: TokenHash,
    metadata: &str,
) -> Result<Option<bool>, Failure> {
    let sql = "SELECT metadata <> ?3 FROM registered_clients
               WHERE client_id = ?1 AND management = ?2";
    let params = params![client_id.as_str(), management.as_bytes(), metadata];
    sql::first(connection, sql, params, |row| row.boolean(0, "registered_clients.metadata"))
}

/// Replaces metadata and secret for whoever has the client's token. With other metadata, consents
/// to the client are forgotten.
fn replace(
    connection: &Connection,
    client_id: &ClientId,
    management: TokenHash,
    metadata: &str,
    secret: Option<TokenHash>,
) -> Result<bool, Failure> {
    if changes(connection, client_id, management, metadata)? == Some(true) {
        execute(connection, "DELETE FROM consents WHERE client_id = ?1", [client_id.as_str()])?;
    }
    let replaced = execute(
        connection,
        "UPDATE registered_clients SET metadata = ?3, secret = ?4
         WHERE client_id = ?1 AND management = ?2",
        params![
            client_id.as_str(),
            management.as_bytes(),
            metadata,
            secret.as_ref().map(TokenHash::as_bytes)
        ],
    )?;
    Ok(replaced > 0)
}

/// Lets a client live longer.
fn used(connection: &Connection, client_id: &ClientId, until: Timestamp) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE registered_clients SET used = 1, expires_at = max(expires_at, ?2)
         WHERE client_id = ?1",
        params![client_id.as_str(), until.seconds()],
    )?;
    Ok(())
}

/// Adds an initial access token unless its name is taken.
fn add_token(connection: &Connection, token: &RegistrationToken) -> Result<bool, Failure> {
    let added = execute(
        connection,
        "INSERT INTO registration_tokens (id, hash, note, uses_left, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        params![
            token.id,
            token.hash.as_bytes(),
            token.note,
            token.uses_left,
            token.expires_at.seconds()
        ],
    )?;
    Ok(added > 0)
}

/// A page of initial access tokens.
fn tokens(
    connection: &Connection,
    after: &str,
    limit: u32,
) -> Result<Vec<RegistrationToken>, Failure> {
    let sql = "SELECT id, hash, note, uses_left, expires_at FROM registration_tokens
               WHERE id > ?1 ORDER BY id LIMIT ?2";
    sql::all(connection, sql, params![after, limit], |row| read::registration_token(row))
}

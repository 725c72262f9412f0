//! Rows of clients that registered themselves, and of initial access tokens.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::{
        registration::{Admission, RegisteredClient, RegistrationOutcome, RegistrationToken},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{RegisteredClients, StoreError},
};
use serde_json::{Map, Value};

use super::{
    PostgresStore, clients, connection::Connection, failure::Failure, left_behind, run, schema,
    sql::can_hold,
};
use crate::{
    limits::UNUSED_REGISTRATIONS,
    pages,
    record::read,
    row::{Row as _, to_json},
    rules,
};

#[async_trait]
impl RegisteredClients for PostgresStore {
    async fn add_registered_client(
        &self,
        client: RegisteredClient,
        admission: &Admission,
        now: Timestamp,
    ) -> Result<RegistrationOutcome, StoreError> {
        let metadata = to_json(&client.metadata, "registered_clients.metadata")?;
        run!(self, "add_registered_client", add, &client, &metadata, admission, now)
    }

    async fn registered_client(
        &self,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Option<RegisteredClient>, StoreError> {
        run!(self, "registered_client", find, client_id, now)
    }

    async fn is_being_removed(&self, client_id: &ClientId) -> Result<bool, StoreError> {
        run!(self, "is_being_removed", left_behind::is_of_client, client_id)
    }

    async fn registered_clients_page(
        &self,
        prefix: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<RegisteredClient>, StoreError> {
        run!(self, "registered_clients_page", page, prefix, after, limit)
    }

    async fn replace_registered_client(
        &self,
        client_id: &ClientId,
        management: TokenHash,
        metadata: Map<String, Value>,
        secret: Option<TokenHash>,
    ) -> Result<bool, StoreError> {
        let metadata = to_json(&metadata, "registered_clients.metadata")?;
        let changes =
            run!(self, "replace_registered_client", changes, client_id, management, &metadata)?;
        if changes == Some(true) {
            self.forget_consents(client_id).await?;
        }
        run!(
            self,
            "replace_registered_client",
            replace,
            client_id,
            management,
            &metadata,
            secret.as_ref()
        )
    }

    async fn registered_client_used(
        &self,
        client_id: &ClientId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "registered_client_used", used, client_id, until)
    }

    async fn add_registration_token(&self, token: RegistrationToken) -> Result<bool, StoreError> {
        run!(self, "add_registration_token", add_token, &token)
    }

    async fn registration_token_counts(
        &self,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "registration_token_counts", token_counts, token.as_bytes(), now)
    }

    async fn registration_tokens_page(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RegistrationToken>, StoreError> {
        run!(self, "registration_tokens_page", tokens, after.unwrap_or_default(), limit)
    }

    async fn remove_registration_token(&self, id: &str) -> Result<bool, StoreError> {
        run!(self, "remove_registration_token", remove_token, id)
    }
}

impl PostgresStore {
    /// Removes the consents to a client in pages. What is remembered meanwhile goes with the
    /// change.
    async fn forget_consents(&self, client_id: &ClientId) -> Result<(), StoreError> {
        let page = || async move {
            run!(self, "replace_registered_client", clients::forget_consents, client_id)
        };
        pages::run_all(pages::ROWS, page).await?;
        Ok(())
    }
}

/// Adds a client, and uses its token.
async fn add(
    connection: &Connection,
    client: &RegisteredClient,
    metadata: &str,
    admission: &Admission,
    now: Timestamp,
) -> Result<RegistrationOutcome, Failure> {
    connection.begin().await?;
    // Two transactions at once would each count without the other's client: one waits here.
    schema::lock(connection).await?;
    let unused = "SELECT 1 FROM registered_clients WHERE NOT used AND expires_at > $1
                  LIMIT 1 OFFSET $2";
    let others = i64::from(UNUSED_REGISTRATIONS - 1);
    if connection.first(unused, &[&now.seconds(), &others], |_| Ok(())).await?.is_some() {
        return Ok(RegistrationOutcome::TooMany);
    }
    let outcome = add_locked(connection, client, metadata, admission, now).await?;
    connection.commit().await?;
    Ok(outcome)
}

async fn add_locked(
    connection: &Connection,
    client: &RegisteredClient,
    metadata: &str,
    admission: &Admission,
    now: Timestamp,
) -> Result<RegistrationOutcome, Failure> {
    let token = admission.token.as_ref().map(|token| token.as_bytes().as_slice());
    if let Some(token) = token
        && !token_counts(connection, token, now).await?
    {
        return Ok(RegistrationOutcome::NoToken);
    }
    if left_behind::is_of_client(connection, &client.client_id).await? {
        return Err(Failure::Conflict(rules::IDENTIFIER_OF_ANOTHER.to_owned()));
    }
    if !insert(connection, client, metadata, admission, now).await? {
        return Ok(RegistrationOutcome::TooMany);
    }
    if let Some(token) = token {
        let sql = "UPDATE registration_tokens SET uses_left = uses_left - 1 WHERE hash = $1";
        connection.execute(sql, &[&token]).await?;
    }
    Ok(RegistrationOutcome::Added)
}

/// Whether an initial access token can be used.
async fn token_counts(
    connection: &Connection,
    token: &[u8],
    now: Timestamp,
) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM registration_tokens
               WHERE hash = $1 AND uses_left > 0 AND expires_at > $2";
    Ok(connection.first(sql, &[&token, &now.seconds()], |_| Ok(())).await?.is_some())
}

/// Adds a client, unless too many without use come from its address.
async fn insert(
    connection: &Connection,
    client: &RegisteredClient,
    metadata: &str,
    Admission { bound, .. }: &Admission,
    now: Timestamp,
) -> Result<bool, Failure> {
    let site = bound.site.as_ref().map(|site| site.as_bytes().as_slice());
    let added = connection
        .execute(
            "INSERT INTO registered_clients
                 (client_id, metadata, secret, management, issued_at, used, expires_at, origin,
                  site)
             SELECT $1, $2, $3::BYTEA, $4::BYTEA, $5::BIGINT, $6::BOOLEAN, $7::BIGINT, $8::BYTEA,
                 $9::BYTEA
             WHERE $10::BIGINT > (SELECT count(*) FROM registered_clients
                                  WHERE origin = $8 AND NOT used AND expires_at > $11)
               AND ($9::BYTEA IS NULL OR $12::BIGINT > (SELECT count(*) FROM registered_clients
                                  WHERE site = $9 AND NOT used AND expires_at > $11))",
            &[
                &client.client_id.as_str(),
                &metadata,
                &client.secret.as_ref().map(|hash| hash.as_bytes().as_slice()),
                &client.management.as_bytes().as_slice(),
                &client.issued_at.seconds(),
                &client.used,
                &client.expires_at.seconds(),
                &bound.origin.as_bytes().as_slice(),
                &site,
                &i64::from(bound.most),
                &now.seconds(),
                &i64::from(bound.most_of_site()),
            ],
        )
        .await?;
    Ok(added > 0)
}

/// The client, unless it has expired.
async fn find(
    connection: &Connection,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<Option<RegisteredClient>, Failure> {
    let sql = "SELECT client_id, metadata, secret, management, issued_at, used, expires_at
               FROM registered_clients WHERE client_id = $1 AND expires_at > $2";
    connection.first(sql, &[&client_id.as_str(), &now.seconds()], read::registered_client).await
}

/// A page of clients, by their identifiers.
pub(super) const PAGE: &str =
    "SELECT client_id, metadata, secret, management, issued_at, used, expires_at
     FROM registered_clients WHERE client_id >= $1 AND client_id < $2
     ORDER BY client_id LIMIT $3";

async fn page(
    connection: &Connection,
    prefix: &str,
    after: Option<&ClientId>,
    limit: u32,
) -> Result<Vec<RegisteredClient>, Failure> {
    let first = rules::first_of(prefix, after.map(ClientId::as_str));
    let end = rules::end_of(prefix);
    connection.all(PAGE, &[&first, &end, &i64::from(limit)], read::registered_client).await
}

/// Whether these are other metadata than those of the client that has this token. The client stays
/// as it is until the transaction ends.
async fn changes(
    connection: &Connection,
    client_id: &ClientId,
    management: TokenHash,
    metadata: &str,
) -> Result<Option<bool>, Failure> {
    let sql = "SELECT metadata <> $3 FROM registered_clients
               WHERE client_id = $1 AND management = $2 FOR UPDATE";
    let management = management.as_bytes().as_slice();
    let read = |row: &tokio_postgres::Row| row.boolean(0, "registered_clients.metadata");
    connection.first(sql, &[&client_id.as_str(), &management, &metadata], read).await
}

/// Replaces metadata and secret for whoever has the client's token. With other metadata, consents
/// to the client are forgotten.
async fn replace(
    connection: &Connection,
    client_id: &ClientId,
    management: TokenHash,
    metadata: &str,
    secret: Option<&TokenHash>,
) -> Result<bool, Failure> {
    connection.begin().await?;
    let changes = changes(connection, client_id, management, metadata).await?;
    if changes == Some(true) {
        let sql = "DELETE FROM consents WHERE client_id = $1";
        connection.execute(sql, &[&client_id.as_str()]).await?;
    }
    let sql = "UPDATE registered_clients SET metadata = $3, secret = $4
               WHERE client_id = $1 AND management = $2";
    let secret = secret.map(|hash| hash.as_bytes().as_slice());
    let management = management.as_bytes().as_slice();
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&client_id.as_str(), &management, &metadata, &secret];
    let replaced = connection.execute(sql, &params).await? > 0;
    connection.commit().await?;
    Ok(replaced)
}

/// Lets a client live longer.
async fn used(
    connection: &Connection,
    client_id: &ClientId,
    until: Timestamp,
) -> Result<(), Failure> {
    let sql = "UPDATE registered_clients SET used = true, expires_at = greatest(expires_at, $2)
               WHERE client_id = $1";
    connection.execute(sql, &[&client_id.as_str(), &until.seconds()]).await?;
    Ok(())
}

/// Adds an initial access token unless its name is taken.
async fn add_token(connection: &Connection, token: &RegistrationToken) -> Result<bool, Failure> {
    let added = connection
        .execute(
            "INSERT INTO registration_tokens (id, hash, note, uses_left, expires_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[
                &token.id,
                &token.hash.as_bytes().as_slice(),
                &token.note,
                &i64::from(token.uses_left),
                &token.expires_at.seconds(),
            ],
        )
        .await?;
    Ok(added > 0)
}

/// A page of initial access tokens.
async fn tokens(
    connection: &Connection,
    after: &str,
    limit: u32,
) -> Result<Vec<RegistrationToken>, Failure> {
    let sql = "SELECT id, hash, note, uses_left, expires_at FROM registration_tokens
               WHERE id > $1 ORDER BY id LIMIT $2";
    connection.all(sql, &[&after, &i64::from(limit)], read::registration_token).await
}

/// Removes an initial access token. Returns whether there was one.
async fn remove_token(connection: &Connection, id: &str) -> Result<bool, Failure> {
    if !can_hold(id) {
        return Ok(false);
    }
    Ok(connection.execute("DELETE FROM registration_tokens WHERE id = $1", &[&id]).await? > 0)
}

//! Rows of external identifiers.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::provisioning::{Provisioned, ProvisionedAs, ProvisionedKind},
    store::{ExternalIds, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run, schema, sql, users};
use crate::row::Row as _;

#[async_trait]
impl ExternalIds for PostgresStore {
    async fn set_external_id(
        &self,
        client_id: &ClientId,
        of: &Provisioned,
        external_id: Option<&str>,
    ) -> Result<(), StoreError> {
        run!(self, "set_external_id", set, client_id, of, external_id)
    }

    async fn external_ids(
        &self,
        client_id: &ClientId,
        kind: ProvisionedKind,
        ids: &[String],
    ) -> Result<Vec<(String, String)>, StoreError> {
        run!(self, "external_ids", of_page, client_id, kind, ids)
    }

    async fn with_external_id(
        &self,
        client_id: &ClientId,
        kind: ProvisionedKind,
        external_id: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        run!(self, "with_external_id", find, client_id, kind, external_id, limit)
    }
}

async fn set(
    connection: &Connection,
    client_id: &ClientId,
    of: &Provisioned,
    external_id: Option<&str>,
) -> Result<(), Failure> {
    let (client_id, kind, id) = (client_id.as_str(), of.kind().as_str(), of.id());
    let Some(external_id) = external_id else {
        let sql = "DELETE FROM external_ids WHERE client_id = $1 AND kind = $2 AND id = $3";
        connection.execute(sql, &[&client_id, &kind, &id]).await?;
        return Ok(());
    };
    connection.begin().await?;
    // No user is changed or removed under this lock, and no group under that of its row.
    schema::lock(connection).await?;
    let sql = match of {
        Provisioned::User(_) => {
            "INSERT INTO external_ids (client_id, kind, id, external_id)
             SELECT $1, $2, sub, $4 FROM users WHERE sub = $3
             ON CONFLICT (client_id, kind, id) DO UPDATE SET external_id = excluded.external_id"
        }
        Provisioned::Group(_) => {
            "WITH present AS (SELECT name AS id FROM user_groups WHERE name = $3 FOR KEY SHARE)
             INSERT INTO external_ids (client_id, kind, id, external_id)
             SELECT $1, $2, id, $4 FROM present
             ON CONFLICT (client_id, kind, id) DO UPDATE SET external_id = excluded.external_id"
        }
    };
    connection.execute(sql, &[&client_id, &kind, &id, &external_id]).await?;
    connection.commit().await
}

async fn of_page(
    connection: &Connection,
    client_id: &ClientId,
    kind: ProvisionedKind,
    ids: &[String],
) -> Result<Vec<(String, String)>, Failure> {
    let sql = "SELECT id, external_id FROM external_ids
               WHERE client_id = $1 AND kind = $2 AND id = ANY ($3)";
    connection
        .all(sql, &[&client_id.as_str(), &kind.as_str(), &ids], |row| {
            let id = row.string(0, "external_ids.id")?;
            Ok((id, row.string(1, "external_ids.external_id")?))
        })
        .await
}

/// What a client calls so. A client that was removed calls nothing any more.
async fn find(
    connection: &Connection,
    client_id: &ClientId,
    kind: ProvisionedKind,
    external_id: &str,
    limit: u32,
) -> Result<Vec<String>, Failure> {
    if !sql::can_hold(external_id) {
        return Ok(Vec::new());
    }
    let sql = "SELECT id FROM external_ids
               WHERE client_id = $1 AND kind = $2 AND external_id = $3
                   AND NOT EXISTS (SELECT 1 FROM left_behind l
                       WHERE l.kind = 'client' AND l.id = $1)
               ORDER BY id LIMIT $4";
    let read = |row: &tokio_postgres::Row| row.string(0, "external_ids.id");
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&client_id.as_str(), &kind.as_str(), &external_id, &i64::from(limit)];
    connection.all(sql, &params, read).await
}

/// Whether the client calls this user so, and nobody else, and the user waits for a first way in.
pub(super) async fn waits(
    connection: &Connection,
    sub: &Sub,
    ProvisionedAs { client, external_id }: &ProvisionedAs,
) -> Result<bool, Failure> {
    let called = find(connection, client, ProvisionedKind::User, external_id, 2).await?;
    let user = users::by_sub(connection, sub).await?;
    Ok(called == [sub.as_str()] && user.is_some_and(|user| user.waits_since_added_by(client)))
}

/// Forgets what clients call a user or a group that is removed.
pub(super) async fn remove_all(connection: &Connection, of: &Provisioned) -> Result<(), Failure> {
    let sql = "DELETE FROM external_ids WHERE kind = $1 AND id = $2";
    connection.execute(sql, &[&of.kind().as_str(), &of.id()]).await?;
    Ok(())
}

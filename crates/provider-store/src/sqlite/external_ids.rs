//! Rows of external identifiers.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::provisioning::{Provisioned, ProvisionedAs, ProvisionedKind},
    store::{ExternalIds, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
    users,
};
use crate::row::{Row as _, to_json};

#[async_trait]
impl ExternalIds for SqliteStore {
    async fn set_external_id(
        &self,
        client_id: &ClientId,
        of: &Provisioned,
        external_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let (client_id, of) = (client_id.clone(), of.clone());
        let external_id = external_id.map(str::to_owned);
        self.write("set_external_id", move |connection| {
            set(connection, &client_id, &of, external_id.as_deref())
        })
        .await
    }

    async fn external_ids(
        &self,
        client_id: &ClientId,
        kind: ProvisionedKind,
        ids: &[String],
    ) -> Result<Vec<(String, String)>, StoreError> {
        let (client_id, ids) = (client_id.clone(), to_json(&ids, "external_ids.id")?);
        self.read("external_ids", move |connection| {
            let sql = "SELECT id, external_id FROM external_ids
                       WHERE client_id = ?1 AND kind = ?2
                         AND id IN (SELECT value FROM json_each(?3))";
            let params = params![client_id.as_str(), kind.as_str(), ids];
            sql::all(connection, sql, params, |row| {
                let id = row.string(0, "external_ids.id")?;
                Ok((id, row.string(1, "external_ids.external_id")?))
            })
        })
        .await
    }

    async fn with_external_id(
        &self,
        client_id: &ClientId,
        kind: ProvisionedKind,
        external_id: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let (client_id, external_id) = (client_id.clone(), external_id.to_owned());
        self.read("with_external_id", move |connection| {
            find(connection, &client_id, kind, &external_id, limit)
        })
        .await
    }
}

/// What a client calls so. A client that was removed calls nothing any more.
fn find(
    connection: &Connection,
    client_id: &ClientId,
    kind: ProvisionedKind,
    external_id: &str,
    limit: u32,
) -> Result<Vec<String>, Failure> {
    let sql = "SELECT id FROM external_ids
               WHERE client_id = ?1 AND kind = ?2 AND external_id = ?3
                   AND NOT EXISTS (SELECT 1 FROM left_behind l
                       WHERE l.kind = 'client' AND l.id = ?1)
               ORDER BY id LIMIT ?4";
    let params = params![client_id.as_str(), kind.as_str(), external_id, limit];
    sql::all(connection, sql, params, |row| row.string(0, "external_ids.id"))
}

/// Whether the client calls this user so, and nobody else, and the user waits for a first way in.
pub(super) fn waits(
    connection: &Connection,
    sub: &Sub,
    ProvisionedAs { client, external_id }: &ProvisionedAs,
) -> Result<bool, Failure> {
    let called = find(connection, client, ProvisionedKind::User, external_id, 2)?;
    let user = users::by_sub(connection, sub)?;
    Ok(called == [sub.as_str()] && user.is_some_and(|user| user.waits_since_added_by(client)))
}

fn set(
    connection: &Connection,
    client_id: &ClientId,
    of: &Provisioned,
    external_id: Option<&str>,
) -> Result<(), Failure> {
    let (client_id, kind) = (client_id.as_str(), of.kind().as_str());
    let Some(external_id) = external_id else {
        let sql = "DELETE FROM external_ids WHERE client_id = ?1 AND kind = ?2 AND id = ?3";
        execute(connection, sql, [client_id, kind, of.id()])?;
        return Ok(());
    };
    let sql = match of {
        Provisioned::User(_) => {
            "INSERT INTO external_ids (client_id, kind, id, external_id)
             SELECT ?1, ?2, sub, ?4 FROM users WHERE sub = ?3
             ON CONFLICT (client_id, kind, id) DO UPDATE SET external_id = excluded.external_id"
        }
        Provisioned::Group(_) => {
            "INSERT INTO external_ids (client_id, kind, id, external_id)
             SELECT ?1, ?2, name, ?4 FROM user_groups WHERE name = ?3
             ON CONFLICT (client_id, kind, id) DO UPDATE SET external_id = excluded.external_id"
        }
    };
    execute(connection, sql, [client_id, kind, of.id(), external_id])?;
    Ok(())
}

/// Forgets what clients call a user or a group that is removed.
pub(super) fn remove_all(connection: &Connection, of: &Provisioned) -> Result<(), Failure> {
    let sql = "DELETE FROM external_ids WHERE kind = ?1 AND id = ?2";
    execute(connection, sql, [of.kind().as_str(), of.id()])?;
    Ok(())
}

//! Rows of audit records, of their chain, and of the webhook's progress.

use async_trait::async_trait;
use doorward_provider::{
    audit::{Chain, Cursor, Filter, FoundRecords, KeptRecord, Seal, SealedPlace, StampedRecord},
    model::{
        signing_key::SealedKey,
        time::{Seconds, Timestamp},
    },
    store::{AuditDelivery, AuditRecords, StoreError},
};
use rusqlite::{Connection, Params, params, params_from_iter, types};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::{
    record::audit,
    row::{ColumnError, Row as _},
};

#[async_trait]
impl AuditRecords for SqliteStore {
    async fn add_audit_records(&self, records: Vec<StampedRecord>) -> Result<(), StoreError> {
        self.write("add_audit_records", move |connection| add(connection, &records)).await
    }

    async fn audit_records(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<FoundRecords, StoreError> {
        let filter = filter.clone();
        self.read("audit_records", move |connection| page(connection, &filter, after, limit)).await
    }

    async fn count_audit_records(
        &self,
        event: &str,
        from: Timestamp,
        step: Seconds,
        most: u32,
    ) -> Result<Vec<(u32, u32)>, StoreError> {
        let event = event.to_owned();
        self.read("count_audit_records", move |connection| {
            steps(connection, &event, from, step, most)
        })
        .await
    }

    async fn audit_records_from(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<KeptRecord>, StoreError> {
        self.read("audit_records_from", move |connection| from(connection, after, limit)).await
    }

    async fn waiting_audit_records(&self, limit: u32) -> Result<Vec<KeptRecord>, StoreError> {
        self.read("waiting_audit_records", move |connection| waiting(connection, limit)).await
    }

    async fn sealed_audit_records(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SealedPlace>, StoreError> {
        self.read("sealed_audit_records", move |connection| places(connection, after, limit)).await
    }

    async fn audit_chain(&self) -> Result<Option<Chain>, StoreError> {
        self.read("audit_chain", chain).await
    }

    async fn seal_audit_records(
        &self,
        found: Option<[u8; 32]>,
        chain: Chain,
        seals: Vec<Seal>,
    ) -> Result<bool, StoreError> {
        self.write("seal_audit_records", move |connection| seal(connection, found, &chain, &seals))
            .await
    }

    async fn remove_audit_records(
        &self,
        found: [u8; 32],
        chain: Chain,
    ) -> Result<bool, StoreError> {
        self.write("remove_audit_records", move |connection| remove(connection, found, &chain))
            .await
    }

    async fn audit_key(&self, offered: SealedKey) -> Result<SealedKey, StoreError> {
        self.write("audit_key", move |connection| adopt_key(connection, &offered)).await
    }

    async fn reseal_audit_key(
        &self,
        before: SealedKey,
        after: SealedKey,
    ) -> Result<bool, StoreError> {
        self.write("reseal_audit_key", move |connection| {
            let sql = "UPDATE audit_key SET sealed = ?2 WHERE id = 1 AND sealed = ?1";
            Ok(execute(connection, sql, [before.as_bytes(), after.as_bytes()])? > 0)
        })
        .await
    }

    async fn claim_audit_delivery(
        &self,
        begin: i64,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Option<AuditDelivery>, StoreError> {
        self.write("claim_audit_delivery", move |connection| {
            claim(connection, begin, now, due_again)
        })
        .await
    }

    async fn audit_records_delivered(
        &self,
        position: i64,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        self.write("audit_records_delivered", move |connection| {
            let sql = "UPDATE audit_delivery SET position = max(position, ?1), attempts = 0,
                           due_at = ?2 WHERE id = 1";
            execute(connection, sql, [position, due.seconds()]).map(drop)
        })
        .await
    }

    async fn audit_delivery_failed(&self, next_try: Timestamp) -> Result<(), StoreError> {
        self.write("audit_delivery_failed", move |connection| {
            let sql = "UPDATE audit_delivery SET due_at = ?1 WHERE id = 1";
            execute(connection, sql, [next_try.seconds()]).map(drop)
        })
        .await
    }
}

/// Adds records that are not there yet. Each waits for its seal.
fn add(connection: &Connection, records: &[StampedRecord]) -> Result<(), Failure> {
    for StampedRecord { id, at, record, mac } in records {
        let object = record.object.as_ref();
        let added = execute(
            connection,
            "INSERT INTO audit_records (id, at, event, outcome, actor_kind, actor, sub, object_kind,
                 object, client_id, address, user_agent, request_id, data, mac)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (id) DO NOTHING",
            params![
                id,
                at.seconds(),
                record.event,
                record.outcome.as_str(),
                record.actor.kind.as_str(),
                record.actor.name,
                record.sub,
                object.map(|object| &object.kind),
                object.map(|object| &object.name),
                record.client_id,
                record.address,
                record.user_agent,
                record.request_id,
                record.data.as_str(),
                mac
            ],
        )?;
        if added > 0 {
            let number = connection.last_insert_rowid();
            execute(connection, "INSERT INTO audit_waiting (number) VALUES (?1)", [number])?;
        }
    }
    Ok(())
}

/// The `+` keeps SQLite from an index on what follows.
pub(super) const DIALECT: audit::Dialect =
    audit::Dialect { parameter: '?', time: "r.at", follow: |column| format!("+{column}") };

/// A page of the records that meet a filter.
fn page(
    connection: &Connection,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<FoundRecords, Failure> {
    let mut search = audit::Search::new(filter, after, limit);
    while let Some(step) = search.step(DIALECT) {
        let boundary = match step.boundary {
            Some((sql, values)) => {
                sql::first(connection, &sql, parameters(values), |row| audit::cursor(row))?
            }
            None => None,
        };
        let (sql, values) = search.records(boundary, DIALECT);
        let records = sql::all(connection, &sql, parameters(values), |row| audit::kept(row))?;
        search.take(records, boundary);
    }
    Ok(search.end())
}

/// Records of an event by steps of time, from the index alone.
fn steps(
    connection: &Connection,
    event: &str,
    from: Timestamp,
    step: Seconds,
    most: u32,
) -> Result<Vec<(u32, u32)>, Failure> {
    let sql = "SELECT (at - ?2) / ?3 AS step, count(*) FROM
                   (SELECT at FROM audit_records WHERE event = ?1 AND at >= ?2
                    ORDER BY at DESC LIMIT ?4)
               GROUP BY step ORDER BY step";
    let values = params![event, from.seconds(), step.get(), most];
    sql::all(connection, sql, values, |row| audit::step(row))
}

/// The values of a statement.
pub(super) fn parameters(values: Vec<audit::Value>) -> impl Params {
    params_from_iter(values.into_iter().map(|value| match value {
        audit::Value::Text(text) => types::Value::Text(text),
        audit::Value::Integer(integer) => types::Value::Integer(integer),
    }))
}

/// A page of the records by their numbers.
fn from(connection: &Connection, after: i64, limit: u32) -> Result<Vec<KeptRecord>, Failure> {
    let sql = format!(
        "SELECT {} FROM audit_records r LEFT JOIN audit_seals s ON s.number = r.number
         WHERE r.number > ?1 ORDER BY r.number LIMIT ?2",
        audit::COLUMNS
    );
    sql::all(connection, &sql, params![after, limit], |row| audit::kept(row))
}

/// Records that wait, the first ones first.
fn waiting(connection: &Connection, limit: u32) -> Result<Vec<KeptRecord>, Failure> {
    let sql = format!(
        "SELECT {} FROM audit_waiting w JOIN audit_records r ON r.number = w.number
         LEFT JOIN audit_seals s ON s.number = r.number ORDER BY w.number LIMIT ?1",
        audit::COLUMNS
    );
    sql::all(connection, &sql, [limit], |row| audit::kept(row))
}

/// A page of the chain.
fn places(connection: &Connection, after: i64, limit: u32) -> Result<Vec<SealedPlace>, Failure> {
    let sql = format!(
        "SELECT {}, s.number FROM audit_seals s LEFT JOIN audit_records r ON r.number = s.number
         WHERE s.position > ?1 ORDER BY s.position LIMIT ?2",
        audit::COLUMNS
    );
    sql::all(connection, &sql, params![after, limit], |row| audit::place(row))
}

/// The chain.
fn chain(connection: &Connection) -> Result<Option<Chain>, Failure> {
    let sql = "SELECT base_position, base_link, head_position, head_link, proof FROM audit_chain
               WHERE id = 1";
    sql::first(connection, sql, [], |row| audit::chain(row))
}

/// Writes the ends of the chain if they are still those that were found.
fn move_ends(
    connection: &Connection,
    found: Option<[u8; 32]>,
    chain: &Chain,
) -> Result<bool, Failure> {
    let Chain { base, head, proof } = chain;
    let sql = match found {
        None => {
            "INSERT INTO audit_chain (id, base_position, base_link, head_position, head_link, proof)
             VALUES (1, ?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING"
        }
        Some(_) => {
            "UPDATE audit_chain SET base_position = ?1, base_link = ?2, head_position = ?3,
                 head_link = ?4, proof = ?5 WHERE id = 1 AND proof = ?6"
        }
    };
    let ends = params![base.position, base.link, head.position, head.link, proof];
    let moved = match found {
        None => execute(connection, sql, ends)?,
        Some(found) => {
            let ends = params![base.position, base.link, head.position, head.link, proof, found];
            execute(connection, sql, ends)?
        }
    };
    Ok(moved > 0)
}

/// Seals records, unless somebody else moved the chain on.
fn seal(
    connection: &Connection,
    found: Option<[u8; 32]>,
    chain: &Chain,
    seals: &[Seal],
) -> Result<bool, Failure> {
    if !move_ends(connection, found, chain)? {
        return Ok(false);
    }
    for Seal { position, number, link } in seals {
        let sql = "INSERT INTO audit_seals (position, number, link) VALUES (?1, ?2, ?3)";
        execute(connection, sql, params![position, number, link])?;
        execute(connection, "DELETE FROM audit_waiting WHERE number = ?1", [number])?;
    }
    Ok(true)
}

/// Removes the records up to the base of the chain.
fn remove(connection: &Connection, found: [u8; 32], chain: &Chain) -> Result<bool, Failure> {
    if !move_ends(connection, Some(found), chain)? {
        return Ok(false);
    }
    let base = [chain.base.position];
    let sql = "DELETE FROM audit_records
               WHERE number IN (SELECT number FROM audit_seals WHERE position <= ?1)";
    execute(connection, sql, base)?;
    execute(connection, "DELETE FROM audit_seals WHERE position <= ?1", base)?;
    Ok(true)
}

/// The key that is there, which is the offered one if there was none.
fn adopt_key(connection: &Connection, offered: &SealedKey) -> Result<SealedKey, Failure> {
    let sql = "INSERT INTO audit_key (id, sealed) VALUES (1, ?1) ON CONFLICT DO NOTHING";
    execute(connection, sql, [offered.as_bytes()])?;
    let sql = "SELECT sealed FROM audit_key WHERE id = 1";
    let key = sql::first(connection, sql, [], |row| {
        Ok(SealedKey::from_bytes(row.bytes(0, "audit_key.sealed")?.to_vec()))
    })?;
    Ok(key.ok_or(ColumnError::Unreadable("audit_key.sealed"))?)
}

/// Takes the delivery if it is due.
fn claim(
    connection: &Connection,
    begin: i64,
    now: Timestamp,
    due_again: Timestamp,
) -> Result<Option<AuditDelivery>, Failure> {
    let sql = "INSERT INTO audit_delivery (id, position, attempts, due_at) VALUES (1, ?1, 0, ?2)
               ON CONFLICT DO NOTHING";
    execute(connection, sql, [begin, now.seconds()])?;
    sql::first(
        connection,
        "UPDATE audit_delivery SET attempts = attempts + 1, due_at = ?2
         WHERE id = 1 AND due_at <= ?1 RETURNING position, attempts",
        [now.seconds(), due_again.seconds()],
        |row| {
            Ok(AuditDelivery {
                position: row.integer(0, "audit_delivery.position")?,
                attempts: row.count(1, "audit_delivery.attempts")?,
            })
        },
    )
}

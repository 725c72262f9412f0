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
use tokio_postgres::types::ToSql;

use super::{PostgresStore, connection::Connection, failure::Failure, run};
use crate::{
    record::audit,
    row::{ColumnError, Row as _},
};

#[async_trait]
impl AuditRecords for PostgresStore {
    async fn add_audit_records(&self, records: Vec<StampedRecord>) -> Result<(), StoreError> {
        run!(self, "add_audit_records", add, &records)
    }

    async fn audit_records(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<FoundRecords, StoreError> {
        run!(self, "audit_records", page, filter, after, limit)
    }

    async fn count_audit_records(
        &self,
        event: &str,
        from: Timestamp,
        step: Seconds,
        most: u32,
    ) -> Result<Vec<(u32, u32)>, StoreError> {
        run!(self, "count_audit_records", steps, event, from, step, most)
    }

    async fn audit_records_from(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<KeptRecord>, StoreError> {
        run!(self, "audit_records_from", from, after, limit)
    }

    async fn waiting_audit_records(&self, limit: u32) -> Result<Vec<KeptRecord>, StoreError> {
        run!(self, "waiting_audit_records", waiting, limit)
    }

    async fn sealed_audit_records(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SealedPlace>, StoreError> {
        run!(self, "sealed_audit_records", places, after, limit)
    }

    async fn audit_chain(&self) -> Result<Option<Chain>, StoreError> {
        run!(self, "audit_chain", chain)
    }

    async fn seal_audit_records(
        &self,
        found: Option<[u8; 32]>,
        chain: Chain,
        seals: Vec<Seal>,
    ) -> Result<bool, StoreError> {
        run!(self, "seal_audit_records", seal, found, &chain, &seals)
    }

    async fn remove_audit_records(
        &self,
        found: [u8; 32],
        chain: Chain,
    ) -> Result<bool, StoreError> {
        run!(self, "remove_audit_records", remove, found, &chain)
    }

    async fn audit_key(&self, offered: SealedKey) -> Result<SealedKey, StoreError> {
        run!(self, "audit_key", adopt_key, &offered)
    }

    async fn reseal_audit_key(
        &self,
        before: SealedKey,
        after: SealedKey,
    ) -> Result<bool, StoreError> {
        run!(self, "reseal_audit_key", reseal_key, &before, &after)
    }

    async fn claim_audit_delivery(
        &self,
        begin: i64,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Option<AuditDelivery>, StoreError> {
        run!(self, "claim_audit_delivery", claim, begin, now, due_again)
    }

    async fn audit_records_delivered(
        &self,
        position: i64,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "audit_records_delivered", delivered, position, due)
    }

    async fn audit_delivery_failed(&self, next_try: Timestamp) -> Result<(), StoreError> {
        run!(self, "audit_delivery_failed", failed, next_try)
    }
}

/// Adds records that are not there yet. Each waits for its seal. The columns come as arrays, so
/// that many records are one statement.
async fn add(connection: &Connection, records: &[StampedRecord]) -> Result<(), Failure> {
    let column = |read: fn(&StampedRecord) -> Option<&str>| -> Vec<Option<&str>> {
        records.iter().map(read).collect()
    };
    let at: Vec<i64> = records.iter().map(|stamped| stamped.at.seconds()).collect();
    let mac: Vec<&[u8]> = records.iter().map(|stamped| stamped.mac.as_slice()).collect();
    connection
        .execute(
            "WITH added AS (
                 INSERT INTO audit_records (id, at, mac, event, outcome, actor_kind, actor, sub,
                     object_kind, object, client_id, address, user_agent, request_id, data)
                 SELECT * FROM unnest($1::TEXT[], $2::BIGINT[], $3::BYTEA[], $4::TEXT[],
                     $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[],
                     $11::TEXT[], $12::TEXT[], $13::TEXT[], $14::TEXT[], $15::TEXT[])
                 ON CONFLICT (id) DO NOTHING RETURNING number
             )
             INSERT INTO audit_waiting (number) SELECT number FROM added",
            &[
                &column(|stamped| Some(&stamped.id)),
                &at,
                &mac,
                &column(|stamped| Some(&stamped.record.event)),
                &column(|stamped| Some(stamped.record.outcome.as_str())),
                &column(|stamped| Some(stamped.record.actor.kind.as_str())),
                &column(|stamped| stamped.record.actor.name.as_deref()),
                &column(|stamped| stamped.record.sub.as_deref()),
                &column(|stamped| stamped.record.object.as_ref().map(|object| &*object.kind)),
                &column(|stamped| stamped.record.object.as_ref().map(|object| &*object.name)),
                &column(|stamped| stamped.record.client_id.as_deref()),
                &column(|stamped| stamped.record.address.as_deref()),
                &column(|stamped| stamped.record.user_agent.as_deref()),
                &column(|stamped| stamped.record.request_id.as_deref()),
                &column(|stamped| Some(stamped.record.data.as_str())),
            ],
        )
        .await?;
    Ok(())
}

/// A page of the records that meet a filter.
async fn page(
    connection: &Connection,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<FoundRecords, Failure> {
    let mut search = audit::Search::new(filter, after, limit);
    while let Some(step) = search.step(DIALECT) {
        let boundary = match step.boundary {
            Some((sql, values)) => {
                connection.first(&sql, &parameters(&values), audit::cursor).await?
            }
            None => None,
        };
        let (sql, values) = search.records(boundary, DIALECT);
        let records = connection.all(&sql, &parameters(&values), audit::kept).await?;
        search.take(records, boundary);
    }
    Ok(search.end())
}

/// Records of an event by steps of time, from the index alone.
async fn steps(
    connection: &Connection,
    event: &str,
    from: Timestamp,
    step: Seconds,
    most: u32,
) -> Result<Vec<(u32, u32)>, Failure> {
    let sql = "SELECT (at - $2) / $3 AS step, count(*) FROM
                   (SELECT at FROM audit_records WHERE event = $1 AND at >= $2
                    ORDER BY at DESC LIMIT $4) AS latest
               GROUP BY step ORDER BY step";
    let step = i64::from(step.get());
    connection.all(sql, &[&event, &from.seconds(), &step, &i64::from(most)], audit::step).await
}

/// PostgreSQL guesses by its statistics where records of several columns are, and reads all records
/// where it is wrong. So no index can be used but that of the leading column.
pub(super) const DIALECT: audit::Dialect = audit::Dialect {
    parameter: '$',
    time: "(r.at + 0)",
    follow: |column| format!("({column} || '')"),
};

/// The values of a statement.
pub(super) fn parameters(values: &[audit::Value]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| match value {
            audit::Value::Text(text) => text as &(dyn ToSql + Sync),
            audit::Value::Integer(integer) => integer,
        })
        .collect()
}

/// A page of the records by their numbers.
async fn from(connection: &Connection, after: i64, limit: u32) -> Result<Vec<KeptRecord>, Failure> {
    let sql = format!(
        "SELECT {} FROM audit_records r LEFT JOIN audit_seals s ON s.number = r.number
         WHERE r.number > $1 ORDER BY r.number LIMIT $2",
        audit::COLUMNS
    );
    connection.all(&sql, &[&after, &i64::from(limit)], audit::kept).await
}

/// Records that wait, the first ones first.
async fn waiting(connection: &Connection, limit: u32) -> Result<Vec<KeptRecord>, Failure> {
    let sql = format!(
        "SELECT {} FROM audit_waiting w JOIN audit_records r ON r.number = w.number
         LEFT JOIN audit_seals s ON s.number = r.number ORDER BY w.number LIMIT $1",
        audit::COLUMNS
    );
    connection.all(&sql, &[&i64::from(limit)], audit::kept).await
}

/// A page of the chain.
async fn places(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> Result<Vec<SealedPlace>, Failure> {
    let sql = format!(
        "SELECT {}, s.number FROM audit_seals s LEFT JOIN audit_records r ON r.number = s.number
         WHERE s.position > $1 ORDER BY s.position LIMIT $2",
        audit::COLUMNS
    );
    connection.all(&sql, &[&after, &i64::from(limit)], audit::place).await
}

/// The chain.
async fn chain(connection: &Connection) -> Result<Option<Chain>, Failure> {
    let sql = "SELECT base_position, base_link, head_position, head_link, proof FROM audit_chain
               WHERE id = 1";
    connection.first(sql, &[], audit::chain).await
}

/// Writes the ends of the chain if they are still those that were found.
async fn move_ends(
    connection: &Connection,
    found: Option<[u8; 32]>,
    Chain { base, head, proof }: &Chain,
) -> Result<bool, Failure> {
    let (base_link, head_link) = (base.link.as_slice(), head.link.as_slice());
    let proof = proof.as_slice();
    let moved = if let Some(found) = found {
        connection
            .execute(
                "UPDATE audit_chain SET base_position = $1, base_link = $2, head_position = $3,
                     head_link = $4, proof = $5 WHERE id = 1 AND proof = $6",
                &[
                    &base.position,
                    &base_link,
                    &head.position,
                    &head_link,
                    &proof,
                    &found.as_slice(),
                ],
            )
            .await?
    } else {
        connection
            .execute(
                "INSERT INTO audit_chain (id, base_position, base_link, head_position, head_link,
                     proof)
                 VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                &[&base.position, &base_link, &head.position, &head_link, &proof],
            )
            .await?
    };
    Ok(moved > 0)
}

/// Seals records, unless somebody else moved the chain on.
async fn seal(
    connection: &Connection,
    found: Option<[u8; 32]>,
    chain: &Chain,
    seals: &[Seal],
) -> Result<bool, Failure> {
    connection.begin().await?;
    if !move_ends(connection, found, chain).await? {
        return Ok(false);
    }
    let positions: Vec<i64> = seals.iter().map(|seal| seal.position).collect();
    let numbers: Vec<i64> = seals.iter().map(|seal| seal.number).collect();
    let links: Vec<&[u8]> = seals.iter().map(|seal| seal.link.as_slice()).collect();
    let sql = "INSERT INTO audit_seals (position, number, link)
               SELECT * FROM unnest($1::BIGINT[], $2::BIGINT[], $3::BYTEA[])";
    connection.execute(sql, &[&positions, &numbers, &links]).await?;
    let sql = "DELETE FROM audit_waiting WHERE number = ANY($1::BIGINT[])";
    connection.execute(sql, &[&numbers]).await?;
    connection.commit().await?;
    Ok(true)
}

/// Removes the records up to the base of the chain.
async fn remove(connection: &Connection, found: [u8; 32], chain: &Chain) -> Result<bool, Failure> {
    connection.begin().await?;
    if !move_ends(connection, Some(found), chain).await? {
        return Ok(false);
    }
    let sql = "DELETE FROM audit_records
               WHERE number IN (SELECT number FROM audit_seals WHERE position <= $1)";
    connection.execute(sql, &[&chain.base.position]).await?;
    let sql = "DELETE FROM audit_seals WHERE position <= $1";
    connection.execute(sql, &[&chain.base.position]).await?;
    connection.commit().await?;
    Ok(true)
}

/// The key that is there, which is the offered one if there was none.
async fn adopt_key(connection: &Connection, offered: &SealedKey) -> Result<SealedKey, Failure> {
    let sql = "INSERT INTO audit_key (id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING";
    connection.execute(sql, &[&offered.as_bytes()]).await?;
    let sql = "SELECT sealed FROM audit_key WHERE id = 1";
    let read = |row: &tokio_postgres::Row| {
        Ok(SealedKey::from_bytes(row.bytes(0, "audit_key.sealed")?.to_vec()))
    };
    let key = connection.first(sql, &[], read).await?;
    Ok(key.ok_or(ColumnError::Unreadable("audit_key.sealed"))?)
}

async fn reseal_key(
    connection: &Connection,
    before: &SealedKey,
    after: &SealedKey,
) -> Result<bool, Failure> {
    let sql = "UPDATE audit_key SET sealed = $2 WHERE id = 1 AND sealed = $1";
    Ok(connection.execute(sql, &[&before.as_bytes(), &after.as_bytes()]).await? > 0)
}

/// Takes the delivery if it is due.
async fn claim(
    connection: &Connection,
    begin: i64,
    now: Timestamp,
    due_again: Timestamp,
) -> Result<Option<AuditDelivery>, Failure> {
    let sql = "INSERT INTO audit_delivery (id, position, attempts, due_at) VALUES (1, $1, 0, $2)
               ON CONFLICT DO NOTHING";
    connection.execute(sql, &[&begin, &now.seconds()]).await?;
    connection
        .first(
            "UPDATE audit_delivery SET attempts = attempts + 1, due_at = $2
             WHERE id = 1 AND due_at <= $1 RETURNING position, attempts",
            &[&now.seconds(), &due_again.seconds()],
            |row| {
                Ok(AuditDelivery {
                    position: row.integer(0, "audit_delivery.position")?,
                    attempts: row.count(1, "audit_delivery.attempts")?,
                })
            },
        )
        .await
}

async fn delivered(connection: &Connection, position: i64, due: Timestamp) -> Result<(), Failure> {
    let sql = "UPDATE audit_delivery SET position = greatest(position, $1), attempts = 0,
                   due_at = $2 WHERE id = 1";
    connection.execute(sql, &[&position, &due.seconds()]).await?;
    Ok(())
}

async fn failed(connection: &Connection, next_try: Timestamp) -> Result<(), Failure> {
    let sql = "UPDATE audit_delivery SET due_at = $1 WHERE id = 1";
    connection.execute(sql, &[&next_try.seconds()]).await?;
    Ok(())
}

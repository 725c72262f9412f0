//! The removal of expired rows. The store on SQLite says why each kind is kept as long as it is.

use std::time::Instant;

use async_trait::async_trait;
use doorward_provider::{
    model::{account_event, grant::LONGEST_GRACE, throttle, time::Timestamp},
    store::{Maintenance, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, left_behind, run, schema};
use crate::{left_behind::put_off_until, pages, rules::EXPIRED_DEVICE_CODE_KEPT};

#[async_trait]
impl Maintenance for PostgresStore {
    async fn remove_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.check_clock(now).await?;
        let mut removed = 0;
        // A command a kind, so that others need not wait for all of them.
        for &kind in KINDS {
            let page = async { run!(self, "remove_expired", remove, kind, now, limit) };
            removed += pages::paced(page).await?;
        }
        Ok(removed)
    }

    async fn remove_left_behind(&self, now: Timestamp) -> Result<u64, StoreError> {
        // Seldom is anything left, and a look needs no transaction.
        if !run!(self, "remove_left_behind", left_behind::is_due, now)? {
            return Ok(0);
        }
        self.check_clock(now).await?;
        let page = async { run!(self, "remove_left_behind", left_behind::remove_page, now) };
        let removed = pages::paced(Box::pin(page)).await;
        if let Some(until) = removed.as_ref().err().and_then(|error| put_off_until(error, now)) {
            run!(self, "remove_left_behind", left_behind::put_off, until, now)?;
        }
        removed
    }

    async fn check_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        let began = Instant::now();
        let check = || async {
            let connection = self.connection().await?;
            // A wait for a connection must not count as a wrong clock.
            let waited = u32::try_from(began.elapsed().as_secs()).unwrap_or(u32::MAX);
            self.clock.check(&connection, now.plus(waited)).await
        };
        self.run("check_clock", check).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        run!(self, "ping", schema::ping)
    }

    async fn answers_queries(&self) -> Result<(), StoreError> {
        run!(self, "answers_queries", schema::answers_queries)
    }
}

/// Removes rows of a table, found by its key, whose column is at most `$1`: `$2` at a time. Rows
/// that another process is removing are left to it.
macro_rules! removal {
    ($table:literal, $key:literal, $expiry:literal) => {
        concat!(
            "WITH ended AS (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $expiry,
            " <= $1 ORDER BY ",
            $expiry,
            " LIMIT $2 FOR UPDATE SKIP LOCKED), gone AS (DELETE FROM ",
            $table,
            " WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ended) RETURNING 1) SELECT count(*) FROM gone"
        )
    };
}

/// A kind of row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    remove: &'static str,
    /// Seconds that a row is kept beyond its expiry.
    kept_longer: u32,
}

const fn kind(remove: &'static str) -> Kind {
    Kind { remove, kept_longer: 0 }
}

/// Every kind of row that expires.
pub(super) const KINDS: &[Kind] = &[
    kind(removal!("pushed_requests", "hash", "expires_at")),
    Kind {
        remove: removal!("device_codes", "hash", "expires_at"),
        kept_longer: EXPIRED_DEVICE_CODE_KEPT,
    },
    kind(removal!("codes", "hash", "keep_until")),
    // Used just before its end, it may be used once more.
    Kind {
        remove: removal!("refresh_tokens", "hash", "expires_at"),
        kept_longer: LONGEST_GRACE.get(),
    },
    kind(removal!("grants", "id", "expires_at")),
    kind(removal!("reference_tokens", "hash", "expires_at")),
    // With a session goes what its clients were, unless it goes on under another cookie.
    kind(
        "WITH ended AS (
             SELECT cookie_hash FROM sessions WHERE expires_at <= $1
                 AND NOT EXISTS (SELECT 1 FROM left_behind l
                     WHERE l.kind = 'user' AND l.id = sessions.sub)
                 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ), gone AS (
             DELETE FROM sessions WHERE cookie_hash IN (SELECT cookie_hash FROM ended)
             RETURNING sid
         ), left_alone AS (
             DELETE FROM session_clients c
             WHERE c.sid IN (SELECT sid FROM gone)
               AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.sid = c.sid AND s.expires_at > $1)
         )
         SELECT count(*) FROM gone",
    ),
    kind(removal!("upstream_id_tokens", "issuer, subject, sid", "expires_at")),
    kind(removal!("logout_notices", "id", "expires_at")),
    kind(removal!("consents", "sub, client_id", "expires_at")),
    kind(removal!("single_uses", "identity", "forgettable_at")),
    // The last failure itself is remembered to its last second.
    Kind { remove: removal!("failed_sign_ins", "key", "last + memory"), kept_longer: 1 },
    Kind {
        remove: removal!("known_sign_ins", "key", "last"),
        kept_longer: throttle::KNOWN_FOR.get() + 1,
    },
    kind(removal!("tickets", "hash", "expires_at")),
    kind(removal!("registered_clients", "client_id", "expires_at")),
    kind(removal!("registration_tokens", "id", "expires_at")),
    kind(removal!("idempotency_keys", "key", "expires_at")),
    kind(removal!("outbox", "id", "expires_at")),
    Kind {
        remove: removal!("account_events", "number", "at"),
        kept_longer: account_event::KEPT_FOR.get(),
    },
];

/// Removes at most `limit` rows of a kind; returns how many went.
async fn remove(
    connection: &Connection,
    kind: Kind,
    now: Timestamp,
    limit: u32,
) -> Result<u64, Failure> {
    let ended_by = now.seconds().saturating_sub(i64::from(kind.kept_longer));
    // As a number in the text: for an unknown limit the planner would read the whole table.
    let sql = kind.remove.replace("LIMIT $2", &format!("LIMIT {limit}"));
    let gone = connection.count(&sql, &[&ended_by]).await?;
    Ok(u64::try_from(gone).unwrap_or(0))
}

//! The removal of expired rows.
//!
//! A redeemed code is kept for an hour beyond its expiry, so that a replay can be recognised. A
//! revoked grant is kept until it expires for the same reason. A consumed refresh token is removed
//! when its successor is consumed, or else when the longest grace time after its expiry is over:
//! from then on a replay is recognised by the family that the token names. The sessions of a user
//! who was disabled end in their own way, with notices for their clients, even if they have expired
//! meanwhile.

use std::time::Duration;

use async_trait::async_trait;
use doorward_provider::{
    model::{account_event, grant::LONGEST_GRACE, throttle, time::Timestamp},
    store::{Maintenance, StoreError},
};
use rusqlite::{Connection, params};
use tokio::time::timeout;

use super::{SqliteStore, failure::Failure, left_behind, sql::execute};
use crate::{left_behind::put_off_until, pages, rules::EXPIRED_DEVICE_CODE_KEPT};

/// How long the readiness check waits for the writer.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

#[async_trait]
impl Maintenance for SqliteStore {
    async fn remove_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut removed = 0;
        // A command a kind, so that others need not wait for all of them.
        for &kind in KINDS {
            let page = self
                .write("remove_expired", move |connection| remove(connection, kind, now, limit));
            removed += pages::paced(page).await?;
        }
        Ok(removed)
    }

    async fn remove_left_behind(&self, now: Timestamp) -> Result<u64, StoreError> {
        // Seldom is anything left, and a look costs no commit.
        let look = move |connection: &Connection| left_behind::is_due(connection, now);
        if !self.read("remove_left_behind", look).await? {
            return Ok(0);
        }
        let page = self.write("remove_left_behind", move |connection| {
            left_behind::remove_page(connection, now)
        });
        let removed = pages::paced(page).await;
        if let Some(until) = removed.as_ref().err().and_then(|error| put_off_until(error, now)) {
            let put_off =
                move |connection: &Connection| left_behind::put_off(connection, until, now);
            self.write("remove_left_behind", put_off).await?;
        }
        removed
    }

    async fn check_clock(&self, _now: Timestamp) -> Result<(), StoreError> {
        // The processes on a SQLite file share one machine, and so one clock.
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Through the writer: it must be alive and get the file's write lock.
        let ping = self.write("ping", select);
        // Sooner than a probe gives up.
        timeout(PING_TIMEOUT, ping).await.unwrap_or_else(|_| {
            let problem = "the database does not answer: another process holds its lock";
            Err(StoreError::Unavailable(problem.to_owned()))
        })
    }

    async fn answers_queries(&self) -> Result<(), StoreError> {
        self.read("answers_queries", select).await
    }
}

/// The shortest query that reads the file.
fn select(connection: &Connection) -> Result<(), Failure> {
    Ok(connection.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(()))?)
}

/// A kind of row that expires at `?1`. At most `?2` rows are removed at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// What hangs on the rows and goes with them.
    delete_before: Option<&'static str>,
    delete: &'static str,
    /// Seconds that a row is kept beyond its expiry.
    kept_longer: u32,
}

/// Every kind of row that expires.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        delete_before: None,
        delete: "DELETE FROM pushed_requests
                 WHERE rowid IN (SELECT rowid FROM pushed_requests WHERE expires_at <= ?1
                     LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM device_codes
                 WHERE rowid IN (SELECT rowid FROM device_codes WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: EXPIRED_DEVICE_CODE_KEPT,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM codes WHERE rowid IN (SELECT rowid FROM codes
            WHERE keep_until <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM refresh_tokens
                 WHERE hash IN (SELECT hash FROM refresh_tokens WHERE expires_at <= ?1 LIMIT ?2)",
        // Used just before its end, it may be used once more.
        kept_longer: LONGEST_GRACE.get(),
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM grants WHERE rowid IN (SELECT rowid FROM grants
            WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM reference_tokens
                 WHERE rowid IN (SELECT rowid FROM reference_tokens WHERE expires_at <= ?1
                     LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: Some(
            "DELETE FROM session_clients
             WHERE sid IN (SELECT sid FROM sessions WHERE expires_at <= ?1
                 AND NOT EXISTS (SELECT 1 FROM left_behind l
                     WHERE l.kind = 'user' AND l.id = sessions.sub)
                 ORDER BY expires_at, cookie_hash LIMIT ?2)
               AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.sid = session_clients.sid
                   AND s.expires_at > ?1)",
        ),
        delete: "DELETE FROM sessions
                 WHERE cookie_hash IN (SELECT cookie_hash FROM sessions WHERE expires_at <= ?1
                     AND NOT EXISTS (SELECT 1 FROM left_behind l
                         WHERE l.kind = 'user' AND l.id = sessions.sub)
                     ORDER BY expires_at, cookie_hash LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM upstream_id_tokens
                 WHERE rowid IN (SELECT rowid FROM upstream_id_tokens WHERE expires_at <= ?1
                     LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM logout_notices
                 WHERE id IN (SELECT id FROM logout_notices WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM consents
                 WHERE (sub, client_id) IN (SELECT sub, client_id FROM consents
                     WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM single_uses
                 WHERE identity IN (SELECT identity FROM single_uses
                     WHERE forgettable_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM failed_sign_ins
                 WHERE key IN (SELECT key FROM failed_sign_ins WHERE last + memory < ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM known_sign_ins
                 WHERE key IN (SELECT key FROM known_sign_ins WHERE last < ?1 LIMIT ?2)",
        kept_longer: throttle::KNOWN_FOR.get(),
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM tickets
                 WHERE rowid IN (SELECT rowid FROM tickets WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM registered_clients
                 WHERE client_id IN (SELECT client_id FROM registered_clients
                     WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM registration_tokens
                 WHERE id IN (SELECT id FROM registration_tokens WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM outbox
                 WHERE rowid IN (SELECT rowid FROM outbox WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM idempotency_keys
                 WHERE key IN (SELECT key FROM idempotency_keys WHERE expires_at <= ?1 LIMIT ?2)",
        kept_longer: 0,
    },
    Kind {
        delete_before: None,
        delete: "DELETE FROM account_events
                 WHERE number IN (SELECT number FROM account_events WHERE at <= ?1 LIMIT ?2)",
        kept_longer: account_event::KEPT_FOR.get(),
    },
];

/// Removes at most `limit` rows of a kind; returns how many went.
fn remove(connection: &Connection, kind: Kind, now: Timestamp, limit: u32) -> Result<u64, Failure> {
    let ended_by = now.seconds().saturating_sub(i64::from(kind.kept_longer));
    if let Some(delete_before) = kind.delete_before {
        execute(connection, delete_before, params![ended_by, limit])?;
    }
    Ok(execute(connection, kind.delete, params![ended_by, limit])? as u64)
}

//! A connection of the pool for the time of one command: prepared statements, one transaction if it
//! needs one, an end to waiting.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use deadpool_postgres::{Client, Object};
use futures::FutureExt as _;
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};
use tokio_postgres::types::ToSql;

use super::failure::Failure;
use crate::row::{ColumnError, Row as _};

/// What a statement is given.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection. Dropped in the middle of a transaction it undoes what was done.
pub(super) struct Connection {
    /// `None` only while it is dropped.
    client: Option<Client>,
    /// When waiting for an answer ends.
    until: Instant,
    in_transaction: AtomicBool,
    /// A statement was sent and its answer has not come: it took too long, or the caller hung up.
    unanswered: AtomicBool,
}

impl Connection {
    pub(super) fn new(client: Client, until: Instant) -> Self {
        Self {
            client: Some(client),
            until,
            in_transaction: AtomicBool::new(false),
            unanswered: AtomicBool::new(false),
        }
    }

    /// Begins a transaction. It ends by [`Connection::commit`], or undone when this is dropped.
    pub(super) async fn begin(&self) -> Result<(), Failure> {
        self.in_transaction.store(true, Relaxed);
        self.in_time(self.client()?.batch_execute("BEGIN")).await
    }

    /// Begins a transaction that is refused, and then made again, if its result would depend on
    /// which of two such came first.
    pub(super) async fn begin_serializable(&self) -> Result<(), Failure> {
        self.in_transaction.store(true, Relaxed);
        self.in_time(self.client()?.batch_execute("BEGIN ISOLATION LEVEL SERIALIZABLE")).await
    }

    /// Makes durable what the transaction did.
    pub(super) async fn commit(&self) -> Result<(), Failure> {
        self.in_time(self.client()?.batch_execute("COMMIT")).await?;
        self.in_transaction.store(false, Relaxed);
        Ok(())
    }

    /// Runs a statement that returns no rows; returns how many rows it changed.
    pub(super) async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64, Failure> {
        let client = self.client()?;
        self.in_time(async {
            let statement = client.prepare_cached(sql).await?;
            client.execute(&statement, params).await
        })
        .await
    }

    /// The first row, if there is one.
    pub(super) async fn first<T>(
        &self,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&tokio_postgres::Row) -> Result<T, ColumnError>,
    ) -> Result<Option<T>, Failure> {
        Ok(self.rows(sql, params).await?.first().map(read).transpose()?)
    }

    /// All rows in their order.
    pub(super) async fn all<T>(
        &self,
        sql: &str,
        params: Params<'_>,
        read: impl FnMut(&tokio_postgres::Row) -> Result<T, ColumnError>,
    ) -> Result<Vec<T>, Failure> {
        Ok(self.rows(sql, params).await?.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The number that is the only column of the only row.
    pub(super) async fn count(&self, sql: &str, params: Params<'_>) -> Result<i64, Failure> {
        let counted = self.first(sql, params, |row| row.integer(0, "count")).await?;
        Ok(counted.unwrap_or(0))
    }

    async fn rows(
        &self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<tokio_postgres::Row>, Failure> {
        let client = self.client()?;
        self.in_time(async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, params).await
        })
        .await
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        // Set before the wait: if the caller hangs up, this future is dropped in the middle of it.
        self.unanswered.store(true, Relaxed);
        let outcome = timeout_at(self.until, work).await.map_err(|_| Failure::TimedOut)?;
        self.unanswered.store(false, Relaxed);
        Ok(outcome?)
    }

    fn client(&self) -> Result<&Client, Failure> {
        self.client.as_ref().ok_or(Failure::TimedOut)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let ending = if self.in_transaction.load(Relaxed) { "ROLLBACK" } else { "" };
        if self.unanswered.load(Relaxed) {
            release_when_answered(client, ending, self.until);
        } else if !ending.is_empty() {
            // Sent when first polled; the next command on this connection comes after it, and needs
            // no answer to it.
            let _ = client.batch_execute(ending).now_or_never();
        }
    }
}

/// Gives a connection back to the pool only when it has answered the statement that its caller no
/// longer waits for. Until then it keeps its place in the pool, so that callers who hang up can't
/// make the process open more connections than it may. A connection that does not answer in time is
/// closed.
fn release_when_answered(client: Client, ending: &'static str, until: Instant) {
    let Ok(runtime) = Handle::try_current() else {
        drop(Object::take(client));
        return;
    };
    runtime.spawn(async move {
        let answered = timeout_at(until, client.batch_execute(ending)).await;
        if !matches!(answered, Ok(Ok(()))) {
            drop(Object::take(client));
        }
    });
}

//! The store port on SQLite: one file, durable commands, no other process needed.
//!
//! [`SqliteStore`] has one `Writer`, which commits waiting commands together, and a few
//! `Readers`. The file is in WAL mode with `synchronous = FULL`: an
//! answered command survives the death of the process and of the machine, and readers wait for no
//! writer. One file a table holds its SQL.

mod access;
mod account_events;
mod audit_records;
mod backup;
mod clients;
mod codes;
mod consents;
mod device_codes;
mod expiry;
mod external_identities;
mod external_ids;
mod factors;
mod failed_sign_ins;
mod failure;
pub(crate) mod foreign;
mod grants;
mod groups;
mod idempotency;
mod identity_providers;
mod left_behind;
mod logout_notices;
mod open;
mod outbox;
mod passkeys;
mod pushed_requests;
#[cfg(test)]
mod query_plans;
mod readers;
mod reference_tokens;
mod refresh_tokens;
mod registered_clients;
mod sessions;
mod signing_keys;
mod single_uses;
mod sql;
mod tickets;
mod users;
mod waiting;
mod writer;

use std::{path::Path, time::Duration};

use doorward_provider::store::StoreError;
use rusqlite::Connection;

use self::{failure::Failure, readers::Readers, writer::Writer};
pub use self::{open::OpenError, writer::Stats};
use crate::{limits::Limits, metrics::measured, schema::SchemaVersion};

/// How a [`SqliteStore`] works.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Connections for reading, at least one. By default as many as the machine has cores.
    pub readers: usize,
    /// Whether waiting commands share a commit. Turning it off serves comparison only.
    pub group_commit: bool,
    /// How much is kept of one user or client.
    pub limits: Limits,
    /// How long a command waits while another process holds the file's lock.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: std::thread::available_parallelism().map_or(2, usize::from),
            group_commit: true,
            limits: Limits::default(),
            busy_timeout: Duration::from_secs(5),
        }
    }
}

/// The store on SQLite. Dropping it waits until all accepted commands are committed and closes the
/// file.
#[derive(Debug)]
pub struct SqliteStore {
    // Declared, and so dropped, before the writer: the last connection to close tidies up, and
    // readers may not write.
    readers: Readers,
    writer: Writer,
    limits: Limits,
}

impl SqliteStore {
    /// Opens a database file. It is created with mode 0600 if it is not there, in a folder that
    /// must be there, and its schema is brought up to date. Takes a few milliseconds and blocks:
    /// call it at start.
    pub fn open(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let connection = open::for_writing(path, options.busy_timeout)?;
        let readers = (0..options.readers.max(1))
            .map(|_| open::for_reading(path, options.busy_timeout))
            .collect::<Result<_, _>>()?;
        Self::start(path, connection, Readers::new(readers), options)
    }

    /// Opens a database file that is there, for reading only, and without bringing its schema up to
    /// date. What needs a newer schema fails, and so does every command that writes.
    pub fn look(
        path: impl AsRef<Path>,
        options: &SqliteOptions,
    ) -> Result<(Self, SchemaVersion), OpenError> {
        let path = path.as_ref();
        let (connection, version) = open::as_it_is(path, options.busy_timeout)?;
        let reader = open::for_reading(path, options.busy_timeout)?;
        let store = Self::start(path, connection, Readers::new(vec![reader]), options)?;
        Ok((store, version))
    }

    /// Writes a whole and consistent copy of the database at `path` to `target`, which must not be
    /// there, while others read and write it. The copy has mode 0600.
    pub fn backup(path: &Path, target: &Path) -> Result<(), OpenError> {
        backup::copy(path, target)
    }

    /// A database in memory, gone when dropped: for tests and trials. Reads go through the writer.
    pub fn in_memory() -> Result<Self, OpenError> {
        let options = SqliteOptions::default();
        Self::start(Path::new(":memory:"), open::in_memory()?, Readers::new(Vec::new()), &options)
    }

    fn start(
        path: &Path,
        connection: Connection,
        readers: Readers,
        options: &SqliteOptions,
    ) -> Result<Self, OpenError> {
        let failed = |reason: String| OpenError::Failed { path: path.to_owned(), reason };
        // The writer waits by itself.
        connection.busy_timeout(Duration::ZERO).map_err(|error| failed(error.to_string()))?;
        let writer = Writer::start(connection, options.group_commit, options.busy_timeout)
            .map_err(|error| failed(error.to_string()))?;
        tracing::debug!(path = %path.display(), "database opened");
        Ok(Self { readers, writer, limits: options.limits })
    }

    /// What the writer did since the store was opened.
    pub fn stats(&self) -> Stats {
        self.writer.stats()
    }

    /// Runs a command of this name.
    async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        command: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        measured(name, async { Ok(self.writer.run(command).await?) }).await
    }

    /// Runs a query of this name.
    async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        measured(name, async {
            if let Some(connection) = self.readers.take() {
                return Ok(query(&connection)?);
            }
            Ok(self.writer.run(query).await?)
        })
        .await
    }
}

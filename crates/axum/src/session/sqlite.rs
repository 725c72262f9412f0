//! Sessions in SQLite.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use super::{
    FoundSession, Key, SessionRow, SessionStore, StoreError, Whose,
    sql::{self, signed, unsigned},
};

/// How long a command waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sessions in a file of SQLite, which may be the application's own: the tables are called
/// `doorward_…`. Several processes of one machine may share it. Clones share the connection.
///
/// ```no_run
/// use doorward_axum::{Auth, SignInSettings, SqliteSessions};
///
/// # fn start(settings: SignInSettings) -> Result<Auth, Box<dyn std::error::Error>> {
/// Ok(Auth::new(settings, SqliteSessions::open("sessions.db")?)?)
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteSessions(Arc<Mutex<Connection>>);

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl SqliteSessions {
    /// Opens the file, or creates it, and creates the tables.
    ///
    /// # Errors
    /// The file can't be opened or written to.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        // Readers and a writer don't wait for each other, and what is committed is on the disk.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Self::on(connection)
    }

    /// Sessions on a connection of the application. Creates the tables.
    ///
    /// # Errors
    /// The database can't be written to.
    pub fn on(connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch(sql::SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Runs a command where it may block.
    async fn run<T: Send + 'static>(
        &self,
        command: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.0);
        let ran = tokio::task::spawn_blocking(move || {
            command(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(ran.await.map_err(|error| StoreError(error.to_string()))??)
    }

    /// Runs a statement. Returns how many rows it changed.
    async fn execute<const N: usize>(
        &self,
        statement: &'static str,
        values: [Value; N],
    ) -> Result<usize, StoreError> {
        self.run(move |connection| {
            connection.prepare_cached(statement)?.execute(params_from_iter(values))
        })
        .await
    }
}

type Value = rusqlite::types::Value;

fn bytes(key: Key) -> Value {
    Value::Blob(key.as_bytes().to_vec())
}

fn number(number: u64) -> Value {
    Value::Integer(signed(number))
}

#[async_trait]
impl SessionStore for SqliteSessions {
    async fn put_request(&self, key: Key, sealed: Vec<u8>, until: u64) -> Result<(), StoreError> {
        let values = [bytes(key), Value::Blob(sealed), number(until)];
        self.execute(sql::PUT_REQUEST, values).await.map(drop)
    }

    async fn take_request(&self, key: Key, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let taken = self.run(move |connection| {
            let mut statement = connection.prepare_cached(sql::TAKE_REQUEST)?;
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?));
            statement.query_row([bytes(key)], read).optional()
        });
        let taken: Option<(Vec<u8>, i64)> = taken.await?;
        Ok(taken.filter(|(_, until)| now < unsigned(*until)).map(|(sealed, _)| sealed))
    }

    async fn insert(&self, row: SessionRow) -> Result<(), StoreError> {
        let values = [
            bytes(row.key),
            bytes(row.user),
            row.provider_session.map_or(Value::Null, bytes),
            number(row.expires_at),
            Value::Blob(row.sealed),
        ];
        self.execute(sql::INSERT, values).await.map(drop)
    }

    async fn find(&self, key: Key, now: u64) -> Result<Option<FoundSession>, StoreError> {
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(sql::FIND)?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(FoundSession { sealed: row.get(0)?, version: unsigned(row.get(1)?) })
            };
            statement.query_row([bytes(key), number(now)], read).optional()
        })
        .await
    }

    async fn claim_renewal(
        &self,
        key: Key,
        version: u64,
        now: u64,
        until: u64,
    ) -> Result<bool, StoreError> {
        let values = [number(until), bytes(key), number(version), number(now)];
        Ok(self.execute(sql::CLAIM_RENEWAL, values).await? == 1)
    }

    async fn replace(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        let values = [Value::Blob(sealed), bytes(key), number(version)];
        Ok(self.execute(sql::REPLACE, values).await? == 1)
    }

    async fn update(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        let values = [Value::Blob(sealed), bytes(key), number(version)];
        Ok(self.execute(sql::UPDATE, values).await? == 1)
    }

    async fn remove(&self, key: Key) -> Result<(), StoreError> {
        self.execute(sql::REMOVE, [bytes(key)]).await.map(drop)
    }

    async fn remove_all(&self, whose: Whose) -> Result<u64, StoreError> {
        let (statement, key) = sql::removal(whose);
        Ok(self.execute(statement, [bytes(key)]).await? as u64)
    }

    async fn was_used(&self, key: Key, now: u64) -> Result<bool, StoreError> {
        self.run(move |connection| {
            connection.prepare_cached(sql::WAS_USED)?.exists([bytes(key), number(now)])
        })
        .await
    }

    async fn use_once(&self, key: Key, now: u64, until: u64) -> Result<bool, StoreError> {
        let values = [bytes(key), number(until), number(now)];
        Ok(self.execute(sql::USE_ONCE, values).await? == 1)
    }

    async fn sweep(&self, now: u64, most_requests: u32) -> Result<(), StoreError> {
        for statement in sql::SWEEPS {
            self.execute(statement, [number(now)]).await?;
        }
        self.execute(sql::SWEEP_SURPLUS, [number(most_requests.into())]).await.map(drop)
    }
}

//! Sessions in PostgreSQL.

use async_trait::async_trait;
use deadpool_postgres::Pool;
use tokio_postgres::{Row, types::ToSql};

use super::{
    FoundSession, Key, SessionRow, SessionStore, StoreError, Whose,
    sql::{self, signed, unsigned},
};

/// Which advisory lock the creation of the tables takes: two processes that start at once would
/// disturb each other.
const LOCK: i64 = 0x446f_6f72_5365_7373;

/// Sessions in PostgreSQL, for any number of processes. The database may be the application's own:
/// the tables are called `doorward_…`. Clones share the pool.
///
/// ```no_run
/// use deadpool_postgres::Pool;
/// use doorward_axum::{Auth, PostgresSessions, SignInSettings};
///
/// # type Failure = Box<dyn std::error::Error>;
/// # async fn start(settings: SignInSettings, pool: Pool) -> Result<Auth, Failure> {
/// Ok(Auth::new(settings, PostgresSessions::new(pool).await?)?)
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresSessions(Pool);

fn failed(error: impl std::error::Error) -> StoreError {
    let cause = error.source().map(|cause| format!(": {cause}"));
    StoreError(format!("{error}{}", cause.unwrap_or_default()))
}

impl PostgresSessions {
    /// Sessions on a pool of the application. Creates the tables.
    ///
    /// # Errors
    /// The database can't be reached, or its user may not create tables.
    pub async fn new(pool: Pool) -> Result<Self, StoreError> {
        let client = pool.get().await.map_err(failed)?;
        let schema =
            format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK}); {} COMMIT;", sql::SCHEMA);
        client.batch_execute(&schema).await.map_err(failed)?;
        Ok(Self(pool))
    }

    /// Runs a statement. Returns how many rows it changed.
    async fn execute(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        let client = self.0.get().await.map_err(failed)?;
        let statement = client.prepare_cached(statement).await.map_err(failed)?;
        client.execute(&statement, values).await.map_err(failed)
    }

    /// Runs a statement that gives a row, or none.
    async fn row(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, StoreError> {
        let client = self.0.get().await.map_err(failed)?;
        let statement = client.prepare_cached(statement).await.map_err(failed)?;
        client.query_opt(&statement, values).await.map_err(failed)
    }
}

#[async_trait]
impl SessionStore for PostgresSessions {
    async fn put_request(&self, key: Key, sealed: Vec<u8>, until: u64) -> Result<(), StoreError> {
        let (key, until) = (&key.as_bytes()[..], signed(until));
        self.execute(sql::PUT_REQUEST, &[&key, &sealed, &until]).await.map(drop)
    }

    async fn take_request(&self, key: Key, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let taken = self.row(sql::TAKE_REQUEST, &[&&key.as_bytes()[..]]).await?;
        let taken = taken.filter(|row| now < unsigned(row.get(1)));
        Ok(taken.map(|row| row.get(0)))
    }

    async fn insert(&self, row: SessionRow) -> Result<(), StoreError> {
        let (key, user) = (&row.key.as_bytes()[..], &row.user.as_bytes()[..]);
        let provider_session = row.provider_session.as_ref().map(|session| &session.as_bytes()[..]);
        let expires_at = signed(row.expires_at);
        self.execute(sql::INSERT, &[&key, &user, &provider_session, &expires_at, &row.sealed])
            .await
            .map(drop)
    }

    async fn find(&self, key: Key, now: u64) -> Result<Option<FoundSession>, StoreError> {
        let found = self.row(sql::FIND, &[&&key.as_bytes()[..], &signed(now)]).await?;
        Ok(found.map(|row| FoundSession { sealed: row.get(0), version: unsigned(row.get(1)) }))
    }

    async fn claim_renewal(
        &self,
        key: Key,
        version: u64,
        now: u64,
        until: u64,
    ) -> Result<bool, StoreError> {
        let (until, version, now) = (signed(until), signed(version), signed(now));
        let key = &key.as_bytes()[..];
        Ok(self.execute(sql::CLAIM_RENEWAL, &[&until, &key, &version, &now]).await? == 1)
    }

    async fn replace(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        let (key, version) = (&key.as_bytes()[..], signed(version));
        Ok(self.execute(sql::REPLACE, &[&sealed, &key, &version]).await? == 1)
    }

    async fn update(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        let (key, version) = (&key.as_bytes()[..], signed(version));
        Ok(self.execute(sql::UPDATE, &[&sealed, &key, &version]).await? == 1)
    }

    async fn remove(&self, key: Key) -> Result<(), StoreError> {
        self.execute(sql::REMOVE, &[&&key.as_bytes()[..]]).await.map(drop)
    }

    async fn remove_all(&self, whose: Whose) -> Result<u64, StoreError> {
        let (statement, key) = sql::removal(whose);
        self.execute(statement, &[&&key.as_bytes()[..]]).await
    }

    async fn was_used(&self, key: Key, now: u64) -> Result<bool, StoreError> {
        let found = self.row(sql::WAS_USED, &[&&key.as_bytes()[..], &signed(now)]).await?;
        Ok(found.is_some())
    }

    async fn use_once(&self, key: Key, now: u64, until: u64) -> Result<bool, StoreError> {
        let key = &key.as_bytes()[..];
        Ok(self.execute(sql::USE_ONCE, &[&key, &signed(until), &signed(now)]).await? == 1)
    }

    async fn sweep(&self, now: u64, most_requests: u32) -> Result<(), StoreError> {
        for statement in sql::SWEEPS {
            self.execute(statement, &[&signed(now)]).await?;
        }
        self.execute(sql::SWEEP_SURPLUS, &[&i64::from(most_requests)]).await.map(drop)
    }
}

//! The store port on PostgreSQL, or on a database that speaks its protocol: for many processes on
//! one database.
//!
//! [`PostgresStore`] has a pool of connections. Most commands are one statement and so one round
//! trip; the others are a short transaction that locks the rows which it decides on. Nothing is
//! kept in the process. One file a table holds its SQL.

mod access;
mod account_events;
mod audit_records;
mod clients;
mod clock;
mod codes;
mod connection;
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
mod hosts;
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
mod reference_tokens;
mod refresh_tokens;
mod registered_clients;
mod schema;
mod sessions;
mod signing_keys;
mod single_uses;
mod sql;
mod tickets;
mod url;
mod users;
mod waiting;

use std::{future::Future, path::PathBuf, time::Duration};

use deadpool_postgres::Pool;
use doorward_provider::{
    model::time::{Clock as _, SystemClock},
    store::{Maintenance as _, StoreError},
};
use tokio::time::{Instant, sleep};

use self::{clock::ClockGuard, connection::Connection, failure::Failure};
pub use self::{
    open::PostgresError,
    url::{PostgresUrl, UrlError},
};
use crate::{limits::Limits, metrics::measured, schema::SchemaVersion};

/// How often a command is tried that collides with others on the same rows.
const ATTEMPTS: u32 = 6;
/// The wait before the second attempt; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(5);
/// How much longer than the database's own time limit an answer is waited for.
const BEYOND_THE_DATABASE: Duration = Duration::from_secs(1);

/// Runs a function of a table's file, as the command of this name, on a connection of the pool, and
/// again if the database asks for that.
macro_rules! run {
    ($store:ident, $name:literal, $command:path $(, $argument:expr)*) => {
        $store
            .run($name, || async { $command(&$store.connection().await? $(, $argument)*).await })
            .await
    };
}
use run;

/// How a [`PostgresStore`] works.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The database.
    pub url: PostgresUrl,
    /// Certificate authorities in PEM form for the database's certificate; `None`: those that this
    /// machine trusts.
    pub ca_file: Option<PathBuf>,
    /// A certificate and its key in PEM form, to authenticate to the database with.
    pub client_certificate: Option<ClientCertificate>,
    /// A file with the password, which is read for each new connection.
    pub password_file: Option<PathBuf>,
    /// The greatest difference between the timestamps of this process and the database's clock.
    /// Beyond it nothing is removed for its age, and no replay is judged. `None`: any difference.
    /// What counts once does so only up to
    /// [`LONGEST_CLOCK_SKEW`](doorward_provider::store::LONGEST_CLOCK_SKEW).
    pub max_clock_skew: Option<Duration>,
    /// Connections at most, at least one.
    pub connections: usize,
    /// How long a statement may take, and how long a command waits for a connection.
    pub statement_timeout: Duration,
    /// How much is kept of one user or client.
    pub limits: Limits,
}

/// A certificate chain and its private key, as PEM files.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl PostgresOptions {
    /// The usual ones for this database.
    pub fn new(url: PostgresUrl) -> Self {
        Self {
            url,
            ca_file: None,
            client_certificate: None,
            password_file: None,
            max_clock_skew: None,
            connections: 10,
            statement_timeout: Duration::from_secs(5),
            limits: Limits::default(),
        }
    }
}

/// The store on PostgreSQL.
pub struct PostgresStore {
    pool: Pool,
    statement_timeout: Duration,
    limits: Limits,
    clock: ClockGuard,
    place: String,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date.
    pub async fn open(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let pool = open::pool(options).await?;
        let store = Self::with_pool(pool, options);
        // It is logged; what a wrong clock would damage is refused each time.
        let _ = store.check_clock(SystemClock.now()).await;
        Ok(store)
    }

    /// Connects without bringing the schema up to date. What needs a newer schema fails.
    pub async fn look(options: &PostgresOptions) -> Result<(Self, SchemaVersion), PostgresError> {
        let (pool, version) = open::pool_as_it_is(options).await?;
        Ok((Self::with_pool(pool, options), version))
    }

    fn with_pool(pool: Pool, options: &PostgresOptions) -> Self {
        let place = options.url.to_string();
        tracing::debug!(%place, "database opened");
        Self {
            pool,
            statement_timeout: options.statement_timeout,
            limits: options.limits,
            clock: ClockGuard::new(options.max_clock_skew),
            place,
        }
    }

    /// Runs a command of this name.
    async fn run<T, F>(&self, name: &'static str, command: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        measured(name, async { Ok(Self::repeated(command).await?) }).await
    }

    /// Runs a command; again, if the database asks for that because others were on the same rows.
    async fn repeated<T, F>(command: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut wait = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            match command().await {
                Err(failure) if failure.may_be_repeated() => {
                    tracing::debug!(%failure, "a command is repeated");
                    sleep(wait).await;
                    wait *= 2;
                }
                outcome => return outcome,
            }
        }
        command().await
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        let client = self.pool.get().await?;
        Ok(Connection::new(client, Instant::now() + self.statement_timeout + BEYOND_THE_DATABASE))
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PostgresStore").field("place", &self.place).finish_non_exhaustive()
    }
}

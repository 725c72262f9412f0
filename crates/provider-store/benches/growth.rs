//! What commands on many rows cost the requests beside them: refreshes alone, and beside the end of
//! a user's sessions, the removal of a client, and the sweep of expired rows.
//!
//! `cargo bench -p doorward-provider-store --features postgres --bench growth [SESSIONS GRANTS
//! EXPIRED]`, by default 100000 300000 300000. Each database is filled by SQL. The commands run on
//! a store of their own, as from another process. Compare figures of one run.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../tests/conformance/fixtures.rs"]
mod fixtures;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use doorward_provider::{
    model::{
        grant::RefreshToken,
        time::{Clock as _, SystemClock, Timestamp},
        user::User,
    },
    store::{RotateRefreshToken, Rotation, Store},
};
use doorward_provider_store::{SqliteOptions, SqliteStore};
use fixtures::{grant_for, hash, seed, to_id, user};

/// Refreshes at the same time.
const TASKS: u64 = 8;
const BASELINE: Duration = Duration::from_secs(3);
const ROWS_AT_A_TIME: u32 = 200;

#[derive(Debug, Clone, Copy)]
struct Sizes {
    sessions: u64,
    grants: u64,
    expired: u64,
}

#[tokio::main]
async fn main() {
    let mut numbers =
        std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok()).fuse();
    let sizes = Sizes {
        sessions: numbers.next().unwrap_or(100_000),
        grants: numbers.next().unwrap_or(300_000),
        expired: numbers.next().unwrap_or(300_000),
    };
    println!("{sizes:?}");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("growth.sqlite3");
    let open = || Arc::new(SqliteStore::open(&path, &SqliteOptions::default()).unwrap());
    let (requests, commands): (Arc<dyn Store>, Arc<dyn Store>) = (open(), open());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(&sqlite_rows(sizes)).unwrap();
    drop(connection);
    println!("SQLite");
    measure(&requests, &commands, sizes).await;
    #[cfg(feature = "postgres")]
    postgres(sizes).await;
}

#[cfg(feature = "postgres")]
async fn postgres(sizes: Sizes) {
    use doorward_protocol::secret::Secret;
    use doorward_provider_store::{PostgresOptions, PostgresStore, PostgresUrl};
    let server = test_postgres::TestPostgres::start_with(test_postgres::Durability::Machine, &[]);
    let url = PostgresUrl::parse(&Secret::new(server.new_database())).unwrap();
    let options = PostgresOptions::new(url);
    let open = || PostgresStore::open(&options);
    let (requests, commands): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::new(open().await.unwrap()), Arc::new(open().await.unwrap()));
    server.sql("database_0", &postgres_rows(sizes));
    server.sql("database_0", "ANALYZE");
    println!("PostgreSQL");
    measure(&requests, &commands, sizes).await;
}

async fn measure(requests: &Arc<dyn Store>, commands: &Arc<dyn Store>, sizes: Sizes) {
    for sub in ["alice", "many"] {
        commands.put_user(user(sub, sub), now()).await.unwrap();
    }
    let alone = beside(requests, 1, async { tokio::time::sleep(BASELINE).await }).await;
    print("refreshes alone", None, &alone);

    let disable = async {
        let disabled = User { enabled: false, ..user("many", "many") };
        commands.put_user(disabled, now()).await.unwrap();
    };
    let beside_it = beside(requests, 2, disable).await;
    print(&format!("user disable, {} sessions", sizes.sessions), Some(&alone), &beside_it);

    let remove = async { assert!(commands.remove_client(&to_id("removed"), None).await.unwrap()) };
    let beside_it = beside(requests, 3, remove).await;
    print(&format!("client remove, {} grants", sizes.grants), Some(&alone), &beside_it);

    let sweep = async {
        while commands.remove_expired(now(), ROWS_AT_A_TIME).await.unwrap()
            >= u64::from(ROWS_AT_A_TIME)
        {}
    };
    let beside_it = beside(requests, 4, sweep).await;
    print(&format!("sweep of {} grants", sizes.expired), Some(&alone), &beside_it);
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// How long the command took, and how long the refreshes beside it.
struct Outcome {
    took: Duration,
    waits: Vec<Duration>,
}

impl Outcome {
    fn within(&self, thousandth: usize) -> f64 {
        let index = (self.waits.len() * thousandth / 1000).min(self.waits.len() - 1);
        self.waits[index].as_secs_f64() * 1000.0
    }

    #[allow(clippy::cast_precision_loss)]
    fn per_second(&self) -> f64 {
        self.waits.len() as f64 / self.took.as_secs_f64()
    }
}

/// Runs a command while [`TASKS`] chains of tokens are refreshed.
async fn beside(store: &Arc<dyn Store>, round: u64, command: impl Future<Output = ()>) -> Outcome {
    let over = Arc::new(AtomicBool::new(false));
    let chains: Vec<_> = (0..TASKS)
        .map(|task| {
            let first = (round * TASKS + task) << 32;
            tokio::spawn(refresh(Arc::clone(store), first, Arc::clone(&over)))
        })
        .collect();
    let began = Instant::now();
    command.await;
    let took = began.elapsed();
    over.store(true, Relaxed);
    let mut waits = Vec::new();
    for chain in chains {
        waits.extend(chain.await.unwrap());
    }
    waits.sort();
    Outcome { took, waits }
}

async fn refresh(store: Arc<dyn Store>, first: u64, over: Arc<AtomicBool>) -> Vec<Duration> {
    let ends = Timestamp::from_seconds(now().seconds() + 36_000);
    let token =
        |number| RefreshToken { hash: hash(number), first_issued_at: now(), expires_at: ends };
    let grant = grant_for("app", &format!("chain-{first}"), "alice", "openid offline_access");
    fixtures::add_grant(&*store, grant, ends, Some(token(first)), now()).await;
    let mut waits = Vec::new();
    for number in first.. {
        let rotation = RotateRefreshToken {
            presented: hash(number),
            seed: seed(number),
            successor: token(number + 1),
            grant_expires_at: ends,
            forgettable: true,
            now: now(),
            grace: 10.into(),
        };
        let began = Instant::now();
        let outcome = store.rotate_refresh_token(rotation).await.unwrap();
        assert_eq!(outcome, Rotation::Rotated);
        waits.push(began.elapsed());
        if over.load(Relaxed) {
            break;
        }
    }
    waits
}

fn print(what: &str, alone: Option<&Outcome>, outcome: &Outcome) {
    let (half, most) = (outcome.within(500), outcome.within(990));
    println!(
        "  {what:<34}{:>8.1} s {:>8.0} refreshes/s, p50 {half:>6.2} ms, p99 {most:>7.2} ms, \
         longest {:>7.1} ms",
        outcome.took.as_secs_f64(),
        outcome.per_second(),
        outcome.within(1000)
    );
    if let Some(alone) = alone {
        println!(
            "  {:<34}{:>10} {:>7.2} x, {:>21.2} x p99",
            "  ratio to alone",
            "",
            outcome.per_second() / alone.per_second(),
            most / alone.within(990)
        );
    }
}

/// The sessions of one user with one client each, the grants of one client, and expired grants with
/// a refresh token each.
fn sqlite_rows(Sizes { sessions, grants, expired }: Sizes) -> String {
    let numbers = |count: u64| {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        )
    };
    let now = now().seconds();
    format!(
        "BEGIN;
         {a} INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at)
             SELECT randomblob(32), 'many', {now} - i % 86400, '[\"pwd\"]', 'many-' || i, {now} +
                 86400 FROM n;
         {a} INSERT INTO session_clients (sid, client_id, notify) SELECT 'many-' || i, 'app', 1
             FROM n;
         {b} INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
             expires_at)
             SELECT 'removed-' || i, 'user-' || i, 'removed', 's-' || i, 1, '{{}}', {now}, {now},
                 {now} + 86400 FROM n;
         {c} INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
             expires_at)
             SELECT 'expired-' || i, 'user-' || i, 'app', 's-' || i, 1, '{{}}', 0, 0, 60 FROM n;
         {c} INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at)
             SELECT randomblob(32), 'expired-' || i, 0, 60 FROM n;
         COMMIT;",
        a = numbers(sessions),
        b = numbers(grants),
        c = numbers(expired),
    )
}

#[cfg(feature = "postgres")]
fn postgres_rows(Sizes { sessions, grants, expired }: Sizes) -> String {
    let now = now().seconds();
    format!(
        "INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at)
             SELECT sha256(('cookie' || i)::BYTEA), 'many', {now} - i % 86400, '[\"pwd\"]',
                 'many-' || i, {now} + 86400
             FROM generate_series(1, {sessions}) AS i;
         INSERT INTO session_clients (sid, client_id, notify)
             SELECT 'many-' || i, 'app', true FROM generate_series(1, {sessions}) AS i;
         INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
             expires_at)
             SELECT 'removed-' || i, 'user-' || i, 'removed', 's-' || i, true, '{{}}', {now},
                 {now}, {now} + 86400
             FROM generate_series(1, {grants}) AS i;
         INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
             expires_at)
             SELECT 'expired-' || i, 'user-' || i, 'app', 's-' || i, true, '{{}}', 0, 0, 60
             FROM generate_series(1, {expired}) AS i;
         INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at)
             SELECT sha256(('token' || i)::BYTEA), 'expired-' || i, 0, 60
                 FROM generate_series(1, {expired}) AS i;"
    )
}

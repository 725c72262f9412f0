//! What commands on many rows cost the requests beside them, in a database with many sessions:
//! refreshes alone, and beside the end of a user's sessions, the removal of a client, and the sweep
//! of expired rows. Each command is a process of its own, whose memory is measured. What a command
//! leaves to the server is then removed in the process of the refreshes, as the server does it.
//!
//! `cargo bench -p doorward-provider-store --features postgres --bench growth [SESSIONS GRANTS
//! EXPIRED BACKGROUND]`, by default 100000 300000 300000 3000000: with so many sessions of others,
//! each with a client, a grant and a refresh token, it takes some minutes and 8 GB of disk to fill
//! both databases. Below each figure stands its goal. Compare figures of one run, on a machine that
//! does nothing else.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../tests/conformance/fixtures.rs"]
mod fixtures;

use std::{
    future::Future,
    process::Command,
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

/// Names the command that this process is to run, and its database.
const COMMAND: &str = "GROWTH_COMMAND";
const DATABASE: &str = "GROWTH_DATABASE";

#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Sessions of the user who is disabled.
    sessions: u64,
    /// Grants of the client that is removed.
    grants: u64,
    /// Grants that have expired.
    expired: u64,
    /// Sessions of other users.
    background: u64,
}

#[tokio::main]
async fn main() {
    if let Ok(command) = std::env::var(COMMAND) {
        return run(&command, &std::env::var(DATABASE).unwrap()).await;
    }
    let mut numbers =
        std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok()).fuse();
    let sizes = Sizes {
        sessions: numbers.next().unwrap_or(100_000),
        grants: numbers.next().unwrap_or(300_000),
        expired: numbers.next().unwrap_or(300_000),
        background: numbers.next().unwrap_or(3_000_000),
    };
    println!("{sizes:?}");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("growth.sqlite3");
    let requests: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&path, &SqliteOptions::default()).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(&sqlite_rows(sizes)).unwrap();
    drop(connection);
    println!("SQLite");
    measure(&requests, path.to_str().unwrap(), sizes).await;
    drop(requests);
    drop(folder);
    #[cfg(feature = "postgres")]
    postgres(sizes).await;
}

/// Opens the database of a command: a file, or an address of PostgreSQL.
async fn open(database: &str) -> Arc<dyn Store> {
    #[cfg(feature = "postgres")]
    if database.contains("://") {
        return Arc::new(open_postgres(database).await);
    }
    Arc::new(SqliteStore::open(database, &SqliteOptions::default()).unwrap())
}

#[cfg(feature = "postgres")]
async fn open_postgres(database: &str) -> doorward_provider_store::PostgresStore {
    use doorward_protocol::secret::Secret;
    use doorward_provider_store::{PostgresOptions, PostgresStore, PostgresUrl};
    let url = PostgresUrl::parse(&Secret::new(database)).unwrap();
    PostgresStore::open(&PostgresOptions::new(url)).await.unwrap()
}

#[cfg(feature = "postgres")]
async fn postgres(sizes: Sizes) {
    let server = test_postgres::TestPostgres::start_with(test_postgres::Durability::Machine, &[]);
    let url = server.new_database();
    let requests: Arc<dyn Store> = Arc::new(open_postgres(&url).await);
    server.sql("database_0", &postgres_rows(sizes));
    server.sql("database_0", "ANALYZE");
    println!("PostgreSQL");
    measure(&requests, &url, sizes).await;
}

/// Runs a command as the program does, and prints the most memory that the process had, in kB.
async fn run(command: &str, database: &str) {
    let commands = open(database).await;
    match command {
        "disable" => {
            let disabled = User { enabled: false, ..user("many", "many") };
            commands.put_user(disabled, now()).await.unwrap();
        }
        "remove" => {
            assert!(commands.remove_client(&to_id("removed"), None).await.unwrap());
        }
        "sweep" => {
            let most = u64::from(ROWS_AT_A_TIME);
            while commands.remove_expired(now(), ROWS_AT_A_TIME).await.unwrap() >= most {}
        }
        other => panic!("no command {other}"),
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{}", peak.unwrap_or("0 kB").trim().trim_end_matches("kB").trim());
}

/// Runs a command in a process of its own. Returns the most memory that it had, in kB.
async fn in_a_process(command: &'static str, database: &str) -> u64 {
    let database = database.to_owned();
    let running = tokio::task::spawn_blocking(move || {
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.env(COMMAND, command).env(DATABASE, database).output().unwrap()
    });
    let output = running.await.unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

async fn measure(requests: &Arc<dyn Store>, database: &str, sizes: Sizes) {
    for sub in ["alice", "many"] {
        requests.put_user(user(sub, sub), now()).await.unwrap();
    }
    let sleeping = async {
        tokio::time::sleep(BASELINE).await;
        0
    };
    let alone = beside(requests, 1, sleeping).await;
    print("refreshes alone", &alone);

    let disabled = beside(requests, 2, in_a_process("disable", database)).await;
    print(&format!("user disable, {} sessions", sizes.sessions), &disabled);
    print_goals(&disabled, &alone);
    let rest = beside(requests, 5, remove_left_behind(requests)).await;
    print("the sessions that it left", &rest);
    print_goal_of_refreshes(&rest, &alone);

    let removed = beside(requests, 3, in_a_process("remove", database)).await;
    print(&format!("client remove, {} grants", sizes.grants), &removed);
    print_goals(&removed, &alone);
    let rest = beside(requests, 6, remove_left_behind(requests)).await;
    print("the grants that it left", &rest);
    print_goal_of_refreshes(&rest, &alone);

    let swept = beside(requests, 4, in_a_process("sweep", database)).await;
    print(&format!("sweep of {} grants", sizes.expired), &swept);
    let share = swept.per_second() / alone.per_second();
    println!("    refreshes: {share:.2} of those alone, goal at least 0.8: {}", met(share >= 0.8));
}

/// Removes what a command has left, as the server does. The memory is that of this process, and so
/// not known.
async fn remove_left_behind(store: &Arc<dyn Store>) -> u64 {
    while store.remove_left_behind(now()).await.unwrap() > 0 {}
    0
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// How long the command took, how much memory its process had, and how long the refreshes beside
/// it.
struct Outcome {
    took: Duration,
    /// In kB; 0 if it is not known.
    memory: u64,
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
async fn beside(store: &Arc<dyn Store>, round: u64, command: impl Future<Output = u64>) -> Outcome {
    let over = Arc::new(AtomicBool::new(false));
    let chains: Vec<_> = (0..TASKS)
        .map(|task| {
            let first = (round * TASKS + task) << 32;
            tokio::spawn(refresh(Arc::clone(store), first, Arc::clone(&over)))
        })
        .collect();
    let began = Instant::now();
    let memory = command.await;
    let took = began.elapsed();
    over.store(true, Relaxed);
    let mut waits = Vec::new();
    for chain in chains {
        waits.extend(chain.await.unwrap());
    }
    waits.sort();
    Outcome { took, memory, waits }
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

fn print(what: &str, outcome: &Outcome) {
    println!(
        "  {what:<34}{:>8.1} s {:>6} MB {:>8.0} refreshes/s, p50 {:>6.2} ms, p99 {:>7.2} ms, \
         longest {:>7.1} ms",
        outcome.took.as_secs_f64(),
        outcome.memory / 1024,
        outcome.per_second(),
        outcome.within(500),
        outcome.within(990),
        outcome.within(1000)
    );
}

/// What a command of an operator may cost.
fn print_goals(outcome: &Outcome, alone: &Outcome) {
    let (took, memory) = (outcome.took.as_secs_f64(), outcome.memory / 1024);
    println!("    took {took:.1} s, goal under 5: {}", met(took < 5.0));
    print_goal_of_refreshes(outcome, alone);
    println!("    memory {memory} MB, goal at most 64: {}", met(memory <= 64));
}

/// What refreshes may wait beside other work.
fn print_goal_of_refreshes(outcome: &Outcome, alone: &Outcome) {
    let p99 = outcome.within(990);
    println!(
        "    refresh p99 {p99:.1} ms ({:.1} x alone), goal at most 50: {}",
        p99 / alone.within(990),
        met(p99 <= 50.0)
    );
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

/// The sessions of one user with one client each, a client and its grants, expired grants with a
/// refresh token each, and the sessions of others with a client, a grant and a refresh token each.
fn sqlite_rows(Sizes { sessions, grants, expired, background }: Sizes) -> String {
    let numbers = |count: u64| {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        )
    };
    let now = now().seconds();
    format!(
        "BEGIN;
         INSERT INTO clients (client_id, settings, configured) VALUES ('removed', '{{}}', 0);
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
         {d} INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at)
             SELECT randomblob(32), 'other-' || (i / 10), {now} - i % 86400, '[\"pwd\"]',
                 'other-' || i, {now} + 86400 FROM n;
         {d} INSERT INTO session_clients (sid, client_id, notify) SELECT 'other-' || i, 'app', 1
             FROM n;
         {d} INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
             expires_at)
             SELECT 'other-' || i, 'other-' || (i / 10), 'app', 'other-' || i, 1, '{{}}', {now},
                 {now}, {now} + 86400 FROM n;
         {d} INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at)
             SELECT randomblob(32), 'other-' || i, {now}, {now} + 86400 FROM n;
         COMMIT;",
        a = numbers(sessions),
        b = numbers(grants),
        c = numbers(expired),
        d = numbers(background),
    )
}

#[cfg(feature = "postgres")]
fn postgres_rows(Sizes { sessions, grants, expired, background }: Sizes) -> String {
    let now = now().seconds();
    format!(
        "INSERT INTO clients (client_id, settings, configured) VALUES ('removed', '{{}}', false);
         INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at)
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
                 FROM generate_series(1, {expired}) AS i;
         INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at)
             SELECT sha256(('other cookie' || i)::BYTEA), 'other-' || (i / 10), {now} - i % 86400,
                 '[\"pwd\"]', 'other-' || i, {now} + 86400
             FROM generate_series(1, {background}) AS i;
         INSERT INTO session_clients (sid, client_id, notify)
             SELECT 'other-' || i, 'app', true FROM generate_series(1, {background}) AS i;
         INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
             expires_at)
             SELECT 'other-' || i, 'other-' || (i / 10), 'app', 'other-' || i, true, '{{}}', {now},
                 {now}, {now} + 86400
             FROM generate_series(1, {background}) AS i;
         INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at)
             SELECT sha256(('other token' || i)::BYTEA), 'other-' || i, {now}, {now} + 86400
                 FROM generate_series(1, {background}) AS i;"
    )
}

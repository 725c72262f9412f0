//! How much the shared commit gains: rotations of refresh tokens by 64 tasks, with one commit for
//! all waiting commands against one commit a command, in turns within one run, since the disk's
//! pace changes from minute to minute. Then reads.
//!
//! `cargo bench -p doorward-provider-store`. The database lies in the target directory, or in
//! `DOORWARD_BENCH_DIR`. `DOORWARD_BENCH_GRANTS` is the number of grants to fill both databases
//! with beforehand.
#![allow(clippy::unwrap_used)]

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_provider::{
    model::{
        grant::{Grant, RefreshToken},
        password::PasswordHash,
        session::Authentication,
        time::Timestamp,
        token_handle::{SuccessorSeed, TokenHash},
        user::{User, UserClaims},
    },
    store::{Grants as _, RefreshTokens as _, RotateRefreshToken, Rotation, Users as _},
};
use doorward_provider_store::{SqliteOptions, SqliteStore};

const TASKS: u64 = 64;
const ROUNDS: u64 = 4;
const ROUND: Duration = Duration::from_secs(2);
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// What a way of committing did in all rounds.
#[derive(Default)]
struct Tally {
    commands: u64,
    commits: u64,
    spent: Duration,
}

impl Tally {
    fn per_second(&self) -> f64 {
        to_f64(self.commands) / self.spent.as_secs_f64()
    }

    fn print(&self, name: &str) {
        println!(
            "{name:<20} {:>8.0} rotations/s   {:.3} commits per rotation",
            self.per_second(),
            to_f64(self.commits) / to_f64(self.commands)
        );
    }
}

fn main() {
    let folder = std::env::var_os("DOORWARD_BENCH_DIR")
        .map_or(PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let folder = tempfile::tempdir_in(folder).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let filling = std::env::var("DOORWARD_BENCH_GRANTS")
        .map_or(0, |number| number.parse().unwrap())
        .max(TASKS);
    let store = |name: &str, group_commit| {
        let open = |group_commit| {
            let options = SqliteOptions { group_commit, ..SqliteOptions::default() };
            Arc::new(SqliteStore::open(folder.path().join(name), &options).unwrap())
        };
        let filled = open(true);
        runtime.block_on(add_user(&filled));
        runtime.block_on(fill(&filled, filling));
        drop(filled);
        open(group_commit)
    };
    let (together, alone) = (store("together.sqlite3", true), store("alone.sqlite3", false));
    let (mut shared, mut single) = (Tally::default(), Tally::default());
    for round in 0..ROUNDS {
        runtime.block_on(rotate(&together, round, &mut shared));
        runtime.block_on(rotate(&alone, round, &mut single));
    }
    single.print("a commit a command");
    shared.print("shared commits");
    println!("{:<20} {:>8.2} times as many", "ratio", shared.per_second() / single.per_second());
    runtime.block_on(read(&together));
}

/// The one user's password, as it is stored.
fn password() -> PasswordHash {
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", "A".repeat(22), "A".repeat(43));
    PasswordHash::parse(&hash).unwrap()
}

/// Adds the one user.
async fn add_user(store: &Arc<SqliteStore>) {
    let alice = User {
        sub: "alice".parse().unwrap(),
        username: "alice".to_owned(),
        password_hash: Some(password()),
        enabled: true,
        claims: UserClaims::default().into(),
        groups: Arc::default(),
        mapped: Arc::default(),
    };
    store.put_user(alice, NOW).await.unwrap();
}

/// Adds grants with a refresh token each, numbered above those of the rounds.
async fn fill(store: &Arc<SqliteStore>, grants: u64) {
    const FILLERS: u64 = 256;
    let tasks: Vec<_> = (0..FILLERS)
        .map(|filler| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                for family in (filler..grants).step_by(usize::try_from(FILLERS).unwrap()) {
                    let family = ROUNDS * TASKS + family;
                    store
                        .add_grant(grant(family), &password(), NOW, Some(token(family, 0)), NOW)
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Rotates 64 families at once for the time of a round.
async fn rotate(store: &Arc<SqliteStore>, round: u64, tally: &mut Tally) {
    for task in 0..TASKS {
        let family = round * TASKS + task;
        store
            .add_grant(grant(family), &password(), NOW, Some(token(family, 0)), NOW)
            .await
            .unwrap();
    }
    let (before, start) = (store.stats(), Instant::now());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(rotate_one(Arc::clone(store), round * TASKS + task, start)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = store.stats();
    tally.spent += start.elapsed();
    tally.commands += after.commands - before.commands;
    tally.commits += after.commits - before.commits;
}

async fn rotate_one(store: Arc<SqliteStore>, family: u64, start: Instant) {
    let mut generation = 0;
    while start.elapsed() < ROUND {
        let successor = token(family, generation + 1);
        let presented = hash(family, generation);
        let seed = SuccessorSeed::from_bytes(*successor.hash.as_bytes());
        let grant_expires_at = successor.expires_at;
        let (forgettable, now, grace) = (true, NOW, 10.into());
        let rotation = RotateRefreshToken {
            presented,
            seed,
            successor,
            grant_expires_at,
            forgettable,
            now,
            grace,
        };
        assert_eq!(store.rotate_refresh_token(rotation).await.unwrap(), Rotation::Rotated);
        generation += 1;
    }
}

/// Looks refresh tokens up, with grant, from as many tasks: those that were added beforehand, as
/// the rotated ones are forgotten.
async fn read(store: &Arc<SqliteStore>) {
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, family) = (Arc::clone(store), ROUNDS * TASKS + task);
            tokio::spawn(async move {
                let mut reads = 0_u64;
                while start.elapsed() < ROUND {
                    assert!(store.refresh_token(hash(family, 0)).await.unwrap().is_some());
                    reads += 1;
                    tokio::task::yield_now().await;
                }
                reads
            })
        })
        .collect();
    let mut reads = 0;
    for task in tasks {
        reads += task.await.unwrap();
    }
    println!(
        "{:<20} {:>8.0} refresh tokens/s",
        "reads",
        to_f64(reads) / start.elapsed().as_secs_f64()
    );
}

fn grant(family: u64) -> Grant {
    Grant {
        id: format!("grant-{family:016}").parse().unwrap(),
        client_id: "PkceJS".parse().unwrap(),
        subject: Some("alice".to_owned()),
        authentication: Authentication {
            sub: "alice".parse().unwrap(),
            auth_time: NOW,
            amr: vec!["pwd".to_owned()],
            sid: format!("session-{family:016}").parse().unwrap(),
        },
        scope: "openid profile offline_access MyBackendApi2".parse().unwrap(),
        targets: doorward_provider::model::target::Targets::default(),
        requested_claims: doorward_provider::model::grant::RequestedClaims::default(),
        dpop_jkt: None,
        access_token_claims: UserClaims::default(),
    }
}

fn token(family: u64, generation: u64) -> RefreshToken {
    RefreshToken {
        hash: hash(family, generation),
        first_issued_at: NOW,
        expires_at: NOW.plus(36_000),
    }
}

/// Spread over the whole range, as real hashes are.
fn hash(family: u64, generation: u64) -> TokenHash {
    let mut bytes = [0; 32];
    let mixed = (family << 32 | generation).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&mixed.to_be_bytes());
    bytes[8..16].copy_from_slice(&family.to_be_bytes());
    bytes[16..24].copy_from_slice(&generation.to_be_bytes());
    TokenHash::from_bytes(bytes)
}

#[allow(clippy::cast_precision_loss)]
fn to_f64(count: u64) -> f64 {
    count as f64
}

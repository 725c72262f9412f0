//! Killing the process under load loses no acknowledged command and leaves none half done.
//!
//! The test starts itself as another process, which writes to the database and prints each
//! acknowledgement; kills it with SIGKILL in the middle; opens the database and looks for
//! everything acknowledged. Then again on the same file.
#![allow(clippy::unwrap_used)]

#[path = "conformance/fixtures.rs"]
mod fixtures;

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use doorward_provider::{
    model::grant::RefreshTokenState,
    store::{Codes as _, Redemption, RefreshTokens as _, RotateRefreshToken, Rotation, Users as _},
};
use doorward_provider_store::{SqliteOptions, SqliteStore};
use fixtures::{NOW, at, code, grant, hash, seed, session, start_session, token, user};

/// Set in the process to be killed: the database and the number of the round.
const DATABASE: &str = "DOORWARD_KILL_DATABASE";
const ROUND: &str = "DOORWARD_KILL_ROUND";

const ROUNDS: u64 = 5;
const FAMILIES: u64 = 24;
/// Acknowledgements to see before the kill; grows with the round, so that the kills fall on
/// different moments.
const ACKNOWLEDGED: usize = 150;

/// The number of the token that a family has after this many rotations. Generation 0 comes with the
/// code.
fn number(round: u64, family: u64, generation: u64) -> u64 {
    (round << 48) | (family << 32) | generation
}

fn grant_id(round: u64, family: u64) -> String {
    format!("grant-{round}-{family}")
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, &SqliteOptions::default()).unwrap()
}

#[test]
fn acknowledged_commands_survive_sigkill() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(path) = env::var_os(DATABASE) {
        let round = env::var(ROUND).unwrap().parse().unwrap();
        runtime.block_on(load(&PathBuf::from(path), round));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    for round in 0..ROUNDS {
        let acknowledged = run_until_killed(&path, round);
        runtime.block_on(check(&path, round, &acknowledged));
    }
}

/// Starts the other process and kills it; returns how many rotations of each family it
/// acknowledged, if its code was redeemed at all.
fn run_until_killed(path: &Path, round: u64) -> Vec<Option<u64>> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["acknowledged_commands_survive_sigkill", "--exact", "--nocapture"])
        .env(DATABASE, path)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = vec![None; usize::try_from(FAMILIES).unwrap()];
    let mut seen = 0;
    let goal = ACKNOWLEDGED + usize::try_from(round).unwrap() * 97;
    // What it still printed between the goal and the kill counts as well, so the pipe is read to
    // its end.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((family, generation)) =
            line.strip_prefix("ack ").and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        acknowledged[family.parse::<usize>().unwrap()] = Some(generation.parse().unwrap());
        seen += 1;
        if seen == goal {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(
        !status.success() && seen >= goal,
        "the process was to be killed under load: {status}, {seen} of {goal}"
    );
    acknowledged
}

/// The other process: one code a family, its redemption, then rotation after rotation until killed.
async fn load(path: &Path, round: u64) {
    let store = Arc::new(open(path));
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    start_session(&*store, session(u64::MAX - round, "alice", 600), None).await;
    let families: Vec<_> = (0..FAMILIES)
        .map(|family| tokio::spawn(load_family(Arc::clone(&store), round, family)))
        .collect();
    for family in families {
        family.await.unwrap();
    }
}

async fn load_family(store: Arc<SqliteStore>, round: u64, family: u64) {
    let first = number(round, family, 0);
    let grant = grant(&grant_id(round, family), "alice");
    store.add_code(hash(first), code(grant.clone(), 60), false).await.unwrap();
    let redeemed =
        store.redeem_code(hash(first), grant, at(600), Some(token(first, 600)), NOW).await.unwrap();
    assert_eq!(redeemed, Redemption::Redeemed);
    acknowledge(family, 0);
    for generation in 1.. {
        let next = number(round, family, generation);
        let rotation = RotateRefreshToken {
            presented: hash(number(round, family, generation - 1)),
            seed: seed(next),
            successor: token(next, 600),
            grant_expires_at: at(600),
            forgettable: true,
            now: NOW,
            grace: 10.into(),
        };
        assert_eq!(store.rotate_refresh_token(rotation).await.unwrap(), Rotation::Rotated);
        acknowledge(family, generation);
    }
}

/// One write a line, shorter than what a pipe takes whole.
fn acknowledge(family: u64, generation: u64) {
    let line = format!("ack {family} {generation}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

async fn check(path: &Path, round: u64, acknowledged: &[Option<u64>]) {
    let store = open(path);
    for (family, generations) in (0..FAMILIES).zip(acknowledged) {
        // Every consumed token has its successor, acknowledged or not; what came long before is
        // forgotten.
        let mut generation = generations.unwrap_or(0);
        if let Some(forgotten) = generation.checked_sub(2) {
            assert!(
                store
                    .refresh_token(hash(number(round, family, forgotten)))
                    .await
                    .unwrap()
                    .is_none()
            );
        }
        let stored = loop {
            let number = number(round, family, generation);
            match store
                .refresh_token(hash(number))
                .await
                .unwrap()
                .map(|record| (record.state, record.grant))
            {
                None if generation == 0 => break None,
                None => {
                    panic!("family {family} lost the successor {generation} of a consumed token")
                }
                Some((_, None)) => panic!("family {family} lost its grant"),
                Some((RefreshTokenState::Unused, Some(_))) => break Some(generation),
                Some((RefreshTokenState::Consumed { seed: stored, .. }, Some(_))) => {
                    assert_eq!(stored, seed(self::number(round, family, generation + 1)));
                }
            }
            generation += 1;
        };
        assert!(
            stored >= *generations,
            "family {family}: acknowledged {generations:?}, stored {stored:?}"
        );
        let first = number(round, family, 0);
        let grant = grant(&grant_id(round, family), "alice");
        if generations.is_some() {
            let again = store.redeem_code(hash(first), grant, at(600), None, NOW).await.unwrap();
            let is_replay = matches!(again, Redemption::Replayed { .. });
            assert!(is_replay, "family {family}: the code is redeemed");
        }
    }
}

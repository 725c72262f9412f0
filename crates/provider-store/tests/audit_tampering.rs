//! Whoever changes the audit history in the database itself is found out, on either database.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use doorward_protocol::secret::Secret;
use doorward_provider::{
    audit::{Actor, ActorKind, Anchor, Break, ChainKey, Outcome, Record},
    model::time::{Clock, Entropy, Seconds, SystemEntropy, Timestamp},
    store::Store,
    use_case::audit_trail::{AuditSettings, AuditTrail, Report, verify},
};
use doorward_provider_store::{
    PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore,
};
use test_postgres::TestPostgres;
use tokio::sync::watch;

/// When the records are made.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// Sealed records.
const COUNT: i64 = 6;

#[derive(Debug)]
struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn key() -> ChainKey {
    ChainKey::from_bytes(&[7; 32])
}

/// A trail as a process at this time has it.
fn trail(store: &Arc<dyn Store>, now: Timestamp, keep: Option<u32>) -> Arc<AuditTrail> {
    let settings = AuditSettings { keep: keep.map(Seconds::new), ..AuditSettings::default() };
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
        (Arc::new(Fixed(now)), Arc::new(SystemEntropy));
    Arc::new(AuditTrail::new(store.clone(), key(), settings, clock, entropy))
}

/// Writes records, and seals them as a process does that stops.
async fn write(store: &Arc<dyn Store>, now: Timestamp, count: i64) {
    let trail = trail(store, now, None);
    for number in 0..count {
        let actor = Actor::new(ActorKind::User, Some(&format!("user-{number}")));
        trail.write(Record::new("signed_in", Outcome::Succeeded, actor)).await.unwrap();
    }
    let (_stop, stopped) = watch::channel(true);
    trail.run(stopped).await;
}

async fn check(store: &Arc<dyn Store>, known: Option<Anchor>) -> Report {
    verify(&**store, &key(), known, NOW.plus(3600)).await.unwrap()
}

/// A change of the database, and a part of each break that it makes.
const CHANGES: &[(&str, &[&str], &[&str])] = &[
    (
        "a record is altered",
        &["UPDATE audit_records SET actor = 'mallory'
           WHERE number = (SELECT number FROM audit_seals WHERE position = 3)"],
        &["position 3 (record"],
    ),
    (
        "the time of a record is altered",
        &["UPDATE audit_records SET at = at + 1
           WHERE number = (SELECT number FROM audit_seals WHERE position = 3)"],
        &["position 3 (record"],
    ),
    (
        "a record is removed",
        &["DELETE FROM audit_records
           WHERE number = (SELECT number FROM audit_seals WHERE position = 3)"],
        &["position 3: the record was removed"],
    ),
    (
        "a record is removed with its seal",
        &[
            "DELETE FROM audit_records
             WHERE number = (SELECT number FROM audit_seals WHERE position = 3)",
            "DELETE FROM audit_seals WHERE position = 3",
        ],
        &["position 3: the seal was removed"],
    ),
    (
        "a record is removed and those after it move up",
        &[
            "DELETE FROM audit_records
             WHERE number = (SELECT number FROM audit_seals WHERE position = 5)",
            "DELETE FROM audit_seals WHERE position = 5",
            "UPDATE audit_seals SET position = 5 WHERE position = 6",
        ],
        &["position 5: the link", "the chain ends at position 5, but 6"],
    ),
    (
        "two records change places",
        &[
            "UPDATE audit_seals SET number = 1000 - number WHERE position IN (2, 3)",
            "UPDATE audit_seals SET number = (SELECT max(number) FROM audit_records
                 WHERE actor = CASE position WHEN 2 THEN 'user-2' ELSE 'user-1' END)
             WHERE position IN (2, 3)",
        ],
        &["position 2: the link", "position 3: the link"],
    ),
    (
        "the tail is cut",
        &[
            "DELETE FROM audit_records
             WHERE number IN (SELECT number FROM audit_seals WHERE position >= 5)",
            "DELETE FROM audit_seals WHERE position >= 5",
        ],
        &["the chain ends at position 4, but 6"],
    ),
    (
        "the tail is cut, and the head with it",
        &[
            "DELETE FROM audit_records
             WHERE number IN (SELECT number FROM audit_seals WHERE position >= 5)",
            "UPDATE audit_chain SET head_position = 4,
                 head_link = (SELECT link FROM audit_seals WHERE position = 4)",
            "DELETE FROM audit_seals WHERE position >= 5",
        ],
        &["the ends of the chain were altered"],
    ),
    (
        "the beginning is cut as if it were old",
        &[
            "DELETE FROM audit_records
             WHERE number IN (SELECT number FROM audit_seals WHERE position <= 2)",
            "UPDATE audit_chain SET base_position = 2,
                 base_link = (SELECT link FROM audit_seals WHERE position = 2)",
            "DELETE FROM audit_seals WHERE position <= 2",
        ],
        &["the ends of the chain were altered"],
    ),
    (
        "the first records are removed, as if they had no age",
        &["DELETE FROM audit_records
           WHERE number IN (SELECT number FROM audit_seals WHERE position <= 2)"],
        &["position 1: the record was removed", "position 2: the record was removed"],
    ),
    (
        "every record is removed",
        &["DELETE FROM audit_records"],
        &["position 1: the record was removed", "position 6: the record was removed"],
    ),
    (
        "the first records look old",
        &["UPDATE audit_records SET at = 1
           WHERE number IN (SELECT number FROM audit_seals WHERE position <= 2)"],
        &["position 1 (record", "position 2 (record"],
    ),
    (
        "the first record is removed with its seal",
        &[
            "DELETE FROM audit_records
             WHERE number = (SELECT number FROM audit_seals WHERE position = 1)",
            "DELETE FROM audit_seals WHERE position = 1",
        ],
        &["position 1: the seal was removed"],
    ),
    (
        "a record is inserted, and waits as if a process had written it",
        &[
            "INSERT INTO audit_records (id, at, event, outcome, actor_kind, data, mac)
             SELECT 'forged', at, event, outcome, actor_kind, data, mac FROM audit_records
             WHERE actor = 'user-1'",
            "INSERT INTO audit_waiting (number)
             SELECT number FROM audit_records WHERE id = 'forged'",
        ],
        &["record forged was not sealed"],
    ),
    (
        "a record is inserted behind the head",
        &[
            "INSERT INTO audit_records (id, at, event, outcome, actor_kind, data, mac)
             SELECT 'forged', at, event, outcome, actor_kind, data, mac FROM audit_records
             WHERE actor = 'user-1'",
            "INSERT INTO audit_seals (position, number, link)
             SELECT 7, number, mac FROM audit_records WHERE id = 'forged'",
        ],
        &["the chain ends at position 7, but 6"],
    ),
    (
        "a record is inserted before the base",
        &[
            "INSERT INTO audit_records (id, at, event, outcome, actor_kind, data, mac)
             SELECT 'forged', at, event, outcome, actor_kind, data, mac FROM audit_records
             WHERE actor = 'user-1'",
            "INSERT INTO audit_seals (position, number, link)
             SELECT 0, number, mac FROM audit_records WHERE id = 'forged'",
        ],
        &["record forged was not sealed"],
    ),
    (
        "the ends of the chain are removed",
        &["DELETE FROM audit_chain"],
        &["the ends of the chain were removed"],
    ),
];

/// Looks whether a change is found. The breaks must be those that are expected, in their order.
fn compare(change: &str, breaks: &[Break], expected: &[&str]) {
    let told: Vec<String> = breaks.iter().map(ToString::to_string).collect();
    let all = expected.iter().all(|part| told.iter().any(|told| told.contains(part)));
    assert!(all, "{change}: {told:?}");
}

#[tokio::test]
async fn every_change_of_an_sqlite_file_is_found() {
    for (change, statements, expected) in CHANGES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doorward.sqlite3");
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&path, &SqliteOptions::default()).unwrap());
        write(&store, NOW, COUNT).await;
        assert_eq!(check(&store, None).await.breaks, [], "before");
        let connection = rusqlite::Connection::open(&path).unwrap();
        for statement in *statements {
            connection.execute(statement, []).unwrap();
        }
        compare(change, &check(&store, None).await.breaks, expected);
        sweep_nothing(&store).await;
        notice(change, &store, expected).await;
        compare(change, &check(&store, None).await.breaks, expected);
    }
}

#[tokio::test]
async fn every_change_of_a_postgresql_database_is_found() {
    let server = TestPostgres::start();
    for (number, (change, statements, expected)) in CHANGES.iter().enumerate() {
        let url = PostgresUrl::parse(&Secret::new(server.new_database())).unwrap();
        // A busy machine may be slow.
        let statement_timeout = Duration::from_mins(5);
        let options = PostgresOptions { statement_timeout, ..PostgresOptions::new(url) };
        let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&options).await.unwrap());
        write(&store, NOW, COUNT).await;
        assert_eq!(check(&store, None).await.breaks, [], "before");
        server.sql(&format!("database_{number}"), &statements.join(";\n"));
        compare(change, &check(&store, None).await.breaks, expected);
        sweep_nothing(&store).await;
        notice(change, &store, expected).await;
        compare(change, &check(&store, None).await.breaks, expected);
    }
}

/// What the overview of the administration says: whether the ends of the chain are ours.
async fn notice(change: &str, store: &Arc<dyn Store>, expected: &[&str]) {
    let is_altered = expected.contains(&"the ends of the chain were altered");
    let holds = trail(store, NOW, None).chain_holds().await.unwrap();
    assert_eq!(holds, !is_altered, "{change}");
}

/// Retention runs while nothing is old: it must not take a change for age.
async fn sweep_nothing(store: &Arc<dyn Store>) {
    let keeping = trail(store, NOW, Some(1000));
    assert_eq!(keeping.sweep(NOW.plus(500)).await.unwrap(), 0);
}

#[tokio::test]
async fn damaged_records_go_with_an_old_one_after_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&path, &SqliteOptions::default()).unwrap());
    write(&store, NOW, 450).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let removed = "DELETE FROM audit_records WHERE number IN
                       (SELECT number FROM audit_seals WHERE position <= 430)";
    connection.execute(removed, []).unwrap();
    let keeping = trail(&store, NOW, Some(1000));
    assert_eq!(keeping.sweep(NOW.plus(999)).await.unwrap(), 0);
    assert_eq!(keeping.sweep(NOW.plus(1000)).await.unwrap(), 450);
    assert_eq!(check(&store, None).await.breaks, []);
}

#[tokio::test]
async fn what_is_old_goes_and_the_rest_still_holds() {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    write(&store, NOW, 450).await;
    write(&store, NOW.plus(1000), 5).await;
    let keeping = trail(&store, NOW.plus(1000), Some(1000));
    assert_eq!(keeping.sweep(NOW.plus(999)).await.unwrap(), 0);
    assert_eq!(keeping.sweep(NOW.plus(1000)).await.unwrap(), 450);
    let report = check(&store, None).await;
    assert_eq!((report.breaks, report.records, report.base.position), (vec![], 5, 450));
    write(&store, NOW.plus(2000), 1).await;
    let report = check(&store, None).await;
    assert_eq!((report.breaks, report.records, report.head.position), (vec![], 6, 456));
    assert_eq!(trail(&store, NOW, None).sweep(NOW.plus(u32::MAX)).await.unwrap(), 0, "for ever");
}

#[tokio::test]
async fn a_head_that_was_noted_shows_that_the_whole_was_exchanged() {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    write(&store, NOW, COUNT).await;
    let known = check(&store, None).await.head;
    write(&store, NOW, 3).await;
    assert_eq!(check(&store, Some(known)).await.breaks, []);
    let other = Anchor { link: [1; 32], ..known };
    assert_eq!(check(&store, Some(other)).await.breaks, [Break::Known { position: COUNT }]);
    // An older copy of the database holds by itself, but ends before what was noted.
    let copy: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    write(&copy, NOW, COUNT - 1).await;
    assert_eq!(check(&copy, None).await.breaks, []);
    assert_eq!(check(&copy, Some(known)).await.breaks, [Break::Known { position: COUNT }]);
}

#[tokio::test]
async fn nothing_is_built_on_altered_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&path, &SqliteOptions::default()).unwrap());
    write(&store, NOW, COUNT).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE audit_chain SET head_position = 3", []).unwrap();
    write(&store, NOW, 2).await;
    assert_eq!(store.waiting_audit_records(9).await.unwrap().len(), 2, "they wait");
    assert_eq!(trail(&store, NOW, Some(0)).sweep(NOW.plus(9)).await.unwrap(), 0);
    assert!(check(&store, None).await.breaks.contains(&Break::Ends));
}

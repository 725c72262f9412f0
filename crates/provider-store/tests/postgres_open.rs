//! Opening and losing a database server: what is refused at start, and what the store does while
//! the database is away.
#![allow(clippy::unwrap_used)]

#[path = "conformance/fixtures.rs"]
mod fixtures;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use doorward_protocol::{jose::SigningAlgorithm::Rs256, secret::Secret};
use doorward_provider::{
    model::{
        grant::RefreshToken,
        message_identity::MessageIdentity,
        time::{Clock as _, SystemClock, Timestamp},
    },
    store::{
        Consents as _, Grants as _, Maintenance as _, Redemption, RefreshTokens as _,
        RotateRefreshToken, Rotation, SigningKeys as _, SingleUses as _, StoreError, Users as _,
    },
};
use doorward_provider_store::{
    ClientCertificate, PostgresError, PostgresOptions, PostgresStore, PostgresUrl,
};
use fixtures::{
    NOW, Tested, add_many_grants, at, code, grant, hash, key, parallel, session, start_session,
    to_id, token, user,
};
use test_postgres::{Durability, PASSWORD, TestPostgres};

/// What has not come after this time never comes: only a test that hangs waits for so long, on the
/// slowest machine.
const PATIENCE: Duration = Duration::from_mins(5);

fn options(url: &str) -> PostgresOptions {
    let usual = PostgresOptions::new(PostgresUrl::parse(&Secret::new(url)).unwrap());
    PostgresOptions { statement_timeout: PATIENCE, ..usual }
}

/// Tries until it succeeds: on a busy machine a short time limit fails what is in order.
async fn in_the_end<T, E: std::fmt::Debug>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let mut last = None;
    let succeeding = async {
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(error) => last = Some(error),
            }
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, succeeding).await;
    outcome.unwrap_or_else(|_| panic!("it never succeeds: {last:?}"))
}

async fn open(url: &str) -> Result<PostgresStore, PostgresError> {
    PostgresStore::open(&options(url)).await
}

/// The message must name the database, and no password.
fn assert_names(error: &PostgresError, place: &str) {
    let text = error.to_string();
    assert!(text.contains(place) && !text.contains(PASSWORD), "{text}");
}

async fn refuses(url: &str) -> PostgresError {
    let error = open(url).await.unwrap_err();
    assert_names(&error, &url[url.rfind('@').unwrap() + 1..]);
    error
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_and_named() {
    let server = TestPostgres::start();

    let missing = refuses(&server.url("nowhere")).await;
    assert!(
        matches!(&missing, PostgresError::Unreachable { reason, .. }
            if reason.contains("does not exist")),
        "{missing}"
    );

    let wrong_password = server.url("postgres").replace(PASSWORD, "guessed");
    let wrong = refuses(&wrong_password).await;
    assert!(
        matches!(&wrong, PostgresError::Unreachable { reason, .. }
            if reason.contains("authentication")),
        "{wrong}"
    );

    let url = server.new_database();
    drop(open(&url).await.unwrap());
    server.sql("database_0", "UPDATE doorward_schema SET version = 9999");
    assert!(matches!(refuses(&url).await, PostgresError::Newer { found: 9999, .. }));

    let url = server.new_database();
    server.sql("database_1", "CREATE TABLE sessions (text TEXT)");
    assert!(matches!(refuses(&url).await, PostgresError::Foreign { .. }));
    assert_eq!(
        server.sql("database_1", "SELECT count(*) FROM pg_tables WHERE tablename = 'users'"),
        "0"
    );

    let url = server.new_database();
    server.sql("database_2", "ALTER DATABASE database_2 SET synchronous_commit = off");
    assert!(matches!(refuses(&url).await, PostgresError::NotDurable { .. }));

    let url = server.new_database();
    server.crash();
    assert!(matches!(refuses(&url).await, PostgresError::Unreachable { .. }));
}

#[tokio::test]
async fn a_look_changes_nothing_whatever_the_version() {
    let server = TestPostgres::start();
    let url = server.new_database();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let (_, empty) = PostgresStore::look(&options(&url)).await.unwrap();
    assert_eq!((empty.found, server.sql("database_0", tables).as_str()), (0, "0"));
    let store = open(&url).await.unwrap();
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    let (store, version) = PostgresStore::look(&options(&url)).await.unwrap();
    assert!(version.is_current(), "{version:?}");
    assert!(store.user(&to_id("alice")).await.unwrap().is_some());
    server.sql("database_0", "UPDATE doorward_schema SET version = 3");
    let (store, version) = PostgresStore::look(&options(&url)).await.unwrap();
    assert_eq!((version.found, version.is_current()), (3, false));
    assert!(store.user(&to_id("alice")).await.unwrap().is_some());
    assert_eq!(server.sql("database_0", "SELECT version FROM doorward_schema"), "3");
    server.sql("database_0", "UPDATE doorward_schema SET version = 9999");
    let newer = PostgresStore::look(&options(&url)).await.unwrap_err();
    assert!(matches!(newer, PostgresError::Newer { found: 9999, .. }), "{newer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_start_together_all_find_the_schema_and_agree_on_users_and_keys() {
    let server = TestPostgres::start();
    let url: Arc<str> = server.new_database().into();
    let starts: Vec<_> = (0..8)
        .map(|number| {
            let url = Arc::clone(&url);
            tokio::spawn(async move {
                let store = open(&url).await.unwrap();
                store
                    .import_users(vec![user("alice", "alice"), user("bob", "bob")], NOW)
                    .await
                    .unwrap();
                store.add_signing_key(key(&format!("key-{number}"), Rs256, 0), NOW).await.unwrap()
            })
        })
        .collect();
    let mut seen = Vec::new();
    for start in starts {
        seen.push(start.await.unwrap());
    }
    for keys in &seen {
        assert_eq!((keys.len(), &keys[0].kid), (1, &seen[0][0].kid));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_redeemed_once_over_two_stores() {
    let server = TestPostgres::start();
    let url = server.new_database();
    let stores: [Tested; 2] =
        [Arc::new(open(&url).await.unwrap()), Arc::new(open(&url).await.unwrap())];
    fixtures::signed_in(&*stores[0], "alice").await;
    assert!(stores[1].add_code(hash(1), code(grant("g", "alice"), 60), false).await.unwrap());
    let redeem = |store: Tested, number: u64| async move {
        store
            .redeem_code(hash(1), grant("g", "alice"), at(60), Some(token(number, 600)), NOW)
            .await
            .unwrap()
    };
    let (one, two) =
        tokio::join!(parallel(&stores[0], 32, redeem), parallel(&stores[1], 32, redeem));
    let outcomes = [one, two].concat();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redemption::Redeemed).count(), 1);
    let is_replay = |outcome: &&Redemption| matches!(outcome, Redemption::Replayed { .. });
    assert_eq!(outcomes.iter().filter(is_replay).count(), 63);
}

/// A code that is redeemed while its session ends: either it comes too late, or its grant is
/// revoked with the session.
#[tokio::test(flavor = "multi_thread")]
async fn no_grant_slips_through_the_end_of_its_session() {
    use doorward_provider::model::session::SessionSelector;
    let server = TestPostgres::start();
    let store: Tested = Arc::new(open(&server.new_database()).await.unwrap());
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    for round in 0..40 {
        let id = format!("grant-{round}");
        let scoped = || doorward_provider::model::grant::Grant {
            scope: "openid".parse().unwrap(),
            ..grant(&id, "alice")
        };
        start_session(&*store, session(round, "alice", 600), None).await;
        assert!(store.add_code(hash(1000 + round), code(scoped(), 60), false).await.unwrap());
        let (redemption, ended) = tokio::join!(
            store.redeem_code(hash(1000 + round), scoped(), at(60), None, NOW),
            store.end_sessions(SessionSelector::Cookie(hash(round)), NOW),
        );
        assert_eq!(ended.unwrap().len(), 1);
        let redemption = redemption.unwrap();
        assert!(
            matches!(redemption, Redemption::Redeemed | Redemption::SessionEnded),
            "{redemption:?}"
        );
        assert!(
            store.live_grant(&to_id(&id), NOW).await.unwrap().is_none(),
            "round {round}: {redemption:?}"
        );
    }
}

#[tokio::test]
async fn away_it_is_unavailable_and_back_it_works_again() {
    let server = TestPostgres::start();
    let store = open(&server.new_database()).await.unwrap();
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    server.crash();
    for _ in 0..20 {
        let outcome = store.user(&to_id("alice")).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.answers_queries().await, Err(StoreError::Unavailable(_))));
    }
    server.start_again();
    assert_eq!(store.user(&to_id("alice")).await.unwrap().unwrap().username, "alice");
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_database_that_hangs_or_has_no_connection_left_is_unavailable() {
    let server = TestPostgres::start();
    let url = server.new_database();
    open(&url).await.unwrap().import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    let quick = PostgresOptions {
        connections: 1,
        statement_timeout: Duration::from_secs(1),
        ..options(&url)
    };
    let store = in_the_end(async || PostgresStore::open(&quick).await).await;
    // Another transaction holds the row that imports go through.
    let holder =
        server.open_session("database_0", "BEGIN; SELECT * FROM doorward_schema FOR UPDATE");
    let mut seen = Vec::new();
    for outcome in
        futures::future::join_all([0; 6].map(|_| store.import_users(Vec::new(), NOW))).await
    {
        let Err(StoreError::Unavailable(why)) = outcome else { panic!("{outcome:?}") };
        seen.push(why);
    }
    // The database's own limit comes first, unless this process is held up for a second.
    let of_the_statement = ["statement timeout", "did not answer in time"];
    assert!(
        of_the_statement.iter().any(|own| seen.iter().any(|why| why.contains(own))),
        "{seen:?}"
    );
    assert!(seen.iter().any(|why| why.contains("became free")), "{seen:?}");
    drop(holder);
    in_the_end(async || store.import_users(Vec::new(), NOW).await).await;
}

#[tokio::test]
async fn what_the_database_cannot_hold_is_not_found() {
    let server = TestPostgres::start();
    let store = open(&server.new_database()).await.unwrap();
    assert!(store.user_by_username("a\0b").await.unwrap().is_none());
}

/// Before names were composed (NFC), a name stayed as its keyboard wrote it.
#[tokio::test]
async fn a_name_of_before_composed_names_is_found() {
    let server = TestPostgres::start();
    let url = server.new_database();
    let store = open(&url).await.unwrap();
    store.put_user(user("1", "Zo\u{eb}"), NOW).await.unwrap();
    let database = &url[url.rfind('/').unwrap() + 1..];
    server.sql(database, "UPDATE users SET normalized_username = U&'zoe\\0308'");
    let found = async || store.user_by_username("zo\u{eb}").await.unwrap().unwrap().sub;
    assert_eq!(found().await, "1");
    // Whoever has exactly the name comes first.
    store.put_user(user("2", "zo\u{eb}"), NOW).await.unwrap();
    assert_eq!(found().await, "2");
}

/// Makes a certificate that signs itself, and its key. `is_authority` is `TRUE` or `FALSE`.
fn certificate(folder: &Path, file: &str, name: &str, is_authority: &str) -> (PathBuf, PathBuf) {
    let certificate = folder.join(format!("{file}.crt"));
    let key = folder.join(format!("{file}.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"])
        .arg(format!("/CN={name}"))
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext"])
        .arg(format!("basicConstraints=critical,CA:{is_authority}"))
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// A certificate takes the place of the password.
#[tokio::test]
async fn the_server_is_shown_a_certificate_of_this_process() {
    let folder = tempfile::tempdir().unwrap();
    let (ca_file, private) = certificate(folder.path(), "server", "localhost", "FALSE");
    let (own, own_key) = certificate(folder.path(), "own", "certified", "TRUE");
    let (foreign, foreign_key) = certificate(folder.path(), "foreign", "certified", "TRUE");
    let server = TestPostgres::start_with(Durability::Processes, &[]);
    server.use_tls(&ca_file, &private);
    let database = server.new_database();
    server.add_user_with_certificate("certified", &own);
    let (_, host) = database.split_once('@').unwrap();
    let url = format!("postgres://certified@{host}?sslmode=require");
    let open = async |shown: Option<(&PathBuf, &PathBuf)>| {
        let client_certificate = shown.map(|(certificate, key)| ClientCertificate {
            certificate: certificate.clone(),
            key: key.clone(),
        });
        let ca_file = Some(ca_file.clone());
        PostgresStore::open(&PostgresOptions { ca_file, client_certificate, ..options(&url) }).await
    };
    for shown in [None, Some((&foreign, &foreign_key))] {
        let refused = open(shown).await.unwrap_err();
        assert!(matches!(refused, PostgresError::Unreachable { .. }), "{refused:?}");
    }
    let store = open(Some((&own, &own_key))).await.unwrap();
    store.ping().await.unwrap();
    let shown = "SELECT DISTINCT client_dn FROM pg_stat_ssl WHERE client_dn IS NOT NULL";
    assert_eq!(server.sql("postgres", shown), "/CN=certified");
}

/// The certificate is checked against the file that the operator gave, and nothing else will do.
#[tokio::test]
async fn other_machines_are_known_by_their_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, private) = certificate(folder.path(), "server", "localhost", "FALSE");
    let server = TestPostgres::start_with(Durability::Processes, &[]);
    server.use_tls(&certificate, &private);
    let url = format!("{}?sslmode=require", server.new_database());
    let strange = open(&url).await.unwrap_err();
    assert!(
        matches!(&strange, PostgresError::Unreachable { reason, .. }
            if reason.contains("certificate")),
        "{strange}"
    );
    let known = PostgresOptions { ca_file: Some(certificate), ..options(&url) };
    let store = PostgresStore::open(&known).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(
        server.sql(
            "database_0",
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity \
        USING (pid) WHERE ssl AND application_name = 'doorward'"
        ),
        "1"
    );
    let missing =
        PostgresOptions { ca_file: Some(folder.path().join("none.pem")), ..options(&url) };
    let error = PostgresStore::open(&missing).await.unwrap_err();
    assert!(
        matches!(&error, PostgresError::Certificates { .. })
            && error.to_string().contains("none.pem"),
        "{error}"
    );
}

/// A host that accepts connections and never answers: a stopped machine, a hung disk.
struct HungHost(std::net::TcpListener);

impl HungHost {
    fn start() -> Self {
        Self(std::net::TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The URL of a database with this host before the others.
    fn before(&self, url: &str) -> String {
        let address = self.0.local_addr().unwrap();
        url.replacen("127.0.0.1", &format!("{address},127.0.0.1"), 1)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_accepts_and_never_answers_is_passed_over() {
    let server = TestPostgres::start();
    let (first, second) = (HungHost::start(), HungHost::start());
    let url = second.before(&first.before(&server.new_database()));
    let options = PostgresOptions { statement_timeout: Duration::from_secs(3), ..options(&url) };
    let store = in_the_end(async || PostgresStore::open(&options).await).await;
    server.sql(
        "database_0",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    );
    in_the_end(async || store.ping().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_leaves_no_busy_connection_as_a_free_one() {
    let server = TestPostgres::start();
    let store = Arc::new(open(&server.new_database()).await.unwrap());
    store.import_users(vec![user("alice", "alice"), user("carol", "carol")], NOW).await.unwrap();
    let holder = server.open_session("database_0", "BEGIN; LOCK TABLE consents");
    let blocked: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.consent(&to_id("alice"), &to_id("app")).await })
        })
        .collect();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    while server.sql("database_0", waiting) != "4" {}
    for call in blocked {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled(), "the table is locked");
    }
    // The table is still locked, so a busy connection answers nothing.
    assert!(store.user(&to_id("carol")).await.unwrap().is_some());
    drop(holder);
    assert!(
        store.consent(&to_id("alice"), &to_id("app")).await.unwrap().is_none(),
        "the connections came back"
    );
}

#[tokio::test]
async fn a_node_whose_clock_is_wrong_removes_nothing_and_judges_no_replay() {
    let server = TestPostgres::start();
    let bound = Some(Duration::from_mins(10));
    let options = PostgresOptions { max_clock_skew: bound, ..options(&server.new_database()) };
    let store = PostgresStore::open(&options).await.unwrap();
    let now = SystemClock.now();
    let after = |seconds: i64| Timestamp::from_seconds(now.seconds() + seconds);
    let rotation = |now: Timestamp| RotateRefreshToken {
        presented: hash(1),
        seed: fixtures::seed(1),
        successor: RefreshToken { expires_at: after(90_000), ..token(2, 0) },
        grant_expires_at: after(90_000),
        forgettable: false,
        now,
        grace: 10.into(),
    };
    let first = RefreshToken { expires_at: after(90_000), ..token(1, 0) };
    fixtures::add_grant(&store, grant("g", "alice"), after(90_000), Some(first), now).await;
    assert_eq!(store.rotate_refresh_token(rotation(now)).await.unwrap(), Rotation::Rotated);

    // An hour ahead, a repetition looks like a replay.
    let ahead = after(3600);
    assert!(matches!(store.check_clock(ahead).await, Err(StoreError::WrongClock(_))));
    let judged = store.rotate_refresh_token(rotation(ahead)).await;
    assert!(matches!(judged, Err(StoreError::WrongClock(_))), "{judged:?}");
    let forgotten = store.revoke_renewable_grant(&to_id("g"), ahead).await;
    assert!(matches!(forgotten, Err(StoreError::WrongClock(_))), "{forgotten:?}");
    // 40 days ahead, everything has expired.
    let swept = store.remove_expired(after(40 * 86_400), 100).await;
    assert!(matches!(swept, Err(StoreError::WrongClock(_))), "{swept:?}");
    assert!(store.live_grant(&to_id("g"), now).await.unwrap().is_some());

    // A message that another process may have forgotten counts as used.
    let message = |number: u8| MessageIdentity::from_bytes([number; 32]);
    assert!(!store.first_use(message(1), now).await.unwrap());
    assert!(!store.is_used(message(1)).await.unwrap());
    assert!(store.first_use(message(1), after(3600)).await.unwrap());
    assert!(!store.first_use(message(1), after(3600)).await.unwrap());

    store.check_clock(after(3)).await.unwrap();
    let repeated = store.rotate_refresh_token(rotation(after(3))).await.unwrap();
    assert!(matches!(repeated, Rotation::Repeated { .. }), "{repeated:?}");
    assert_eq!(store.remove_expired(after(3), 100).await.unwrap(), 0);
}

/// Holds rows as somebody does who removes them, until this work waits for them.
async fn while_others_remove_rows<T: Send + 'static>(
    server: &TestPostgres,
    removal: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let holder = server.open_session("database_0", &format!("BEGIN; {removal}"));
    let working = tokio::spawn(work);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    while server.sql("database_0", waiting) == "0" {}
    holder.commit();
    working.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_others_remove_meanwhile_end_no_removal_early() {
    const ROWS: u64 = 1_000;
    let removal = "DELETE FROM grants WHERE substr(id, 7)::INT % 5 = 0";
    let server = TestPostgres::start();
    let store: Tested = Arc::new(open(&server.new_database()).await.unwrap());
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();

    add_many_grants(&store, "app", ROWS).await;
    let own = Arc::clone(&store);
    let revoking =
        async move { own.revoke_access(&to_id("alice"), &to_id("app"), NOW).await.unwrap() };
    while_others_remove_rows(&server, removal, revoking).await;
    let live = "SELECT count(*) FROM grants WHERE revoked_at IS NULL";
    assert_eq!(server.sql("database_0", live), "0");

    server.sql("database_0", "DELETE FROM grants; DELETE FROM refresh_tokens");
    add_many_grants(&store, "app", ROWS).await;
    let own = Arc::clone(&store);
    let removing = async move { own.remove_client(&to_id("app"), None).await.unwrap() };
    assert!(while_others_remove_rows(&server, removal, removing).await);
    assert_eq!(server.sql("database_0", "SELECT count(*) FROM grants"), "0");
}

#[tokio::test]
async fn a_database_that_can_not_hold_every_text_is_refused() {
    let server = TestPostgres::start();
    server.sql(
        "postgres",
        "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );
    let refused = refuses(&server.url("latin")).await;
    assert!(matches!(&refused, PostgresError::Encoding { encoding, .. } if encoding == "LATIN1"));
}

#[tokio::test]
async fn a_database_that_only_reads_is_not_ready() {
    let server = TestPostgres::start();
    let store = open(&server.new_database()).await.unwrap();
    store.ping().await.unwrap();
    server.sql("postgres", "ALTER SYSTEM SET default_transaction_read_only = on");
    server.sql("postgres", "SELECT pg_reload_conf()");
    let refused = in_the_end(async || match store.ping().await {
        Ok(()) => Err("it is still ready"),
        Err(error) => Ok(error),
    })
    .await;
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    store.answers_queries().await.unwrap();
}

#[tokio::test]
async fn the_password_is_read_from_its_file_for_each_connection() {
    let server = TestPostgres::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{PASSWORD}\n")).unwrap();
    let url = server.new_database().replace(&format!(":{PASSWORD}@"), "@");
    let options = PostgresOptions { password_file: Some(file.path().to_owned()), ..options(&url) };
    PostgresStore::open(&options).await.unwrap().ping().await.unwrap();
    std::fs::write(file.path(), "guessed").unwrap();
    let refused = PostgresStore::open(&options).await.unwrap_err();
    assert!(matches!(refused, PostgresError::Unreachable { .. }), "{refused}");
}

/// Addresses from before they had a table of their own are found.
#[tokio::test]
async fn further_addresses_of_before_are_found() {
    let server = TestPostgres::start();
    let url = server.new_database();
    drop(open(&url).await.unwrap());
    let database = url.rsplit('/').next().unwrap();
    server.sql(database, fixtures::WITHOUT_FURTHER_ADDRESSES);
    server.sql(
        database,
        "DROP INDEX users_enabled; DROP INDEX users_enabled_by_email;
         DROP INDEX users_enabled_by_full_name; DROP INDEX clients_in_order;
         DROP INDEX tickets_by_purpose; DROP INDEX audit_records_by_instant;
         CREATE INDEX audit_records_by_time ON audit_records (at, number);
         UPDATE doorward_schema SET version = version - 7;",
    );
    fixtures::assert_further_addresses(&open(&url).await.unwrap()).await;
}

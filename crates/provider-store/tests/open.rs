//! Opening, closing and sharing the database file.
#![allow(clippy::unwrap_used)]

#[path = "conformance/fixtures.rs"]
mod fixtures;

use std::{fs, path::Path, time::Duration};

use doorward_protocol::jose::SigningAlgorithm::Rs256;
use doorward_provider::{
    model::user::User,
    store::{
        Maintenance as _, RefreshTokens as _, RotateRefreshToken, Rotation, Sessions as _,
        SigningKeys as _, StoreError, Users as _,
    },
};
use doorward_provider_store::{Limits, OpenError, SqliteOptions, SqliteStore};
use fixtures::{
    NOW, add_grant, at, grant, hash, key, seed, session, start_session, to_id, token, user,
};
use rusqlite::{Connection, params};

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, &SqliteOptions::default())
}

/// The message must name the file.
fn assert_names(error: &OpenError, path: &Path) {
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let store = open(&path).unwrap();
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    let mut files = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.path().display()
        );
        files += 1;
    }
    assert!(files >= 2, "the database and its log");
}

/// Who may write to the folder of the backups must not choose where a copy of everything goes, or
/// who may read it.
#[cfg(unix)]
#[tokio::test]
async fn a_copy_goes_into_a_file_of_its_own_only() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    drop(open(&place("doorward.sqlite3")).unwrap());
    symlink(place("elsewhere"), place("link")).unwrap();
    fs::write(place("empty"), "").unwrap();
    for target in ["link", "empty"] {
        let refused = SqliteStore::backup(&place("doorward.sqlite3"), &place(target)).unwrap_err();
        assert!(matches!(refused, OpenError::Inaccessible { .. }), "{refused:?}");
        assert_names(&refused, &place(target));
    }
    assert!(!place("elsewhere").exists());
    assert_eq!(fs::read(place("empty")).unwrap(), b"");

    SqliteStore::backup(&place("doorward.sqlite3"), &place("copy")).unwrap();
    assert_eq!(place("copy").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    open(&place("copy")).unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let store = open(&path).unwrap();
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    add_grant(&store, grant("g", "alice"), at(60), Some(token(1, 600)), NOW).await;
    drop(store);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a clean end leaves the one file");
    let store = open(&path).unwrap();
    assert_eq!(
        store.refresh_token(hash(1)).await.unwrap().unwrap().grant.as_deref(),
        Some(&grant("g", "alice"))
    );
    store.ping().await.unwrap();
}

#[tokio::test]
async fn two_stores_on_one_file_agree_on_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let (one, two) = (open(&path).unwrap(), open(&path).unwrap());
    let (seen_by_one, seen_by_two) = tokio::join!(
        one.add_signing_key(key("one", Rs256, 0), NOW),
        two.add_signing_key(key("two", Rs256, 0), NOW)
    );
    let (seen_by_one, seen_by_two) = (seen_by_one.unwrap(), seen_by_two.unwrap());
    assert_eq!((seen_by_one.len(), seen_by_two.len()), (1, 1));
    assert_eq!(seen_by_one[0].kid, seen_by_two[0].kid);
    assert_eq!(one.signing_keys().await.unwrap().len(), 1);
}

#[test]
fn many_that_start_together_all_find_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    // One waits for the other, on a slow disk for longer than a request would.
    let busy_timeout = Duration::from_mins(2);
    let options = SqliteOptions { busy_timeout, ..SqliteOptions::default() };
    let open = || SqliteStore::open(&path, &options);
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for store in opened {
        store.unwrap();
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = open(&missing.join("doorward.sqlite3")).unwrap_err();
    assert!(
        matches!(&error, OpenError::FolderMissing { folder, .. } if *folder == missing),
        "{error}"
    );
    assert_names(&error, &missing.join("doorward.sqlite3"));
}

#[test]
fn a_path_that_cannot_be_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [folder.path().to_owned(), file.join("doorward.sqlite3")] {
        let error = open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Inaccessible { .. }), "{error}");
        assert_names(&error, &path);
    }
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let content = "this is not a database ".repeat(1000);
    fs::write(&path, &content).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert_names(&error, &path);
    assert_eq!(fs::read_to_string(&path).unwrap(), content);
}

#[tokio::test]
async fn a_damaged_page_is_reported_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let store = open(&path).unwrap();
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    drop(store);
    let page: u32 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'users'", [], |row| row.get(0))
        .unwrap();
    let mut content = fs::read(&path).unwrap();
    let end = page as usize * 4096;
    content[end - 4096..end].fill(0xff);
    fs::write(&path, content).unwrap();
    let store = open(&path).unwrap();
    let outcome = store.user(&to_id("alice")).await;
    assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_look_changes_nothing_whatever_the_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let store = open(&path).unwrap();
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    drop(store);
    let look = || SqliteStore::look(&path, &SqliteOptions::default());
    let (store, version) = look().unwrap();
    assert!(version.is_current(), "{version:?}");
    assert!(store.user(&to_id("alice")).await.unwrap().is_some());
    assert!(store.import_users(vec![user("bob", "bob")], NOW).await.is_err(), "it only reads");
    drop(store);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let before = fs::read(&path).unwrap();
    let (store, version) = look().unwrap();
    assert_eq!((version.found, version.is_current()), (3, false));
    assert!(store.user(&to_id("alice")).await.unwrap().is_some());
    drop(store);
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9999).unwrap();
    assert!(matches!(look().unwrap_err(), OpenError::Newer { found: 9999, .. }));
    fs::remove_file(&path).unwrap();
    assert!(matches!(look().unwrap_err(), OpenError::Inaccessible { .. }));
    assert!(!path.exists());
}

/// What a command has left to the server is there after a restart.
#[tokio::test]
async fn sessions_that_are_left_end_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let limits = Limits { sessions_per_user: 1_000, ..Limits::default() };
    let store =
        SqliteStore::open(&path, &SqliteOptions { limits, ..SqliteOptions::default() }).unwrap();
    for number in 0..250 {
        let mut session = session(number, "alice", 600);
        session.authentication.sid = to_id(&format!("sid-{number}"));
        start_session(&store, session, None).await;
    }
    store.put_user(User { enabled: false, ..user("alice", "alice") }, NOW).await.unwrap();
    drop(store);
    let store = open(&path).unwrap();
    let rows = async || store.count_sessions(1_000, NOW).await.unwrap();
    assert_eq!(rows().await, 50);
    assert_eq!(store.remove_left_behind(NOW).await.unwrap(), 51);
    assert_eq!((rows().await, store.remove_left_behind(NOW).await.unwrap()), (0, 0));
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    drop(open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9999).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 9999, .. }), "{error}");
    assert_names(&error, &path);
    let found: i64 = Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, 9999);
}

/// Tokens from before tokens named their family are renewed, and their replays are noticed.
#[tokio::test]
async fn a_database_of_before_families_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../src/sqlite/migrations/0001_initial.sql")).unwrap();
    old.execute_batch(include_str!("../src/sqlite/migrations/0002_clients.sql")).unwrap();
    old.pragma_update(None, "user_version", 2).unwrap();
    let content = serde_json::to_string(&grant("g", "alice")).unwrap();
    old.execute(
        "INSERT INTO grants (id, sub, client_id, sid, offline, content, created_at, used_at,
            expires_at)
         VALUES ('g', 'alice', 'PkceJS', 'sid', 1, ?1, ?2, ?2, ?3)",
        params![content, NOW.seconds(), at(600).seconds()],
    )
    .unwrap();
    old.execute(
        "INSERT INTO refresh_tokens (hash, grant_id, first_issued_at, expires_at)
            VALUES (?1, 'g', ?2, ?3)",
        params![hash(1).as_bytes(), NOW.seconds(), at(600).seconds()],
    )
    .unwrap();
    drop(old);
    let store = open(&path).unwrap();
    let rotate = |presented, forgettable| RotateRefreshToken {
        presented: hash(presented),
        seed: seed(presented),
        successor: token(presented + 1, 600),
        grant_expires_at: at(600),
        forgettable,
        now: at(5),
        grace: 10.into(),
    };
    for presented in 1..4 {
        assert_eq!(
            store.rotate_refresh_token(rotate(presented, false)).await.unwrap(),
            Rotation::Rotated
        );
    }
    assert_eq!(store.rotate_refresh_token(rotate(1, false)).await.unwrap(), Rotation::Replayed);
}

/// Addresses from before they had a table of their own are found.
#[tokio::test]
async fn further_addresses_of_before_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    drop(open(&path).unwrap());
    let old = Connection::open(&path).unwrap();
    old.execute_batch(fixtures::WITHOUT_FURTHER_ADDRESSES).unwrap();
    old.execute_batch(
        "DROP INDEX users_enabled; DROP INDEX users_enabled_by_email;
         DROP INDEX users_enabled_by_full_name; DROP INDEX tickets_by_purpose;",
    )
    .unwrap();
    let known: i64 = old.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    old.pragma_update(None, "user_version", known - 7).unwrap();
    drop(old);
    fixtures::assert_further_addresses(&open(&path).unwrap()).await;
}

/// Before names were composed (NFC), a name stayed as its keyboard wrote it.
#[tokio::test]
async fn a_name_of_before_composed_names_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let store = open(&path).unwrap();
    store.put_user(user("1", "Zo\u{eb}"), NOW).await.unwrap();
    let sql = "UPDATE users SET normalized_username = ?1";
    assert_eq!(Connection::open(&path).unwrap().execute(sql, ["zoe\u{308}"]).unwrap(), 1);
    let found = async || store.user_by_username("zo\u{eb}").await.unwrap().unwrap().sub;
    assert_eq!(found().await, "1");
    // Whoever has exactly the name comes first.
    store.put_user(user("2", "zo\u{eb}"), NOW).await.unwrap();
    assert_eq!(found().await, "2");
}

#[test]
fn the_database_of_another_application_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sqlite3");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert_names(&error, &path);
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Names that SQLite would read as a URI, or that are not UTF-8.
#[cfg(unix)]
#[tokio::test]
async fn a_copy_lies_under_exactly_its_name() {
    use std::os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _};
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &[u8]| folder.path().join(std::ffi::OsStr::from_bytes(name));
    let source = place(b"doorward.sqlite3");
    let store = open(&source).unwrap();
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    for name in [&b"file:x.db"[..], b"caf\xe9.db", b"plain.db"] {
        let copy = place(name);
        // What an interrupted backup left behind does not matter.
        let mut partial = copy.clone().into_os_string();
        partial.push(".partial");
        fs::write(&partial, "cut off").unwrap();
        SqliteStore::backup(&source, &copy).unwrap();
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!Path::new(&partial).exists());
        let copied = open(&copy).unwrap();
        assert!(copied.user(&to_id("alice")).await.unwrap().is_some());
    }
    let refused = SqliteStore::backup(&source, &place(b"plain.db")).unwrap_err();
    assert!(refused.to_string().contains("there is a file already"), "{refused}");
}

/// Whoever asks whether the server is ready is answered while commands still wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_ping_gives_up_sooner_than_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sqlite3");
    let options = SqliteOptions {
        busy_timeout: std::time::Duration::from_hours(1),
        ..SqliteOptions::default()
    };
    let store = std::sync::Arc::new(SqliteStore::open(&path, &options).unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = tokio::spawn({
        let store = std::sync::Arc::clone(&store);
        async move { store.import_users(vec![user("alice", "alice")], NOW).await }
    });
    let ping = store.ping().await;
    assert!(matches!(ping, Err(StoreError::Unavailable(_))), "{ping:?}");
    store.answers_queries().await.unwrap();
    assert!(!waiting.is_finished());
    other.execute_batch("ROLLBACK").unwrap();
    waiting.await.unwrap().unwrap();
}

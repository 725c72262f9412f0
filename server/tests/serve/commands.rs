//! The commands on users, sessions, grants, keys and the database, beside a running server: what
//! they do is seen at once.

use std::{
    fs,
    io::Write as _,
    process::{Output, Stdio},
};

use doorward_provider::{
    model::time::{Clock as _, SystemClock},
    store::Sessions as _,
};
use doorward_provider_store::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use crate::support::{
    Sandbox, authorize, browser, location, refresh, sign_in_at_the_page, sign_in_by_password, text,
    token, until,
};

fn run(place: &Sandbox, arguments: &[&str]) -> Output {
    place.demo_command(arguments).output().unwrap()
}

/// Runs a command that reads from standard input.
fn run_with_input(place: &Sandbox, arguments: &[&str], input: &str) -> Output {
    let mut command = place.demo_command(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn rows(output: &Output) -> Vec<Value> {
    serde_json::from_str(&succeeded(output)).unwrap()
}

/// One line on standard error, and this exit code.
#[track_caller]
fn failed(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(code), 1), "{stderr}");
    assert!(output.stdout.is_empty());
    stderr
}

async fn may_sign_in(place: &Sandbox, username: &str, password: &str) -> bool {
    let form = [
        ("grant_type", "password"),
        ("username", username),
        ("password", password),
        ("scope", "openid"),
    ];
    token(&browser(), place, "PolicyBasedBackend", &form).await.status() == 200
}

#[tokio::test]
async fn users_are_added_changed_and_removed_while_the_server_runs() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let add = ["user", "add", "erin", "--sub", "erin", "--roles", "admin,user", "--password-stdin"];
    succeeded(&run_with_input(&place, &add, "first violet kettle\n"));
    assert!(may_sign_in(&place, "erin", "first violet kettle").await);
    let listed = rows(&run(&place, &["user", "list", "--json"]));
    let erin = listed.iter().find(|user| user["username"] == "erin").unwrap();
    assert_eq!(
        *erin,
        json!({"username": "erin", "sub": "erin", "enabled": true, "roles": ["admin", "user"]})
    );
    assert!(
        succeeded(&run(&place, &["user", "list"])).lines().any(|line| line.starts_with("erin "))
    );

    succeeded(&run_with_input(
        &place,
        &["user", "passwd", "erin", "--password-stdin"],
        "second violet kettle",
    ));
    assert!(!may_sign_in(&place, "erin", "first violet kettle").await);
    assert!(may_sign_in(&place, "erin", "second violet kettle").await);
    succeeded(&run(&place, &["user", "disable", "erin"]));
    assert!(!may_sign_in(&place, "erin", "second violet kettle").await);
    succeeded(&run(&place, &["user", "enable", "ERIN"]));
    assert!(may_sign_in(&place, "erin", "second violet kettle").await);
    succeeded(&run(&place, &["user", "roles", "erin", "sit"]));
    let listed = rows(&run(&place, &["user", "list", "--json"]));
    assert!(
        listed.iter().any(|user| user["username"] == "erin" && user["roles"] == json!(["sit"]))
    );
    assert!(failed(&run(&place, &["user", "remove", "erin"]), 2).contains("--yes"));
    succeeded(&run(&place, &["user", "remove", "erin", "--yes"]));
    assert!(!may_sign_in(&place, "erin", "second violet kettle").await);
    failed(&run(&place, &["user", "remove", "erin"]), 1);
    server.stop();
}

#[test]
fn what_was_done_is_told_as_json() {
    let place = Sandbox::new();
    let told = |arguments: &[&str], input: &str| {
        let output = run_with_input(&place, &[arguments, &["--json"]].concat(), input);
        serde_json::from_str::<Value>(&succeeded(&output)).unwrap()
    };
    let added = told(
        &["user", "add", "erin", "--sub", "erin", "--roles", "admin", "--password-stdin"],
        "violet kettle north",
    );
    let expected = json!({
        "username": "erin", "sub": "erin", "enabled": true, "roles": ["admin"], "message": "The \
                                        user erin was added.",
    });
    assert_eq!(added, expected);
    assert_eq!(told(&["user", "disable", "erin"], "")["enabled"], false);
    assert_eq!(told(&["user", "roles", "erin", "--clear"], "")["roles"], Value::Null);
    assert_eq!(told(&["session", "end", "erin", "--yes"], "")["ended"], 0);
    assert_eq!(told(&["user", "remove", "erin", "--yes"], "")["sub"], "erin");
    let page =
        ["client", "add", "page", "--public", "--grant-types", "device_code", "--scopes", "openid"];
    assert_eq!(told(&page, "")["client_id"], "page");
    assert_eq!(told(&["client", "set", "page", "--name", "Page"], "")["client_id"], "page");
    assert_eq!(
        told(&["client", "remove", "page", "--yes"], "")["message"]
            .as_str()
            .map(|it| it.contains("revoked")),
        Some(true)
    );
    assert!(told(&["keys", "rotate"], "")["takes_over"].is_i64());
    assert_eq!(told(&["db", "migrate"], "")["database"], "data/doorward.sqlite3");
    assert_eq!(told(&["db", "backup", "copy.sqlite3"], "")["file"], "copy.sqlite3");
}

#[tokio::test]
async fn what_can_not_be_done_is_said_in_one_line() {
    let place = Sandbox::new();
    succeeded(&run_with_input(
        &place,
        &["user", "add", "erin", "--sub", "erin", "--password-stdin"],
        "violet kettle north",
    ));
    let same = run_with_input(
        &place,
        &["user", "add", "erin", "--sub", "erin", "--password-stdin"],
        "violet kettle north",
    );
    assert!(failed(&same, 1).contains("erin"));
    let same_name = run_with_input(
        &place,
        &["user", "add", "Erin", "--sub", "2", "--password-stdin"],
        "violet kettle north",
    );
    assert!(failed(&same_name, 1).contains("Erin"));
    failed(&run_with_input(&place, &["user", "add", "frank", "--password-stdin"], ""), 2);
    assert!(
        failed(&run(&place, &["user", "add", "frank"]), 2).contains("--password-stdin"),
        "no terminal to ask at"
    );
    failed(
        &run_with_input(
            &place,
            &["user", "add", "two\nlines", "--password-stdin"],
            "violet kettle north",
        ),
        1,
    );
    for arguments in [
        &["user", "disable", "nobody"][..],
        &["session", "list", "nobody"],
        &["session", "end", "erin", "no-such-sid"],
        &["grant", "revoke", "erin", "PkceJS"],
        &["client", "show", "Nobody"],
        &["keys", "retire", "no-such-key"],
    ] {
        failed(&run(&place, arguments), 1);
    }
    assert_eq!(run(&place, &["user"]).status.code(), Some(2));
    failed(&run(&place, &["user", "list", "--config", "missing.toml"]), 2);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_while_the_server_runs() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let (http, other) = (browser(), browser());
    for browser in [&http, &other] {
        sign_in_at_the_page(browser, &place).await;
    }
    let listed = rows(&run(&place, &["session", "list", "alice", "--json"]));
    assert_eq!(listed.len(), 2);
    assert!(
        listed.iter().all(|session| session["expires"].as_i64() > session["signed_in"].as_i64()),
        "{listed:?}"
    );
    assert!(
        succeeded(&run(&place, &["session", "list", "alice"])).contains(text(&listed[0], "sid"))
    );
    succeeded(&run(&place, &["session", "end", "alice", text(&listed[0], "sid")]));
    assert_eq!(rows(&run(&place, &["session", "list", "alice", "--json"])), listed[1..]);
    failed(&run(&place, &["session", "end", "alice", text(&listed[0], "sid")]), 1);
    let mut signed_in = Vec::new();
    for browser in [&http, &other] {
        signed_in.push(!location(&authorize(browser, &place).await).contains("/account/login"));
    }
    signed_in.sort_unstable();
    assert_eq!(signed_in, [false, true], "one of the two");
    assert!(failed(&run(&place, &["session", "end", "alice"]), 2).contains("--yes"));
    succeeded(&run(&place, &["session", "end", "alice", "--yes"]));
    assert!(rows(&run(&place, &["session", "list", "alice", "--json"])).is_empty());
    server.stop();
}

/// A user may have more sessions than the command ends by itself.
#[tokio::test]
async fn the_server_ends_the_sessions_that_a_command_leaves() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let http = browser();
    sign_in_at_the_page(&http, &place).await;
    let database = place.folder().join("data/doorward.sqlite3");
    test_sqlite::make(
        &database,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         INSERT INTO sessions (cookie_hash, sub, auth_time, amr, sid, expires_at)
         SELECT randomblob(32), 'alice', i, '[]', 'before-' || i, 9000000000 FROM n",
    );
    succeeded(&run(&place, &["user", "disable", "alice"]));
    assert!(location(&authorize(&http, &place).await).contains("/account/login"));
    assert!(rows(&run(&place, &["session", "list", "alice", "--json"])).is_empty());
    let store = SqliteStore::open(&database, &SqliteOptions::default()).unwrap();
    let has_ended = async || store.count_sessions(1_000, SystemClock.now()).await.unwrap() == 0;
    until("all sessions have ended", has_ended).await;
    server.stop();
}

#[tokio::test]
async fn grants_are_listed_and_revoked_while_the_server_runs() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let http = browser();
    let tokens = sign_in_by_password(&http, &place, "alice").await;
    let listed = rows(&run(&place, &["grant", "list", "alice", "--json"]));
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["client_id"], "PolicyBasedBackend");
    succeeded(&run(&place, &["grant", "revoke", "alice", "PolicyBasedBackend"]));
    assert_eq!(refresh(&http, &place, text(&tokens, "refresh_token")).await.status(), 400);
    assert!(rows(&run(&place, &["grant", "list", "alice", "--json"])).is_empty());
    assert!(
        rows(&run(&place, &["session", "list", "alice", "--json"])).is_empty(),
        "a password grant has no session"
    );
    assert!(failed(&run(&place, &["session", "end", "alice"]), 2).contains("--yes"));
    succeeded(&run(&place, &["session", "end", "alice", "--yes"]));
    server.stop();
}

async fn token_of(place: &Sandbox, client_id: &str, secret: &str) -> u16 {
    let request = browser()
        .post(format!("{}/connect/token", place.provider))
        .basic_auth(client_id, Some(secret));
    request.form(&[("grant_type", "client_credentials")]).send().await.unwrap().status().as_u16()
}

/// Asks until the running server has seen the change, which it looks for each second.
async fn becomes(place: &Sandbox, client_id: &str, secret: &str, status: u16) {
    let what = format!("the answer is {status}");
    until(&what, async || token_of(place, client_id, secret).await == status).await;
}

#[tokio::test]
async fn clients_are_added_changed_and_removed_while_the_server_runs() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let add = [
        "client",
        "add",
        "job",
        "--grant-types",
        "client_credentials",
        "--scopes",
        "MyBackendApi2",
        "--json",
    ];
    let added: Value = serde_json::from_str(&succeeded(&run(&place, &add))).unwrap();
    let first = text(&added, "client_secret").to_owned();
    becomes(&place, "job", &first, 200).await;
    let database = fs::read(place.folder().join("data/doorward.sqlite3-wal")).unwrap();
    assert!(
        !database.windows(first.len()).any(|bytes| bytes == first.as_bytes()),
        "only the hash is kept"
    );

    let more = run(
        &place,
        &["client", "secret", "add", "job", "--days", "7", "--description", "new", "--json"],
    );
    let second =
        text(&serde_json::from_str(&succeeded(&more)).unwrap(), "client_secret").to_owned();
    becomes(&place, "job", &second, 200).await;
    assert_eq!(token_of(&place, "job", &first).await, 200, "both count");
    let listed = rows(&run(&place, &["client", "secret", "list", "job", "--json"]));
    assert_eq!((listed.len(), &listed[1]["description"]), (2, &json!("new")));
    succeeded(&run(&place, &["client", "secret", "remove", "job", text(&listed[0], "secret")]));
    becomes(&place, "job", &first, 401).await;
    assert_eq!(token_of(&place, "job", &second).await, 200);
    failed(&run(&place, &["client", "secret", "remove", "job", text(&listed[1], "secret")]), 2);
    failed(&run(&place, &["client", "secret", "remove", "job", "unknown"]), 1);

    succeeded(&run(&place, &["client", "set", "job", "--set", "enabled=false"]));
    becomes(&place, "job", &second, 401).await;
    succeeded(&run(&place, &["client", "set", "job", "--set", "enabled=true"]));
    becomes(&place, "job", &second, 200).await;
    assert!(failed(&run(&place, &["client", "remove", "job"]), 2).contains("--yes"));
    succeeded(&run(&place, &["client", "remove", "job", "--yes"]));
    becomes(&place, "job", &second, 401).await;
    failed(&run(&place, &["client", "remove", "job"]), 1);
    server.stop();
}

#[test]
fn what_a_client_can_not_be_is_refused_by_key() {
    let place = Sandbox::new();
    fs::write(
        place.folder().join("page.toml"),
        "allowed_grant_types = [\"authorization_code\"]\nallowed_scopes = [\"openid\"]\n",
    )
    .unwrap();
    let add = |more: &[&str]| {
        run(&place, &[&["client", "add", "page", "--file", "page.toml", "--public"], more].concat())
    };
    assert!(failed(&add(&[]), 2).contains("redirect_uris"));
    let uri = ["--redirect-uri", "https://page.example/callback"];
    for (set, key) in [
        ("access_token_lifetime=0", "access_token_lifetime"),
        ("allowed_scopes=[\"nothing\"]", "allowed_scopes"),
        ("no_such_key=1", "no_such_key"),
        ("id_token_signing_alg=EdDSA", "id_token_signing_alg"),
    ] {
        assert!(failed(&add(&[&uri[..], &["--set", set]].concat()), 2).contains(key), "{set}");
    }
    succeeded(&add(&uri));
    assert!(failed(&add(&uri), 1).contains("page"));
    let shown = succeeded(&run(&place, &["client", "show", "page", "--json"]));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["from"], &shown["access_token_lifetime"]), (&json!("store"), &json!(3600)));
    for arguments in [
        &["client", "remove", "PkceJS"][..],
        &["client", "set", "PkceJS", "--public"],
        &["client", "add", "PkceJS"],
    ] {
        assert!(failed(&run(&place, arguments), 1).contains("configuration"), "{arguments:?}");
    }
    assert!(failed(&run(&place, &["client", "set", "nobody", "--public"]), 1).contains("nobody"));
}

#[tokio::test]
async fn a_password_set_by_command_outlives_a_restart() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    assert!(may_sign_in(&place, "alice", "alice").await);
    succeeded(&run_with_input(
        &place,
        &["user", "passwd", "alice", "--password-stdin"],
        "another violet kettle",
    ));
    server.stop();
    let server = place.serve(&[]);
    assert!(may_sign_in(&place, "alice", "another violet kettle").await);
    assert!(!may_sign_in(&place, "alice", "alice").await);
    server.stop();
}

#[test]
fn clients_are_shown_as_configured_and_without_their_secrets() {
    let place = Sandbox::new();
    let listed = rows(&run(&place, &["client", "list", "--json"]));
    assert_eq!(listed.len(), 5);
    let shown = succeeded(&run(&place, &["client", "show", "PkceCodeBackend", "--json"]));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown["require_client_secret"], &shown["require_consent"]),
        (&json!(true), &json!(true))
    );
    assert_eq!((&shown["client_secrets"], &shown["from"]), (&json!(1), &json!("configuration")));
    let hash = succeeded(&run_with_input(&place, &["client", "secret-hash"], "test\n"));
    assert_eq!(hash.trim(), "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg");
}

#[test]
fn keys_are_listed_rotated_and_retired() {
    let place = Sandbox::new();
    succeeded(&run(&place, &["keys", "rotate"]));
    let keys = rows(&run(&place, &["keys", "list", "--json"]));
    let of = |state: &str| keys.iter().filter(|key| key["state"] == state).collect::<Vec<_>>();
    assert_eq!((of("signs").len(), of("announced").len()), (2, 2), "{keys:?}");
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    failed(&run(&place, &["keys", "retire", &kid(of("signs")[0])]), 1);
    succeeded(&run(&place, &["keys", "retire", &kid(of("announced")[0])]));
    assert_eq!(rows(&run(&place, &["keys", "list", "--json"])).len(), 3);
}

#[tokio::test]
async fn keys_open_with_the_new_master_key_only() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let tokens = sign_in_by_password(&browser(), &place, "alice").await;
    let userinfo = || async {
        let request = browser().get(format!("{}/connect/userinfo", place.provider));
        request.bearer_auth(text(&tokens, "access_token")).send().await.unwrap().status().as_u16()
    };
    let key = |name: &str| fs::read_to_string(place.folder().join("data").join(name)).unwrap();
    let old = key("doorward.key");
    succeeded(&run(&place, &["keys", "rekey"]));
    assert_eq!(userinfo().await, 200, "the running server goes on");
    server.stop();
    assert_eq!(key("doorward.key.old-1"), old);
    assert_ne!(key("doorward.key"), old);
    let server = place.serve(&[]);
    assert_eq!(userinfo().await, 200, "what the keys signed before still verifies");
    server.stop();
    fs::write(place.folder().join("data/doorward.key"), old).unwrap();
    assert!(failed(&run(&place, &["serve"]), 2).contains("master key"));
}

#[tokio::test]
async fn a_backup_is_a_whole_database() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let tokens = sign_in_by_password(&browser(), &place, "alice").await;
    succeeded(&run(&place, &["db", "migrate"]));
    succeeded(&run(&place, &["db", "backup", "copy.sqlite3"]));
    failed(&run(&place, &["db", "backup", "copy.sqlite3"]), 2);
    server.stop();
    fs::rename(place.folder().join("copy.sqlite3"), place.folder().join("data/doorward.sqlite3"))
        .unwrap();
    let server = place.serve(&[]);
    assert_eq!(refresh(&browser(), &place, text(&tokens, "refresh_token")).await.status(), 200);
    server.stop();
}

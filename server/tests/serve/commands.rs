//! The commands on users, sessions, grants, keys and the database, beside a running server: what they do is seen at once.

use std::{
    fs,
    io::Write as _,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Place, browser, refresh, sign_in_by_password, text, token};

fn run(place: &Place, arguments: &[&str]) -> Output {
    place.command(arguments).output().unwrap()
}

/// Runs a command that reads from standard input.
fn run_with_input(place: &Place, arguments: &[&str], input: &str) -> Output {
    let mut command = place.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
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

async fn may_sign_in(place: &Place, username: &str, password: &str) -> bool {
    let form = [("grant_type", "password"), ("username", username), ("password", password), ("scope", "openid")];
    token(&browser(), place, "PolicyBasedBackend", &form).await.status() == 200
}

#[tokio::test]
async fn users_are_added_changed_and_removed_while_the_server_runs() {
    let place = Place::new();
    let server = place.serve(&[]);
    let add = ["user", "add", "erin", "--roles", "admin,user", "--password-stdin"];
    succeeded(&run_with_input(&place, &add, "first password\n"));
    assert!(may_sign_in(&place, "erin", "first password").await);
    let listed = rows(&run(&place, &["user", "list", "--json"]));
    let erin = listed.iter().find(|user| user["username"] == "erin").unwrap();
    assert_eq!(*erin, json!({"username": "erin", "sub": "erin", "enabled": true, "roles": ["admin", "user"]}));
    assert!(succeeded(&run(&place, &["user", "list"])).lines().any(|line| line.starts_with("erin ")));

    succeeded(&run_with_input(&place, &["user", "passwd", "erin", "--password-stdin"], "second password"));
    assert!(!may_sign_in(&place, "erin", "first password").await);
    assert!(may_sign_in(&place, "erin", "second password").await);
    succeeded(&run(&place, &["user", "disable", "erin"]));
    assert!(!may_sign_in(&place, "erin", "second password").await);
    succeeded(&run(&place, &["user", "enable", "ERIN"]));
    assert!(may_sign_in(&place, "erin", "second password").await);
    succeeded(&run(&place, &["user", "roles", "erin", "sit"]));
    let listed = rows(&run(&place, &["user", "list", "--json"]));
    assert!(listed.iter().any(|user| user["username"] == "erin" && user["roles"] == json!(["sit"])));
    succeeded(&run(&place, &["user", "remove", "erin"]));
    assert!(!may_sign_in(&place, "erin", "second password").await);
    failed(&run(&place, &["user", "remove", "erin"]), 1);
    server.stop();
}

#[tokio::test]
async fn what_can_not_be_done_is_said_in_one_line() {
    let place = Place::new();
    succeeded(&run_with_input(&place, &["user", "add", "erin", "--password-stdin"], "secret"));
    let same = run_with_input(&place, &["user", "add", "erin", "--password-stdin"], "secret");
    assert!(failed(&same, 1).contains("erin"));
    let same_name = run_with_input(&place, &["user", "add", "Erin", "--sub", "2", "--password-stdin"], "secret");
    assert!(failed(&same_name, 1).contains("Erin"));
    failed(&run_with_input(&place, &["user", "add", "frank", "--password-stdin"], ""), 2);
    assert!(failed(&run(&place, &["user", "add", "frank"]), 2).contains("--password-stdin"), "no terminal to ask at");
    failed(&run_with_input(&place, &["user", "add", "two words", "--password-stdin"], "secret"), 1);
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
async fn grants_are_listed_and_revoked_while_the_server_runs() {
    let place = Place::new();
    let server = place.serve(&[]);
    let http = browser();
    let tokens = sign_in_by_password(&http, &place, "alice").await;
    let listed = rows(&run(&place, &["grant", "list", "alice", "--json"]));
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["client_id"], "PolicyBasedBackend");
    succeeded(&run(&place, &["grant", "revoke", "alice", "PolicyBasedBackend"]));
    assert_eq!(refresh(&http, &place, text(&tokens, "refresh_token")).await.status(), 400);
    assert!(rows(&run(&place, &["grant", "list", "alice", "--json"])).is_empty());
    assert!(rows(&run(&place, &["session", "list", "alice", "--json"])).is_empty(), "a password grant has no session");
    succeeded(&run(&place, &["session", "end", "alice"]));
    server.stop();
}

#[test]
fn clients_are_shown_as_configured_and_without_their_secrets() {
    let place = Place::new();
    let listed = rows(&run(&place, &["client", "list", "--json"]));
    assert_eq!(listed.len(), 5);
    let shown = succeeded(&run(&place, &["client", "show", "PkceCodeBackend"]));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["confidential"], &shown["require_consent"]), (&json!(true), &json!(true)));
    let hash = succeeded(&run_with_input(&place, &["client", "secret-hash"], "test\n"));
    assert_eq!(hash.trim(), "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg");
}

#[test]
fn keys_are_listed_rotated_and_retired() {
    let place = Place::new();
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
async fn a_backup_is_a_whole_database() {
    let place = Place::new();
    let server = place.serve(&[]);
    let tokens = sign_in_by_password(&browser(), &place, "alice").await;
    succeeded(&run(&place, &["db", "migrate"]));
    succeeded(&run(&place, &["db", "backup", "copy.sqlite3"]));
    failed(&run(&place, &["db", "backup", "copy.sqlite3"]), 2);
    server.stop();
    fs::rename(place.folder().join("copy.sqlite3"), place.folder().join("data/doorward.sqlite3")).unwrap();
    let server = place.serve(&[]);
    assert_eq!(refresh(&browser(), &place, text(&tokens, "refresh_token")).await.status(), 200);
    server.stop();
}

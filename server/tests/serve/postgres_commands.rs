//! The commands on a PostgreSQL database, beside no server: what they do is there for the next one.

use std::process::{Command, Output};

use serde_json::Value;
use test_postgres::{PASSWORD, TestPostgres};

use crate::support::{PATIENCE, Sandbox};

struct Operator {
    place: Sandbox,
    postgres: TestPostgres,
    url: String,
}

impl Operator {
    fn new() -> Self {
        let postgres = TestPostgres::start();
        let url = postgres.new_database();
        Self { place: Sandbox::new(), postgres, url }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command
            .env("DOORWARD_STORE__URL", &self.url)
            .env("DOORWARD_STORE__STATEMENT_TIMEOUT", PATIENCE.as_secs().to_string())
            // On a busy machine a command is slow.
            .env("DOORWARD_STORE__MAX_CLOCK_SKEW", "30");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        for text in [&output.stdout, &output.stderr] {
            assert!(!String::from_utf8_lossy(text).contains(PASSWORD));
        }
        output
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn users_keys_and_the_schema_are_looked_after_as_on_sqlite() {
    let operator = Operator::new();
    let migrated = operator.succeeds(&["db", "migrate"]);
    assert!(
        migrated.contains("postgres://127.0.0.1:") && migrated.contains("up to date"),
        "{migrated}"
    );

    let mut add = operator.command(&[
        "user",
        "add",
        "erin",
        "--sub",
        "erin",
        "--roles",
        "user",
        "--password-stdin",
    ]);
    add.stdin(std::process::Stdio::piped());
    let mut child = add.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"violet kettle north").unwrap();
    assert!(child.wait().unwrap().success());
    let users: Value =
        serde_json::from_str(&operator.succeeds(&["user", "list", "--json"])).unwrap();
    assert_eq!(users[0]["username"], "erin");
    assert_eq!(users[0]["enabled"], true);
    operator.succeeds(&["user", "disable", "erin"]);
    assert!(operator.succeeds(&["user", "list"]).contains(" no "));
    assert!(operator.succeeds(&["session", "list", "erin", "--json"]).contains("[]"));
    assert!(operator.succeeds(&["grant", "list", "erin", "--json"]).contains("[]"));

    operator.succeeds(&["keys", "rotate"]);
    let keys: Value =
        serde_json::from_str(&operator.succeeds(&["keys", "list", "--json"])).unwrap();
    assert_eq!(keys.as_array().unwrap().len(), 4, "two that sign and two that take over");
    assert!(operator.place.folder().join("data/doorward.key").is_file());
}

#[test]
fn a_backup_is_left_to_the_databases_own_tools() {
    let operator = Operator::new();
    let refused = operator.run(&["db", "backup", "copy"]);
    let line = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), line.lines().count()), (Some(1), 1), "{line}");
    assert!(line.contains("pg_dump") && line.contains("postgres://127.0.0.1:"), "{line}");
    assert!(!operator.place.folder().join("copy").exists());
}

#[test]
fn keys_are_changed_by_a_right_clock_only() {
    let operator = Operator::new();
    operator.succeeds(&["keys", "rotate"]);
    let keys = operator.succeeds(&["keys", "list", "--json"]);
    let rows: Value = serde_json::from_str(&keys).unwrap();
    let kid = rows[0]["kid"].as_str().unwrap();
    let (_, database) = operator.url.rsplit_once('/').unwrap();
    operator.postgres.set_clock_ahead(database, -28 * 86_400);
    for arguments in [
        ["keys", "rotate"].as_slice(),
        &["keys", "retire", kid, "--replace"],
        &["keys", "retire", kid],
    ] {
        let refused = operator.run(arguments);
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{told}");
        let line = told.lines().last().unwrap();
        assert!(line.contains("this machine's clock differs from the database's by"), "{told}");
        assert!(line.contains("set it right"), "{told}");
    }
    assert_eq!(operator.succeeds(&["keys", "list", "--json"]), keys);
    operator.postgres.set_clock_ahead(database, 0);
    operator.succeeds(&["keys", "rotate"]);
}

//! Users of a directory are managed by command, with a real OpenLDAP.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use test_slapd::{
    BASE, READER, READER_PASSWORD, TestSlapd, WRITER, WRITER_PASSWORD, group, person,
};

use crate::support::{Doorward, Sandbox, authorize, browser, hidden_fields, location};

/// A configuration with the directory, and with its management if this text is there.
fn configured(place: &Sandbox, slapd: &TestSlapd, management: &str) {
    let (port, authority) = (slapd.tls_port(), slapd.authority_file());
    let text = format!(
        "[[directories]]\nname = \"corp\"\nservers = [\"ldaps://127.0.0.1:{port}\"]\n\
         ca_file = \"{}\"\nbind_dn = \"{READER}\"\nbind_password = \"{READER_PASSWORD}\"\n\
         base = \"{BASE}\"\n{management}",
        authority.display()
    );
    std::fs::write(place.folder().join("doorward.toml"), text).unwrap();
}

fn managed(place: &Sandbox, slapd: &TestSlapd) {
    let management = format!(
        "[directories.management]\nbind_dn = \"{WRITER}\"\nbind_password = \"{WRITER_PASSWORD}\"\n\
         base = \"ou=people,{BASE}\"\ngroup_base = \"ou=groups,{BASE}\"\n"
    );
    configured(place, slapd, &management);
}

fn command(place: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = place.demo_command(arguments);
    command.env("DOORWARD_CONFIG", place.folder().join("doorward.toml"));
    command
}

fn run(place: &Sandbox, words: &[&str], input: &str) -> Output {
    let mut command = command(place, &[&["directory", "user"], words].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn done(place: &Sandbox, words: &[&str], input: &str) -> Value {
    let output = run(place, &[words, &["--json"]].concat(), input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn refused(place: &Sandbox, words: &[&str], code: i32) -> String {
    let output = run(place, words, "x");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {stderr}");
    stderr
}

fn sessions(place: &Sandbox, user: &str) -> usize {
    let output = command(place, &["session", "list", user, "--json"]).output().unwrap();
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    rows.as_array().unwrap().len()
}

/// Types a name and a password at the login page; whether that signs in.
async fn sign_in(place: &Sandbox, name: &str, password: &str) -> bool {
    let http = browser();
    let provider = url::Url::parse(&place.provider).unwrap();
    let to_login = provider.join(&location(&authorize(&http, place).await)).unwrap();
    let page = http.get(to_login).send().await.unwrap().text().await.unwrap();
    let mut form = hidden_fields(&page);
    for (field, value) in [("username", name), ("password", password), ("action", "login")] {
        form.insert(field.to_owned(), value.to_owned());
    }
    let login = http.post(provider.join("/account/login").unwrap());
    let answer = login.header("origin", &place.provider).form(&form).send().await.unwrap();
    answer.status().is_redirection()
}

#[tokio::test]
async fn users_of_a_directory_are_managed_by_command() {
    let slapd =
        TestSlapd::start(&format!("{}{}", person("ada", "secret"), group("staff", &[BASE])));
    let place = Sandbox::new();
    managed(&place, &slapd);
    let server = Doorward::start(command(&place, &["serve"]));
    let add =
        ["add", "corp", "grace", "--set", "cn=Grace", "--set", "sn=Hopper", "--password-stdin"];
    done(&place, &add, "a first password");
    assert!(refused(&place, &add, 1).contains("already"));
    assert!(sign_in(&place, "grace", "a first password").await);
    let shown = done(&place, &["show", "corp", "grace"], "");
    assert_eq!(shown["attributes"], json!({"cn": ["Grace"], "sn": ["Hopper"]}));
    assert!(shown["sub"].is_string(), "{shown}");
    assert_eq!(sessions(&place, "grace"), 1);

    let mail = "mail=grace@example.com";
    done(
        &place,
        &["set", "corp", "grace", "--set", mail, "--set", "title=Dr.", "--unset", "title"],
        "",
    );
    assert_eq!(sessions(&place, "grace"), 1, "no reason to sign anybody out");
    let groups = done(&place, &["groups", "corp", "grace", "--add", "staff"], "");
    assert_eq!(groups["groups"], json!(["staff"]));
    assert!(refused(&place, &["groups", "corp", "grace", "--add", "staff"], 1).contains("already"));
    let groups = done(&place, &["groups", "corp", "grace", "--remove", "staff"], "");
    assert_eq!(groups["groups"], json!([]));
    assert!(refused(&place, &["groups", "corp", "grace", "--add", "none"], 1).contains("no group"));

    let set = done(&place, &["password", "corp", "grace", "--password-stdin"], "another one");
    assert_eq!(set["ended_sessions"], 1, "{set}");
    assert_eq!(sessions(&place, "grace"), 0);
    assert!(sign_in(&place, "grace", "another one").await);
    let id = shown["id"].as_str().unwrap();
    done(&place, &["disable", "corp", id], "");
    assert_eq!(sessions(&place, "grace"), 0);
    assert!(!sign_in(&place, "grace", "another one").await);
    done(&place, &["enable", "corp", "grace"], "");
    assert!(sign_in(&place, "grace", "another one").await);
    let renamed = done(&place, &["set", "corp", "grace", "--username", "admiral"], "");
    assert_eq!(renamed["id"], shown["id"]);
    let listed = done(&place, &["list", "corp", "--prefix", "gr"], "");
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|row| &row["username"]).collect();
    assert_eq!(names, ["admiral"], "by the full name");
    server.stop();

    let history = command(&place, &["audit", "list", "--object", id, "--json"]).output().unwrap();
    let history: Value = serde_json::from_slice(&history.stdout).unwrap();
    let events: Vec<_> =
        history.as_array().unwrap().iter().map(|row| row["event"].as_str().unwrap()).collect();
    let changed = "directory_user_changed";
    let all =
        [changed, changed, changed, "directory_password_set", changed, "directory_user_added"];
    assert_eq!(events, all);
    assert!(!history.to_string().contains("another one"));
}

#[test]
fn what_can_not_be_managed_is_told() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let place = Sandbox::new();
    configured(&place, &slapd, "");
    assert!(refused(&place, &["list", "corp"], 1).contains("[directories.management]"));
    managed(&place, &slapd);
    assert!(refused(&place, &["list", "other"], 1).contains("there are: corp"));
    assert!(refused(&place, &["show", "corp", "nobody"], 1).contains("no user \"nobody\""));
    let parent = format!("ou=groups,{BASE}");
    let elsewhere = ["add", "corp", "x", "--parent", &parent, "--password-stdin"];
    assert!(refused(&place, &elsewhere, 2).contains("not in the part"));
    let set = |assignment| refused(&place, &["set", "corp", "ada", "--set", assignment], 2);
    assert!(set("userPassword=x").contains("may not be edited"));
    assert!(set("mail").contains("NAME=VALUE"));
    assert!(refused(&place, &["set", "corp", "ada"], 2).contains("nothing is given"));
    assert!(refused(&place, &["password", "corp", "ada"], 2).contains("--password-stdin"));
}

/// The filter finds no disabled users, so the directory's answer to their change can't be read.
#[tokio::test]
async fn access_ends_by_command_where_a_change_may_have_been_made() {
    let slapd = TestSlapd::start(&person("ada", "secret"));
    let place = Sandbox::new();
    let management = format!(
        "[directories.management]\nbind_dn = \"{WRITER}\"\nbind_password = \"{WRITER_PASSWORD}\"\n\
         base = \"ou=people,{BASE}\"\nuser_filter = \"(!(pwdAccountLockedTime=*))\"\n"
    );
    configured(&place, &slapd, &management);
    let server = Doorward::start(command(&place, &["serve"]));
    assert!(sign_in(&place, "ada", "secret").await);
    assert_eq!(sessions(&place, "ada"), 1);
    let told = refused(&place, &["disable", "corp", "ada"], 1);
    assert!(told.contains("does not find it") && told.contains("has ended"), "{told}");
    assert_eq!(sessions(&place, "ada"), 0);
    server.stop();
}

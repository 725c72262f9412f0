//! The admin API of a running server: with a token that it has issued itself, and off by default.

use std::{fs, process::Output};

use reqwest::Client;
use serde_json::{Value, json};
use test_ports::ReservedPort;

use crate::support::{Doorward, Sandbox, browser, text, token};

const ON: &str = r#"
[admin]
enabled = true
[[clients]]
client_id = "robot"
allowed_grant_types = ["client_credentials"]
allowed_scopes = ["admin:users.read", "admin:users.write", "admin:system.read"]
client_secrets = [{ sha256 = "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols" }]
"#;

fn run(place: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = place.command(arguments);
    command.env("DOORWARD_ACCOUNTS__REGISTRATION", "invitation");
    command.output().unwrap()
}

async fn robot(http: &Client, place: &Sandbox) -> String {
    let form = [("grant_type", "client_credentials")];
    let answer: Value = token(http, place, "robot", &form).await.json().await.unwrap();
    text(&answer, "access_token").to_owned()
}

#[tokio::test]
async fn a_machine_administers_with_a_token_of_the_same_server() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), ON).unwrap();
    let _server = Doorward::start(place.command(&["serve"]));
    let http = browser();
    let base = format!("{}/api/admin", place.provider);
    let bearer = robot(&http, &place).await;
    let send = |request: reqwest::RequestBuilder| request.bearer_auth(&bearer).send();

    assert_eq!(http.get(format!("{base}/v1/users")).send().await.unwrap().status(), 401);
    let new = json!({"username": "ada", "sub": "ada"});
    let added = send(http.post(format!("{base}/v1/users")).json(&new)).await.unwrap();
    assert_eq!(added.status(), 201);
    let request = added.headers()["x-request-id"].to_str().unwrap().to_owned();
    let recorded = run(&place, &["audit", "list", "--request", &request, "--json"]);
    let recorded: Value = serde_json::from_slice(&recorded.stdout).unwrap();
    let expected =
        [("event", "user_added"), ("actor", "robot"), ("sub", "ada"), ("address", "127.0.0.1")];
    for (member, value) in expected {
        assert_eq!(recorded[0][member], value, "{recorded}");
    }
    let listed = send(http.get(format!("{base}/v1/users?prefix=ad"))).await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    assert_eq!(listed["items"][0]["sub"], json!("ada"));
    let configuration = send(http.get(format!("{base}/v1/configuration"))).await.unwrap();
    let configuration: Value = configuration.json().await.unwrap();
    let shown = text(&configuration, "toml");
    assert!(shown.contains("[admin]") && !shown.contains("K7gNU3sdo"), "{shown}");
    for path in ["openapi.json", "docs"] {
        assert_eq!(http.get(format!("{base}/{path}")).send().await.unwrap().status(), 200);
    }
    let nothing = http.get(format!("{base}/nothing")).send().await.unwrap();
    assert_eq!(nothing.headers()["content-type"], "application/problem+json");

    // The role is given by command, and then the machine may not touch the user any more.
    assert!(run(&place, &["admin", "grant", "ada", "owner"]).status.success());
    let sessions = format!("{base}/v1/users/ada/sessions");
    assert_eq!(send(http.delete(sessions)).await.unwrap().status(), 403);
    let removed = run(&place, &["user", "remove", "ada", "--yes"]);
    assert!(String::from_utf8_lossy(&removed.stderr).contains("last owner"), "{removed:?}");
    let listed = run(&place, &["admin", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed[0]["admin_role"], json!("owner"));
}

#[tokio::test]
async fn the_first_owner_is_invited_by_command() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), ON).unwrap();
    let _server = Doorward::start(place.command(&["serve"]));
    let made = run(&place, &["admin", "invite", "ada@example.com", "--print-link", "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(text(&made, "link").starts_with(&format!("{}/account/invitation?", place.provider)));
    let (http, base) = (browser(), format!("{}/api/admin/v1", place.provider));
    let bearer = robot(&http, &place).await;
    let listed = http.get(format!("{base}/invitations")).bearer_auth(bearer).send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    assert_eq!(listed["items"][0]["claims"], json!({"admin_role": "owner"}));
}

#[tokio::test]
async fn it_is_off_by_default() {
    let place = Sandbox::new();
    let _server = place.serve(&[]);
    let url = format!("{}/api/admin/v1/users", place.provider);
    assert_eq!(browser().get(url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn it_may_have_a_listener_of_its_own() {
    let place = Sandbox::new();
    let port = ReservedPort::new();
    let own = port.address();
    let on = ON.replace("enabled = true", &format!("enabled = true\nlisten = \"{own}\""));
    fs::write(place.folder().join("doorward.toml"), on).unwrap();
    let _server = Doorward::start(place.command(&["serve"]));
    let http = browser();
    let at = |base: &str| http.get(format!("{base}/api/admin/v1/users")).send();
    assert_eq!(at(&place.provider).await.unwrap().status(), 404);
    assert_eq!(at(&format!("http://{own}")).await.unwrap().status(), 401);
    let bearer = robot(&http, &place).await;
    let url = format!("http://{own}/api/admin/v1/users");
    assert_eq!(http.get(url).bearer_auth(bearer).send().await.unwrap().status(), 200);
}

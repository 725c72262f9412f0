//! Another server by which users sign in, added by command while this one runs.

use std::{
    fs,
    io::Write as _,
    process::{Output, Stdio},
};

use reqwest::{Client, Response};
use serde_json::Value;

use crate::support::{Doorward, Sandbox, browser, hidden_fields, location, text, until};

fn run(place: &Sandbox, arguments: &[&str]) -> Output {
    place.command(arguments).output().unwrap()
}

/// Runs a command that reads a secret from standard input.
fn run_with_secret(place: &Sandbox, arguments: &[&str], secret: &str) -> Output {
    let mut command = place.command(arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output, expected: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(expected), "{expected}: {said}");
}

/// Demo mode, in which stored providers may be on this machine.
fn place() -> Sandbox {
    let place = Sandbox::new();
    let config = "demo = true\n[admin]\nallow_private_addresses = true\n";
    fs::write(place.folder().join("doorward.toml"), config).unwrap();
    place
}

async fn login_page(http: &Client, place: &Sandbox) -> String {
    let page = http.get(format!("{}/account/login", place.provider)).send().await.unwrap();
    page.text().await.unwrap()
}

/// Waits until the login page has a button for the provider, or has none.
async fn until_button(place: &Sandbox, is_there: bool) {
    until("the button of the provider", async || {
        let page = login_page(&browser(), place).await;
        page.contains("/account/external/up\"") == is_there
    })
    .await;
}

/// Where an answer of a server leads.
fn next_of(place: &Sandbox, answer: &Response) -> String {
    let next = location(answer);
    if next.starts_with('/') { format!("{}{next}", place.provider) } else { next }
}

/// Signs alice in at the other server, and returns what this one calls her.
async fn sign_in(place: &Sandbox, up: &Sandbox) -> String {
    // The two are on one host: each has its own cookies only in a browser of its own.
    let (http, elsewhere) = (browser(), browser());
    let form = hidden_fields(&login_page(&http, place).await);
    let action = format!("{}/account/external/up", place.provider);
    let away = http.post(action).header("origin", &place.provider).form(&form).send().await;
    let mut next = location(&away.unwrap());
    assert!(next.starts_with(&up.provider), "{next}");
    while next.starts_with(&up.provider) {
        let answer = elsewhere.get(&next).send().await.unwrap();
        if answer.status().is_redirection() {
            next = next_of(up, &answer);
            continue;
        }
        let mut form = hidden_fields(&answer.text().await.unwrap());
        for (name, value) in [("username", "alice"), ("password", "alice"), ("action", "login")] {
            form.insert(name.to_owned(), value.to_owned());
        }
        let login = format!("{}/account/login", up.provider);
        let signed_in = elsewhere.post(login).header("origin", &up.provider).form(&form);
        next = next_of(up, &signed_in.send().await.unwrap());
    }
    let back = http.get(&next).send().await.unwrap();
    assert!(back.status().is_redirection(), "{}", back.text().await.unwrap());
    let account = http.get(format!("{}/account", place.provider)).send().await.unwrap();
    assert_eq!(account.status(), 200);
    let page = account.text().await.unwrap();
    let (_, name) = page.split_once("signed in as").unwrap();
    let name = name.split(['<', '>']).find(|text| text.starts_with("user-"));
    name.unwrap_or_else(|| panic!("{page}")).to_owned()
}

#[tokio::test]
async fn somebody_signs_in_by_a_server_that_was_added_meanwhile() {
    let (up, place) = (Sandbox::new(), place());
    let other = up.serve(&[]);
    let server = Doorward::start(place.command(&["serve"]));
    let callback = format!("{}/account/external/up/callback", place.provider);
    let mut client = up.demo_command(&[
        "client",
        "add",
        "down",
        "--redirect-uri",
        &callback,
        "--scopes",
        "openid,profile,email",
        "--grant-types",
        "authorization_code",
        "--set",
        "require_consent=false",
        "--json",
    ]);
    let client: Value = serde_json::from_str(&succeeded(&client.output().unwrap())).unwrap();
    let secret = text(&client, "client_secret");

    let add = [
        "identity-provider",
        "add",
        "up",
        "--preset",
        "doorward",
        "--issuer",
        &up.provider,
        "--client-id",
        "down",
        "--set",
        "first_sign_in=create",
        "--client-secret-file",
        "-",
    ];
    succeeded(&run_with_secret(&place, &add, secret));
    refused(&run_with_secret(&place, &add, secret), "already");
    let checked = succeeded(&run(&place, &["identity-provider", "check", "up"]));
    assert!(checked.contains(&format!("redirect_uri: {callback}")), "{checked}");
    until_button(&place, true).await;
    // The name alice belongs to a user of the demo here.
    let account = sign_in(&place, &up).await;

    let listed = succeeded(&run(&place, &["identity-provider", "list", "--json"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["from"], &listed[0]["problem"]), (&"store".into(), &Value::Null));
    let shown = succeeded(&run(&place, &["identity-provider", "show", "up"]));
    assert!(shown.contains("(not shown)") && !shown.contains(secret), "{shown}");
    succeeded(&run(&place, &["identity-provider", "set", "up", "--set", "enabled=false"]));
    until_button(&place, false).await;
    succeeded(&run(&place, &["identity-provider", "set", "up", "--set", "enabled=true"]));
    until_button(&place, true).await;

    // The secret follows a change of the master key, and the account stays.
    succeeded(&run(&place, &["keys", "rekey"]));
    server.stop();
    let server = Doorward::start(place.command(&["serve"]));
    assert_eq!(sign_in(&place, &up).await, account);

    refused(&run(&place, &["identity-provider", "remove", "up"]), "--yes");
    succeeded(&run(&place, &["identity-provider", "remove", "up", "--yes"]));
    until_button(&place, false).await;
    refused(&run(&place, &["identity-provider", "show", "up"]), "no identity provider");
    server.stop();
    other.stop();
}

#[test]
fn a_secret_is_no_argument_and_mistakes_are_named() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), "demo = true\n").unwrap();
    let add = |more: &[&str]| {
        let common = ["identity-provider", "add", "up", "--issuer", "https://id.example.com"];
        let more = [&["--client-id", "down", "--client-secret-file", "-"], more].concat();
        run_with_secret(&place, &[&common[..], &more].concat(), "hush-hush\n")
    };
    for (more, expected) in [
        (&["--set", "client_secret=x"][..], "--client-secret-file"),
        (&["--set", "client_secret_file=\"/etc/passwd\""], "client_secret_file"),
        (&["--set", "metadata_url=\"https://10.0.0.1/x\""], "admin.allow_private_addresses"),
        (&["--set", "preset=\"okta\""], "preset"),
        (&["--set", "colour=\"red\""], "colour"),
    ] {
        let output = add(more);
        refused(&output, expected);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("hush"), "{output:?}");
    }
    let without = ["identity-provider", "add", "up", "--issuer", "https://id.example.com"];
    refused(&run(&place, &without), "there is no terminal");
    succeeded(&add(&[]));
    let table = "[[identity_providers]]\nname = \"up\"\nissuer = \"https://id.example.com\"\n\
                 client_id = \"down\"\nclient_secret = \"x\"\n";
    fs::write(place.folder().join("doorward.toml"), format!("demo = true\n{table}")).unwrap();
    let listed = succeeded(&run(&place, &["identity-provider", "list"]));
    assert!(listed.contains("defined twice"), "{listed}");
    refused(&run(&place, &["identity-provider", "set", "up", "--set", "title=\"x\""]), "there");
    succeeded(&run(&place, &["identity-provider", "remove", "up", "--yes"]));
}

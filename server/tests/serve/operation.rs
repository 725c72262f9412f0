//! What operators and service managers do with the process: SIGHUP, `sd_notify`, health, doctor.

use std::{fs, process::Output};

use serde_json::{Value, json};

use crate::support::{Doorward, Sandbox, browser, sign_in_by_password, token, until};

const PAGE: &str = r#"
[[clients]]
client_id = "job"
allowed_grant_types = ["client_credentials"]
allowed_scopes = ["my-api"]
client_secrets = [{ sha256 = "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols" }]
"#;
const API: &str = r#"
[[api_scopes]]
name = "my-api"
display_name = "My API"
[[api_resources]]
name = "my-api"
display_name = "My API"
scopes = ["my-api"]
"#;

/// Runs a command with the file doorward.toml of this place and no other settings.
fn run(place: &Sandbox, arguments: &[&str]) -> Output {
    place.command(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a command until the server is ready for it, which a slow disk may delay. What it says then.
async fn succeeds(place: &Sandbox, arguments: &[&str]) -> String {
    let mut said = String::new();
    until(&arguments.join(" "), async || {
        let output = run(place, arguments);
        said = stdout(&output);
        output.status.code() == Some(0)
    })
    .await;
    said
}

async fn token_status(place: &Sandbox) -> u16 {
    let form = [("grant_type", "client_credentials"), ("scope", "my-api")];
    token(&browser(), place, "job", &form).await.status().as_u16()
}

/// SIGHUP ended the process unless it spoke TLS.
#[tokio::test]
async fn sighup_reads_the_configuration_again_and_never_ends_the_process() {
    let place = Sandbox::new();
    let file = place.folder().join("doorward.toml");
    fs::write(&file, API).unwrap();
    let log = place.folder().join("log");
    let command = place.command(&["serve", "--role", "provider"]);
    let server = Doorward::start_logging(command, fs::File::create(&log).unwrap());
    let logged = |text: &str| fs::read_to_string(&log).unwrap().contains(text);
    let wait_for = async |text: &str| {
        until(text, async || logged(text)).await;
    };
    assert_eq!(token_status(&place).await, 401);
    fs::write(&file, format!("[provider]\nsession_lifetime = 60\n{API}{PAGE}")).unwrap();
    server.signal("HUP");
    wait_for("the configuration was read again").await;
    until("the new client is known", async || token_status(&place).await == 200).await;
    wait_for("provider.session_lifetime").await;
    assert!(logged("need a restart"));
    // A mistake changes nothing.
    fs::write(&file, format!("{API}{PAGE}allowed_scope = 1\n")).unwrap();
    server.signal("HUP");
    wait_for("the configuration in use stays").await;
    assert_eq!(token_status(&place).await, 200);
    // An empty file is one that is being written. What says which provider this is may come from
    // the environment, and then nothing else would keep the clients.
    fs::write(&file, "# Soon.\n").unwrap();
    server.signal("HUP");
    wait_for("the configuration file is empty").await;
    assert_eq!(token_status(&place).await, 200);
    // Without its file it would become the demo, and lose its clients.
    fs::remove_file(&file).unwrap();
    server.signal("HUP");
    wait_for("the configuration file is gone").await;
    assert_eq!(token_status(&place).await, 200);
    server.stop();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_service_manager_is_told() {
    let place = Sandbox::new();
    let path = place.folder().join("notify");
    let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
    let mut command = place.command(&["serve"]);
    // The kernel keeps ten messages for a socket: more seldom than this test can fall behind.
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "2000000");
    let server = Doorward::start(command);
    let next = async |wanted: &str| {
        let mut buffer = [0; 256];
        loop {
            let count = socket.recv(&mut buffer).await.unwrap();
            let message = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if message.contains(wanted) {
                break;
            }
            assert!(message.contains("WATCHDOG=1"), "{message} before {wanted}");
        }
    };
    next("READY=1").await;
    next("WATCHDOG=1").await;
    server.signal("HUP");
    next("RELOADING=1").await;
    next("READY=1").await;
    server.terminate();
    next("STOPPING=1").await;
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn health_and_doctor_ask_a_running_server() {
    let place = Sandbox::new();
    let silent = run(&place, &["health"]);
    assert_eq!(silent.status.code(), Some(1));
    assert!(stderr(&silent).contains("is the server running?"), "{}", stderr(&silent));
    let server = place.serve(&[]);
    let report: Value = serde_json::from_str(&succeeds(&place, &["health"]).await).unwrap();
    assert_eq!(report["ready"], true);
    assert_eq!(succeeds(&place, &["health", "--live"]).await.trim(), "alive");
    assert!(succeeds(&place, &["doctor"]).await.contains("answers as itself"));
    server.stop();
    let examined = run(&place, &["doctor", "--json"]);
    assert_eq!(examined.status.code(), Some(1));
    let findings: Value = serde_json::from_str(&stdout(&examined)).unwrap();
    let wrong: Vec<_> =
        findings.as_array().unwrap().iter().filter(|finding| finding["ok"] == false).collect();
    assert_eq!(wrong.len(), 1, "{findings}");
    assert_eq!(wrong[0]["check"], "issuer");
}

/// A new version looks at a database before its first start, while the old one still runs.
#[test]
fn doctor_and_check_leave_a_database_of_an_older_version_as_it_is() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), "[store]\npath = \"own.sqlite3\"\n").unwrap();
    let database = place.folder().join("own.sqlite3");
    let doctor = ["doctor", "--role", "provider", "--json"];
    let looked_at = || -> Value {
        let examined = run(&place, &doctor);
        let findings: Value = serde_json::from_str(&stdout(&examined)).unwrap();
        findings
            .as_array()
            .unwrap()
            .iter()
            .filter(|own| own["check"] == "database")
            .cloned()
            .collect()
    };
    let said = |looked: &Value, text: &str| looked.to_string().contains(text);
    assert!(said(&looked_at(), "does not exist yet"), "{}", looked_at());
    assert!(!database.exists());
    assert_eq!(run(&place, &["db", "migrate"]).status.code(), Some(0));
    let current = looked_at();
    assert!(said(&current, "0 users"), "{current}");
    let known: u32 =
        current[0]["text"].as_str().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    let older = known - 1;
    test_sqlite::make(&database, &format!("PRAGMA user_version = {older}"));
    let before = fs::read(&database).unwrap();
    let looked = looked_at();
    assert_eq!(looked[0]["ok"], true, "{looked}");
    assert_eq!(looked[1]["warning"], true, "{looked}");
    assert!(said(&looked, &format!("from version {older} to {known}")), "{looked}");
    run(&place, &["config", "check"]);
    assert!(fs::read(&database).unwrap() == before, "the file was changed");
}

#[test]
fn doctor_has_no_problem_with_what_is_odd_only() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), "").unwrap();
    let mut command = place.command(&["doctor", "--role", "provider"]);
    let output = command.env("DOORWARD_PORT", "tcp://10.0.0.1:80").output().unwrap();
    let text = stdout(&output);
    assert!(
        text.contains("WARNING  environment: the environment variable DOORWARD_PORT"),
        "{text}"
    );
    assert_eq!(text.matches("PROBLEM").count(), 1, "nothing but the issuer: {text}");
}

#[tokio::test]
async fn health_works_with_tls() {
    let place = Sandbox::with_tls();
    let server = place.serve(&["--tls"]);
    succeeds(&place, &["health", "--tls"]).await;
    server.stop();
}

#[test]
fn a_command_without_a_configuration_makes_no_database() {
    let place = Sandbox::new();
    let refused = run(&place, &["user", "list"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("there is no configuration"), "{}", stderr(&refused));
    assert_eq!(fs::read_dir(place.folder()).unwrap().count(), 0);
    // The file in the folder is found, and so is the one that the variable names.
    fs::write(place.folder().join("doorward.toml"), "[store]\npath = \"own.sqlite3\"\n").unwrap();
    assert_eq!(run(&place, &["user", "list"]).status.code(), Some(0));
    assert!(place.folder().join("own.sqlite3").exists());
    fs::write(place.folder().join("other.toml"), "[store]\npath = \"other.sqlite3\"\n").unwrap();
    let mut command = place.command(&["user", "list"]);
    let named = command.env("DOORWARD_CONFIG", "other.toml").output().unwrap();
    assert_eq!(named.status.code(), Some(0), "{}", stderr(&named));
    assert!(place.folder().join("other.sqlite3").exists());
    let first = run(&place, &["--config", "other.toml", "user", "list"]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
}

#[test]
fn foreign_variables_are_named_and_do_not_stop_anything() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), "").unwrap();
    let mut command = place.command(&["config", "check", "--role", "provider"]);
    let output = command.env("DOORWARD_PORT", "tcp://10.0.0.1:80").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("DOORWARD_PORT") && !text.contains("10.0.0.1"), "{text}");
}

#[test]
fn a_check_reports_every_mistake_also_as_json() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), "").unwrap();
    let output = run(&place, &["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<String> = stderr(&output).lines().map(str::to_owned).collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("doorward: ")));
    assert!(lines[0].contains("app.client_id = \"PkceJS\""), "{lines:?}");
    let output = run(&place, &["config", "check", "--json"]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (&report["in_order"], report["mistakes"].as_array().map(Vec::len)),
        (&json!(false), Some(2))
    );
    let output = run(&place, &["config", "check", "--json", "--role", "provider"]);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["in_order"], true, "{report}");
    let shown = run(&place, &["config", "show"]);
    assert!(stdout(&shown).contains(&format!("issuer = \"{}\"", place.provider)));
}

#[test]
fn pasted_claims_of_a_provider_are_mapped_without_it() {
    let place = Sandbox::new();
    let nobody = test_ports::ReservedPort::new();
    let config = format!(
        "[[identity_providers]]\nname = \"up\"\nissuer = \"http://{}\"\nclient_id = \"a\"\n\
         client_secret = \"b\"\n\
         claims = [{{ claim = \"role\", from = \"/roles\", only = [\"editor\"] }}]\n",
        nobody.address()
    );
    fs::write(place.folder().join("doorward.toml"), config).unwrap();
    let claims = json!({"iss": format!("http://{}", nobody.address()), "sub": "1",
        "roles": ["editor", "owner"]});
    fs::write(place.folder().join("claims.json"), claims.to_string()).unwrap();
    let check = |file: &str| run(&place, &["identity-provider", "check", "up", "--claims", file]);
    let output = check("claims.json");
    let text = stdout(&output);
    // The provider itself does not answer, which is a problem of its own.
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for line in [
        "PROBLEM  discovery: ",
        "ok       mapping: {\"role\":[\"editor\"]}\n",
        "ok       not given: role: these are not under only, or can't have the prefix: \"owner\"\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    fs::write(place.folder().join("other.txt"), "no claims").unwrap();
    for file in ["other.txt", "missing.json"] {
        let refused = check(file);
        assert_eq!(refused.status.code(), Some(2), "{file}: {}", stderr(&refused));
    }
}

#[test]
fn a_first_configuration_is_written_once_and_in_order() {
    let place = Sandbox::new();
    let issuers =
        [("local.toml", "http://localhost:6001"), ("far.toml", "https://id.example.com/")];
    for (file, issuer) in issuers {
        let init = ["config", "init", "--issuer", issuer, file];
        let written = run(&place, &init);
        assert_eq!(written.status.code(), Some(0), "{written:?}");
        assert!(stdout(&written).contains("doorward user add"), "{written:?}");
        let checked = run(&place, &["config", "check", "--role", "provider", "--config", file]);
        assert_eq!(checked.status.code(), Some(0), "{checked:?}");
        let again = run(&place, &init);
        assert_eq!(again.status.code(), Some(2));
        assert!(stderr(&again).contains("is there already"), "{again:?}");
    }
    let opaque = ["config", "init", "--redirect-uri", "app:/callback", "other.toml"];
    assert_eq!(run(&place, &opaque).status.code(), Some(2));
    assert!(!place.folder().join("other.toml").exists());
}

#[tokio::test]
async fn a_backup_is_restored_and_the_present_database_kept() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    assert_eq!(run(&place, &["db", "backup", "copy.sqlite3"]).status.code(), Some(0));
    sign_in_by_password(&browser(), &place, "alice").await;
    let refused = run(&place, &["db", "restore", "copy.sqlite3", "--yes"]);
    assert_eq!(refused.status.code(), Some(2), "the server runs");
    server.stop();
    let missing = run(&place, &["db", "restore", "nothing.sqlite3", "--yes"]);
    assert_eq!(missing.status.code(), Some(1));
    fs::write(place.folder().join("notes.txt"), "no database").unwrap();
    let wrong = run(&place, &["db", "restore", "notes.txt", "--yes"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    let restored = run(&place, &["db", "restore", "copy.sqlite3", "--yes", "--json"]);
    assert_eq!(restored.status.code(), Some(0), "{}", stderr(&restored));
    let kept: Value = serde_json::from_str(&stdout(&restored)).unwrap();
    assert!(place.folder().join(kept["kept"].as_str().unwrap()).exists());
    let server = place.serve(&[]);
    sign_in_by_password(&browser(), &place, "alice").await;
    server.stop();
}

#[test]
fn completions_manual_and_version_are_written() {
    let place = Sandbox::new();
    for (arguments, text) in [
        (&["completions", "bash"][..], "_doorward"),
        (&["completions", "fish"], "complete -c doorward"),
        (&["man"], ".TH doorward"),
        (&["version"], env!("CARGO_PKG_VERSION")),
    ] {
        let output = run(&place, arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains(text), "{arguments:?}");
    }
}

/// The folder belongs to the server's user; the command runs as root.
#[cfg(target_os = "linux")]
#[test]
fn what_root_creates_belongs_to_the_owner_of_the_folder() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let place = Sandbox::new();
    if chown(place.folder(), Some(65532), Some(65532)).is_err() {
        // Only root can show it; the test suite of a container runs as root.
        return;
    }
    fs::write(place.folder().join("doorward.toml"), "").unwrap();
    assert_eq!(run(&place, &["keys", "rotate"]).status.code(), Some(0));
    for name in ["data", "data/doorward.sqlite3", "data/doorward.key"] {
        let owner = fs::metadata(place.folder().join(name)).unwrap().uid();
        assert_eq!(owner, 65532, "{name}");
    }
}

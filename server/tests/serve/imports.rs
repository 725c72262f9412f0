//! `doorward import` from databases.

use serde_json::{Value, json};
use test_postgres::{PASSWORD, TestPostgres};

use crate::support::Sandbox;

/// Tables of Duende `IdentityServer`, for SQLite and PostgreSQL alike.
const TABLES: &str = include_str!("identityserver.sql");

/// Runs a command. Nothing that it prints may have the password of a database.
fn run(place: &Sandbox, arguments: &[&str]) -> Result<String, String> {
    let output = place.demo_command(arguments).output().unwrap();
    let (out, error) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    let (out, error) = (out.unwrap(), error.unwrap());
    assert!(!out.contains(PASSWORD) && !error.contains(PASSWORD), "{out}{error}");
    if output.status.success() { Ok(out) } else { Err(error) }
}

fn json_of(place: &Sandbox, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    serde_json::from_str(&run(place, &arguments).unwrap()).unwrap()
}

/// Takes the fixture over from this database, and says what the report was.
fn taken_over(place: &Sandbox, database: &str) -> Value {
    let import = ["import", "identityserver", database];
    let dry = json_of(place, &[&import[..], &["--dry-run"]].concat());
    assert_eq!((&dry["added"], &dry["consents"]["added"]), (&json!(2), &json!(1)), "{dry}");
    run(place, &["user", "show", "ada"]).unwrap_err();
    let first = json_of(place, &import);
    let ada = json_of(place, &["user", "show", "ada"]);
    assert_eq!((&ada["sub"], &ada["claims"]["role"]), (&json!("1"), &json!(["admin"])), "{ada}");
    assert_eq!(ada["claims"]["site"], json!(["A", "B"]));
    assert_eq!(ada["claims"]["email"], "ada@example.com");
    assert_eq!(json_of(place, &["user", "show", "bob"])["enabled"], json!(false));
    let mvc = json_of(place, &["client", "show", "mvc"]).to_string();
    for part in ["https://mvc.example.com/signin-oidc", "reference", "900", "MVC"] {
        assert!(mvc.contains(part), "{part}: {mvc}");
    }
    let second = json_of(place, &import);
    assert_eq!((&second["added"], &second["present"]), (&json!(0), &json!(2)), "{second}");
    assert_eq!(second["clients"]["added"], json!(0), "{second}");
    assert_eq!(second["consents"]["added"], json!(0), "{second}");
    first
}

fn check(report: &Value) {
    assert_eq!(report["clients"], json!({"added": 2, "present": 0, "refused": 0}), "{report}");
    assert_eq!(report["consents"], json!({"added": 1, "present": 0, "refused": 2}), "{report}");
    let problems = report["problems"].to_string();
    for part in [
        "1 persisted grants \\\"refresh_token\\\"",
        "2 sessions: users sign in anew",
        "not known here: Orders\"",
        "the claims of the role admin: level",
        "old in ApiScopes, which is disabled",
        "of the client robot: the scope api1",
        "of the client robot: Properties",
        "of the client robot: Theme",
    ] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    for part in [
        "the link to an identity at Google",
        "the token access_token of GitHub",
        "the second factor",
        "the column Shoe",
        "a consent of somebody whom this import did not add",
        "a consent to a client that is not here",
    ] {
        assert_eq!(report["left"][part], json!(1), "{part}: {report}");
    }
    assert_eq!(report["left"].as_object().unwrap().len(), 6, "{report}");
    let resources = report["resources"].to_string();
    assert!(resources.contains("orders") && resources.contains("The API"), "{resources}");
}

#[test]
fn tables_of_identityserver_are_read_from_sqlite_and_from_postgresql() {
    let place = Sandbox::new();
    let file = place.folder().join("identityserver.db");
    test_sqlite::make(&file, TABLES);
    let before = std::fs::read(&file).unwrap();
    let from_sqlite = taken_over(&place, "identityserver.db");
    check(&from_sqlite);
    assert_eq!(std::fs::read(&file).unwrap(), before, "nothing is written there");

    let postgres = TestPostgres::start();
    let url = postgres.new_database();
    let database = url.rsplit('/').next().unwrap();
    postgres.sql(database, TABLES);
    let from_postgres = taken_over(&Sandbox::new(), &url);
    assert_eq!(from_postgres, from_sqlite);

    // The password may be in a file, and the tables in a schema.
    std::fs::write(place.folder().join("password"), PASSWORD).unwrap();
    let bare = url.replace(&format!(":{PASSWORD}"), "");
    let import =
        |url: &str| run(&place, &["import", "identityserver", url, "--password-file", "password"]);
    assert!(import(&bare).unwrap().contains("2 are there already"));
    postgres.sql(database, "CREATE SCHEMA empty");
    let elsewhere = import(&format!("{bare}?options=-c%20search_path%3Dempty")).unwrap_err();
    assert!(elsewhere.contains("search_path%3DNAME"), "{elsewhere}");
}

#[test]
fn a_database_that_can_not_be_read_changes_nothing() {
    let place = Sandbox::new();
    let file = place.folder().join("identityserver.db");
    // Enough users for many pages of the file.
    let many = "INSERT INTO \"AspNetUsers\" (\"Id\", \"UserName\", \"EmailConfirmed\",
            \"TwoFactorEnabled\", \"SecurityStamp\")
        WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        SELECT 'id' || i, 'user' || i, 0, 0, hex(zeroblob(200)) FROM n;";
    test_sqlite::make(&file, &format!("{TABLES}{many}"));
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let refused = run(&place, &["import", "identityserver", "identityserver.db"]).unwrap_err();
    assert!(refused.contains("identityserver.db") && refused.contains("damaged"), "{refused}");
    run(&place, &["user", "show", "ada"]).unwrap_err();

    test_sqlite::make(&place.folder().join("other.db"), "CREATE TABLE shoes (size INTEGER)");
    for (arguments, part) in [
        (vec!["identityserver", "postgres://erin:hunter2@127.0.0.1:1/x"], "127.0.0.1:1/x"),
        (vec!["identityserver", "postgres://erin:hunter2@127.0.0.1:1/"], "name the database"),
        (vec!["identityserver", "postgres://e@127.0.0.1:1/x?sslrootcert=y"], "--ca-file"),
        (vec!["keycloak", "postgres://erin:hunter2@127.0.0.1:1/x"], "only import identityserver"),
        (vec!["identityserver", "other.db"], "none of the tables"),
    ] {
        let refused = run(&place, &[&["import"], &arguments[..]].concat()).unwrap_err();
        assert!(refused.contains(part) && !refused.contains("hunter2"), "{refused}");
    }
}

/// A realm with a client, a group and a user who signs in by Google and by Microsoft.
fn realm(place: &Sandbox) {
    let identity = |provider: &str, id: &str| json!({"identityProvider": provider, "userId": id});
    let realm = json!({
        "clients": [{"clientId": "till", "redirectUris": ["https://till.example/callback"]}],
        "groups": [{"name": "staff"}],
        "users": [{"id": "u1", "username": "carol", "enabled": true, "groups": ["/staff"],
            "federatedIdentities": [identity("google", "7"), identity("microsoft", "object-1")]}],
    });
    std::fs::write(place.folder().join("realm.json"), realm.to_string()).unwrap();
}

#[test]
fn the_report_names_the_commands_for_links_that_are_missing() {
    const TENANT: &str = "11111111-2222-3333-4444-555555555555";
    let place = Sandbox::new();
    realm(&place);
    let config = format!(
        "[[identity_providers]]\nname = \"google\"\npreset = \"google\"\nclient_id = \"x\"\n\
         client_secret = \"y\"\n[[identity_providers]]\nname = \"entra\"\npreset = \"entra\"\n\
         tenants = [\"{TENANT}\"]\nclient_id = \"x\"\nclient_secret = \"y\"\n"
    );
    let file = place.folder().join("doorward.toml");
    std::fs::write(&file, &config).unwrap();
    let configured = ["--config", "doorward.toml"];
    let import = [&["import", "keycloak", "realm.json"], &configured[..]].concat();
    let first = json_of(&place, &import);
    assert_eq!(first["added"], json!(1), "{first}");
    assert_eq!(first["left"]["the link to an identity at google"], json!(1), "{first}");

    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let microsoft = format!("microsoft={issuer}");
    let links = ["--link", "google=https://accounts.google.com", "--link", &microsoft];
    let with_links = [&import[..], &links].concat();
    let report = json_of(&place, &with_links)["problems"].to_string();
    assert!(report.contains("they have object IDs"), "{report}");
    let commands = [
        "user link u1 google 7 --issuer https://accounts.google.com".to_owned(),
        format!("user link u1 entra object-1 --issuer {issuer}"),
    ];
    for command in &commands {
        assert!(report.contains(&format!("doorward {command}")), "{command}: {report}");
        let words: Vec<&str> = command.split(' ').chain(configured).collect();
        run(&place, &words).unwrap();
        let again = run(&place, &words).unwrap_err();
        assert!(again.contains("has this link already"), "{again}");
    }
    let shown = json_of(&place, &[&["user", "links", "carol"], &configured[..]].concat());
    assert_eq!(shown.as_array().unwrap().len(), 2, "{shown}");
    let events = json_of(&place, &[&["user", "events", "carol"], &configured[..]].concat());
    assert_eq!(events[0]["event"], "identity_linked", "{events}");
    // Nothing is missing any more, and the provider reads object IDs.
    let entra = "preset = \"entra\"";
    let by_object = config.replace(entra, &format!("{entra}\nsubject_claim = \"oid\""));
    std::fs::write(&file, by_object).unwrap();
    assert_eq!(json_of(&place, &with_links)["problems"], json!([]));
}

#[test]
fn after_an_error_in_the_middle_the_report_says_what_was_done() {
    let place = Sandbox::new();
    realm(&place);
    run(&place, &["user", "list"]).unwrap();
    let database = place.folder().join("data/doorward.sqlite3");
    test_sqlite::make(&database, "ALTER TABLE users RENAME TO users_elsewhere");
    let import = ["import", "keycloak", "realm.json"];
    let stopped = place.demo_command(&[&import[..], &["--json"]].concat()).output().unwrap();
    assert!(!stopped.status.success());
    let report: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    assert_eq!((&report["stopped"], &report["added"]), (&json!(true), &json!(0)), "{report}");
    assert_eq!(report["groups"]["added"], json!(1), "{report}");
    assert_eq!(report["clients"]["added"], json!(1), "{report}");
    // It is nowhere else.
    assert!(report["secrets"]["till"].as_str().is_some_and(|secret| secret.len() > 20), "{report}");

    test_sqlite::make(&database, "ALTER TABLE users_elsewhere RENAME TO users");
    let report = json_of(&place, &import);
    assert_eq!((&report["stopped"], &report["added"]), (&json!(false), &json!(1)), "{report}");
    assert_eq!(report["clients"], json!({"added": 0, "present": 1, "refused": 0}), "{report}");
}

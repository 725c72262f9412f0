//! Users by command: claims, roles and passwords.

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Doorward, Place, browser, sign_in_by_password, token};

fn run(place: &Place, arguments: &[&str], input: &str) -> Output {
    let mut command = place.demo_command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn done(place: &Place, arguments: &[&str], input: &str) -> String {
    let output = run(place, arguments, input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(place: &Place, arguments: &[&str], input: &str) -> String {
    let output = run(place, arguments, input);
    assert_ne!(output.status.code(), Some(0));
    String::from_utf8(output.stderr).unwrap()
}

fn claims(place: &Place, user: &str) -> Value {
    let shown = done(place, &["user", "show", user, "--json"], "");
    serde_json::from_str::<Value>(&shown).unwrap()["claims"].take()
}

/// A server with a client that may ask for the profile.
fn serve(place: &Place, settings: &[(&str, &str)]) -> Doorward {
    let client = r#"[{
        client_id="cli", client_secrets=[{plain="secret"}], allowed_grant_types=["password"],
        allowed_scopes=["openid", "profile"]
    }]"#;
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_CLIENTS", client).envs(settings.iter().copied());
    Doorward::start(command)
}

/// What an application learns of the user.
async fn userinfo(place: &Place, user: &str, password: &str) -> Value {
    let form = [
        ("grant_type", "password"),
        ("username", user),
        ("password", password),
        ("scope", "openid profile"),
    ];
    let tokens: Value = token(&browser(), place, "cli", &form).await.json().await.unwrap();
    let request = browser().get(format!("{}/connect/userinfo", place.provider));
    let token = tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    request.bearer_auth(token).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_user_has_a_name_an_address_and_groups_by_command() {
    let place = Place::new();
    let server = serve(&place, &[]);
    let add = [
        "user",
        "add",
        "erin",
        "--email",
        "erin@example.com",
        "--email-verified",
        "--name",
        "Erin Doe",
        "--groups",
        "staff, editors,,staff",
        "--claim",
        "department=Sales",
        "--password-stdin",
    ];
    done(&place, &add, "a good password");
    assert_eq!(
        claims(&place, "erin"),
        json!({
            "preferred_username": "erin", "email": "erin@example.com", "email_verified": true,
            "name": "Erin Doe", "groups": ["staff", "editors"], "department": "Sales",
        })
    );
    let known = userinfo(&place, "erin", "a good password").await;
    assert_eq!(
        (&known["name"], &known["preferred_username"]),
        (&json!("Erin Doe"), &json!("erin"))
    );
    assert_ne!(known["sub"], "erin", "the identifier is a random one");

    let set = ["user", "set", "erin", "--name", "Erin Roe", "--remove-claim", "department"];
    done(&place, &set, "");
    let after = claims(&place, "erin");
    assert_eq!((&after["name"], &after["department"]), (&json!("Erin Roe"), &Value::Null));
    assert_eq!(after["email"], "erin@example.com", "what is not given stays");
    done(&place, &["user", "set", "erin", "--username", "erin.roe"], "");
    assert!(done(&place, &["user", "show", "erin.roe"], "").contains("claims.email"));
    for wrong in [
        &["user", "set", "erin.roe"][..],
        &["user", "set", "erin.roe", "--claim", "sub=alice"],
        &["user", "set", "erin.roe", "--claim", "nothing"],
        &["user", "set", "nobody", "--name", "x"],
    ] {
        refused(&place, wrong, "");
    }
    server.stop();
}

/// A removed user's identifier is not given to the next one with the same name.
#[test]
fn a_name_that_is_used_again_gets_another_identifier() {
    let place = Place::new();
    let sub = || -> Value {
        done(&place, &["user", "add", "ada", "--password-stdin"], "a good password");
        let shown = done(&place, &["user", "show", "ada", "--json"], "");
        serde_json::from_str::<Value>(&shown).unwrap()["sub"].take()
    };
    let first = sub();
    done(&place, &["user", "remove", "ada", "--yes"], "");
    assert_ne!(first, sub());
}

#[test]
fn roles_are_shown_set_added_and_removed() {
    let place = Place::new();
    let add = ["user", "add", "erin", "--roles", "a,,a, b", "--password-stdin"];
    done(&place, &add, "a good password");
    let roles = |arguments: &[&str]| {
        let text = done(&place, &[&["user", "roles", "erin", "--json"], arguments].concat(), "");
        serde_json::from_str::<Value>(&text).unwrap()["roles"].take()
    };
    assert_eq!(roles(&[]), json!(["a", "b"]));
    assert_eq!(roles(&[]), json!(["a", "b"]), "showing changes nothing");
    assert_eq!(roles(&["admin,user"]), json!(["admin", "user"]));
    assert_eq!(roles(&["--add", "sit,user", "--remove", "admin"]), json!(["user", "sit"]));
    assert!(done(&place, &["user", "roles", "erin"], "").contains("user sit"));
    assert_eq!(roles(&["--clear"]), Value::Null);
    refused(&place, &["user", "roles", "erin", "a", "--clear"], "");
}

#[test]
fn passwords_that_are_too_short_or_the_name_are_refused() {
    let place = Place::new();
    let add = ["user", "add", "margaret", "--password-stdin"];
    assert!(refused(&place, &add, "short").contains("at least 8"));
    assert!(refused(&place, &add, "Margaret").contains("user name"));
    done(&place, &add, "a good password");
    assert!(
        refused(&place, &["user", "passwd", "margaret", "--password-stdin"], "x")
            .contains("at least 8")
    );
    let mut command = place.demo_command(&["user", "passwd", "margaret", "--password-stdin"]);
    command.env("DOORWARD_PROVIDER__MIN_PASSWORD_LENGTH", "20").stdin(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"nineteen characters").unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(2));
}

#[tokio::test]
async fn a_hash_that_was_made_by_command_is_accepted_in_the_file() {
    let place = Place::new();
    let hash = done(&place, &["user", "password-hash", "--password-stdin"], "a good password");
    let user = format!(r#"[{{username="erin", password_hash="{}"}}]"#, hash.trim());
    let server = serve(&place, &[("DOORWARD_USERS", &user)]);
    assert_eq!(userinfo(&place, "erin", "a good password").await["sub"], "erin");
    sign_in_by_password(&browser(), &place, "alice").await;
    server.stop();
}

#[test]
fn lists_of_a_client_are_added_to_and_taken_from() {
    let place = Place::new();
    let uri = |name: &str| format!("https://page.example/{name}");
    let (a, b, c) = (uri("a"), uri("b"), uri("c"));
    let add = [
        "client",
        "add",
        "page",
        "--public",
        "--grant-types",
        "authorization_code",
        "--scopes",
        "openid",
        "--redirect-uri",
        &a,
        "--redirect-uri",
        &b,
    ];
    done(&place, &add, "");
    let uris = || {
        let shown = done(&place, &["client", "show", "page", "--json"], "");
        serde_json::from_str::<Value>(&shown).unwrap()["redirect_uris"].take()
    };
    done(&place, &["client", "set", "page", "--add-redirect-uri", &c], "");
    assert_eq!(uris(), json!([a, b, c]));
    done(&place, &["client", "set", "page", "--remove-redirect-uri", &a], "");
    assert_eq!(uris(), json!([b, c]));
    refused(&place, &["client", "set", "page", "--remove-redirect-uri", &a], "");
    done(&place, &["client", "set", "page", "--redirect-uri", &a], "");
    assert_eq!(uris(), json!([a]));
    let wrong = ["client", "set", "page", "--set", "access_token_lifetime=\"10m\""];
    let problem = refused(&place, &wrong, "");
    assert!(problem.contains("access_token_lifetime = \"10m\": give a whole number"), "{problem}");
    assert!(done(&place, &["client", "show", "page"], "").contains("redirect_uris"));
}

#[test]
fn tables_show_dates() {
    let place = Place::new();
    done(&place, &["keys", "rotate"], "");
    let table = done(&place, &["keys", "list"], "");
    let row = table.lines().nth(1).unwrap();
    assert!(row.contains(" 20") && row.matches(':').count() == 2, "{table}");
}

/// A key whose algorithm was taken out of the configuration was neither replaced nor removable.
#[test]
fn any_key_can_be_retired() {
    let place = Place::new();
    done(&place, &["keys", "rotate"], "");
    let keys = |algorithms: &str| -> Vec<Value> {
        let mut command = place.demo_command(&["keys", "list", "--json"]);
        let output =
            command.env("DOORWARD_PROVIDER__SIGNING_ALGORITHMS", algorithms).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let find = |keys: &[Value], algorithm: &str, state: &str| -> String {
        let found = keys.iter().find(|key| key["algorithm"] == algorithm && key["state"] == state);
        found.unwrap_or_else(|| panic!("{keys:?}"))["kid"].as_str().unwrap().to_owned()
    };
    let left_out = find(&keys(r#"["RS256"]"#), "ES256", "retained");
    let mut retire = place.demo_command(&["keys", "retire", &left_out]);
    retire.env("DOORWARD_PROVIDER__SIGNING_ALGORITHMS", r#"["RS256"]"#);
    assert!(retire.output().unwrap().status.success());
    let both = r#"["RS256","ES256"]"#;
    let signing = find(&keys(both), "RS256", "signs");
    assert!(refused(&place, &["keys", "retire", &signing], "").contains("--replace"));
    done(&place, &["keys", "retire", &signing, "--replace"], "");
    assert_ne!(find(&keys(both), "RS256", "signs"), signing);
}

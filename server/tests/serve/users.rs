//! Users by command: claims, roles and passwords.

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::smtp_server::acceptor;
use crate::support::{Doorward, Sandbox, browser, sign_in_by_password, token};

fn run(place: &Sandbox, arguments: &[&str], input: &str) -> Output {
    let mut command = place.demo_command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn done(place: &Sandbox, arguments: &[&str], input: &str) -> String {
    let output = run(place, arguments, input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(place: &Sandbox, arguments: &[&str], input: &str) -> String {
    let output = run(place, arguments, input);
    assert_ne!(output.status.code(), Some(0));
    String::from_utf8(output.stderr).unwrap()
}

fn claims(place: &Sandbox, user: &str) -> Value {
    let shown = done(place, &["user", "show", user, "--json"], "");
    serde_json::from_str::<Value>(&shown).unwrap()["claims"].take()
}

/// A server with a client that may ask for the profile.
fn serve(place: &Sandbox, settings: &[(&str, &str)]) -> Doorward {
    let client = r#"[{
        client_id="cli", client_secrets=[{plain="secret"}], allowed_grant_types=["password"],
        allowed_scopes=["openid", "profile"]
    }]"#;
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_CLIENTS", client).envs(settings.iter().copied());
    Doorward::start(command)
}

/// What an application learns of the user.
async fn userinfo(place: &Sandbox, user: &str, password: &str) -> Value {
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
    let place = Sandbox::new();
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
    done(&place, &add, "violet kettle north");
    assert_eq!(
        claims(&place, "erin"),
        json!({
            "preferred_username": "erin", "email": "erin@example.com", "email_verified": true,
            "name": "Erin Doe", "groups": ["staff", "editors"], "department": "Sales",
        })
    );
    let known = userinfo(&place, "erin", "violet kettle north").await;
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
    let lists = ["--groups", "a,b", "--add-roles", "reader,writer"];
    done(&place, &[&["user", "set", "erin"][..], &lists].concat(), "");
    let more = ["--add-groups", "b,c", "--remove-groups", "a", "--remove-roles", "writer"];
    done(&place, &[&["user", "set", "erin"][..], &more].concat(), "");
    let after = claims(&place, "erin");
    assert_eq!((&after["groups"], &after["role"]), (&json!(["b", "c"]), &json!(["reader"])));
    done(&place, &["user", "set", "erin", "--username", "erin.roe"], "");
    assert!(done(&place, &["user", "show", "erin.roe"], "").contains("claims.email"));
    for wrong in [
        &["user", "set", "erin.roe"][..],
        &["user", "set", "erin.roe", "--claim", "sub=alice"],
        &["user", "set", "erin.roe", "--claim", "nothing"],
        &["user", "set", "erin.roe", "--groups", "a", "--add-groups", "b"],
        &["user", "set", "nobody", "--name", "x"],
    ] {
        refused(&place, wrong, "");
    }
    server.stop();
}

/// A removed user's identifier is not given to the next one with the same name.
#[test]
fn a_name_that_is_used_again_gets_another_identifier() {
    let place = Sandbox::new();
    let sub = || -> Value {
        done(&place, &["user", "add", "ada", "--password-stdin"], "violet kettle north");
        let shown = done(&place, &["user", "show", "ada", "--json"], "");
        serde_json::from_str::<Value>(&shown).unwrap()["sub"].take()
    };
    let first = sub();
    done(&place, &["user", "remove", "ada", "--yes"], "");
    assert_ne!(first, sub());
    let again = ["user", "add", "eve", "--sub", first.as_str().unwrap(), "--password-stdin"];
    let refusal = refused(&place, &again, "violet kettle north");
    assert!(refusal.contains("a removed user had the sub"), "{refusal}");
}

#[test]
fn roles_are_shown_set_added_and_removed() {
    let place = Sandbox::new();
    let add = ["user", "add", "erin", "--roles", "a,,a, b", "--password-stdin"];
    done(&place, &add, "violet kettle north");
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
fn passwords_that_are_short_or_easy_to_guess_are_refused_without_force() {
    let place = Sandbox::new();
    let add = ["user", "add", "margaret", "--password-stdin"];
    assert!(refused(&place, &add, "short").contains("at least 12"));
    assert!(refused(&place, &add, "Margaret-1234").contains("your name"));
    assert!(refused(&place, &add, "password1234").contains("--force"));
    done(&place, &add, "violet kettle north");
    assert!(
        refused(&place, &["user", "passwd", "margaret", "--password-stdin"], "x")
            .contains("at least 12")
    );
    done(&place, &["user", "passwd", "margaret", "--password-stdin", "--force"], "margaret");
    let mut command = place.demo_command(&["user", "passwd", "margaret", "--password-stdin"]);
    command.env("DOORWARD_PROVIDER__MIN_PASSWORD_LENGTH", "20").stdin(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"nineteen characters").unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(2));
}

/// A service that knows one published password, with a certificate of an authority of its own.
#[tokio::test]
async fn the_list_of_published_passwords_may_have_a_certificate_of_our_own_authority() {
    let (acceptor, _, authority) = acceptor();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/range/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        assert!(asked.starts_with(b"GET /range/E2EB3 "), "{asked:?}");
        // SHA-1 of "violet kettle north", less its first five digits.
        let known = "CFADA2CE8B5CFD82493C57BAA5B199254A1:7\r\n";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", known.len());
        stream.write_all(format!("{head}{known}").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let place = Sandbox::new();
    let file = place.folder().join("authority.pem");
    std::fs::write(&file, authority).unwrap();
    let mut command = place.demo_command(&["user", "add", "erin", "--password-stdin"]);
    command
        .env("DOORWARD_ACCOUNTS__BREACHED_PASSWORDS_URL", url)
        .env("DOORWARD_TLS__TRUSTED_CA", file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"violet kettle north").unwrap();
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("breach"), "{said}");
}

#[test]
fn users_are_told_of_another_password_and_address() {
    let place = Sandbox::new();
    let add = [
        "user",
        "add",
        "erin",
        "--email",
        "erin@example.com",
        "--email-verified",
        "--password-stdin",
    ];
    done(&place, &add, "violet kettle north");
    done(&place, &["user", "set", "erin", "--name", "Erin Doe"], "");
    done(&place, &["user", "passwd", "erin", "--password-stdin"], "another kettle north");
    done(&place, &["user", "set", "erin", "--email", "new@example.com"], "");
    let rows = |arguments: &[&str]| -> Vec<Value> {
        serde_json::from_str(&done(&place, &[arguments, &["--json"]].concat(), "")).unwrap()
    };
    let mails = rows(&["mail", "outbox"]);
    assert!(mails.iter().all(|mail| mail["to"] == "erin@example.com"), "{mails:?}");
    let mut kinds: Vec<_> = mails.iter().map(|mail| mail["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["email_changed", "password_changed"]);
    assert_eq!(rows(&["mail", "outbox", "--prefix", "ERIN@"]), mails);
    assert_eq!(rows(&["mail", "outbox", "--prefix", "new"]), [Value::Null; 0]);
    let events = rows(&["user", "events", "erin"]);
    let events: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["email_set_by_administrator", "password_set_by_administrator"]);
}

#[tokio::test]
async fn a_hash_that_was_made_by_command_is_accepted_in_the_file() {
    let place = Sandbox::new();
    let hash = done(&place, &["user", "password-hash", "--password-stdin"], "violet kettle north");
    let user = format!(r#"[{{username="erin", password_hash="{}"}}]"#, hash.trim());
    let server = serve(&place, &[("DOORWARD_USERS", &user)]);
    assert_eq!(userinfo(&place, "erin", "violet kettle north").await["sub"], "erin");
    sign_in_by_password(&browser(), &place, "alice").await;
    server.stop();
}

#[test]
fn lists_of_a_client_are_added_to_and_taken_from() {
    let place = Sandbox::new();
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
    let place = Sandbox::new();
    done(&place, &["keys", "rotate"], "");
    let table = done(&place, &["keys", "list"], "");
    let row = table.lines().nth(1).unwrap();
    assert!(row.contains(" 20") && row.matches(':').count() == 2, "{table}");
}

/// A key whose algorithm was taken out of the configuration was neither replaced nor removable.
#[test]
fn any_key_can_be_retired() {
    let place = Sandbox::new();
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

#[test]
fn an_export_is_imported_once_and_says_what_is_left() {
    let place = Sandbox::new();
    let table = "username,sub,email,email_verified,password_hash,shoe\n\
                 ada,7,ada@example.com,true,$2b$04$TBmc8SP7vRflIlpLRX.8NukFrs2E23Fuod1ppkvsPLNXsT1\
                 Ly/CH.,39\nzoe,8,,,,\nbad,,,,md5,\n,9,,,,\n\
                 eve,7,,,,\n";
    std::fs::write(place.folder().join("users.csv"), table).unwrap();
    done(&place, &["user", "add", "zoe", "--sub", "1", "--password-stdin", "--force"], "zoe");
    let report = |option: &[&str]| -> Value {
        let import = [&["import", "csv", "users.csv", "--json"], option].concat();
        serde_json::from_str(&done(&place, &import, "")).unwrap()
    };
    let dry = report(&["--dry-run"]);
    assert_eq!((&dry["users"], &dry["added"]), (&json!(5), &json!(2)), "{dry}");
    refused(&place, &["user", "show", "ada"], "");
    let first = report(&[]);
    assert_eq!((&first["added"], &first["without_password"]), (&json!(2), &json!(1)), "{first}");
    assert_eq!(first["left"]["the column shoe"], 1);
    let problems = first["problems"].to_string();
    for part in [
        "zoe: another user has this name",
        "bad: the password",
        "9: a user name has",
        "eve: the export has the sub 7 twice",
    ] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    let second = report(&[]);
    assert_eq!((&second["added"], &second["present"]), (&json!(0), &json!(2)), "{second}");
    let link = ["import", "csv", "users.csv", "--link", "google=https://accounts.google.com"];
    let unknown = refused(&place, &link, "");
    assert!(unknown.contains("configure it first"), "{unknown}");
    let missing = refused(&place, &["import", "csv", "nothing.csv"], "");
    assert!(missing.contains("nothing.csv"), "{missing}");
}

#[test]
fn a_realm_comes_with_clients_and_groups_and_a_second_time_with_nothing() {
    let place = Sandbox::new();
    let realm = json!({
        "groups": [{"name": "Sales Team", "realmRoles": ["seller"]}, {"name": "Sales-Team"}],
        "clients": [
            {"clientId": "shop", "secret": "secret", "redirectUris": ["https://shop.example/cb"],
                "attributes": {"pkce.code.challenge.method": "S256"},
                "optionalClientScopes": ["unknown"]},
            {"clientId": "masked", "secret": "***", "redirectUris": ["https://m.example/cb"]},
            {"clientId": "bad", "publicClient": true, "redirectUris": ["javascript:alert(1)"]},
        ],
        "users": [
            {"id": "u-1", "username": "ada", "enabled": true, "groups": ["/Sales Team", "/gone"]},
            {"id": "u-2", "username": "bob", "enabled": true, "groups": ["/Sales-Team"]},
        ],
    });
    std::fs::write(place.folder().join("realm.json"), realm.to_string()).unwrap();
    let report = |option: &[&str]| -> Value {
        let import = [&["import", "keycloak", "realm.json", "--json"], option].concat();
        serde_json::from_str(&done(&place, &import, "")).unwrap()
    };
    let dry = report(&["--dry-run"]);
    assert_eq!(dry["clients"], json!({"added": 2, "present": 0, "refused": 1}), "{dry}");
    refused(&place, &["client", "show", "shop"], "");
    let first = report(&[]);
    assert_eq!((&first["clients"], &first["groups"]["added"]), (&dry["clients"], &json!(2)));
    let problems = first["problems"].to_string();
    assert_eq!(first["secrets"].as_object().unwrap().len(), 1, "{first}");
    let secret = first["secrets"]["masked"].as_str().unwrap();
    assert!(secret.len() > 20 && !problems.contains(secret), "{first}");
    for part in ["the scope unknown", "the client bad", "Sales Team"] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    let show = |what: &[&str]| -> Value {
        let arguments = [what, &["--json"]].concat();
        serde_json::from_str(&done(&place, &arguments, "")).unwrap()
    };
    let ada = show(&["user", "show", "ada"]).to_string();
    assert!(ada.contains("Sales-Team") && ada.contains("gone"), "{ada}");
    // The two groups are two, though their names have all letters in common.
    let bob = show(&["user", "show", "bob"]).to_string();
    assert!(bob.contains("Sales-Team-"), "{bob}");
    let second = report(&[]);
    for what in ["clients", "groups"] {
        assert_eq!(second[what]["added"], json!(0), "{second}");
    }
    assert_eq!((&second["added"], &second["present"]), (&json!(0), &json!(2)));
    assert!(second["secrets"].as_object().unwrap().is_empty(), "{second}");
    // A damaged export changes nothing.
    let text = realm.to_string().replace("u-2", "u-3");
    std::fs::write(place.folder().join("realm.json"), &text[..text.len() - 2]).unwrap();
    refused(&place, &["import", "keycloak", "realm.json"], "");
    assert!(!done(&place, &["user", "list"], "").contains("u-3"));
}

/// What was stopped in its midst has users without memberships and consents.
#[test]
fn a_second_import_tells_what_users_lack_and_changes_nothing() {
    let place = Sandbox::new();
    let consents = json!([{"clientId": "shop", "grantedClientScopes": ["profile"]}]);
    let realm = json!({
        "groups": [{"name": "staff"}],
        "clients": [{"clientId": "shop", "publicClient": true,
            "redirectUris": ["https://shop.example/cb"]}],
        "users": [
            {"id": "u-1", "username": "ada", "enabled": true, "groups": ["/staff"],
                "clientConsents": consents},
            {"id": "u-2", "username": "bob", "enabled": true, "groups": ["/staff"],
                "clientConsents": consents},
        ],
    });
    std::fs::write(place.folder().join("realm.json"), realm.to_string()).unwrap();
    // One is there without the rest; under the identifier of the other one is somebody else.
    for (name, sub) in [("Ada", "u-1"), ("mallory", "u-2")] {
        done(
            &place,
            &["user", "add", name, "--sub", sub, "--password-stdin", "--force"],
            "x1-y2-z3",
        );
    }
    let report = |option: &[&str]| -> Value {
        let import = [&["import", "keycloak", "realm.json", "--json"], option].concat();
        serde_json::from_str(&done(&place, &import, "")).unwrap()
    };
    let members = || -> Value {
        let list = ["group", "member", "list", "staff", "--json"];
        serde_json::from_str(&done(&place, &list, "")).unwrap()
    };
    let told = "ada is there already, and is not a member of staff. If an import was interrupted: \
                doorward group member add staff u-1";
    let dry = report(&["--dry-run"]);
    assert_eq!(dry["problems"], json!([told]), "{dry}");
    let second = report(&[]);
    assert_eq!((&second["added"], &second["present"]), (&json!(0), &json!(2)), "{second}");
    assert_eq!(second["problems"], dry["problems"]);
    assert_eq!(second["consents"], json!({"added": 0, "present": 0, "refused": 2}), "{second}");
    assert_eq!(members(), json!([]));
    // The command that it names does it.
    done(&place, &["group", "member", "add", "staff", "ada"], "");
    assert_eq!(report(&[])["problems"], json!([]));
}

/// A group that is another one here gives nobody its roles.
#[test]
fn a_group_that_is_called_otherwise_here_is_refused() {
    let place = Sandbox::new();
    for (name, shown) in [("staff", "People"), ("x1", "sales")] {
        done(&place, &["group", "add", name, "--display-name", shown], "");
    }
    let realm = json!({
        "groups": [{"name": "staff"}, {"name": "Sales"}, {"name": "new"}],
        "users": [{"id": "u-1", "username": "ada", "enabled": true,
            "groups": ["/staff", "/Sales", "/new"]}],
    });
    std::fs::write(place.folder().join("realm.json"), realm.to_string()).unwrap();
    let report = |option: &[&str]| -> Value {
        let import = [&["import", "keycloak", "realm.json", "--json"], option].concat();
        serde_json::from_str(&done(&place, &import, "")).unwrap()
    };
    let counts = json!({"added": 1, "present": 0, "refused": 2});
    assert_eq!(report(&["--dry-run"])["groups"], counts);
    let first = report(&[]);
    assert_eq!(first["groups"], counts, "{first}");
    let problems = first["problems"].to_string();
    for part in ["group staff here, which people call People", "people call the group x1 so"] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    for path in ["staff", "Sales"] {
        assert_eq!(first["left"][format!("the membership in {path}")], json!(1), "{first}");
    }
    let ada: Value =
        serde_json::from_str(&done(&place, &["user", "show", "ada", "--json"], "")).unwrap();
    let ada = ada.to_string();
    assert!(ada.contains("new") && !ada.contains("staff") && !ada.contains("Sales"), "{ada}");
}

#[test]
fn no_foreign_client_administers_by_the_name_of_a_scope() {
    let place = Sandbox::new();
    let config = "[scim]\nenabled = true\n[admin]\nenabled = true\n";
    std::fs::write(place.folder().join("doorward.toml"), config).unwrap();
    let realm = json!({"users": [], "clients": [{"clientId": "shop", "secret": "secret",
        "serviceAccountsEnabled": true, "standardFlowEnabled": false,
        "optionalClientScopes": ["scim", "admin:users.write", "profile"]}]});
    let mut realm = realm;
    realm["users"] = json!([{"id": "u-1", "username": "ada", "enabled": true,
        "attributes": {"role": ["admin"]}, "clientConsents": [{"clientId": "shop",
        "grantedClientScopes": ["scim", "profile"]}]}]);
    std::fs::write(place.folder().join("realm.json"), realm.to_string()).unwrap();
    let report = done(&place, &["import", "keycloak", "realm.json", "--json"], "");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["clients"]["added"], json!(1), "{report}");
    let problems = report["problems"].to_string();
    for scope in ["scim", "admin:users.write"] {
        assert!(problems.contains(&format!("--add-scope {scope}\"")), "{scope}: {problems}");
    }
    // Neither does a consent, and what users wrote about themselves is told for each.
    let left = "the scope scim of a consent, which lets a client administer Doorward";
    assert_eq!(report["left"][left], json!(1), "{report}");
    assert!(problems.contains("ada did not get what users may have set"), "{problems}");
    let shop: Value =
        serde_json::from_str(&done(&place, &["client", "show", "shop", "--json"], "")).unwrap();
    assert_eq!(shop["allowed_scopes"], json!(["openid", "profile"]), "{shop}");
}

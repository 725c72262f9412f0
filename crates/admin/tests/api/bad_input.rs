//! Bad input for every operation, made from the table: no answer is a mistake of the server, and
//! nothing is changed.

use axum::body::Body;
use doorward_admin::{Operation, api::BASE_PATH};
use serde_json::{Value, json};

use crate::support::{World, method, path};

const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "'; DROP TABLE users; --",
    "../../etc/passwd",
    "%00",
    "\u{202e}evil",
    "{{7*7}}",
    "a\r\nb: c",
    "\u{0}",
    "\u{1f600}",
];

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02X}"))
}

#[tokio::test]
async fn hostile_names_in_paths_are_not_there() {
    let world = World::new().await;
    for &operation in Operation::ALL.iter().filter(|operation| operation.path().contains('{')) {
        for text in HOSTILE {
            let parts = operation
                .path()
                .split('/')
                .map(|part| if part.starts_with('{') { encoded(text) } else { part.to_owned() });
            let path = parts.collect::<Vec<_>>().join("/");
            let call = world.call(method(operation), &path).by("olga").with("if-match", "\"x\"");
            let answer = call.json(&json!({"settings": {}})).send().await;
            assert!(
                [404, 422].contains(&answer.status.as_u16()),
                "{operation:?} {text:?}: {} {}",
                answer.status,
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let world = World::new().await;
    for &operation in Operation::ALL.iter().filter(|operation| takes_body(**operation)) {
        let etag = etag(&world, operation).await;
        let call = || {
            let call = world.call(method(operation), &path(operation)).by("olga");
            call.with("if-match", &etag)
        };
        let large = call().with("content-type", "application/json");
        let large = large.body(Body::from(vec![b' '; 10 << 20])).send().await;
        assert_eq!(large.status, 413, "{operation:?}");
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            let other = call().with("content-type", kind).body("{}").send().await;
            assert_eq!(other.status, 415, "{operation:?} {kind}");
        }
        for text in ["", "{", "nul", "{\"a\":1}{}", "\u{0}", "{\"a\":\"\u{1}\"}"] {
            let broken = call().with("content-type", "application/json").body(text.to_owned());
            let status = broken.send().await.status.as_u16();
            assert!([400, 422].contains(&status), "{operation:?} {text:?}: {status}");
        }
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let deep = call().with("content-type", "application/json").body(deep).send().await;
        assert!([400, 422].contains(&deep.status.as_u16()), "{operation:?}");
        for wrong in [json!([]), json!("x"), json!(1), json!(null), json!({"unknown_member": 1})] {
            let answer = call().json(&wrong).send().await;
            assert_eq!(answer.status, 422, "{operation:?} {wrong}: {}", answer.body);
            assert!(answer.body["errors"][0]["field"].is_string());
        }
    }
}

#[tokio::test]
async fn members_of_the_wrong_type_are_named() {
    let world = World::new().await;
    for (operation, good) in GOOD {
        let good: Value = serde_json::from_str(good).unwrap();
        for member in good.as_object().unwrap().keys() {
            for wrong in [json!({"a": []}), json!([[1]]), json!(-1.5)] {
                if good[member].is_object() && wrong.is_object() {
                    continue;
                }
                let mut body = good.clone();
                body[member] = wrong;
                let etag = etag(&world, operation).await;
                let call = world.call(method(operation), &path(operation)).by("olga");
                let answer = call.with("if-match", &etag).json(&body).send().await;
                assert_eq!(answer.status, 422, "{operation:?} {body}: {}", answer.body);
                let field = answer.body["errors"][0]["field"].as_str().unwrap();
                assert!(field.starts_with(member.as_str()), "{operation:?} {member}: {field}");
            }
        }
    }
}

#[tokio::test]
async fn hostile_text_is_stored_as_data_or_refused() {
    let world = World::new().await;
    for (number, text) in HOSTILE.into_iter().enumerate() {
        let new = json!({"username": text, "sub": format!("hostile-{number}"),
            "claims": {"name": text, "email": text, text: text}});
        let answer = world.call("POST", "/users").by("olga").json(&new).send().await;
        assert_eq!(answer.status, 422, "{text:?}: no e-mail address");
        let new = json!({"username": text, "sub": format!("hostile-{number}"),
            "claims": {"name": text, "note": [text, {"a": text}]}});
        let answer = world.call("POST", "/users").by("olga").json(&new).send().await;
        match answer.status.as_u16() {
            201 => assert_eq!(answer.body["claims"]["name"], json!(text)),
            422 => assert!(text.chars().any(char::is_control), "{text:?}: {}", answer.body),
            other => panic!("{text:?}: {other} {}", answer.body),
        }
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn a_deleted_object_is_not_there_for_any_operation() {
    let world = World::new().await;
    let etag = world.etag("/users/alice").await;
    let call = world.call("DELETE", "/users/alice").by("olga").with("if-match", &etag);
    assert_eq!(call.send().await.status, 204);
    for &operation in Operation::ALL.iter().filter(|operation| operation.path().contains("{sub}")) {
        let call = world.call(method(operation), &path(operation)).by("olga");
        let call = call.with("if-match", &etag);
        let body = match operation {
            Operation::SetAdminRole => json!({"role": null}),
            Operation::AddLink => json!({"provider": "up", "subject": "1"}),
            _ => json!({}),
        };
        assert_eq!(call.json(&body).send().await.status, 404, "{operation:?}");
    }
}

#[tokio::test]
async fn a_stale_state_is_refused_by_every_guarded_operation() {
    let world = World::new().await;
    let bodies = |operation: Operation| {
        let found = GOOD.iter().find(|(good, _)| *good == operation);
        found.map_or(json!({}), |(_, body)| serde_json::from_str(body).unwrap())
    };
    for &operation in Operation::ALL.iter().filter(|operation| operation.is_guarded()) {
        let path = path(operation).replace("/clients/app", "/clients/own");
        let new = json!({"client_id": "own", "settings": {"id_token_signing_alg": "ES256",
            "allowed_grant_types": ["client_credentials"],
            "allowed_scopes": ["admin:users.read"]}});
        world.call("POST", "/clients").by("olga").json(&new).send().await;
        for (tag, status) in [("\"x\"", 412), ("W/\"x\"", 412), ("", 428), ("*", 428)] {
            let call = world.call(method(operation), &path).by("olga").with("if-match", tag);
            let answer = call.json(&bodies(operation)).send().await;
            assert_eq!(answer.status, status, "{operation:?} {tag:?}: {}", answer.body);
        }
    }
}

/// A body that each operation takes, with every member.
const GOOD: [(Operation, &str); 16] = [
    (
        Operation::CreateUser,
        r#"{"username":"new","sub":"new","enabled":true,"password":"x","admin_role":null,
            "claims":{}}"#,
    ),
    (Operation::ChangeUser, r#"{"username":"alice","enabled":true,"claims":{}}"#),
    (Operation::SetAdminRole, r#"{"role":null}"#),
    (
        Operation::AddLink,
        r#"{"provider":"tenants","subject":"1","issuer":"https://login.example/t/v2.0"}"#,
    ),
    (
        Operation::CreateInvitation,
        r#"{"email":"a@example.com","name":"A","roles":[],"groups":[],"admin_role":null,"days":7,
            "language":"en","show_link":true}"#,
    ),
    (
        Operation::CreateGroup,
        r#"{"name":"new","display_name":"x","description":"x","roles":[],"claims":{}}"#,
    ),
    (Operation::ChangeGroup, r#"{"display_name":"x","description":"x","roles":[],"claims":{}}"#),
    (
        Operation::CreateDirectoryUser,
        r#"{"username":"new","parent":null,"attributes":{},"password":"x","must_change":false,
            "enabled":true}"#,
    ),
    (Operation::ChangeDirectoryUser, r#"{"username":"alice","enabled":true,"attributes":{}}"#),
    (Operation::SetDirectoryPassword, r#"{"password":"x","must_change":false}"#),
    (Operation::CreateClient, r#"{"client_id":"own","settings":{}}"#),
    (Operation::ChangeClient, r#"{"settings":{}}"#),
    (Operation::AddSecret, r#"{"days":1,"description":"x"}"#),
    (Operation::AddRegistrationToken, r#"{"uses":1,"days":1,"note":"x"}"#),
    (
        Operation::CreateIdentityProvider,
        r#"{"name":"new","settings":{},"client_secret":"x","client_key":"x"}"#,
    ),
    (Operation::ChangeIdentityProvider, r#"{"settings":{},"client_secret":"x","client_key":"x"}"#),
];

#[tokio::test]
async fn each_operation_that_takes_a_body_is_tried_with_bad_ones() {
    let document = World::new().await.document().await;
    for &operation in Operation::ALL {
        let path = format!("{BASE_PATH}{}", operation.path());
        let described = &document["paths"][&path][method(operation).to_lowercase()];
        assert_eq!(described.get("requestBody").is_some(), takes_body(operation), "{operation:?}");
    }
}

fn takes_body(operation: Operation) -> bool {
    GOOD.iter().any(|(own, _)| *own == operation)
}

async fn etag(world: &World, operation: Operation) -> String {
    if operation.path().starts_with("/users/{sub}") {
        world.etag("/users/alice").await
    } else if operation.path().starts_with("/clients/{client_id}") {
        world.etag("/clients/app").await
    } else if operation.path().starts_with("/directories/{directory}/users/{entry}") {
        world.etag("/directories/corp/users/entry-alice").await
    } else if operation.path().starts_with("/identity-providers/{identity_provider}") {
        world.etag("/identity-providers/stored").await
    } else if operation.path().starts_with("/groups/{group}") {
        world.etag("/groups/staff").await
    } else {
        "\"x\"".to_owned()
    }
}

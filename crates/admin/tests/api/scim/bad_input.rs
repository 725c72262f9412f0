//! What no client should send.

use serde_json::{Value, json};

use super::{GROUP, PATCH, USER, assert_error, path_of};
use crate::support::World;

#[tokio::test]
async fn bodies_that_are_none_are_refused() {
    let world = World::new().await;
    let kind = "application/scim+json";
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"x\"",
        "1",
        "{}",
        "{\"schemas\": []}",
        "{\"schemas\": \"urn:x\"}",
        "{\"schemas\": [1], \"userName\": \"x\"}",
        "\u{0}",
        "{\"a\":}",
    ] {
        for path in ["/Users", "/Groups"] {
            let answer = world.scim("POST", path).raw(kind, body).await;
            assert_error(&answer, 400, "invalidSyntax", body);
        }
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = world.scim("POST", "/Users").raw(kind, deep).await;
    assert_error(&answer, 400, "invalidSyntax", "deep");
    let large = vec![b' '; 10 * 1024 * 1024];
    for (method, path) in [
        ("POST", "/Users"),
        ("PUT", "/Users/alice"),
        ("PATCH", "/Groups/staff"),
        ("POST", "/Users/.search"),
    ] {
        let answer = world.scim(method, path).raw(kind, large.clone()).await;
        assert_error(&answer, 413, "", path);
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let answer = world.scim("POST", "/Users").raw(kind, "{}").await;
        assert_error(&answer, 415, "", kind);
    }
}

#[tokio::test]
async fn values_of_another_type_are_refused() {
    let world = World::new().await;
    for (name, value) in [
        ("userName", json!(1)),
        ("userName", json!("")),
        ("userName", json!(" ")),
        ("userName", json!("a\nb")),
        ("userName", json!("x".repeat(256))),
        ("userName", json!("a\u{0}")),
        ("active", json!("yes")),
        ("name", json!("x")),
        ("emails", json!("no address")),
        ("emails", json!([{"value": "no address"}])),
        ("emails", json!([{"value": 1}])),
        ("displayName", json!({})),
        ("displayName", json!("x".repeat(10_000))),
        ("externalId", json!(7)),
        ("password", json!({"a": 1})),
        ("nickName", json!(["x"])),
    ] {
        let mut new = json!({"schemas": [USER], "userName": "eve"});
        new[name] = value.clone();
        let answer = world.scim("POST", "/Users").json(&new).await;
        assert_error(&answer, 400, "invalidValue", &format!("{name}: {value}"));
    }
    let many: Vec<Value> =
        (0..2000).map(|number| json!({"value": format!("{number}@example.com")})).collect();
    let new = json!({"schemas": [USER], "userName": "eve", "emails": many});
    assert_error(&world.scim("POST", "/Users").json(&new).await, 400, "invalidValue", "many");
    assert_eq!(world.found("/Users", "userName eq \"eve\"").await.0, 0);
    for name in ["", " ", "a\u{1}b"] {
        let new = json!({"schemas": [GROUP], "displayName": name});
        let answer = world.scim("POST", "/Groups").json(&new).await;
        assert_error(&answer, 400, "invalidValue", name);
    }
    let new = json!({"schemas": [GROUP], "displayName": "x", "members": [{"value": "nobody"}]});
    assert_error(&world.scim("POST", "/Groups").json(&new).await, 400, "invalidValue", "nobody");
    assert_eq!(world.found("/Groups", "displayName eq \"x\"").await.0, 0);
}

#[tokio::test]
async fn hostile_texts_are_texts() {
    let world = World::new().await;
    for (number, text) in [
        "'; DROP TABLE users; --",
        "\" or 1 eq 1 or \"",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "%00",
        "\u{202e}evil",
        "a\u{301}\u{301}",
        "🦀",
        "${jndi:ldap://x}",
        "$__toml_private_datetime",
        "*)(uid=*",
        "\\",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{number}{text}");
        let new = json!({"schemas": [USER], "userName": name, "displayName": text,
            "externalId": text, "name": {"givenName": text}});
        let added = world.scim("POST", "/Users").json(&new).await;
        assert_eq!(added.status, 201, "{text}: {}", added.body);
        assert_eq!(added.body["displayName"], json!(text));
        let literal = json!(text).to_string();
        for attribute in ["externalId", "displayName"] {
            let filter: String = url::form_urlencoded::byte_serialize(
                format!("{attribute} eq {literal}").as_bytes(),
            )
            .collect();
            let (count, found) = world.found("/Users", &filter).await;
            assert_eq!((count, &found["Resources"][0]["id"]), (1, &added.body["id"]), "{text}");
        }
        let group = json!({"schemas": [GROUP], "displayName": format!("{text}{number}")});
        let added = world.scim("POST", "/Groups").json(&group).await;
        assert_eq!(added.status, 201, "{text}: {}", added.body);
        let read = world.scim("GET", &path_of(&added.body)).send().await;
        assert_eq!(read.body, added.body);
    }
}

#[tokio::test]
async fn changes_that_are_none_are_refused() {
    let world = World::new().await;
    for (body, kind) in [
        (json!({"Operations": []}), "invalidSyntax"),
        (json!({"schemas": [PATCH]}), "invalidSyntax"),
        (json!({"schemas": [PATCH], "Operations": {}}), "invalidSyntax"),
        (json!({"schemas": [PATCH], "Operations": [1]}), "invalidSyntax"),
        (json!({"schemas": [PATCH], "Operations": [{"op": "remove"}]}), "noTarget"),
        (
            json!({"schemas": [PATCH], "Operations": vec![json!({"op": "add"}); 101]}),
            "invalidSyntax",
        ),
        (
            json!({"schemas": [PATCH], "Operations": [
                {"op": "add",
                    "path": format!("emails[{}value pr{}]", "(".repeat(50), ")".repeat(50)),
                    "value": {}}]}),
            "invalidFilter",
        ),
    ] {
        for path in ["/Users/alice", "/Groups/staff"] {
            let answer = world.scim("PATCH", path).json(&body).await;
            assert_error(&answer, 400, kind, &format!("{path}: {body}"));
        }
    }
    for path in ["/Users/nobody", "/Groups/nobody", "/Groups/%20", "/Users/%00"] {
        let operations = json!([{"op": "replace", "path": "externalId", "value": "x"}]);
        assert_eq!(world.patch(path, operations).await.status, 404, "{path}");
    }
    let required = json!([{"op": "remove", "path": "userName"}]);
    assert_error(&world.patch("/Users/alice", required).await, 400, "invalidValue", "required");
    let active = json!([{"op": "remove", "path": "active"}]);
    assert_error(&world.patch("/Users/alice", active).await, 400, "mutability", "active");
}

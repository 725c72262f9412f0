//! Lists in pages, found by the beginning of a name.

use serde_json::{Value, json};

use crate::{
    registration::registered,
    support::{World, now, user},
};

async fn subs(world: &World, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/users?limit=2&{query}{cursor}");
        let page = world.get("udo", &path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(items.iter().map(|item| item["sub"].as_str().unwrap().to_owned()));
        match page.body.get("next").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn users_are_found_by_their_beginning() {
    let world = World::new().await;
    world.store.put_user(user("albert", None), now()).await.unwrap();
    assert_eq!(subs(&world, "").await, ["adam", "albert", "alice", "helen", "olga", "udo"]);
    assert_eq!(subs(&world, "prefix=AL").await, ["albert", "alice"]);
    assert_eq!(subs(&world, "sort=email&prefix=al").await, ["albert", "alice"]);
    assert_eq!(subs(&world, "sort=name&prefix=olg").await, ["olga"]);
    assert_eq!(subs(&world, "filter=administrators").await, ["adam", "helen", "olga", "udo"]);
    assert_eq!(subs(&world, "filter=disabled").await, [""; 0]);
    assert_eq!(subs(&world, "prefix=%25").await, [""; 0]);
    assert_eq!(subs(&world, "prefix=%00").await, [""; 0]);
}

#[tokio::test]
async fn a_query_that_is_not_known_is_refused() {
    let world = World::new().await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "sort=password",
        "filter=enabled%27",
        "sort=email&filter=disabled",
        "cursor=x",
        "cursor=e30",
        "unknown=1",
    ] {
        let answer = world.get("udo", &format!("/users?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
    }
    let long = format!("/users?prefix={}", "x".repeat(300));
    assert_eq!(world.get("udo", &long).await.status, 400);
}

#[tokio::test]
async fn clients_and_groups_are_found_by_their_beginning() {
    let world = World::new().await;
    for name in ["team/red", "team/blue", "tea"] {
        let new = json!({"name": name});
        let added = world.call("POST", "/groups").by("adam").json(&new).send().await;
        assert_eq!(added.status, 201, "{}", added.body);
    }
    registered(&world, "agent-1").await;
    registered(&world, "agent-2").await;
    registered(&world, "bot").await;
    for (path, column, expected) in [
        ("/groups?prefix=team", "name", json!(["team/blue", "team/red"])),
        ("/groups?prefix=team/r", "name", json!(["team/red"])),
        ("/groups?prefix=TEAM", "name", json!([])),
        ("/clients?prefix=ap", "client_id", json!(["app"])),
        ("/clients?prefix=%25", "client_id", json!([])),
        ("/registered-clients?prefix=agent", "client_id", json!(["agent-1", "agent-2"])),
    ] {
        let page = world.get("udo", path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        let rows = page.body["items"].as_array().unwrap().iter();
        assert_eq!(json!(rows.map(|row| row[column].clone()).collect::<Vec<_>>()), expected);
    }
    let first = world.get("udo", "/groups?prefix=team&limit=1").await;
    let next = first.body["next"].as_str().unwrap();
    let second = world.get("udo", &format!("/groups?prefix=team&limit=1&cursor={next}")).await;
    assert_eq!(second.body["items"][0]["name"], json!("team/red"));
    assert!(second.body.get("next").is_none(), "{}", second.body);
    for path in ["/groups?prefix=%00", "/clients?prefix=a%0A", "/registered-clients?prefix=%7F"] {
        assert_eq!(world.get("udo", path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn clients_come_in_pages() {
    let world = World::new().await;
    let first = world.get("udo", "/clients?limit=3").await;
    let ids = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|row| row["client_id"].clone()).collect()
    };
    assert_eq!(ids(&first.body), [json!("admin-page"), json!("app"), json!("entra")]);
    let next = first.body["next"].as_str().unwrap();
    let second = world.get("udo", &format!("/clients?limit=3&cursor={next}")).await;
    assert_eq!(ids(&second.body), [json!("okta"), json!("people"), json!("robot")]);
    assert!(second.body.get("next").is_none());
}

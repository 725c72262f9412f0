//! Lists in pages, found by the beginning of a name.

use serde_json::{Value, json};

use crate::support::{World, now, user};

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

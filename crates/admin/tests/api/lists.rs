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
async fn members_invitations_and_mails_are_found_by_their_beginning() {
    let world = World::new().await;
    let added =
        world.call("POST", "/groups").by("adam").json(&json!({"name": "team"})).send().await;
    assert_eq!(added.status, 201, "{}", added.body);
    for sub in ["adam", "alice", "helen"] {
        let path = format!("/groups/team/members/{sub}");
        let joined = world.call("PUT", &path).by("olga").send().await;
        assert_eq!(joined.status, 204, "{}", joined.body);
    }
    for email in ["Zoe@example.com", "ada@example.com", "adele@example.com"] {
        let new = json!({"email": email});
        let invited = world.call("POST", "/invitations").by("olga").json(&new).send().await;
        assert_eq!(invited.status, 201, "{}", invited.body);
    }
    let addresses = json!(["ada@example.com", "adele@example.com"]);
    for (path, column, expected) in [
        ("/groups/team/members?prefix=A", "username", json!(["adam", "alice"])),
        ("/groups/team/members?prefix=al", "sub", json!(["alice"])),
        ("/groups/team/members?prefix=%25", "sub", json!([])),
        ("/invitations?prefix=AD", "email", addresses.clone()),
        ("/invitations?prefix=zoe@", "email", json!(["Zoe@example.com"])),
        ("/invitations?prefix=%25", "email", json!([])),
        ("/outbox?prefix=AD", "to", addresses),
        ("/outbox?prefix=zoe@", "to", json!(["Zoe@example.com"])),
        ("/outbox?prefix=%25", "to", json!([])),
    ] {
        let page = world.get("olga", path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        let rows = page.body["items"].as_array().unwrap().iter();
        let found = json!(rows.map(|row| row[column].clone()).collect::<Vec<_>>());
        assert_eq!(found, expected, "{path}");
    }
    for path in ["/groups/team/members?prefix=a", "/invitations?prefix=a", "/outbox?prefix=a"] {
        let first = world.get("olga", &format!("{path}&limit=1")).await;
        let next = first.body["next"].as_str().unwrap();
        let second = world.get("olga", &format!("{path}&limit=1&cursor={next}")).await;
        assert_eq!(second.body["items"].as_array().unwrap().len(), 1, "{}", second.body);
        assert_ne!(first.body["items"], second.body["items"], "{path}");
        assert!(second.body.get("next").is_none(), "{}", second.body);
        // A cursor of the search is none of the whole list.
        let other = path.replace("?prefix=a", "");
        let other = world.get("olga", &format!("{other}?cursor={next}")).await;
        assert_eq!(other.status, 400, "{}", other.body);
        let long = format!("{path}{}", "x".repeat(300));
        assert_eq!(world.get("olga", &long).await.status, 400, "{path}");
        assert_eq!(world.get("olga", &format!("{path}%00")).await.status, 400, "{path}");
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

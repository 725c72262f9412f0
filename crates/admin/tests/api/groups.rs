//! Groups and their members.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{World, now, user};

fn red() -> Value {
    json!({"name": "team/red", "display_name": "Team Red", "description": "Red",
        "roles": ["editor"], "claims": {"cost_centre": "4711"}})
}

const RED: &str = "/groups/team%2Fred";

#[tokio::test]
async fn a_group_is_added_changed_and_removed() {
    let world = World::new().await;
    let added = world.call("POST", "/groups").by("adam").json(&red()).send().await;
    assert_eq!((added.status.as_u16(), &added.body), (201, &red()));
    assert_eq!(added.headers["location"], format!("/api/admin/v1{RED}").as_str());
    let read = world.get("helen", RED).await;
    assert_eq!((&read.body, &read.headers["etag"]), (&red(), &added.headers["etag"]));
    let again = world.call("POST", "/groups").by("adam").json(&red()).send().await;
    assert_eq!(again.status, 409);
    let first = world.get("udo", "/groups?limit=1").await;
    let next = first.body["next"].as_str().unwrap();
    let second = world.get("udo", &format!("/groups?limit=1&cursor={next}")).await;
    let names = [&first.body["items"][0]["name"], &second.body["items"][0]["name"]];
    assert_eq!(names, [&json!("staff"), &json!("team/red")]);
    assert!(second.body.get("next").is_none());

    let etag = read.headers["etag"].to_str().unwrap();
    let change = json!({"display_name": "", "description": "", "roles": ["reader"],
            "claims": {"cost_centre": null}});
    let call = || world.call("PATCH", RED).by("adam").with("if-match", etag).json(&change);
    let changed = call().send().await;
    let expected = json!({"name": "team/red", "display_name": null, "description": null,
            "roles": ["reader"], "claims": {}});
    assert_eq!((changed.status.as_u16(), &changed.body), (200, &expected));
    let stale = call().send().await;
    let members = json!(["display_name", "description", "roles", "claims", "version"]);
    assert_eq!((stale.status.as_u16(), &stale.body["changed"]), (412, &members));
    let etag = changed.headers["etag"].to_str().unwrap();
    let remove = || world.call("DELETE", RED).by("adam").with("if-match", etag).send();
    assert_eq!(remove().await.status, 204);
    assert_eq!(remove().await.status, 404);
}

#[tokio::test]
async fn what_no_group_can_have_is_named() {
    let world = World::new().await;
    for (field, body) in [
        ("name", json!({"name": "two words"})),
        ("name", json!({"name": "../x"})),
        ("roles", json!({"name": "x", "roles": ["two words"]})),
        ("display_name", json!({"name": "x", "display_name": "x".repeat(201)})),
        ("display_name", json!({"name": "x", "display_name": " "})),
        ("description", json!({"name": "x", "description": "x".repeat(201)})),
        ("claims.admin_role", json!({"name": "x", "claims": {"admin_role": "owner"}})),
        ("claims.sub", json!({"name": "x", "claims": {"sub": "x"}})),
        ("claims.email_verified", json!({"name": "x", "claims": {"email_verified": true}})),
        ("claims", json!({"name": "x", "claims": {"a": "\0"}})),
        ("claims", json!({"name": "x", "claims": {"a": "x".repeat(5000)}})),
        ("version", json!({"name": "x", "version": 7})),
    ] {
        let answer = world.call("POST", "/groups").by("olga").json(&body).send().await;
        let named = &answer.body["errors"][0]["field"];
        assert_eq!((answer.status.as_u16(), named), (422, &json!(field)), "{body}");
    }
}

#[tokio::test]
async fn members_join_and_leave_and_are_listed_in_pages() {
    let world = World::new().await;
    for sub in ["alice", "bob", "carol"] {
        world.store.put_user(user(sub, None), now()).await.unwrap();
        for _ in 0..2 {
            let put = world.call("PUT", &format!("/groups/staff/members/{sub}")).by("adam");
            assert_eq!(put.send().await.status, 204);
        }
    }
    let first = world.get("helen", "/groups/staff/members?limit=2").await;
    let alice = json!({"sub": "alice", "username": "alice"});
    assert_eq!(
        (first.body["items"].as_array().unwrap().len(), &first.body["items"][0]),
        (2, &alice)
    );
    let next = first.body["next"].as_str().unwrap();
    let second = world.get("helen", &format!("/groups/staff/members?cursor={next}")).await;
    assert_eq!(second.body, json!({"items": [{"sub": "carol", "username": "carol"}]}));
    assert_eq!(world.get("udo", "/users/alice").await.body["groups"], json!(["staff"]));
    for (status, path) in [
        (204, "/groups/staff/members/alice"),
        (404, "/groups/staff/members/alice"),
        (404, "/groups/unknown/members/bob"),
        (404, "/groups/staff/members/nobody"),
    ] {
        assert_eq!(world.call("DELETE", path).by("adam").send().await.status, status, "{path}");
    }
    for path in ["/groups/unknown/members/alice", "/groups/staff/members/nobody"] {
        assert_eq!(world.call("PUT", path).by("adam").send().await.status, 404, "{path}");
    }
    assert_eq!(world.get("udo", "/groups/unknown/members").await.status, 404);
}

#[tokio::test]
async fn nobody_puts_somebody_who_may_more_into_a_group() {
    let world = World::new().await;
    for (by, on, status) in [("adam", "olga", 403), ("adam", "adam", 204), ("olga", "olga", 204)] {
        for method in ["PUT", "DELETE"] {
            let path = format!("/groups/staff/members/{on}");
            let answer = world.call(method, &path).by(by).send().await;
            assert_eq!(answer.status, status, "{method} {on} by {by}: {}", answer.body);
        }
    }
    for method in ["PUT", "DELETE"] {
        let token = world.machine("robot", "admin:groups.write");
        let call = world.call(method, "/groups/staff/members/helen").bearing(token);
        assert_eq!(call.send().await.status, 403, "a machine acts on nobody who has a role");
    }
}

#[tokio::test]
async fn nobody_changes_the_group_of_somebody_who_may_more() {
    let world = World::new().await;
    let member = world.call("PUT", "/groups/staff/members/olga").by("olga").send().await;
    assert_eq!(member.status, 204);
    let etag = world.etag("/groups/staff").await;
    let changes = json!({"roles": []});
    for method in ["PATCH", "DELETE"] {
        let call = world.call(method, "/groups/staff").with("if-match", &etag);
        let answer = call.by("adam").json(&changes).send().await;
        assert_eq!(answer.status, 403, "{method}: {}", answer.body);
        let token = world.machine("robot", "admin:groups.write");
        let call = world.call(method, "/groups/staff").with("if-match", &etag);
        let answer = call.bearing(token).json(&changes).send().await;
        assert_eq!(answer.status, 403, "{method}: {}", answer.body);
    }
    let call = world.call("DELETE", "/groups/staff").with("if-match", &etag).by("olga");
    assert_eq!(call.send().await.status, 204);
}

#[tokio::test]
async fn of_a_change_and_a_removal_of_one_state_one_is_made() {
    let world = World::new().await;
    let etag = world.etag("/groups/staff").await;
    let requests = (0..8).map(|number| {
        let method = if number % 2 == 0 { "PATCH" } else { "DELETE" };
        let call = world.call(method, "/groups/staff").by("adam").with("if-match", &etag);
        call.json(&json!({"description": number.to_string()})).send()
    });
    let statuses: Vec<u16> =
        join_all(requests).await.iter().map(|answer| answer.status.as_u16()).collect();
    let made = statuses.iter().filter(|status| [200, 204].contains(*status)).count();
    assert_eq!(made, 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 204, 404, 412].contains(status)), "{statuses:?}");
}

/// The page shows groups by these names, and SCIM finds them by them.
#[tokio::test]
async fn no_two_groups_are_called_the_same() {
    let world = World::new().await;
    let add = |body: Value| {
        let call = world.call("POST", "/groups").by("adam").json(&body);
        call.send()
    };
    assert_eq!(add(red()).await.status, 201);
    for (name, display_name) in [("blue", "team RED"), ("blue", "Staff"), ("TEAM/red", "")] {
        let display_name = Some(display_name).filter(|text| !text.is_empty());
        let body = json!({"name": name, "display_name": display_name});
        let expected = if display_name.is_some() { 409 } else { 201 };
        assert_eq!(add(body.clone()).await.status, expected, "{body}");
    }
    assert_eq!(world.get("udo", "/groups/blue").await.status, 404, "it is not left behind");
    let etag = world.etag(RED).await;
    let change = async |body: Value| {
        let call = world.call("PATCH", RED).by("adam").with("if-match", &etag);
        call.json(&body).send().await
    };
    let refused = change(json!({"display_name": "STAFF"})).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let told = refused.body["detail"].as_str().unwrap_or_default();
    assert!(told.contains("another display_name"), "{}", refused.body);
    let changed = change(json!({"display_name": "TEAM RED"})).await;
    assert_eq!(changed.status, 200, "it is its own: {}", changed.body);
    let etag = changed.headers["etag"].to_str().unwrap();
    assert_eq!(etag, world.etag(RED).await, "{}", changed.body);
}

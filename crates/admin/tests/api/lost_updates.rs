//! Two administrators at once: nobody's change is lost.

use futures::future::join_all;
use serde_json::json;

use crate::support::{World, user};

#[tokio::test]
async fn a_change_of_an_older_state_is_refused_and_told_what_changed() {
    let world = World::new().await;
    let before = world.etag("/users/alice").await;
    let first = world.call("PATCH", "/users/alice").by("adam").with("if-match", &before);
    let first = first.json(&json!({"claims": {"department": "Sales"}})).send().await;
    assert_eq!(first.status, 200);
    let second = world.call("PATCH", "/users/alice").by("olga").with("if-match", &before);
    let second = second.json(&json!({"enabled": false})).send().await;
    assert_eq!(second.status, 412);
    assert_eq!(second.body["changed"], json!(["claims"]));
    assert_eq!(second.headers["etag"], first.headers["etag"], "of what is there now");
    assert!(world.user("alice").await.unwrap().enabled, "nothing has happened");
    let missing = world.call("PATCH", "/users/alice").by("olga").json(&json!({})).send().await;
    assert_eq!(missing.status, 428);
    let any = world.call("PATCH", "/users/alice").by("olga").with("if-match", "*");
    assert_eq!(any.json(&json!({})).send().await.status, 428, "* is not a state");
}

#[tokio::test]
async fn of_parallel_changes_of_one_state_one_is_made() {
    let world = World::new().await;
    let etag = world.etag("/users/alice").await;
    let changes = (0..8).map(|number| {
        let body = json!({"claims": {"number": number}});
        world.call("PATCH", "/users/alice").by("adam").with("if-match", &etag).json(&body).send()
    });
    let statuses: Vec<u16> =
        join_all(changes).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn of_parallel_removals_one_is_made() {
    let world = World::new().await;
    let etag = world.etag("/users/alice").await;
    let removals = (0..8)
        .map(|_| world.call("DELETE", "/users/alice").by("adam").with("if-match", &etag).send());
    let statuses: Vec<u16> =
        join_all(removals).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [204, 404].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn the_last_owner_stays_however_many_go_at_once() {
    let world = World::new().await;
    let owners = ["o1", "o2", "o3"];
    for sub in owners {
        world.store.put_user(user(sub, Some("owner")), crate::support::now()).await.unwrap();
    }
    let mut removals = Vec::new();
    for sub in owners.into_iter().chain(["olga"]) {
        let etag = world.etag(&format!("/users/{sub}")).await;
        // Each removes the next one's rights or the next one.
        let call = world.call("DELETE", &format!("/users/{sub}")).by(sub);
        removals.push(call.with("if-match", &etag).send());
    }
    let statuses: Vec<u16> =
        join_all(removals).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 3, "{statuses:?}");
}

#[tokio::test]
async fn a_group_that_is_added_again_is_another_one() {
    let world = World::new().await;
    let new = json!({"name": "nurses", "roles": ["nurse"]});
    let add = || world.call("POST", "/groups").by("adam").json(&new).send();
    let first = add().await;
    assert_eq!(first.status, 201, "{}", first.body);
    let etag = first.headers["etag"].to_str().unwrap();
    let remove = || world.call("DELETE", "/groups/nurses").by("adam").with("if-match", etag).send();
    assert_eq!(remove().await.status, 204);
    let second = add().await;
    assert_eq!((second.status.as_u16(), &second.body), (201, &first.body));
    assert_eq!(remove().await.status, 412, "it was meant for the other one");
}

#[tokio::test]
async fn of_parallel_removals_of_a_client_and_of_factors_one_is_made() {
    let world = World::new().await;
    let new = json!({"client_id": "shop", "settings": {"require_client_secret": false,
        "allowed_grant_types": ["authorization_code"], "allowed_scopes": ["openid"],
        "redirect_uris": ["https://shop.example/callback"], "id_token_signing_alg": "ES256"}});
    let added = world.call("POST", "/clients").by("adam").json(&new).send().await;
    assert_eq!(added.status, 201, "{}", added.body);
    let etag = added.headers["etag"].to_str().unwrap();
    let removals = (0..8)
        .map(|_| world.call("DELETE", "/clients/shop").by("adam").with("if-match", etag).send());
    let statuses: Vec<u16> =
        join_all(removals).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [204, 404].contains(status)), "{statuses:?}");
    let path = "/users/alice/factors";
    let etag = world.etag(path).await;
    let stale = world.call("DELETE", path).by("adam").with("if-match", "\"a.b.c.d\"");
    assert_eq!(stale.send().await.status, 412);
    let reset = world.call("DELETE", path).by("adam").with("if-match", &etag);
    assert_eq!(reset.send().await.status, 200);
}

#[tokio::test]
async fn a_changed_client_is_told_by_its_members() {
    let world = World::new().await;
    let new = json!({"client_id": "shop", "settings": {"require_client_secret": false,
        "allowed_grant_types": ["authorization_code"], "allowed_scopes": ["openid"],
        "redirect_uris": ["https://shop.example/callback"], "id_token_signing_alg": "ES256"}});
    let added = world.call("POST", "/clients").by("adam").json(&new).send().await;
    assert_eq!(added.status, 201, "{}", added.body);
    let before = added.headers["etag"].to_str().unwrap().to_owned();
    let change = json!({"settings": {"client_name": "Shop"}});
    let call = world.call("PATCH", "/clients/shop").by("adam").with("if-match", &before);
    let changed = call.json(&change).send().await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let call = world.call("DELETE", "/clients/shop").by("adam").with("if-match", &before);
    let stale = call.send().await;
    assert_eq!((stale.status.as_u16(), &stale.body["changed"]), (412, &json!(["client_name"])));
    let etag = changed.headers["etag"].to_str().unwrap();
    let call = world.call("DELETE", "/clients/shop").by("adam").with("if-match", etag);
    assert_eq!(call.send().await.status, 204);
}

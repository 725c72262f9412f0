//! What a client may act on: what it added, and with `may_take_over` what others added, but no
//! rights that operators give.

use doorward_provider::model::group::{Group, StoredGroup};
use serde_json::{Value, json};

use super::{GROUP, PATCH, USER, assert_error, path_of};
use crate::support::{Answer, World, now};

fn active(value: bool) -> Value {
    json!({"schemas": [PATCH],
        "Operations": [{"op": "replace", "path": "active", "value": value}]})
}

fn joining(sub: &Value) -> Value {
    json!([{"op": "add", "path": "members", "value": [{"value": sub}]}])
}

/// Every change of a group by `entra`.
async fn changes_of(world: &World, path: &str, member: &Value) -> Vec<Answer> {
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Mine"}]);
    let name = path.strip_prefix("/Groups/").unwrap();
    let whole = json!({"schemas": [GROUP], "displayName": name, "members": [{"value": member}]});
    vec![
        world.patch(path, rename).await,
        world.patch(path, joining(member)).await,
        world.patch(path, json!([{"op": "remove", "path": "members"}])).await,
        world.scim("PUT", path).json(&whole).await,
        world.scim("DELETE", path).send().await,
    ]
}

#[tokio::test]
async fn groups_that_operators_give_rights_are_closed_to_other_clients() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let rights = [("roles", json!(["admin"])), ("claims", json!({"department": "IT"}))];
    for (field, value) in rights {
        let group: Group = serde_json::from_value(json!({"name": field, field: value})).unwrap();
        let stored = StoredGroup { group, version: 1 };
        assert!(world.store.add_group(stored.clone()).await.unwrap());
        for answer in changes_of(&world, &format!("/Groups/{field}"), &ada["id"]).await {
            assert_error(&answer, 403, "", field);
        }
        assert_eq!(world.store.group(&field.parse().unwrap()).await.unwrap(), Some(stored));
    }
    assert!(world.user(ada["id"].as_str().unwrap()).await.unwrap().groups.is_empty());
    // What a client added it changes, whatever operators give to it; others do not.
    let new = json!({"schemas": [GROUP], "displayName": "Red"});
    let red = world.scim("POST", "/Groups").json(&new).await.body;
    let stored = world.store.group(&"Red".parse().unwrap()).await.unwrap().unwrap();
    let group = Group { roles: vec!["editor".to_owned()], ..stored.group };
    assert!(world.store.replace_group(group, stored.version).await.unwrap());
    let body = json!({"schemas": [PATCH], "Operations": joining(&ada["id"])});
    let other = world.scim_of("okta", "PATCH", &path_of(&red)).json(&body).await;
    assert_error(&other, 403, "", "of another client");
    let own = world.scim("PATCH", &path_of(&red)).json(&body).await;
    assert_eq!(own.status, 200, "{}", own.body);
    let refused = world.history().await;
    let refused = refused.iter().filter(|record| {
        record["outcome"] == "refused" && record["event"].as_str().unwrap().starts_with("group_")
    });
    assert_eq!(refused.count(), 11);
}

#[tokio::test]
async fn without_the_option_a_client_acts_on_nothing_but_what_it_added() {
    let world = World::without_taking_over().await;
    let ada = world.provision("ada").await;
    let rename = json!({"schemas": [USER], "userName": "eve"});
    for method in ["PATCH", "PUT", "DELETE"] {
        let body = if method == "PATCH" { &active(false) } else { &rename };
        let answer = world.scim(method, "/Users/alice").json(body).await;
        assert_error(&answer, 403, "", method);
        let other = world.scim_of("okta", method, &path_of(&ada)).json(body).await;
        assert_error(&other, 403, "", method);
    }
    assert_eq!(world.found("/Users", "userName eq \"alice\"").await.0, 1, "it still reads");
    for answer in changes_of(&world, "/Groups/staff", &ada["id"]).await {
        assert_error(&answer, 403, "", "a group of nobody's");
    }
    let new = json!({"schemas": [GROUP], "displayName": "Red", "members": [{"value": "alice"}]});
    assert_error(&world.scim("POST", "/Groups").json(&new).await, 403, "", "a foreign member");
    assert_eq!(world.found("/Groups", "displayName eq \"Red\"").await.0, 0);
    assert_eq!(world.scim("PATCH", &path_of(&ada)).json(&active(false)).await.status, 200);
    assert_eq!(world.scim("DELETE", &path_of(&ada)).send().await.status, 204);
}

#[tokio::test]
async fn no_client_lifts_what_another_disabled() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let (sub, path) = (ada["id"].as_str().unwrap(), path_of(&ada));
    let set = async |client: &str, value: bool| {
        world.scim_of(client, "PATCH", &path).json(&active(value)).await
    };
    let operator = async |value: bool| {
        let path = format!("/users/{sub}");
        let tag = world.etag(&path).await;
        let call = world.call("PATCH", &path).by("olga").with("if-match", &tag);
        assert_eq!(call.json(&json!({"enabled": value})).send().await.status, 200);
    };
    // Its own disablement a client lifts, and no other client does.
    assert_eq!(set("entra", false).await.status, 200);
    assert_error(&set("okta", true).await, 403, "mutability", "of another client");
    assert_eq!(set("entra", true).await.status, 200);
    // That of an operator no client lifts, also if the client had disabled the user before.
    assert_eq!(set("entra", false).await.status, 200);
    operator(false).await;
    assert_error(&set("entra", true).await, 403, "mutability", "of an operator");
    let whole = json!({"schemas": [USER], "userName": "ada", "active": true});
    let put = world.scim("PUT", &path).json(&whole).await;
    assert_error(&put, 403, "mutability", "of an operator");
    assert!(!world.user(sub).await.unwrap().enabled);
    // Nor is a request that does not say it refused.
    let rename = json!([{"op": "replace", "path": "nickName", "value": "x"}]);
    assert_eq!(world.patch(&path, rename).await.status, 200);
    operator(true).await;
    assert_eq!(set("entra", false).await.status, 200);
    assert_eq!(set("entra", true).await.status, 200);
    let mut bob = crate::support::user("bob", None);
    bob.enabled = false;
    world.store.put_user(bob, now()).await.unwrap();
    let taken_over = world.scim("PATCH", "/Users/bob").json(&active(true)).await;
    assert_error(&taken_over, 403, "mutability", "of somebody else");
    let new = json!({"schemas": [USER], "userName": "carol", "active": false});
    let carol = world.scim("POST", "/Users").json(&new).await.body;
    assert_eq!(world.scim("PATCH", &path_of(&carol)).json(&active(true)).await.status, 200);
}

#[tokio::test]
async fn no_group_has_a_name_that_is_nearly_that_of_another() {
    let world = World::new().await;
    for (shown, id) in [("Staff.", "Staff-"), ("(STAFF)", "STAFF-"), ("staff-", "staff-")] {
        let new = json!({"schemas": [GROUP], "displayName": shown});
        let added = world.scim("POST", "/Groups").json(&new).await;
        assert_eq!(added.status, 201, "{shown}: {}", added.body);
        let name = added.body["id"].as_str().unwrap();
        assert!(name.starts_with(id) && name.len() == id.len() + 10, "{shown}: {name}");
    }
    let new = json!({"schemas": [GROUP], "displayName": "Red"});
    let red = world.scim("POST", "/Groups").json(&new).await.body;
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Blue"}]);
    assert_eq!(world.patch(&path_of(&red), rename).await.status, 200);
    let new = json!({"schemas": [GROUP], "displayName": "RED"});
    let other = world.scim("POST", "/Groups").json(&new).await;
    assert_eq!(other.status, 201, "{}", other.body);
    assert!(other.body["id"].as_str().unwrap().starts_with("RED-"), "{}", other.body);
    let staff = json!([{"op": "replace", "path": "displayName", "value": "STAFF"}]);
    assert_error(&world.patch(&path_of(&red), staff).await, 409, "uniqueness", "a rename");
    let history = world.history().await;
    let renamed = history.iter().find(|record| record["event"] == "group_changed").unwrap();
    assert_eq!(renamed["after"]["display_name"], json!("Blue"), "{renamed}");
}

#[tokio::test]
async fn a_group_with_members_who_cannot_join_is_not_left_behind() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let sub = ada["id"].as_str().unwrap().parse().unwrap();
    for number in 0..100 {
        let name = format!("g{number}").parse().unwrap();
        let stored = StoredGroup { group: Group::new(name), version: 1 };
        world.store.add_group(stored.clone()).await.unwrap();
        world.store.add_group_member(&stored.group.name, &sub).await.unwrap();
    }
    for member in [&ada["id"], &json!("nobody")] {
        let new = json!({"schemas": [GROUP], "displayName": "Red", "members": [{"value": member}]});
        let answer = world.scim("POST", "/Groups").json(&new).await;
        assert_error(&answer, 400, "invalidValue", "no room, or nobody");
        assert_eq!(world.found("/Groups", "displayName eq \"Red\"").await.0, 0);
    }
}

#[tokio::test]
async fn lists_and_external_ids_are_bounded() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let path = path_of(&ada);
    let phones = |from: u32, to: u32| -> Vec<Value> {
        (from..to).map(|number| json!({"value": number.to_string()})).collect()
    };
    let add = |values| json!([{"op": "add", "path": "phoneNumbers", "value": values}]);
    assert_eq!(world.patch(&path, add(phones(0, 100))).await.status, 200);
    assert_error(&world.patch(&path, add(phones(100, 101))).await, 400, "invalidValue", "101");
    let described = json!([{"op": "add", "path": "phoneNumbers[type eq \"x\"].value",
        "value": "1"}]);
    assert_error(&world.patch(&path, described).await, 400, "invalidValue", "described");
    let long = "x".repeat(256);
    for path in [path.as_str(), "/Groups/staff"] {
        let set = json!([{"op": "add", "path": "externalId", "value": &long}]);
        assert_error(&world.patch(path, set).await, 400, "invalidValue", path);
    }
    let new = json!({"schemas": [USER], "userName": "bob", "externalId": &long});
    assert_error(&world.scim("POST", "/Users").json(&new).await, 400, "invalidValue", "POST");
    assert_eq!(world.found("/Users", "userName eq \"bob\"").await.0, 0);
    let new = json!({"schemas": [GROUP], "displayName": "Red", "externalId": &long});
    assert_error(&world.scim("POST", "/Groups").json(&new).await, 400, "invalidValue", "POST");
    assert_eq!(world.found("/Groups", "displayName eq \"Red\"").await.0, 0);
}

#[tokio::test]
async fn a_password_goes_and_a_name_comes_by_any_form() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let (sub, path) = (ada["id"].as_str().unwrap(), path_of(&ada));
    let set = |password: Value| json!([{"op": "replace", "value": {"password": password}}]);
    assert_eq!(world.patch(&path, set(json!("correct horse battery 7"))).await.status, 200);
    assert!(world.user(sub).await.unwrap().password_hash.is_some());
    assert_eq!(world.patch(&path, set(Value::Null)).await.status, 200);
    assert!(world.user(sub).await.unwrap().password_hash.is_none());
    let active = json!([{"op": "replace", "value": {"active": null}}]);
    assert_error(&world.patch(&path, active).await, 400, "mutability", "active");
    let whole = json!({"schemas": [USER], "userName": "ada",
        "name": {"givenName": "Ada", "familyName": "Lovelace"}});
    let put = world.scim("PUT", &path).json(&whole).await;
    assert_eq!(put.body["displayName"], json!("Ada Lovelace"), "{}", put.body);
}

//! The requests that Okta documents ("SCIM 2.0 Protocol Reference"), one after the other.

use serde_json::{Value, json};

use super::{GROUP, PATCH, USER, path_of};
use crate::support::World;

fn new_user() -> Value {
    json!({
        "schemas": [USER], "userName": "test.user@okta.local",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
        "displayName": "Test User", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [], "password": "1mz050nq correct horse", "active": true,
    })
}

#[tokio::test]
async fn a_user_is_provisioned_from_first_to_last() {
    let world = World::new().await;
    let search = r#"/Users?filter=userName eq "test.user@okta.local"&startIndex=1&count=100"#;
    let none = world.scim_of("okta", "GET", search).send().await;
    assert_eq!((&none.body["totalResults"], &none.body["startIndex"]), (&json!(0), &json!(1)));
    let added = world.scim_of("okta", "POST", "/Users").json(&new_user()).await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert!(!added.text.contains("1mz050nq"), "nobody reads a password");
    let again = world.scim_of("okta", "POST", "/Users").json(&new_user()).await;
    super::assert_error(&again, 409, "uniqueness", "the same user");
    let path = path_of(&added.body);
    let sub = added.body["id"].as_str().unwrap();
    let before = world.user(sub).await.unwrap();
    assert!(before.password_hash.is_some());

    // Okta reads the user, and puts a changed one in place of the old.
    let mut changed = world.scim_of("okta", "GET", &path).send().await.body;
    changed["name"]["givenName"] = json!("Another");
    changed["emails"] = json!([{"primary": true, "value": "other@okta.local", "type": "work"}]);
    let put = world.scim_of("okta", "PUT", &path).json(&changed).await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!(put.body["name"]["givenName"], json!("Another"));
    assert_eq!(put.body["externalId"], json!("00ujl29u0le5T6Aj10h7"));
    let user = world.user(sub).await.unwrap();
    assert_eq!(user.password_hash, before.password_hash, "it is not in what is read");
    assert_eq!(user.claims.0["email"], json!("other@okta.local"));

    let operations = json!([{"op": "replace", "value": {"active": false}}]);
    let body = json!({"schemas": [PATCH], "Operations": operations});
    let off = world.scim_of("okta", "PATCH", &path).json(&body).await;
    assert_eq!((off.status.as_u16(), &off.body["active"]), (200, &json!(false)));
    assert!(!world.user(sub).await.unwrap().enabled);
    // Who is not said to be active does not become so.
    let mut silent = off.body.clone();
    silent.as_object_mut().unwrap().remove("active");
    let silent = world.scim_of("okta", "PUT", &path).json(&silent).await;
    assert_eq!(silent.body["active"], json!(false), "{}", silent.body);
    let password = json!([{"op": "replace", "value": {"password": "another correct horse"}}]);
    let body = json!({"schemas": [PATCH], "Operations": password});
    assert_eq!(world.scim_of("okta", "PATCH", &path).json(&body).await.status, 200);
    assert_ne!(world.user(sub).await.unwrap().password_hash, before.password_hash);
}

#[tokio::test]
async fn a_group_is_provisioned_from_first_to_last() {
    let world = World::new().await;
    let (ada, bob) = (world.provision("ada").await, world.provision("bob").await);
    let empty = world.scim_of("okta", "GET", "/Groups?startIndex=1&count=100").send().await;
    assert_eq!(empty.body["totalResults"], json!(1), "the one that is there");
    let new = json!({"schemas": [GROUP], "displayName": "Test SCIMv2", "members": []});
    let added = world.scim_of("okta", "POST", "/Groups").json(&new).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let path = path_of(&added.body);
    let send = async |operations: Value| {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        world.scim_of("okta", "PATCH", &path).json(&body).await
    };
    let renamed = json!([{"op": "replace",
        "value": {"id": added.body["id"], "displayName": "Test SCIMv2 renamed"}}]);
    assert_eq!(send(renamed).await.body["displayName"], json!("Test SCIMv2 renamed"));
    let one = format!("members[value eq {}]", ada["id"]);
    let changed = send(json!([
        {"op": "add", "path": "members", "value": [{"value": ada["id"], "display": "ada"}]},
        {"op": "add", "path": "members", "value": [{"value": bob["id"], "display": "bob"}]},
        {"op": "remove", "path": one},
    ]));
    let changed = changed.await;
    assert_eq!(changed.body["members"].as_array().map(Vec::len), Some(1), "{}", changed.body);
    let all = json!([{"op": "replace", "path": "members", "value": [{"value": ada["id"]}]}]);
    assert_eq!(send(all).await.body["members"][0]["value"], ada["id"]);
    let put = json!({"schemas": [GROUP], "id": added.body["id"], "displayName": "Test SCIMv2",
        "members": [{"value": bob["id"]}]});
    let put = world.scim_of("okta", "PUT", &path).json(&put).await;
    assert_eq!((&put.body["members"][0]["value"], put.status.as_u16()), (&bob["id"], 200));
    assert_eq!(world.scim_of("okta", "DELETE", &path).send().await.status, 204);
}

//! Several clients, several requests at once, and the states that requests are about.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{GROUP, USER, assert_error, path_of};
use crate::support::World;

#[tokio::test]
async fn of_parallel_users_with_one_name_one_is_added() {
    let world = World::new().await;
    let add = async |number: u32| {
        let name = if number.is_multiple_of(2) { "Ada" } else { "ada" };
        let new = json!({"schemas": [USER], "userName": name, "externalId": "1"});
        world.scim("POST", "/Users").json(&new).await
    };
    let creations = (0..16).map(add);
    let answers = join_all(creations.collect::<Vec<_>>()).await;
    let added = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(added, 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_error(refused, 409, "uniqueness", "the same name");
    }
    assert_eq!(world.found("/Users", "userName eq \"ada\"").await.0, 1);
}

#[tokio::test]
async fn of_parallel_groups_with_one_name_one_is_added() {
    let world = World::new().await;
    for name in ["Red", "Продажи"] {
        let new = json!({"schemas": [GROUP], "displayName": name});
        let creations = (0..16).map(|_| world.scim("POST", "/Groups").json(&new));
        let answers = join_all(creations.collect::<Vec<_>>()).await;
        let added = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(added, 1, "{name}");
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            assert_error(refused, 409, "uniqueness", name);
        }
    }
    let new = json!({"schemas": [GROUP], "displayName": "STAFF"});
    let answer = world.scim("POST", "/Groups").json(&new).await;
    assert_error(&answer, 409, "uniqueness", "in another case");
}

#[tokio::test]
async fn parallel_changes_of_different_attributes_are_all_made() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let path = path_of(&ada);
    let names = ["nickName", "title", "userType", "locale"];
    let change = async |name: &str| {
        let operations = json!([{"op": "replace", "path": name, "value": "x"}]);
        world.patch(&path, operations).await
    };
    let changes = names.iter().map(|name| change(name));
    for answer in join_all(changes.collect::<Vec<_>>()).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let read = world.scim("GET", &path).send().await.body;
    assert!(names.iter().all(|name| read[name] == json!("x")), "{read}");
}

#[tokio::test]
async fn a_change_may_be_about_one_state() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let group = json!({"schemas": [GROUP], "displayName": "Red"});
    let group = world.scim("POST", "/Groups").json(&group).await.body;
    let join = json!([{"op": "add", "path": "members", "value": [{"value": "alice"}]}]);
    let rename = json!([{"op": "replace", "path": "nickName", "value": "x"}]);
    for (resource, operations) in [(&ada, rename), (&group, join)] {
        let path = path_of(resource);
        let first = resource["meta"]["version"].as_str().unwrap();
        let call = |method| world.scim(method, &path);
        let known = call("GET").with("if-none-match", first).send().await;
        assert_eq!(known.status, 304);
        let body = json!({"schemas": [super::PATCH], "Operations": operations});
        let stale = call("PATCH").with("if-match", "W/\"other\"").json(&body).await;
        assert_error(&stale, 412, "", &path);
        let changed = call("PATCH").with("if-match", first).json(&body).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let second = changed.headers["etag"].to_str().unwrap().to_owned();
        assert_ne!(second, first);
        for (method, tag, status) in [
            ("PUT", first, 412),
            ("DELETE", first, 412),
            ("GET", first, 200),
            ("PUT", second.as_str(), 200),
        ] {
            let name = if method == "GET" { "if-none-match" } else { "if-match" };
            let answer = call(method).with(name, tag).json(&changed.body).await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        }
        let removed = call("DELETE").with("if-match", &format!("\"x\", {second}")).send().await;
        assert_eq!(removed.status, 204);
    }
}

#[tokio::test]
async fn each_client_has_its_own_external_id() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let path = path_of(&ada);
    let set = async |client: &str, value: Value| {
        let operations = json!([{"op": "add", "path": "externalId", "value": value}]);
        let body = json!({"schemas": [super::PATCH], "Operations": operations});
        world.scim_of(client, "PATCH", &path).json(&body).await.body
    };
    assert_eq!(set("entra", json!("e-1")).await["externalId"], json!("e-1"));
    assert_eq!(set("okta", json!("o-1")).await["externalId"], json!("o-1"));
    let find = async |client: &str, id: &str| {
        let path = format!("/Users?filter=externalId eq \"{id}\"");
        let found = world.scim_of(client, "GET", &path).send().await.body;
        found["Resources"].as_array().map(Vec::len)
    };
    assert_eq!(find("entra", "e-1").await, Some(1));
    assert_eq!(find("entra", "o-1").await, Some(0));
    assert_eq!(find("entra", "E-1").await, Some(0), "it is compared with its case");
    assert_eq!(find("okta", "o-1").await, Some(1));
    let remove = json!([{"op": "remove", "path": "externalId"}]);
    assert!(world.patch(&path, remove).await.body.get("externalId").is_none());
    assert_eq!(find("entra", "e-1").await, Some(0));
    assert_eq!(find("okta", "o-1").await, Some(1));
}

#[tokio::test]
async fn another_address_is_not_known_to_be_the_users() {
    let world = World::new().await;
    assert!(world.user("alice").await.unwrap().verified_email().is_some());
    let operations = json!([{"op": "replace", "path": "emails[primary eq true].value",
        "value": "eve@example.com"}]);
    let answer = world.patch("/Users/alice", operations).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let alice = world.user("alice").await.unwrap();
    assert_eq!(alice.claims.0["email"], json!("eve@example.com"));
    assert_eq!(alice.claims.0["email_verified"], json!(false));
}

#[tokio::test]
async fn a_group_has_many_members() {
    let world = World::new().await;
    let mut members = Vec::new();
    for number in 0..30 {
        let ada = world.provision(&format!("user{number}")).await;
        members.push(json!({"value": ada["id"]}));
    }
    let body = json!({"schemas": [GROUP], "displayName": "staff", "members": members});
    let put = world.scim("PUT", "/Groups/staff").json(&body).await;
    assert_eq!(put.body["members"].as_array().map(Vec::len), Some(30), "{}", put.body);
    let few = json!({"schemas": [GROUP], "displayName": "staff", "members": &members[..2]});
    let put = world.scim("PUT", "/Groups/staff").json(&few).await;
    assert_eq!(put.body["members"].as_array().map(Vec::len), Some(2));
    let many: Vec<Value> = (0..1001).map(|number| json!({"value": number.to_string()})).collect();
    let body = json!({"schemas": [GROUP], "displayName": "staff", "members": many});
    assert_error(&world.scim("PUT", "/Groups/staff").json(&body).await, 400, "tooMany", "1001");
}

#[tokio::test]
async fn what_a_client_adds_says_when_and_by_whom() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let group = json!({"schemas": [GROUP], "displayName": "Red"});
    let group = world.scim("POST", "/Groups").json(&group).await.body;
    for resource in [&ada, &group] {
        let created = resource["meta"]["created"].as_str().unwrap();
        assert!(created.starts_with("20") && created.ends_with('Z'), "{created}");
        let again = world.scim("GET", &path_of(resource)).send().await.body;
        assert_eq!(again["meta"]["created"], created);
    }
    // Somebody else was there before.
    let alice = world.scim("GET", "/Users/alice").send().await.body;
    assert_eq!(alice["meta"]["created"], Value::Null);
    let path = format!("/users/{}", ada["id"].as_str().unwrap());
    let shown = world.get("olga", &path).await.body;
    assert_eq!(shown["provisioned_by"], json!("entra"), "{shown}");
    assert_eq!(shown["claims"]["scim_state"], Value::Null);
}

#[tokio::test]
async fn a_rename_and_new_members_are_one_change() {
    let world = World::new().await;
    let (ada, blue) = (world.provision("ada").await, world.provision("blue").await);
    let add = async |name: &str| {
        let group = json!({"schemas": [GROUP], "displayName": name});
        world.scim("POST", "/Groups").json(&group).await.body
    };
    let (red, green) = (add("Red").await, add("Green").await);
    let change = |name: &str, member: &Value| {
        json!([{"op": "replace", "path": "displayName", "value": name},
            {"op": "add", "path": "members", "value": [{"value": member["id"]}]}])
    };
    let path = path_of(&red);
    let refused = world.patch(&path, change("GREEN", &ada)).await;
    assert_error(&refused, 409, "uniqueness", "the name of another");
    let kept = world.scim("GET", &path).send().await.body;
    assert_eq!((&kept["displayName"], &kept["members"]), (&json!("Red"), &Value::Null), "{kept}");
    let done = world.patch(&path, change("Crimson", &ada)).await.body;
    assert_eq!(
        (&done["displayName"], &done["members"][0]["value"]),
        (&json!("Crimson"), &ada["id"])
    );
    // Of many who want one name at once, one gets it.
    let names = ["Sky"; 6];
    let paths = [path_of(&red), path_of(&green)];
    let renames = names.iter().enumerate().map(|(number, name)| {
        world.patch(&paths[number % 2], change(name, if number % 2 == 0 { &ada } else { &blue }))
    });
    join_all(renames.collect::<Vec<_>>()).await;
    assert_eq!(world.found("/Groups", "displayName eq \"sky\"").await.0, 1);
}

#[tokio::test]
async fn the_history_names_no_members_of_a_change_that_was_refused() {
    let world = World::new().await;
    let group = json!({"schemas": [GROUP], "displayName": "Red"});
    let group = world.scim("POST", "/Groups").json(&group).await.body;
    let change = json!([
        {"op": "replace", "path": "displayName", "value": "STAFF"},
        {"op": "add", "path": "members", "value": [{"value": "alice"}]}]);
    let refused = world.patch(&path_of(&group), change).await;
    assert_error(&refused, 409, "uniqueness", "the name of another group");
    let history = world.history().await;
    let refusal = history.last().unwrap();
    assert_ne!(refusal["outcome"], json!("succeeded"), "{refusal}");
    assert!(!refusal.to_string().contains("alice"), "{refusal}");
}

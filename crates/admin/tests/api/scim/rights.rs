//! Who may provision, and on whom, and what is recorded of it.

use serde_json::{Value, json};

use super::{GROUP, PATCH, USER, assert_error, path_of};
use crate::{
    history::sign_in,
    support::{World, user},
};

fn off() -> Value {
    json!({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": false}]})
}

#[tokio::test]
async fn nobody_but_a_client_with_the_scope_is_admitted() {
    let world = World::new().await;
    for (what, status, token) in [
        ("another scope", 403, world.scim_issuer.token("entra").claim("client_id", "entra")),
        ("another audience", 401, world.machine("entra", "scim")),
        ("a client that is not allowed the scope", 403, world.scim_token("robot")),
        ("a client that is gone", 403, world.scim_token("gone")),
        ("a client without client_credentials", 403, world.scim_token("people")),
        (
            "a person",
            403,
            world.scim_issuer.token("olga").claim("client_id", "entra").scope("scim"),
        ),
        (
            "an owner who has signed in",
            403,
            world.scim_token("entra").claim("auth_time", 1_700_000_000),
        ),
    ] {
        let answer = world.scim_by(token, "GET", "/Users").send().await;
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
    }
    for path in ["/Users", "/Groups/x", "/ServiceProviderConfig", "/Schemas"] {
        let answer = world.scim_without("GET", path).send().await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    // Nor is its token good for anything else.
    let admin = world.call("GET", "/users").bearing(world.scim_token("entra")).send().await;
    assert_eq!(admin.status, 401);
}

#[tokio::test]
async fn no_administrator_is_touched() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    for sub in ["olga", "adam", "helen", "udo"] {
        let path = format!("/Users/{sub}");
        assert_eq!(world.scim("GET", &path).send().await.status, 200);
        let whole = json!({"schemas": [USER], "userName": sub, "active": false});
        for (method, body) in [("PATCH", off()), ("PUT", whole), ("DELETE", json!({}))] {
            let answer = world.scim(method, &path).json(&body).await;
            assert_error(&answer, 403, "", &format!("{method} {sub}"));
        }
        let new = json!({"schemas": [GROUP], "displayName": format!("with {sub}"),
            "members": [{"value": sub}, {"value": ada["id"]}]});
        assert_eq!(world.scim("POST", "/Groups").json(&new).await.status, 403);
        assert_eq!(world.found("/Groups", &format!(r#"displayName eq "with {sub}""#)).await.0, 0);
        let join = json!([{"op": "add", "path": "members", "value": [{"value": sub}]}]);
        assert_eq!(world.patch("/Groups/staff", join).await.status, 403);
        assert!(world.user(sub).await.unwrap().groups.is_empty());
    }
    // Nor is one taken out of a group, or a group taken from one.
    let staff = "staff".parse().unwrap();
    world.store.add_group_member(&staff, &"olga".parse().unwrap()).await.unwrap();
    let leave = json!([{"op": "remove", "path": "members[value eq \"olga\"]"}]);
    let empty = json!([{"op": "replace", "path": "members", "value": []}]);
    for operations in [leave, empty] {
        assert_eq!(world.patch("/Groups/staff", operations).await.status, 403);
    }
    let put = json!({"schemas": [GROUP], "displayName": "staff"});
    assert_eq!(world.scim("PUT", "/Groups/staff").json(&put).await.status, 403);
    assert_eq!(world.scim("DELETE", "/Groups/staff").send().await.status, 403);
    assert_eq!(world.user("olga").await.unwrap().groups.len(), 1);
}

#[tokio::test]
async fn nobody_becomes_an_administrator() {
    let world = World::new().await;
    let mut new = json!({"schemas": [USER], "userName": "eve", "admin_role": "owner",
        "roles": [{"value": "owner"}], "entitlements": [{"value": "owner"}],
        "claims": {"admin_role": "owner"}, "id": "olga"});
    let admin = "urn:doorward:params:admin_role";
    new[admin] = json!("owner");
    let eve = world.scim("POST", "/Users").json(&new).await;
    assert_eq!(eve.status, 201, "{}", eve.body);
    let sub = eve.body["id"].as_str().unwrap();
    assert_ne!(sub, "olga");
    for name in ["admin_role", "roles", "claims.admin_role", admin, "scim"] {
        let operations = json!([{"op": "add", "path": name, "value": "owner"}]);
        assert_error(&world.patch(&path_of(&eve.body), operations).await, 400, "invalidPath", name);
    }
    let operations = json!([{"op": "add", "value": {"admin_role": "owner", "role": "admin"}}]);
    assert_eq!(world.patch(&path_of(&eve.body), operations).await.status, 200);
    let user = world.user(sub).await.unwrap();
    assert_eq!((user.admin_role(), user.claims.0.get("role")), (None, None));
}

#[tokio::test]
async fn nobody_makes_a_client_that_provisions_without_the_right_to_change_users() {
    let world = World::new().await;
    let new = |name: &str| {
        json!({"client_id": name, "settings": {"allowed_grant_types": ["client_credentials"],
            "allowed_scopes": ["scim"], "id_token_signing_alg": "ES256"}})
    };
    let few = "admin:clients.write admin:users.read admin:groups.read admin:groups.write";
    let token = world.machine("robot", few);
    let answer = world.call("POST", "/clients").bearing(token).json(&new("few")).send().await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    let token = world.machine("robot", &format!("{few} admin:users.write"));
    let answer = world.call("POST", "/clients").bearing(token).json(&new("all")).send().await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let token = world.machine("robot", few);
    let call = world.call("POST", "/clients/all/secrets").bearing(token).json(&json!({}));
    assert_eq!(call.send().await.status, 403, "with a secret of it they would be it");
    let adam = world.call("POST", "/clients").by("adam").json(&new("adams")).send().await;
    assert_eq!(adam.status, 201, "{}", adam.body);
}

#[tokio::test]
async fn a_deactivated_user_is_signed_out_at_once() {
    let world = World::new().await;
    let ada = world.provision("ada").await;
    let sub: doorward_protocol::ids::Sub = ada["id"].as_str().unwrap().parse().unwrap();
    sign_in(&world, &sub, "session-1").await;
    let live = async || {
        let sessions = world.store.sessions_of(&sub, None, 10, crate::support::now()).await;
        sessions.unwrap().len()
    };
    assert_eq!(live().await, 1);
    let answer = world.scim("PATCH", &path_of(&ada)).json(&off()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(live().await, 0);
}

#[tokio::test]
async fn every_change_is_recorded() {
    let world = World::new().await;
    world.store.put_user(user("boss", Some("owner")), crate::support::now()).await.unwrap();
    let ada = world.provision("ada").await;
    let path = path_of(&ada);
    world.scim("PATCH", &path).json(&off()).await;
    world.scim("PATCH", "/Users/boss").json(&off()).await;
    world.scim("PATCH", &path).raw("application/json", "{").await;
    let group =
        json!({"schemas": [GROUP], "displayName": "Red", "members": [{"value": ada["id"]}]});
    world.scim("POST", "/Groups").json(&group).await;
    let renamed = json!([{"op": "replace", "path": "displayName", "value": "Blue"}]);
    world.patch("/Groups/Red", renamed).await;
    world.scim("DELETE", "/Groups/Red").send().await;
    world.scim("DELETE", &path).send().await;
    world.scim_without("DELETE", &path).send().await;
    world.scim("GET", "/Users").send().await;
    world.found("/Users", r#"userName eq "ada""#).await;
    let history = world.history().await;
    let seen: Vec<(&str, &str, &str)> = history
        .iter()
        .map(|record| {
            let text = |name: &str| record[name].as_str().unwrap_or_default();
            (text("event"), text("outcome"), text("actor"))
        })
        .collect();
    let mut expected = vec![
        ("user_added", "succeeded", "entra"),
        ("user_changed", "succeeded", "entra"),
        ("user_changed", "refused", "entra"),
        ("user_changed", "refused", "entra"),
        ("group_added", "succeeded", "entra"),
        ("group_changed", "succeeded", "entra"),
        ("group_removed", "succeeded", "entra"),
        ("user_removed", "succeeded", "entra"),
        ("user_removed", "refused", ""),
    ];
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    let added = history.iter().find(|record| record["event"] == "user_added").unwrap();
    assert_eq!(added["sub"], ada["id"]);
    assert_eq!(added["details"]["operation"], json!("scim_create_user"), "{added}");
    let joined = history.iter().find(|record| record["event"] == "group_added").unwrap();
    assert_eq!(joined["details"]["added"], json!([ada["id"]]), "{joined}");
}

#[tokio::test]
async fn a_client_may_send_so_many_requests() {
    let world = World::with_rate(2).await;
    for (client, status) in [("entra", 200), ("entra", 200), ("entra", 429), ("okta", 200)] {
        let answer = world.scim_of(client, "GET", "/Users").send().await;
        // A minute may have ended between two requests: then the count began anew.
        if answer.status != status {
            assert_eq!((answer.status.as_u16(), status), (200, 429));
        } else if status == 429 {
            assert!(answer.headers.contains_key("retry-after"));
        }
    }
}

#[tokio::test]
async fn passwords_keep_the_rules() {
    let world = World::new().await;
    let ada = world.provision("ada.lovelace").await;
    for password in ["short", "ada.lovelace", ""] {
        let operations = json!([{"op": "replace", "path": "password", "value": password}]);
        let answer = world.patch(&path_of(&ada), operations).await;
        assert_error(&answer, 400, "invalidValue", password);
    }
    let new = json!({"schemas": [USER], "userName": "bob", "password": "password"});
    assert_error(&world.scim("POST", "/Users").json(&new).await, 400, "invalidValue", "password");
    assert_eq!(world.found("/Users", r#"userName eq "bob""#).await.0, 0);
    let sub = ada["id"].as_str().unwrap();
    let set = json!([{"op": "replace", "path": "password", "value": "correct horse battery 7"}]);
    assert_eq!(world.patch(&path_of(&ada), set).await.status, 200);
    assert!(world.user(sub).await.unwrap().password_hash.is_some());
    let remove = json!([{"op": "remove", "path": "password"}]);
    assert_eq!(world.patch(&path_of(&ada), remove).await.status, 200);
    assert!(world.user(sub).await.unwrap().password_hash.is_none());
}

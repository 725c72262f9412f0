//! Users of a directory are managed over the API.

use std::sync::atomic::Ordering::Relaxed;

use doorward_provider::{
    model::{
        account_event::AccountEventKind,
        account_notice::AccountNotices,
        directory,
        external_identity::{ExternalId, Issuer, StoredIdentity},
        identity_provider::IdentityProviderName,
        user::UserClaims,
    },
    store::{AddedIdentity, IdentityLink, LinkedBy},
    use_case::directory_management::ManageError,
};
use serde_json::{Value, json};

use crate::{
    corp::id,
    history::sign_in,
    support::{World, now, user},
};

const USERS: &str = "/directories/corp/users";

/// Links an account with the entry of this user name.
pub async fn link(world: &World, sub: &str, username: &str) {
    let name = IdentityProviderName::parse("corp").unwrap();
    let issuer = Issuer::parse(&directory::issuer(&name)).unwrap();
    let identity = StoredIdentity {
        id: ExternalId { issuer, subject: id(&format!("entry-{username}")) },
        sub: sub.parse().unwrap(),
        provider: name,
        shown: None,
        mapped: UserClaims::default(),
        created_at: now(),
        used_at: None,
    };
    let link = IdentityLink { identity, by: LinkedBy::Request, most: 20 };
    let added = world.store.add_external_identity(link, AccountNotices::default()).await.unwrap();
    assert_eq!(added, AddedIdentity::Added);
}

async fn sessions(world: &World, sub: &str) -> usize {
    let listed = world.get("olga", &format!("/users/{sub}/sessions")).await;
    listed.body["items"].as_array().unwrap().len()
}

async fn patch(world: &World, by: &str, name: &str, body: Value) -> crate::support::Answer {
    let path = format!("{USERS}/entry-{name}");
    let etag = world.etag(&path).await;
    world.call("PATCH", &path).by(by).with("if-match", &etag).json(&body).send().await
}

#[tokio::test]
async fn users_come_in_pages_and_are_found() {
    let world = World::new().await;
    let directories = world.get("adam", "/directories").await;
    assert_eq!(directories.body["items"][0]["name"], "corp");
    assert_eq!(directories.body["items"][0]["editable_attributes"], json!(["cn", "mail"]));
    let names = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|row| row["username"].clone()).collect()
    };
    let first = world.get("adam", &format!("{USERS}?limit=3")).await.body;
    assert_eq!(names(&first), [json!("ada"), json!("alice"), json!("bob")]);
    assert_eq!(first["is_cut"], false);
    let next = first["next"].as_str().unwrap();
    let second = world.get("adam", &format!("{USERS}?limit=3&cursor={next}")).await.body;
    assert_eq!(names(&second), [json!("olga")]);
    assert!(second.get("next").is_none());
    let found = world.get("adam", &format!("{USERS}?prefix=al")).await.body;
    assert_eq!(names(&found), [json!("alice")]);
    for wrong in ["limit=0", "cursor=x", "sort=name", &format!("prefix={}", "x".repeat(300))] {
        assert_eq!(world.get("adam", &format!("{USERS}?{wrong}")).await.status, 400, "{wrong}");
    }
    let groups = world.get("adam", "/directories/corp/groups?prefix=st").await.body;
    assert_eq!(groups["items"][0]["id"], "staff");
    assert_eq!(world.get("adam", "/directories/other/users").await.status, 404);
    assert_eq!(world.get("adam", &format!("{USERS}/nobody")).await.status, 404);
}

#[tokio::test]
async fn a_user_is_added_changed_and_a_member() {
    let world = World::new().await;
    let new = json!({"username": "new", "attributes": {"mail": ["new@example.com"]},
        "password": "hush"});
    let added = world.call("POST", USERS).by("adam").json(&new).send().await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert!(!added.text.contains("hush"));
    let place = added.headers["location"].to_str().unwrap();
    assert!(place.ends_with("/directories/corp/users/entry-new"), "{place}");
    let again = world.call("POST", USERS).by("adam").json(&new).send().await;
    assert_eq!(again.status, 409);
    let changed = patch(&world, "adam", "new", json!({"attributes": {"cn": ["New"], "mail": []}}));
    assert_eq!(changed.await.body["attributes"], json!({"cn": ["New"]}));
    let wrong = json!({"attributes": {"userPassword": ["x"]}});
    let refused = patch(&world, "adam", "new", wrong).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.body["errors"][0]["field"], "attributes.userPassword");
    let elsewhere = json!({"username": "x", "parent": "ou=elsewhere,dc=corp"});
    let refused = world.call("POST", USERS).by("adam").json(&elsewhere).send().await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["errors"][0]["field"]),
        (422, &json!("parent"))
    );
    let member = format!("{USERS}/entry-new/groups/staff");
    for (method, status) in [("PUT", 204), ("PUT", 204), ("DELETE", 204), ("DELETE", 404)] {
        let answer = world.call(method, &member).by("adam").send().await;
        assert_eq!(answer.status, status, "{method}");
    }
    let none = world.call("PUT", &format!("{USERS}/entry-new/groups/none")).by("adam").send().await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn who_is_disabled_or_gets_a_password_is_signed_out_here() {
    let world = World::new().await;
    link(&world, "alice", "alice").await;
    let read = world.get("adam", &format!("{USERS}/entry-alice")).await;
    assert_eq!(read.body["sub"], "alice");
    sign_in(&world, "alice", "session-1").await;
    assert_eq!(
        patch(&world, "adam", "alice", json!({"attributes": {"cn": ["A"]}})).await.status,
        200
    );
    assert_eq!(sessions(&world, "alice").await, 1, "it is no reason to sign anybody out");
    assert_eq!(patch(&world, "adam", "alice", json!({"enabled": false})).await.status, 200);
    assert_eq!(sessions(&world, "alice").await, 0);
    assert_eq!(patch(&world, "adam", "alice", json!({"enabled": true})).await.status, 200);
    sign_in(&world, "alice", "session-2").await;
    let path = format!("{USERS}/entry-alice/password");
    let set = world.call("PUT", &path).by("adam").json(&json!({"password": "hush"})).send().await;
    assert_eq!(set.status, 204, "{}", set.body);
    assert_eq!(sessions(&world, "alice").await, 0);
    let passwords = world.corp.passwords.lock().unwrap().clone();
    assert_eq!(passwords, [("alice".to_owned(), "hush".to_owned())]);
    // Sign-ins that wait for a second step end by it.
    let events = world.store.account_events(&"alice".parse().unwrap(), None, 10).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|own| own.event.kind).collect();
    assert_eq!(kinds, [AccountEventKind::PasswordSetByAdministrator]);
}

/// With the password of an owner's entry one would be the owner, and so with a name or an address
/// that makes an entry the owner's.
#[tokio::test]
async fn nobody_gets_more_rights_by_an_entry_of_the_directory() {
    let world = World::new().await;
    link(&world, "olga", "olga").await;
    let entry = format!("{USERS}/entry-olga");
    let etag = world.etag(&entry).await;
    for by in ["adam", "robot"] {
        let call = |method: &str, path: &str| {
            let call = world.call(method, path).with("if-match", &etag);
            match by {
                "robot" => call.bearing(world.machine("robot", "admin:directory.write")),
                by => call.by(by),
            }
        };
        let password = json!({"password": "mine now"});
        let set = call("PUT", &format!("{entry}/password")).json(&password).send().await;
        assert_eq!(set.status, 403, "{by}");
        assert!(world.corp.passwords.lock().unwrap().is_empty());
        for body in [json!({"enabled": false}), json!({"attributes": {"cn": ["x"]}})] {
            assert_eq!(call("PATCH", &entry).json(&body).send().await.status, 403, "{by} {body}");
        }
        let member = format!("{entry}/groups/staff");
        assert_eq!(call("PUT", &member).send().await.status, 403, "{by}");
        for body in [
            json!({"username": "OLGA"}),
            json!({"username": "x", "attributes": {"mail": ["a@example.com", "Olga@Example.com"]}}),
            json!({"username": "x", "attributes": {"cn": [" olga@example.com"]}}),
        ] {
            let added = call("POST", USERS).json(&body).send().await;
            assert_eq!(added.status, 403, "{by} {body}: {}", added.body);
        }
    }
    let mail = json!({"attributes": {"mail": ["olga@example.com"]}});
    assert_eq!(patch(&world, "adam", "bob", mail.clone()).await.status, 403);
    assert_eq!(patch(&world, "adam", "bob", json!({"username": "olga"})).await.status, 403);
    assert_eq!(patch(&world, "olga", "bob", mail).await.status, 200, "an owner may");
}

/// Nobody has signed in by it yet. With a setting that believes the directory, the entry becomes
/// the account whose name or address it has.
#[tokio::test]
async fn an_entry_that_may_become_an_owner_is_treated_as_the_owner() {
    let world = World::new().await;
    world.corp.add("by-attribute", |entry| {
        entry.attributes.insert("cn".to_owned(), vec!["olga@example.com".to_owned()]);
    });
    // An address that may not be edited counts, too.
    world.corp.add("by-address", |entry| entry.email = Some("Olga@Example.com".to_owned()));
    world.corp.add("olga@example.com", |_| {});
    for name in ["olga", "by-attribute", "by-address", "olga@example.com"] {
        let entry = format!("{USERS}/entry-{name}");
        let password = json!({"password": "mine now"});
        let set =
            |by| world.call("PUT", &format!("{entry}/password")).by(by).json(&password).send();
        assert_eq!(set("adam").await.status, 403, "{name}");
        assert!(world.corp.passwords.lock().unwrap().is_empty(), "{name}");
        let disabled = patch(&world, "adam", name, json!({"enabled": false})).await;
        assert_eq!(disabled.status, 403, "{name}");
        let member = world.call("PUT", &format!("{entry}/groups/staff")).by("adam").send().await;
        assert_eq!(member.status, 403, "{name}");
        assert_eq!(set("olga").await.status, 204, "{name}: an owner may");
        world.corp.passwords.lock().unwrap().clear();
    }
    assert_eq!(patch(&world, "adam", "bob", json!({"enabled": false})).await.status, 200);
    // A user name may be an address.
    for name in ["olga@example.com", "OLGA@Example.com"] {
        let named = json!({"username": name});
        let added = world.call("POST", USERS).by("adam").json(&named).send().await;
        assert_eq!(added.status, 403, "{name}: {}", added.body);
        assert_eq!(patch(&world, "adam", "bob", named).await.status, 403, "{name}");
    }
}

#[tokio::test]
async fn the_name_of_another_user_takes_the_right_to_change_users() {
    let world = World::new().await;
    link(&world, "alice", "alice").await;
    world.store.put_user(user("nora", None), now()).await.unwrap();
    let few = "admin:directory.write";
    let more = "admin:directory.write admin:users.write";
    let send = async |scope: &str, method: &str, below: &str, body: Value| {
        let path = format!("{USERS}{below}");
        let mut call = world.call(method, &path).bearing(world.machine("robot", scope));
        if method == "PATCH" {
            call = call.with("if-match", &world.etag(&path).await);
        }
        call.json(&body).send().await
    };
    let mail = |address: &str| json!({"attributes": {"mail": [address]}});
    for (method, below, body, done) in [
        ("POST", "", json!({"username": "Nora"}), 201),
        // Nobody has signed in by that one yet.
        ("PUT", "/entry-Nora/password", json!({"password": "hush"}), 204),
        ("PATCH", "/entry-bob", mail("nora@example.com"), 200),
        ("PATCH", "/entry-alice", mail("nora@example.com"), 200),
        ("PATCH", "/entry-ada", json!({"username": "nora@example.com"}), 200),
    ] {
        let refused = send(few, method, below, body.clone()).await;
        assert_eq!(refused.status, 403, "{method} {below}: {}", refused.body);
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("admin:users.write"), "{detail}");
        assert_eq!(send(more, method, below, body).await.status, done, "{method} {below}");
    }
    // The name and the address of the account whose entry it is.
    let own = json!({"attributes": {"mail": ["alice@example.com"], "cn": ["Alice"]}});
    let changed = send(few, "PATCH", "/entry-alice", own).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
}

#[tokio::test]
async fn access_ends_where_a_change_may_have_been_made() {
    let world = World::new().await;
    link(&world, "alice", "alice").await;
    let text = || "on purpose".to_owned();
    let (unanswered, strange, refused) = (
        ManageError::Unavailable(text()),
        ManageError::NotAccepted(text()),
        ManageError::Refused(text()),
    );
    let (disable, edit) = (json!({"enabled": false}), json!({"attributes": {"cn": ["A"]}}));
    let changes = [
        (&unanswered, &edit, 503, 1),
        (&refused, &disable, 409, 1),
        (&unanswered, &disable, 503, 0),
        (&strange, &disable, 409, 0),
    ];
    let passwords = [
        (&ManageError::invalid("password", "x"), 422, 1),
        (&ManageError::Missing, 404, 1),
        // It may be set, and what goes with it refused.
        (&refused, 409, 0),
        (&unanswered, 503, 0),
        (&strange, 409, 0),
    ];
    let mut number = 0;
    let mut try_one = async |error: &ManageError, body: Option<&Value>| {
        if sessions(&world, "alice").await == 0 {
            number += 1;
            sign_in(&world, "alice", &format!("session-{number}")).await;
        }
        *world.corp.after_write.lock().unwrap() = Some(error.clone());
        let answer = if let Some(body) = body {
            patch(&world, "adam", "alice", body.clone()).await
        } else {
            let call = world.call("PUT", &format!("{USERS}/entry-alice/password")).by("adam");
            call.json(&json!({"password": "hush"})).send().await
        };
        (answer.status.as_u16(), sessions(&world, "alice").await)
    };
    for (error, body, status, left) in changes {
        assert_eq!(try_one(error, Some(body)).await, (status, left), "{error:?} {body}");
    }
    for (error, status, left) in passwords {
        assert_eq!(try_one(error, None).await, (status, left), "{error:?}");
    }
    let history = world.history().await;
    let ended = |record: &&Value| record["details"]["ended_sessions"] == 1;
    let failed: Vec<&Value> = history.iter().filter(ended).collect();
    assert_eq!(failed.len(), 5, "{history:?}");
    assert!(failed.iter().all(|record| record["outcome"] != "succeeded"), "{failed:?}");
}

#[tokio::test]
async fn a_directory_that_is_down_is_told() {
    let world = World::new().await;
    let etag = world.etag(&format!("{USERS}/entry-bob")).await;
    world.corp.is_down.store(true, Relaxed);
    let listed = world.get("adam", USERS).await;
    assert_eq!(listed.status, 503);
    assert!(!listed.text.contains("on purpose"), "the cause is in the log: {}", listed.text);
    let call = world.call("PATCH", &format!("{USERS}/entry-bob")).by("adam");
    let changed = call.with("if-match", &etag).json(&json!({"enabled": false})).send().await;
    assert_eq!(changed.status, 503);
    let record = world.history().await.pop().unwrap();
    assert_eq!(
        (&record["event"], &record["outcome"]),
        (&json!("directory_user_changed"), &json!("failed"))
    );
}

//! Every role against every operation, over the API. The rights are written out by hand beside
//! [`Operation`]; here the API must answer as they say.

use doorward_admin::{AdminRole, AdminScope, Operation};
use doorward_provider::model::{grant::Grant, password::PasswordHash, user::User};
use serde_json::json;

use crate::support::{PAGE, World, method, path};

#[tokio::test]
async fn each_role_may_what_the_table_says() {
    let world = World::new().await;
    for (sub, role) in [
        ("olga", Some(AdminRole::Owner)),
        ("adam", Some(AdminRole::Admin)),
        ("helen", Some(AdminRole::Helpdesk)),
        ("udo", Some(AdminRole::Auditor)),
        ("alice", None),
    ] {
        for &operation in Operation::ALL {
            let may = role.is_some_and(|role| operation.roles().contains(&role));
            // Without a body and without If-Match, what may be done fails later and changes
            // nothing.
            let answer = world.call(method(operation), &path(operation)).by(sub).send().await;
            let refused = answer.status == 403 && answer.body["reasons"].is_array();
            assert_eq!(!refused, may, "{operation:?} as {sub}: {}", answer.body);
            // That changed who is who.
            if operation == Operation::RotateKeys && may {
                assert_eq!(answer.status, 201);
            }
        }
    }
}

#[tokio::test]
async fn without_a_token_nobody_may() {
    let world = World::new().await;
    for &operation in Operation::ALL {
        let answer = world.call(method(operation), &path(operation)).send().await;
        assert_eq!(answer.status, 401, "{operation:?}");
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains(operation.scope().name()), "{challenge}");
        let cookie = world.call(method(operation), &path(operation)).with("cookie", "a=b");
        assert_eq!(cookie.send().await.status, 401, "{operation:?}");
    }
}

#[tokio::test]
async fn the_scope_must_be_in_the_token_and_be_allowed_to_its_client() {
    let world = World::new().await;
    for &operation in Operation::ALL {
        let others: Vec<&str> = AdminScope::ALL
            .iter()
            .filter(|&&scope| scope != operation.scope())
            .map(|scope| scope.name())
            .collect();
        let token = world.token("olga").scope(&others.join(" "));
        let answer = world.call(method(operation), &path(operation)).bearing(token).send().await;
        assert_eq!(answer.status, 403, "{operation:?}");
        let token = world.token("olga").claim("client_id", "app");
        let answer = world.call(method(operation), &path(operation)).bearing(token).send().await;
        assert_eq!(answer.status, 403, "{operation:?}: this client may not have the scope");
        let token = world.token("olga").claim("client_id", "gone");
        let answer = world.call(method(operation), &path(operation)).bearing(token).send().await;
        assert_eq!(answer.status, 403, "{operation:?}: this client is not there");
    }
}

#[tokio::test]
async fn what_matters_needs_a_fresh_sign_in_by_two_factors() {
    let world = World::new().await;
    for &operation in Operation::ALL.iter().filter(|operation| operation.needs_fresh_sign_in()) {
        let now = crate::support::now().seconds();
        for token in [
            world.token("olga").claim("acr", "urn:doorward:acr:1"),
            world.token("olga").claim("auth_time", now - 1000),
        ] {
            let answer =
                world.call(method(operation), &path(operation)).bearing(token).send().await;
            assert_eq!(answer.status, 401, "{operation:?}");
            let challenge = answer.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
            assert!(challenge.contains("acr_values=\"urn:doorward:acr:2\""), "{challenge}");
            assert!(challenge.contains("max_age=\"900\""), "{challenge}");
        }
    }
}

#[tokio::test]
async fn machines_may_what_their_scopes_say() {
    let world = World::new().await;
    for &operation in Operation::ALL {
        let token = world.machine("robot", operation.scope().name());
        let answer = world.call(method(operation), &path(operation)).bearing(token).send().await;
        let refused = answer.status == 403 && answer.body["reasons"].is_array();
        assert_eq!(!refused, operation.is_for_machines(), "{operation:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn rights_that_go_are_gone_at_once() {
    let world = World::new().await;
    assert_eq!(world.get("adam", "/clients").await.status, 200);
    let adam = world.user("adam").await.unwrap();
    let disabled = doorward_provider::model::user::User { enabled: false, ..adam.clone() };
    world.store.put_user(disabled, crate::support::now()).await.unwrap();
    assert_eq!(world.get("adam", "/clients").await.status, 403, "the token still says owner");
    world.store.put_user(adam, crate::support::now()).await.unwrap();
    assert_eq!(world.get("adam", "/clients").await.status, 200);
    let demoted = crate::support::user("adam", Some("helpdesk"));
    world.store.put_user(demoted, crate::support::now()).await.unwrap();
    assert_eq!(world.get("adam", "/clients").await.status, 403);
    assert_eq!(world.get("adam", "/users").await.status, 200);
    world.store.remove_user(&"adam".parse().unwrap(), crate::support::now()).await.unwrap();
    assert_eq!(world.get("adam", "/users").await.status, 403);
}

#[tokio::test]
async fn a_token_ends_with_the_sign_in_that_it_is_from() {
    let world = World::new().await;
    let password = format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", "A".repeat(22), "A".repeat(43));
    let password = PasswordHash::parse(&password).unwrap();
    let adam = User {
        password_hash: Some(password.clone()),
        ..crate::support::user("adam", Some("admin"))
    };
    world.store.put_user(adam, crate::support::now()).await.unwrap();
    let grant: Grant = serde_json::from_value(json!({
        "id": "AAAAAAAAAAAAAAAAAAAAAA", "client_id": PAGE, "scope": "openid admin:users.read",
        "authentication": {"sub": "adam", "amr": ["mfa"], "sid": "session-1",
            "auth_time": crate::support::now()},
    }))
    .unwrap();
    let (now, ends) = (crate::support::now(), crate::support::now().plus(3600));
    assert!(world.store.add_grant(grant.clone(), &password, ends, None, now).await.unwrap());
    let users = |sub: &str| {
        let token = world.token(sub).claim("grant_id", grant.id.to_string());
        world.call("GET", "/users").bearing(token).send()
    };
    assert_eq!(users("adam").await.status, 200);
    assert_eq!(users("olga").await.status, 403, "it is not of her sign-in");
    world.store.revoke_grant(&grant.id, now).await.unwrap();
    assert_eq!(users("adam").await.status, 403);
    let unreadable = world.token("adam").claim("grant_id", json!([1]));
    let answer = world.call("GET", "/users").bearing(unreadable).send().await;
    assert_eq!(answer.status, 403);
}

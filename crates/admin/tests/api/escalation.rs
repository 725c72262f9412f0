//! Nobody gets or gives more than they have.

use serde_json::{Value, json};

use crate::support::{World, user};

/// Every change of a user, as a path below the user's, a method and a body.
const CHANGES: [(&str, &str, Option<&str>); 8] = [
    ("", "PATCH", Some(r#"{"enabled":false}"#)),
    ("", "DELETE", None),
    ("/admin-role", "PUT", Some(r#"{"role":null}"#)),
    ("/password-reset", "POST", None),
    ("/factors", "DELETE", None),
    ("/sessions", "DELETE", None),
    ("/sessions/none", "DELETE", None),
    ("/grants/app", "DELETE", None),
];

async fn try_all(world: &World, by: &str, on: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for (below, method, body) in CHANGES {
        let read = if below == "/factors" { "/factors" } else { "" };
        let etag = world.etag(&format!("/users/{on}{read}")).await;
        let call = world.call(method, &format!("/users/{on}{below}")).by(by);
        let call = call.with("if-match", &etag);
        let call = match body {
            Some(body) => call.json(&serde_json::from_str::<Value>(body).unwrap()),
            None => call,
        };
        statuses.push(call.send().await.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn nobody_acts_on_somebody_who_may_more() {
    let world = World::new().await;
    for (by, on) in [
        ("adam", "olga"),
        ("helen", "olga"),
        ("helen", "adam"),
        ("helen", "udo"),
        ("udo", "alice"),
        ("alice", "alice"),
    ] {
        let before = world.user(on).await;
        assert_eq!(try_all(&world, by, on).await, [403; 8], "{by} on {on}");
        assert_eq!(world.user(on).await, before, "{by} on {on}");
    }
}

#[tokio::test]
async fn a_machine_acts_on_nobody_who_has_a_role() {
    let world = World::new().await;
    for on in ["olga", "adam", "helen", "udo"] {
        for (below, method, body) in CHANGES {
            let token = world.machine("robot", "admin:users.write admin:roles.write");
            let call = world.call(method, &format!("/users/{on}{below}")).bearing(token);
            let call = match body {
                Some(body) => call.json(&serde_json::from_str::<Value>(body).unwrap()),
                None => call,
            };
            assert_eq!(call.send().await.status, 403, "{method} {on}{below}");
        }
    }
    // A role that this version does not know may be more than any.
    world.store.put_user(user("eve", Some("emperor")), crate::support::now()).await.unwrap();
    let answer = world.call("DELETE", "/users/eve/sessions").by("olga").send().await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn nobody_gives_a_role_that_may_more() {
    let world = World::new().await;
    for (by, role, status) in [
        ("adam", "owner", 403),
        ("adam", "admin", 200),
        ("adam", "helpdesk", 200),
        ("olga", "owner", 200),
    ] {
        world.store.put_user(user("alice", None), crate::support::now()).await.unwrap();
        let etag = world.etag("/users/alice").await;
        let call = world.call("PUT", "/users/alice/admin-role").by(by).with("if-match", &etag);
        let answer = call.json(&json!({"role": role})).send().await;
        assert_eq!(answer.status, status, "{by} gives {role}: {}", answer.body);
    }
    for (path, body) in [
        ("/users", json!({"username": "new", "admin_role": "owner"})),
        (
            "/invitations",
            json!({"email": "n@example.com", "admin_role": "owner",
            "show_link": true}),
        ),
    ] {
        let answer = world.call("POST", path).by("adam").json(&body).send().await;
        assert_eq!(answer.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_role_is_given_by_who_has_the_scope_for_it() {
    let world = World::new().await;
    for (path, body) in [
        ("/users", json!({"username": "new", "admin_role": "auditor"})),
        (
            "/invitations",
            json!({"email": "n@example.com", "admin_role": "auditor", "show_link": true}),
        ),
    ] {
        for (scope, status) in
            [("admin:users.write", 403), ("admin:users.write admin:roles.write", 201)]
        {
            let token = world.token("olga").scope(scope);
            let answer = world.call("POST", path).bearing(token).json(&body).send().await;
            assert_eq!(answer.status, status, "{path} with {scope}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn an_invitation_does_not_keep_a_role_for_long() {
    let world = World::new().await;
    for (role, days, status) in
        [(json!("owner"), 8, 422), (json!("owner"), 7, 201), (json!(null), 365, 201)]
    {
        let email = format!("n{days}@example.com");
        let new = json!({"email": email, "admin_role": role, "days": days, "show_link": true});
        let answer = world.call("POST", "/invitations").by("olga").json(&new).send().await;
        assert_eq!(answer.status, status, "{new}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_role_is_no_claim_to_be_assigned() {
    let world = World::new().await;
    let etag = world.etag("/users/alice").await;
    for claims in [json!({"admin_role": "owner"}), json!({"admin_role": null})] {
        let call = world.call("PATCH", "/users/alice").by("adam").with("if-match", &etag);
        let answer = call.json(&json!({"claims": claims})).send().await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert_eq!(answer.body["errors"][0]["field"], json!("claims.admin_role"));
        let new = json!({"username": "new", "claims": claims});
        let answer = world.call("POST", "/users").by("adam").json(&new).send().await;
        assert_eq!(answer.status, 422);
    }
    for (member, value) in [("sub", json!("x")), ("password_hash", json!("x"))] {
        let call = world.call("PATCH", "/users/alice").by("adam").with("if-match", &etag);
        let answer = call.json(&json!({member: value})).send().await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["errors"][0]["field"]),
            (422, &json!(member))
        );
    }
}

fn machine(client_id: &str, scope: &str) -> Value {
    json!({"client_id": client_id, "settings": {"allowed_grant_types": ["client_credentials"],
        "allowed_scopes": [scope], "id_token_signing_alg": "ES256"}})
}

#[tokio::test]
async fn nobody_makes_a_client_that_may_more() {
    let world = World::new().await;
    for (by, scope, status) in [
        ("adam", "admin:keys.write", 403),
        ("adam", "admin:users.write", 201),
        ("olga", "admin:keys.write", 201),
    ] {
        let new = machine(&format!("{by}-{}", scope.replace([':', '.'], "-")), scope);
        let answer = world.call("POST", "/clients").by(by).json(&new).send().await;
        assert_eq!(answer.status, status, "{by}, {scope}: {}", answer.body);
    }
    // A secret of the owner's machine would be as good as its rights.
    let path = "/clients/olga-admin-keys-write";
    let etag = world.etag(path).await;
    for (method, below, body) in [
        ("POST", "/secrets", json!({})),
        ("PATCH", "", json!({"settings": {"client_name": "x"}})),
        ("PATCH", "", json!({"settings": {"allowed_scopes": []}})),
        ("DELETE", "", json!({})),
    ] {
        let call = world.call(method, &format!("{path}{below}")).by("adam");
        let answer = call.with("if-match", &etag).json(&body).send().await;
        assert_eq!(answer.status, 403, "{method} {below}: {}", answer.body);
    }
    // Where people sign in to administer, owners do, too.
    let mut page = machine("phishing", "admin:users.write");
    page["settings"]["allowed_grant_types"] = json!(["authorization_code"]);
    page["settings"]["require_client_secret"] = json!(false);
    page["settings"]["redirect_uris"] = json!(["https://evil.example/callback"]);
    let answer = world.call("POST", "/clients").by("adam").json(&page).send().await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    let mut harmless = page.clone();
    harmless["settings"]["allowed_scopes"] = json!(["openid"]);
    let answer = world.call("POST", "/clients").by("adam").json(&harmless).send().await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let etag = answer.headers["etag"].to_str().unwrap();
    let call = world.call("PATCH", "/clients/phishing").by("adam").with("if-match", etag);
    let more = json!({"settings": {"allowed_scopes": ["openid", "admin:users.write"]}});
    assert_eq!(call.json(&more).send().await.status, 403);
    // What the page of a person was not given, it can't get by a machine of its own.
    let narrow = world.token("olga").scope("admin:clients.write admin:users.read");
    for (scope, status) in [("admin:users.write", 403), ("admin:users.read", 201)] {
        let new = machine(&format!("narrow-{status}"), scope);
        let answer = world.call("POST", "/clients").bearing(narrow.clone()).json(&new).send().await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.body);
    }
    // A machine gives what it has itself.
    let token = world.machine("robot", "admin:clients.write admin:users.read");
    for (scope, status) in [("admin:users.read", 201), ("admin:users.write", 403)] {
        let name = scope.replace([':', '.'], "-");
        let call = world.call("POST", "/clients").bearing(token.clone());
        let answer = call.json(&machine(&format!("child-{name}"), scope)).send().await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_provider_is_for_owners_and_for_machines_that_an_owner_made() {
    let world = World::new().await;
    let path = "/identity-providers/stored";
    let etag = world.etag(path).await;
    let vouch = json!({"settings": {"trusted_email_domains": ["*"]}});
    for by in ["adam", "helen", "udo", "alice"] {
        let call = world.call("PATCH", path).by(by).with("if-match", &etag);
        assert_eq!(call.json(&vouch).send().await.status, 403, "{by}");
        let new = json!({"name": "evil", "settings": {"issuer": "https://evil.example"},
            "client_secret": "x"});
        let answer = world.call("POST", "/identity-providers").by(by).json(&new).send().await;
        assert_eq!(answer.status, 403, "{by}");
        let call = world.call("DELETE", path).by(by).with("if-match", &etag);
        assert_eq!(call.send().await.status, 403, "{by}");
    }
    // Nor by way of a machine of their own.
    for (by, status) in [("adam", 403), ("olga", 201)] {
        let new = machine(&format!("of-{by}"), "admin:providers.write");
        let answer = world.call("POST", "/clients").by(by).json(&new).send().await;
        assert_eq!(answer.status, status, "{by}: {}", answer.body);
    }
    let token = world.machine("of-olga", "admin:providers.write");
    let call = world.call("PATCH", path).bearing(token).with("if-match", &etag);
    assert_eq!(call.json(&vouch).send().await.status, 200);
}

#[tokio::test]
async fn a_machine_gives_no_scope_that_it_had_once() {
    let world = World::new().await;
    let all = ["admin:clients.write", "admin:users.read", "admin:users.write"];
    let mut bot = machine("bot", all[0]);
    bot["settings"]["allowed_scopes"] = json!(all);
    let made = world.call("POST", "/clients").by("olga").json(&bot).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let token = world.machine("bot", &all.join(" "));
    let create = |name: &str| {
        let call = world.call("POST", "/clients").bearing(token.clone());
        call.json(&machine(name, "admin:users.write")).send()
    };
    assert_eq!(create("first").await.status, 201);
    let etag = world.etag("/clients/bot").await;
    let call = world.call("PATCH", "/clients/bot").by("olga").with("if-match", &etag);
    let less = json!({"settings": {"allowed_scopes": &all[..2]}});
    assert_eq!(call.json(&less).send().await.status, 200);
    assert_eq!(create("second").await.status, 403, "the token says that it still has it");
}

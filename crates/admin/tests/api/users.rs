//! Users by the API.

use doorward_provider::{
    keys::waiting_mail,
    model::{
        account_notice::{AccountNotices, FactorAddition},
        password::PasswordHash,
        signing_key::SealedKey,
        user::User,
    },
    use_case::accounts::Asker,
};
use serde_json::{Value, json};

use crate::support::{World, now, user};

#[tokio::test]
async fn a_user_is_added_read_changed_and_removed() {
    let world = World::new().await;
    let new = json!({
        "username": " Ada ", "claims": {"email": "ada@example.com", "name": "Ada", "role": ["x"]},
        "password": "correct horse battery staple 9",
    });
    let added = world.call("POST", "/users").by("adam").json(&new).send().await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert_eq!(added.body["username"], json!("Ada"));
    assert_eq!(added.body["claims"]["preferred_username"], json!("Ada"));
    assert_eq!(added.body["has_password"], json!(true));
    assert!(!added.body.to_string().contains("argon2"));
    let location = added.headers["location"].to_str().unwrap().to_owned();
    let path = location.strip_prefix("/api/admin/v1").unwrap();
    let read = world.get("udo", path).await;
    assert_eq!((read.status.as_u16(), &read.body), (200, &added.body));
    assert_eq!(read.headers["etag"], added.headers["etag"]);

    let etag = world.etag(path).await;
    let change = json!({"enabled": false, "claims": {"name": null, "department": "Sales"}});
    let changed =
        world.call("PATCH", path).by("adam").with("if-match", &etag).json(&change).send().await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["enabled"], json!(false));
    assert_eq!(changed.body["claims"]["department"], json!("Sales"));
    assert!(changed.body["claims"].get("name").is_none());
    assert_ne!(changed.headers["etag"], added.headers["etag"]);

    let etag = world.etag(path).await;
    let removed = world.call("DELETE", path).by("adam").with("if-match", &etag).send().await;
    assert_eq!(removed.status, 204);
    assert_eq!(world.get("adam", path).await.status, 404);
}

#[tokio::test]
async fn another_address_is_not_known_to_be_the_users() {
    let world = World::new().await;
    let change = json!({"claims": {"email": "new@example.com"}});
    let etag = world.etag("/users/alice").await;
    let call = world.call("PATCH", "/users/alice").by("adam").with("if-match", &etag);
    let changed = call.json(&change).send().await;
    assert_eq!(changed.body["claims"]["email_verified"], json!(false));
    // Nor is another phone number.
    let phone = |number: &str| json!({"phone_number": number, "phone_number_verified": true});
    for (claims, verified) in [(phone("1"), true), (json!({"phone_number": "2"}), false)] {
        let etag = world.etag("/users/alice").await;
        let call = world.call("PATCH", "/users/alice").by("adam").with("if-match", &etag);
        let changed = call.json(&json!({"claims": claims})).send().await;
        assert_eq!(changed.body["claims"]["phone_number_verified"], json!(verified));
    }
}

#[tokio::test]
async fn names_and_subjects_are_taken_once() {
    let world = World::new().await;
    for (body, status) in [
        (json!({"username": "ALICE"}), 409),
        (json!({"username": "other", "sub": "alice"}), 409),
        (
            json!({"username": "other", "claims": {"email": "alice@example.com",
            "email_verified": true}}),
            409,
        ),
        (json!({"username": "other", "sub": "other"}), 201),
    ] {
        let answer = world.call("POST", "/users").by("adam").json(&body).send().await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    let etag = world.etag("/users/other").await;
    let call = world.call("DELETE", "/users/other").by("adam").with("if-match", &etag);
    assert_eq!(call.send().await.status, 204);
    let again = json!({"username": "other", "sub": "other"});
    let answer = world.call("POST", "/users").by("adam").json(&again).send().await;
    assert_eq!(answer.status, 409, "a removed user had the sub");
}

#[tokio::test]
async fn sessions_grants_and_factors_of_a_user() {
    let world = World::new().await;
    for path in ["sessions", "grants", "events"] {
        let answer = world.get("helen", &format!("/users/alice/{path}")).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &json!({"items": []})), "{path}");
    }
    let factors = world.get("helen", "/users/alice/factors").await;
    assert_eq!(factors.body["passkeys"], json!(0));
    let etag = factors.headers["etag"].to_str().unwrap();
    let reset = world.call("DELETE", "/users/alice/factors").by("helen").with("if-match", etag);
    assert_eq!(reset.send().await.status, 200);
    let ended = world.call("DELETE", "/users/alice/sessions").by("helen").send().await;
    assert_eq!(ended.body, json!({"ended": 0}));
    for path in ["/users/alice/sessions/nothing", "/users/alice/grants/app"] {
        let answer = world.call("DELETE", path).by("adam").send().await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_administrator_links_a_user_with_an_account_that_nobody_else_has() {
    let world = World::new().await;
    world.store.put_user(user("bob", None), crate::support::now()).await.unwrap();
    let link = |sub: &str, body: Value| {
        let call = world.call("POST", &format!("/users/{sub}/links")).by("adam");
        call.json(&body).send()
    };
    let up = || json!({"provider": "up", "subject": "1"});
    let linked = link("alice", up()).await;
    assert_eq!(linked.status, 201, "{}", linked.body);
    assert_eq!(linked.body["issuer"], "https://up.example");
    let links = world.get("udo", "/users/alice/links").await;
    assert_eq!(links.body["items"], json!([linked.body]));
    // The user is told.
    let mails = world.get("udo", "/outbox").await;
    let mail = &mails.body["items"][0];
    assert_eq!((&mail["to"], &mail["kind"]), (&json!("alice@example.com"), &json!("factor_added")));
    let events = world.get("udo", "/users/alice/events").await;
    assert_eq!(events.body["items"][0]["event"], "identity_linked");

    for (sub, body, status, said) in [
        ("alice", up(), 409, "the user has this link already"),
        ("bob", up(), 409, "another user has this link"),
        ("bob", json!({"provider": "other", "subject": "1"}), 422, "has this name"),
        ("bob", json!({"provider": "up", "subject": "\u{e9}"}), 422, "ASCII"),
        (
            "bob",
            json!({"provider": "up", "subject": "2", "issuer": "https://evil.example"}),
            422,
            "does not have this issuer",
        ),
        ("bob", json!({"provider": "tenants", "subject": "1"}), 422, "name the one"),
    ] {
        let refused = link(sub, body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
        assert!(refused.body.to_string().contains(said), "{body}: {}", refused.body);
    }
    let issuer = "https://login.example/t-1/v2.0";
    let body = json!({"provider": "tenants", "subject": "1", "issuer": issuer});
    assert_eq!(link("bob", body).await.body["issuer"], issuer);
    assert_eq!(world.get("udo", "/users/bob/links").await.body["items"][0]["subject"], "1");

    let disabled = doorward_provider::model::user::User { enabled: false, ..user("eve", None) };
    world.store.put_user(disabled, crate::support::now()).await.unwrap();
    assert_eq!(link("eve", json!({"provider": "up", "subject": "3"})).await.status, 409);
    let owner = link("olga", json!({"provider": "up", "subject": "4"})).await;
    assert_eq!(owner.status, 403, "who may more than the caller");
}

#[tokio::test]
async fn a_user_is_told_at_the_address_before_what_an_administrator_changes() {
    let world = World::new().await;
    let told = async || {
        let mails = world.get("udo", "/outbox").await.body["items"].take();
        let shown = |mail: &Value| format!("{} {}", mail["kind"], mail["to"]).replace('"', "");
        mails.as_array().unwrap().iter().map(shown).collect::<Vec<_>>()
    };
    let alice = user("alice", None).sub;
    let secret = SealedKey::from_bytes(vec![1; 48]);
    world.store.set_up_totp(&alice, secret.clone(), now()).await.unwrap();
    let untold = AccountNotices::default();
    let addition = FactorAddition { session: None, notices: untold, at: now() };
    assert!(world.store.confirm_totp(&alice, &secret, 1, &[], addition).await.unwrap());
    for _ in 0..2 {
        let etag = world.etag("/users/alice/factors").await;
        let reset = world.call("DELETE", "/users/alice/factors").by("helen");
        assert_eq!(reset.with("if-match", &etag).send().await.status, 200);
        assert_eq!(told().await, ["factors_reset alice@example.com"], "there were some once");
    }
    let change = async |claims: Value| {
        let etag = world.etag("/users/alice").await;
        let call = world.call("PATCH", "/users/alice").by("adam").with("if-match", &etag);
        assert_eq!(call.json(&json!({"claims": claims})).send().await.status, 200);
    };
    change(json!({"department": "Sales"})).await;
    change(json!({"email": "alice@example.com"})).await;
    assert_eq!(told().await.len(), 1, "no way in is another one");
    change(json!({"email": "new@example.com"})).await;
    let expected = ["factors_reset alice@example.com", "email_changed alice@example.com"];
    let mut mails = told().await;
    mails.sort_by(|one, other| other.cmp(one));
    assert_eq!(mails, expected);
    let events = world.get("udo", "/users/alice/events").await.body;
    assert_eq!(events["items"][0]["event"], "email_set_by_administrator");
    assert_eq!(events["items"][0]["detail"], "new@example.com");
    assert_eq!(events["items"][1]["event"], "factors_reset");
    let waiting = world.store.outbox(None, 10, now()).await.unwrap();
    let master = world.provider.keys().master();
    for queued in waiting {
        let mail = waiting_mail::open(master, queued.mail).unwrap();
        assert_eq!(mail.data["by_administrator"], true, "{:?}", mail.kind);
    }
}

#[tokio::test]
async fn a_user_is_told_of_a_link_that_an_administrator_removes() {
    let world = World::new().await;
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", "A".repeat(22), "A".repeat(43));
    let password_hash = Some(PasswordHash::parse(&hash).unwrap());
    let bob = User { password_hash, ..user("bob", None) };
    world.store.put_user(bob, now()).await.unwrap();
    let new = json!({"provider": "up", "subject": "1"});
    let linked = world.call("POST", "/users/bob/links").by("adam").json(&new).send().await;
    let path = format!("/users/bob/links/{}", linked.body["id"].as_str().unwrap());
    assert_eq!(world.call("DELETE", &path).by("adam").send().await.status, 204);
    let mails = world.get("udo", "/outbox").await.body["items"].take();
    let mut kinds: Vec<_> = mails.as_array().unwrap().iter().map(|mail| &mail["kind"]).collect();
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, ["factor_added", "factor_removed"]);
    let events = world.get("udo", "/users/bob/events").await.body;
    assert_eq!(events["items"][0]["event"], "identity_unlinked");
    assert_eq!(events["items"][0]["detail"], events["items"][1]["detail"]);
    assert_eq!(world.call("DELETE", &path).by("adam").send().await.status, 404);
}

#[tokio::test]
async fn a_link_to_set_another_password_goes_to_the_users_address_alone() {
    let world = World::new().await;
    let sent = world.call("POST", "/users/alice/password-reset").by("helen").send().await;
    assert_eq!(sent.status, 202);
    let mails = world.get("udo", "/outbox").await;
    assert_eq!(mails.body["items"][0]["to"], json!("alice@example.com"));
    assert_eq!(mails.body["items"][0]["kind"], json!("reset_password"));
    assert!(!mails.body.to_string().contains("token="), "no link is shown");
    let id = mails.body["items"][0]["id"].as_str().unwrap();
    let retried = world.call("POST", &format!("/outbox/{id}/retry")).by("adam").send().await;
    assert_eq!(retried.status, 202);
    let mut unknown = user("bob", None);
    unknown.claims_mut().remove("email");
    world.store.put_user(unknown, crate::support::now()).await.unwrap();
    let sent = world.call("POST", "/users/bob/password-reset").by("helen").send().await;
    assert_eq!(sent.status, 409);
    crate::directories::link(&world, "alice", "ada").await;
    let sent = world.call("POST", "/users/alice/password-reset").by("helen").send().await;
    assert_eq!(sent.status, 409, "the password is in a directory: {}", sent.body);
}

#[tokio::test]
async fn a_link_is_sent_whatever_strangers_ask_for_or_the_answer_says_that_it_is_not() {
    let world = World::new().await;
    let stranger = |number: u32| format!("198.51.100.{}", number / 20);
    // The hour has a thousand, of which strangers get half.
    for number in 0..501 {
        let (address, nobody) = (stranger(number), format!("nobody-{number}"));
        let name = if number < 10 { "alice" } else { nobody.as_str() };
        let asker =
            Asker { address: &address, browser: None, language: "en", mark: None, client_id: None };
        let outcome = world.provider.accounts().forgot_password(name, None, None, asker).await;
        assert_eq!(outcome.is_ok(), number < 500, "{number}: {outcome:?}");
    }
    let queued = async |world: &World| {
        let mails = world.get("udo", "/outbox").await.body;
        let all = mails["items"].as_array().unwrap().clone();
        all.iter().filter(|mail| mail["to"] == "alice@example.com").count()
    };
    let mut before = queued(&world).await;
    assert_eq!(before, 3);
    let mut statuses = Vec::new();
    for _ in 0..25 {
        let sent = world.call("POST", "/users/alice/password-reset").by("helen").send().await;
        let now = queued(&world).await;
        assert_eq!(now - before, usize::from(sent.status == 202), "{}", sent.body);
        before = now;
        statuses.push(sent.status.as_u16());
    }
    assert_eq!(statuses[..4], [202, 202, 202, 429]);
    assert!(statuses[4..].iter().all(|status| *status == 429), "{statuses:?}");
}

#[tokio::test]
async fn an_invitation_is_made_listed_and_withdrawn() {
    let world = World::new().await;
    let new = json!({"email": "new@example.com", "groups": ["staff"], "show_link": true});
    let made = world.call("POST", "/invitations").by("adam").json(&new).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let link = made.body["link"].as_str().unwrap();
    assert!(link.starts_with("https://id.example/account/invitation?token="), "{link}");
    let listed = world.get("udo", "/invitations").await;
    let row = &listed.body["items"][0];
    assert_eq!(row["email"], json!("new@example.com"));
    assert_eq!((&row["claims"], &row["groups"]), (&json!({}), &json!(["staff"])));
    for unknown in ["nothing", "no group", ""] {
        let new = json!({"email": "b@example.com", "groups": [unknown], "show_link": true});
        let refused = world.call("POST", "/invitations").by("adam").json(&new).send().await;
        assert_eq!(refused.status, 422, "{unknown:?}: {}", refused.body);
        assert_eq!(refused.body["errors"][0]["field"], json!("groups"));
    }
    let new = json!({"email": "b@example.com", "groups": ["staff"], "show_link": true});
    let token = world.token("adam").scope("admin:users.write");
    let refused = world.call("POST", "/invitations").bearing(token).json(&new).send().await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let id = row["id"].as_str().unwrap();
    assert!(!link.contains(id), "the identifier is not the link");
    let path = format!("/invitations/{id}");
    assert_eq!(world.call("DELETE", &path).by("adam").send().await.status, 204);
    assert_eq!(world.call("DELETE", &path).by("adam").send().await.status, 404);
    let known = json!({"email": "alice@example.com", "show_link": true});
    let refused = world.call("POST", "/invitations").by("adam").json(&known).send().await;
    assert_eq!(refused.status, 409);
}

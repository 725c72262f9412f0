//! The audit history has every change that is asked for by the API, made or refused.

use std::{collections::BTreeSet, time::Duration};

use doorward_admin::Operation;
use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        consent::Consent,
        external_identity::{ExternalId, StoredIdentity},
        session::{Authentication, Device, Session, SignInProof},
        token_handle::TokenHash,
        user::UserClaims,
    },
    store::{AddedIdentity, IdentityLink, LinkedBy},
};
use futures::poll;
use serde_json::{Value, json};

use crate::{
    directories,
    passkeys::passkey,
    registration::registered,
    support::{ADDRESS, AGENT, PAGE, World, method, now, path, user},
};

/// A request that succeeds.
#[derive(Default)]
struct Good {
    path: String,
    /// Whose state it names, if it must.
    read: Option<String>,
    body: Option<Value>,
    /// On whom or what it is done, as the record says it.
    on: Vec<(&'static str, Value)>,
}

fn machine(client_id: &str) -> Value {
    json!({"client_id": client_id, "settings": {"allowed_grant_types": ["client_credentials"],
        "allowed_scopes": ["admin:users.read"], "id_token_signing_alg": "ES256"}})
}

/// Begins a session of a user.
pub async fn sign_in(world: &World, sub: &str, sid: &str) {
    let session = Session {
        cookie_hash: TokenHash::from_bytes([1; 32]),
        authentication: Authentication {
            sub: sub.parse().unwrap(),
            auth_time: now(),
            amr: vec!["otp".to_owned()],
            sid: sid.parse().unwrap(),
        },
        device: Device { address: None, browser: None },
        upstream: None,
        expires_at: now().plus(3600),
    };
    let proof = SignInProof::RecoveryCode;
    assert!(
        world
            .store
            .start_session(session, &proof, None, AccountNotices::default(), now())
            .await
            .unwrap()
    );
}

/// Links an account at another provider; returns what names the link.
async fn link(world: &World, sub: &str) -> String {
    let identity = StoredIdentity {
        id: ExternalId::parse("https://other.example", "subject-1").unwrap(),
        sub: sub.parse().unwrap(),
        provider: "other".parse().unwrap(),
        shown: None,
        mapped: UserClaims::default(),
        created_at: now(),
        used_at: None,
    };
    let link = IdentityLink { identity, by: LinkedBy::Request, most: 20 };
    let added = world.store.add_external_identity(link, AccountNotices::default()).await.unwrap();
    assert_eq!(added, AddedIdentity::Added);
    let links = world.get("udo", &format!("/users/{sub}/links")).await;
    links.body["items"][0]["id"].as_str().unwrap().to_owned()
}

/// A fresh client, and the name of one of its two secrets.
async fn client_with_secrets(world: &World, client_id: &str) -> String {
    let added = world.call("POST", "/clients").by("olga").json(&machine(client_id)).send().await;
    assert_eq!(added.status, 201, "{}", added.body);
    let path = format!("/clients/{client_id}");
    let etag = world.etag(&path).await;
    let more = world.call("POST", &format!("{path}/secrets")).by("olga").with("if-match", &etag);
    assert_eq!(more.json(&json!({})).send().await.status, 201);
    let secrets = world.get("olga", &format!("{path}/secrets")).await;
    secrets.body["items"][0]["secret"].as_str().unwrap().to_owned()
}

/// Prepares what an operation needs, and gives a request that succeeds. Without a line for it an
/// operation does not compile.
#[allow(clippy::too_many_lines)] // It is a table.
async fn good(world: &World, operation: Operation) -> Option<Good> {
    use Operation as O;
    let whom = || vec![("sub", json!("alice"))];
    let below_alice =
        |below: &str| Good { path: format!("/users/alice{below}"), on: whom(), ..Good::default() };
    let good = match operation {
        O::CreateUser => Good {
            path: "/users".to_owned(),
            body: Some(json!({"username": "zoe", "sub": "zoe", "claims": {"api_secret": "hush-1"},
                "password": "hush-2 of a long sentence"})),
            on: vec![("sub", json!("zoe"))],
            ..Good::default()
        },
        O::ChangeUser => Good {
            read: Some("/users/alice".to_owned()),
            body: Some(json!({"claims": {"department": "Sales"}})),
            ..below_alice("")
        },
        O::RemoveUser => {
            world.store.put_user(user("gone", None), now()).await.unwrap();
            Good {
                path: "/users/gone".to_owned(),
                read: Some("/users/gone".to_owned()),
                on: vec![("sub", json!("gone"))],
                ..Good::default()
            }
        }
        O::SetAdminRole => Good {
            read: Some("/users/alice".to_owned()),
            body: Some(json!({"role": "auditor"})),
            ..below_alice("/admin-role")
        },
        O::ResetPassword => below_alice("/password-reset"),
        O::ResetFactors => {
            Good { read: Some("/users/alice/factors".to_owned()), ..below_alice("/factors") }
        }
        O::AddLink => {
            let on = [whom(), vec![("object", json!("subject-2 at https://up.example"))]];
            Good {
                body: Some(json!({"provider": "up", "subject": "subject-2"})),
                on: on.concat(),
                ..below_alice("/links")
            }
        }
        O::RemoveLink => {
            let id = link(world, "alice").await;
            let on = [whom(), vec![("object", json!("subject-1 at https://other.example"))]];
            Good { on: on.concat(), ..below_alice(&format!("/links/{id}")) }
        }
        O::AddRegistrationToken => Good {
            path: "/registration-tokens".to_owned(),
            body: Some(json!({})),
            on: vec![("object_kind", json!("token"))],
            ..Good::default()
        },
        O::RemoveRegistrationToken => {
            let made = world.call("POST", "/registration-tokens").by("olga");
            let id = made.json(&json!({})).send().await.body["id"].clone();
            Good {
                path: format!("/registration-tokens/{}", id.as_str().unwrap()),
                on: vec![("object_kind", json!("token")), ("object", id)],
                ..Good::default()
            }
        }
        O::RemovePasskey => {
            let id = passkey(world, "alice", 7).await;
            let on = [whom(), vec![("object", json!(id))]].concat();
            Good { on, ..below_alice(&format!("/passkeys/{id}")) }
        }
        O::RemoveRegisteredClient => {
            registered(world, "registered-1").await;
            Good {
                path: "/registered-clients/registered-1".to_owned(),
                on: vec![("object", json!("registered-1"))],
                ..Good::default()
            }
        }
        O::EndSessions => below_alice("/sessions"),
        O::EndSession => {
            sign_in(world, "alice", "session-1").await;
            let on = [whom(), vec![("object", json!("session-1"))]].concat();
            Good { on, ..below_alice("/sessions/session-1") }
        }
        O::RevokeGrant => {
            let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
            let (sub, client) = ("alice".parse().unwrap(), "app".parse().unwrap());
            world.store.remember_consent(&sub, &client, consent).await.unwrap();
            Good {
                on: [whom(), vec![("object", json!("app"))]].concat(),
                ..below_alice("/grants/app")
            }
        }
        O::CreateInvitation => Good {
            path: "/invitations".to_owned(),
            body: Some(json!({"email": "new@example.com", "show_link": true})),
            on: vec![("object_kind", json!("email")), ("object", json!("new@example.com"))],
            ..Good::default()
        },
        O::WithdrawInvitation => {
            let new = json!({"email": "other@example.com", "show_link": true});
            world.call("POST", "/invitations").by("olga").json(&new).send().await;
            let listed = world.get("olga", "/invitations").await;
            let rows = listed.body["items"].as_array().unwrap();
            let row = rows.iter().find(|row| row["email"] == "other@example.com").unwrap();
            Good {
                path: format!("/invitations/{}", row["id"].as_str().unwrap()),
                on: vec![("object", json!("other@example.com"))],
                ..Good::default()
            }
        }
        O::CreateGroup => Good {
            path: "/groups".to_owned(),
            body: Some(json!({"name": "team/red", "roles": ["editor"]})),
            on: vec![("object_kind", json!("group")), ("object", json!("team/red"))],
            ..Good::default()
        },
        O::ChangeGroup | O::RemoveGroup | O::AddMember | O::RemoveMember => {
            let new = json!({"name": "emea/sales", "roles": ["seller"]});
            world.call("POST", "/groups").by("olga").json(&new).send().await;
            let group = "/groups/emea%2Fsales".to_owned();
            let of_group = vec![("object_kind", json!("group")), ("object", json!("emea/sales"))];
            let member = format!("{group}/members/alice");
            if operation == O::RemoveMember {
                world.call("PUT", &member).by("olga").send().await;
            }
            match operation {
                O::ChangeGroup | O::RemoveGroup => Good {
                    path: group.clone(),
                    read: Some(group),
                    body: (operation == O::ChangeGroup).then(|| json!({"roles": []})),
                    on: of_group,
                },
                _ => {
                    let on = [whom(), of_group].concat();
                    Good { path: member, on, ..Good::default() }
                }
            }
        }
        O::CreateDirectoryUser => Good {
            path: "/directories/corp/users".to_owned(),
            body: Some(json!({"username": "zoe", "password": "hush-3"})),
            on: vec![("object_kind", json!("entry")), ("object", json!("entry-zoe"))],
            ..Good::default()
        },
        O::ChangeDirectoryUser
        | O::SetDirectoryPassword
        | O::AddDirectoryMember
        | O::RemoveDirectoryMember => {
            directories::link(world, "alice", "alice").await;
            let of = |kind: &str, name: &str| {
                let of = [("object_kind", json!(kind)), ("object", json!(name))];
                [whom(), of.to_vec()].concat()
            };
            let path = path(operation);
            let entry = "/directories/corp/users/entry-alice";
            let good =
                Good { path: path.clone(), on: of("entry", "entry-alice"), ..Good::default() };
            match operation {
                O::ChangeDirectoryUser => Good {
                    read: Some(entry.to_owned()),
                    body: Some(json!({"attributes": {"cn": ["A"]}})),
                    ..good
                },
                O::SetDirectoryPassword => {
                    Good { body: Some(json!({"password": "hush-4"})), ..good }
                }
                _ => {
                    if operation == O::RemoveDirectoryMember {
                        world.call("PUT", &path).by("olga").send().await;
                    }
                    Good { on: of("group", "staff"), ..good }
                }
            }
        }
        O::CreateClient => Good {
            path: "/clients".to_owned(),
            body: Some(machine("made")),
            on: vec![("object_kind", json!("client_id")), ("object", json!("made"))],
            ..Good::default()
        },
        O::ChangeClient | O::RemoveClient | O::AddSecret | O::RemoveSecret => {
            let client_id = operation.name().replace('_', "-");
            let secret = client_with_secrets(world, &client_id).await;
            let path = operation.path().replace("{client_id}", &client_id);
            Good {
                path: path.replace("{secret}", &secret),
                read: Some(format!("/clients/{client_id}")),
                body: match operation {
                    O::ChangeClient => Some(json!({"settings": {"client_name": "Name"}})),
                    O::AddSecret => Some(json!({})),
                    _ => None,
                },
                on: vec![("object", json!(client_id))],
            }
        }
        O::RotateKeys => Good {
            path: "/keys".to_owned(),
            on: vec![("object_kind", json!("kid"))],
            ..Good::default()
        },
        O::RetireKey => {
            world.call("POST", "/keys").by("olga").send().await;
            let keys = world.get("olga", "/keys").await.body;
            let rows = keys["items"].as_array().unwrap();
            let kid = rows.iter().find(|row| row["state"] == "announced").unwrap()["kid"].clone();
            Good {
                path: format!("/keys/{}", kid.as_str().unwrap()),
                on: vec![("object_kind", json!("kid")), ("object", kid)],
                ..Good::default()
            }
        }
        O::CreateIdentityProvider => Good {
            path: "/identity-providers".to_owned(),
            body: Some(json!({"name": "new", "settings": {"issuer": "https://new.example"},
                "client_secret": "hush-3"})),
            on: vec![("object_kind", json!("identity_provider")), ("object", json!("new"))],
            ..Good::default()
        },
        O::ChangeIdentityProvider | O::RemoveIdentityProvider => Good {
            path: "/identity-providers/stored".to_owned(),
            read: Some("/identity-providers/stored".to_owned()),
            body: (operation == O::ChangeIdentityProvider)
                .then(|| json!({"settings": {"enabled": false}, "client_secret": "hush-4"})),
            on: vec![("object_kind", json!("identity_provider")), ("object", json!("stored"))],
        },
        O::RetryMail => {
            world.call("POST", "/users/alice/password-reset").by("olga").send().await;
            let id = world.get("olga", "/outbox").await.body["items"][0]["id"].clone();
            Good {
                path: format!("/outbox/{}/retry", id.as_str().unwrap()),
                on: vec![("object_kind", json!("mail")), ("object", id)],
                ..Good::default()
            }
        }
        O::Me
        | O::Overview
        | O::Activity
        | O::ReadConfiguration
        | O::ListUsers
        | O::ReadUser
        | O::ReadFactors
        | O::ListPasskeys
        | O::ListLinks
        | O::ListRegisteredClients
        | O::ListRegistrationTokens
        | O::ListSessions
        | O::ListGrants
        | O::ListAccountEvents
        | O::ListInvitations
        | O::ListClients
        | O::ReadClient
        | O::ListSecrets
        | O::ListResources
        | O::ListIdentityProviders
        | O::ReadIdentityProvider
        | O::CheckIdentityProvider
        | O::ListKeys
        | O::ListGroups
        | O::ReadGroup
        | O::ListMembers
        | O::ListDirectories
        | O::ListDirectoryUsers
        | O::ReadDirectoryUser
        | O::ListDirectoryGroups
        | O::ListEvents
        | O::ExportEvents
        | O::ListMails => return None,
    };
    Some(good)
}

fn of_request<'a>(history: &'a [Value], id: &str) -> Vec<&'a Value> {
    history.iter().filter(|record| record["request_id"] == id).collect()
}

#[tokio::test]
async fn each_change_is_recorded_with_who_what_and_on_whom() {
    let mut events = BTreeSet::new();
    for &operation in Operation::ALL {
        let world = World::new().await;
        let Some(Good { path, read, body, on }) = good(&world, operation).await else {
            let name = operation.name();
            world
                .call(method(operation), &crate::support::path(operation))
                .by("olga")
                .named(name)
                .send()
                .await;
            assert!(
                of_request(&world.history().await, name).is_empty(),
                "{operation:?} only looks"
            );
            continue;
        };
        let event = operation.event().unwrap().name();
        events.insert(event);
        let mut call = world.call(method(operation), &path).by("olga").named("it");
        if let Some(read) = read {
            call = call.with("if-match", &world.etag(&read).await);
        }
        if let Some(body) = body {
            call = call.json(&body);
        }
        let answer = call.send().await;
        assert!(answer.status.is_success(), "{operation:?}: {}", answer.body);
        let history = world.history().await;
        let of_it: Vec<&Value> = of_request(&history, "it")
            .into_iter()
            .filter(|record| record["event"] == event)
            .collect();
        let [record] = of_it[..] else { panic!("{operation:?}: {of_it:?}") };
        for (member, value) in [
            ("outcome", json!("succeeded")),
            ("actor_kind", json!("user")),
            ("actor", json!("olga")),
            ("client_id", json!(PAGE)),
            ("address", json!(ADDRESS)),
            ("user_agent", json!(AGENT)),
        ]
        .into_iter()
        .chain(on)
        {
            assert_eq!(record[member], value, "{operation:?} {member}: {record}");
        }
        assert_eq!(record["details"]["operation"], operation.name());
        let says_what = record.get("before").or(record.get("after")).is_some()
            || record["details"].as_object().unwrap().len() > 1
            || matches!(
                operation,
                Operation::RetryMail
                    | Operation::RevokeGrant
                    | Operation::AddLink
                    | Operation::RemoveLink
                    | Operation::AddRegistrationToken
                    | Operation::RemoveRegistrationToken
            );
        assert!(says_what, "{operation:?}: {record}");
        let text = serde_json::to_string(&history).unwrap();
        let secret = answer.body["client_secret"].as_str().unwrap_or("hush-");
        assert!(!text.contains(secret) && !text.contains("token="), "{operation:?}: {text}");
        assert!(!text.contains("argon2") && !text.contains("sha256"), "{operation:?}: {text}");
    }
    // Sessions are ended and clients are removed in two ways each.
    assert_eq!(events.len() + 2, Operation::ALL.iter().filter(|one| one.event().is_some()).count());
}

#[tokio::test]
async fn each_refused_change_is_recorded_too() {
    let world = World::new().await;
    let changes = || Operation::ALL.iter().copied().filter(|one| one.event().is_some());
    for operation in changes() {
        let call = || world.call(method(operation), &path(operation));
        let name = operation.name();
        call().by("udo").named(&format!("{name}-by-udo")).send().await;
        call().named(&format!("{name}-by-nobody")).send().await;
        let token = world.machine("robot", "admin:system.read");
        call().bearing(token).named(&format!("{name}-by-robot")).send().await;
    }
    let history = world.history().await;
    for operation in changes() {
        for (by, kind, actor, status) in [
            ("udo", "user", json!("udo"), 403),
            ("nobody", "anonymous", Value::Null, 401),
            ("robot", "client", json!("robot"), 403),
        ] {
            let found = of_request(&history, &format!("{}-by-{by}", operation.name()));
            let [record] = found[..] else { panic!("{operation:?} by {by}: {found:?}") };
            assert_eq!(record["event"], operation.event().unwrap().name());
            assert_eq!(record["outcome"], "refused", "{record}");
            assert_eq!(record["actor_kind"], kind, "{record}");
            assert_eq!(record["actor"], actor, "{record}");
            assert_eq!(record["details"]["status"], status, "{record}");
            if operation.path().contains("{sub}") {
                assert_eq!(record["sub"], "alice", "{record}");
            }
        }
    }
}

#[tokio::test]
async fn a_change_says_what_is_different_and_a_refusal_what_was_wanted() {
    let world = World::new().await;
    let etag = world.etag("/users/alice").await;
    let change = json!({"claims": {"department": "Sales", "name": null}});
    let call = world.call("PATCH", "/users/alice").by("adam").named("a").with("if-match", &etag);
    assert_eq!(call.json(&change).send().await.status, 200);
    let stale = world.call("PATCH", "/users/alice").by("adam").named("b").with("if-match", &etag);
    assert_eq!(stale.json(&change).send().await.status, 412);
    let etag = world.etag("/users/alice").await;
    let call = world.call("PUT", "/users/alice/admin-role").by("adam").named("c");
    let owner = json!({"role": "owner"});
    assert_eq!(call.with("if-match", &etag).json(&owner).send().await.status, 403);
    let history = world.history().await;
    let changed = of_request(&history, "a")[0];
    assert_eq!(changed["before"], json!({"claims": {"name": "ALICE"}}));
    assert_eq!(changed["after"], json!({"claims": {"department": "Sales"}}));
    let stale = of_request(&history, "b")[0];
    assert_eq!(
        (&stale["outcome"], &stale["details"]["problem"]),
        (&json!("refused"), &json!("stale"))
    );
    assert!(stale.get("after").is_none());
    let refused = of_request(&history, "c")[0];
    assert_eq!(refused["details"]["admin_role"], "owner");
    assert_eq!(refused["details"]["problem"], "rights");
}

#[tokio::test]
async fn a_repeated_creation_says_that_it_is_one() {
    let world = World::new().await;
    for id in ["first", "second"] {
        let call = world.call("POST", "/clients").by("olga").named(id).json(&machine("made"));
        assert_eq!(call.with("idempotency-key", "k").send().await.status, 201);
    }
    let history = world.history().await;
    assert!(of_request(&history, "first")[0]["details"].get("repeated").is_none());
    assert_eq!(of_request(&history, "second")[0]["details"]["repeated"], true);
}

#[tokio::test]
async fn who_hangs_up_is_recorded_all_the_same() {
    let world = World::new().await;
    let etag = world.etag("/users/alice").await;
    let call = world.call("DELETE", "/users/alice").by("adam").named("it").with("if-match", &etag);
    let mut asked = Box::pin(call.send());
    assert!(poll!(&mut asked).is_pending());
    drop(asked);
    let recorded = async {
        loop {
            let kept = world.store.audit_records_from(0, 100).await.unwrap();
            let history: Vec<Value> =
                kept.iter().map(doorward_provider::audit::KeptRecord::to_json).collect();
            if let Some(record) = of_request(&history, "it").first() {
                return (*record).clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let record = tokio::time::timeout(Duration::from_mins(1), recorded).await.unwrap();
    assert_eq!(
        (&record["event"], &record["outcome"]),
        (&json!("user_removed"), &json!("succeeded"))
    );
    assert!(world.user("alice").await.is_none());
}

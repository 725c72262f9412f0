//! Clients.

use doorward_provider::{
    model::{consent::Consent, device_code::DevicePoll, stored_client::StoredClient},
    store::{Redemption, Store},
};
use serde_json::{Value, json};

use super::fixtures::{
    NOW, Tested, UNBOUNDED, add_grant, add_many_grants, at, code, device_code, grant, grant_for,
    hash, pushed_request, reference_token, signed_in, to_id, token, user,
};

/// A client that an operator added.
pub fn client(client_id: &str, name: &str, configured: bool) -> StoredClient {
    let Value::Object(settings) =
        json!({"client_id": client_id, "client_name": name, "redirect_uris": ["a", "b"]})
    else {
        unreachable!()
    };
    StoredClient { client_id: to_id(client_id), settings, configured }
}

/// The version, once both ways to read it agreed.
async fn version(store: &dyn Store) -> i64 {
    let version = store.clients_version().await.unwrap();
    assert_eq!(store.clients().await.unwrap().version, version);
    version
}

pub async fn added_once(store: Tested) {
    let empty = version(&*store).await;
    assert!(store.clients().await.unwrap().clients.is_empty());
    assert!(store.add_client(client("b", "B", false)).await.unwrap());
    let one = version(&*store).await;
    assert!(!store.add_client(client("b", "other", false)).await.unwrap());
    assert_eq!(version(&*store).await, one, "nothing changed");
    assert!(store.add_client(client("a", "A", false)).await.unwrap());
    assert!(empty != one && version(&*store).await != one);
    assert_eq!(
        store.clients().await.unwrap().clients,
        [client("a", "A", false), client("b", "B", false)]
    );
}

pub async fn replaced_at_the_known_version_only(store: Tested) {
    store.add_client(client("a", "A", false)).await.unwrap();
    let known = version(&*store).await;
    assert!(!store.replace_client(client("b", "B", false), known).await.unwrap(), "there is none");
    assert!(store.replace_client(client("a", "first", false), known).await.unwrap());
    assert!(
        !store.replace_client(client("a", "second", false), known).await.unwrap(),
        "it changed meanwhile"
    );
    assert_eq!(store.clients().await.unwrap().clients, [client("a", "first", false)]);
    assert_ne!(version(&*store).await, known);
}

pub async fn imported_in_place_of_the_last_import(store: Tested) {
    store.add_client(client("own", "Own", false)).await.unwrap();
    store.add_client(client("both", "Added", false)).await.unwrap();
    store
        .import_clients(vec![client("a", "A", true), client("both", "Configured", true)])
        .await
        .unwrap();
    let known = version(&*store).await;
    let all =
        [client("a", "A", true), client("both", "Configured", true), client("own", "Own", false)];
    assert_eq!(store.clients().await.unwrap().clients, all);
    store
        .import_clients(vec![client("a", "A", true), client("both", "Configured", true)])
        .await
        .unwrap();
    assert_eq!(version(&*store).await, known, "the same import changes nothing");
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    add_grant(&*store, grant_for("both", "g", "alice", "openid"), at(60), None, NOW).await;
    store.import_clients(vec![client("a", "Another", true)]).await.unwrap();
    assert_eq!(
        store.clients().await.unwrap().clients,
        [client("a", "Another", true), client("own", "Own", false)]
    );
    assert_ne!(version(&*store).await, known);
    assert!(
        store.live_grant(&to_id("g"), NOW).await.unwrap().is_some(),
        "granted access waits for the client to come back"
    );
}

pub async fn removed_with_everything(store: Tested) {
    let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    signed_in(&*store, "alice").await;
    store.add_client(client("PkceJS", "One", false)).await.unwrap();
    store.add_client(client("Television", "Two", false)).await.unwrap();
    add_grant(&*store, grant("g", "alice"), at(60), Some(token(1, 60)), NOW).await;
    add_grant(&*store, grant_for("Television", "kept", "alice", "openid"), at(60), None, NOW).await;
    store.add_code(hash(2), code(grant("c", "alice"), 60), true).await.unwrap();
    store.add_reference_token(reference_token(3, 60)).await.unwrap();
    store.add_pushed_request(pushed_request(4, 60), &UNBOUNDED, NOW).await.unwrap();
    store.add_device_code(device_code(5, 60), &UNBOUNDED, NOW).await.unwrap();
    store.remember_consent(&to_id("alice"), &to_id("PkceJS"), consent.clone()).await.unwrap();
    store.remember_consent(&to_id("alice"), &to_id("Television"), consent).await.unwrap();
    let known = version(&*store).await;

    assert!(!store.remove_client(&to_id("PkceJS"), Some(known - 1)).await.unwrap());
    assert_eq!((version(&*store).await, store.clients().await.unwrap().clients.len()), (known, 2));
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_some(), "nothing is removed");
    assert!(store.remove_client(&to_id("PkceJS"), Some(known)).await.unwrap());
    assert_ne!(version(&*store).await, known);
    assert_eq!(store.clients().await.unwrap().clients, [client("Television", "Two", false)]);
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_none());
    assert!(
        store.refresh_token(hash(1)).await.unwrap().is_none_or(|record| record.grant.is_none())
    );
    let redeemed =
        store.redeem_code(hash(2), grant("c", "alice"), at(60), None, NOW).await.unwrap();
    assert_eq!(redeemed, Redemption::Unknown);
    assert!(store.reference_token(hash(3), NOW).await.unwrap().is_none());
    assert!(store.pushed_request(hash(4), NOW).await.unwrap().is_none());
    assert!(store.consent(&to_id("alice"), &to_id("PkceJS")).await.unwrap().is_none());
    assert!(store.live_grant(&to_id("kept"), NOW).await.unwrap().is_some(), "others stay");
    assert!(store.consent(&to_id("alice"), &to_id("Television")).await.unwrap().is_some());
    assert_ne!(
        store.poll_device_code(hash(5), &to_id("Television"), NOW).await.unwrap(),
        DevicePoll::Unknown
    );

    assert!(!store.remove_client(&to_id("PkceJS"), None).await.unwrap());
    assert!(store.remove_client(&to_id("Television"), None).await.unwrap());
    assert_eq!(
        store.poll_device_code(hash(5), &to_id("Television"), NOW).await.unwrap(),
        DevicePoll::Unknown
    );
}

pub async fn a_new_one_inherits_nothing(store: Tested) {
    let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    let (alice, id) = (to_id("alice"), to_id("shop"));
    // What is there without a client is what a removal left that stopped half-way.
    add_many_grants(&store, "shop", 600).await;
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    store.remember_consent(&alice, &id, consent.clone()).await.unwrap();
    assert!(store.add_client(client("shop", "New", false)).await.unwrap());
    assert!(store.consent(&alice, &id).await.unwrap().is_none());
    for grant in ["grant-0000", "grant-0599"] {
        assert!(store.live_grant(&to_id(grant), NOW).await.unwrap().is_none());
    }
    // One that is there keeps what it has, when somebody tries to add it again.
    store.remember_consent(&alice, &id, consent).await.unwrap();
    assert!(!store.add_client(client("shop", "Again", false)).await.unwrap());
    assert!(store.consent(&alice, &id).await.unwrap().is_some());
}

pub async fn much_is_removed_in_pages(store: Tested) {
    add_many_grants(&store, "app", 600).await;
    assert!(store.remove_client(&to_id("app"), None).await.unwrap());
    for id in ["grant-0000", "grant-0599"] {
        assert!(store.live_grant(&to_id(id), NOW).await.unwrap().is_none());
    }
    assert!(!store.remove_client(&to_id("app"), None).await.unwrap(), "nothing is left");
}

pub async fn listed_in_pages(store: Tested) {
    for (id, configured) in [("b", false), ("A", false), ("c", false)] {
        assert!(store.add_client(client(id, id, configured)).await.unwrap());
    }
    let page = async |after: Option<&str>| -> Vec<String> {
        let after = after.map(to_id);
        let page = store.clients_page("", after.as_ref(), 2).await.unwrap();
        page.into_iter().map(|client| client.client_id.to_string()).collect()
    };
    assert_eq!(page(None).await, ["A", "b"]);
    assert_eq!(page(Some("b")).await, ["c"]);
    assert!(page(Some("c")).await.is_empty());
    assert!(store.add_client(client("b-2", "b-2", false)).await.unwrap());
    for (prefix, after, expected) in [
        ("b", None, &["b", "b-2"][..]),
        ("b", Some("b"), &["b-2"]),
        ("b", Some("A"), &["b", "b-2"]),
        ("b-2", None, &["b-2"]),
        ("B", None, &[]),
        ("b%", None, &[]),
    ] {
        let after = after.map(to_id);
        let page = store.clients_page(prefix, after.as_ref(), 5).await.unwrap();
        let ids: Vec<String> = page.iter().map(|own| own.client_id.to_string()).collect();
        assert_eq!(ids, expected, "{prefix} {after:?}");
    }
    let found = store.client(&to_id("b")).await.unwrap();
    assert_eq!(found, Some(client("b", "b", false)));
    assert_eq!(store.client(&to_id("d")).await.unwrap(), None);
}

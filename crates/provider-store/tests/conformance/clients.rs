//! Clients.

use doorward_provider::{
    model::{consent::Consent, device_code::DevicePoll, stored_client::StoredClient},
    store::{Redemption, Store},
};
use serde_json::{Value, json};

use super::fixtures::{
    NOW, Tested, add_grant, add_many_grants, at, code, device_code, grant, grant_for, hash,
    pushed_request, reference_token, signed_in, token, user,
};

fn client(client_id: &str, name: &str, configured: bool) -> StoredClient {
    let Value::Object(settings) =
        json!({"client_id": client_id, "client_name": name, "redirect_uris": ["a", "b"]})
    else {
        unreachable!()
    };
    StoredClient { client_id: client_id.to_owned(), settings, configured }
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
        store.live_grant("g", NOW).await.unwrap().is_some(),
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
    store.add_pushed_request(pushed_request(4, 60), None, NOW).await.unwrap();
    store.add_device_code(device_code(5, 60), None, NOW).await.unwrap();
    store.remember_consent("alice", "PkceJS", consent.clone()).await.unwrap();
    store.remember_consent("alice", "Television", consent).await.unwrap();
    let known = version(&*store).await;

    assert!(store.remove_client("PkceJS").await.unwrap());
    assert_ne!(version(&*store).await, known);
    assert_eq!(store.clients().await.unwrap().clients, [client("Television", "Two", false)]);
    assert!(store.live_grant("g", NOW).await.unwrap().is_none());
    assert!(
        store.refresh_token(hash(1)).await.unwrap().is_none_or(|record| record.grant.is_none())
    );
    let redeemed =
        store.redeem_code(hash(2), grant("c", "alice"), at(60), None, NOW).await.unwrap();
    assert_eq!(redeemed, Redemption::Unknown);
    assert!(store.reference_token(hash(3), NOW).await.unwrap().is_none());
    assert!(store.pushed_request(hash(4), NOW).await.unwrap().is_none());
    assert!(store.consent("alice", "PkceJS").await.unwrap().is_none());
    assert!(store.live_grant("kept", NOW).await.unwrap().is_some(), "others stay");
    assert!(store.consent("alice", "Television").await.unwrap().is_some());
    assert_ne!(
        store.poll_device_code(hash(5), "Television", NOW).await.unwrap(),
        DevicePoll::Unknown
    );

    assert!(!store.remove_client("PkceJS").await.unwrap());
    assert!(store.remove_client("Television").await.unwrap());
    assert_eq!(
        store.poll_device_code(hash(5), "Television", NOW).await.unwrap(),
        DevicePoll::Unknown
    );
}

pub async fn much_is_removed_in_pages(store: Tested) {
    add_many_grants(&store, "app", 600).await;
    assert!(store.remove_client("app").await.unwrap());
    for id in ["grant-0000", "grant-0599"] {
        assert!(store.live_grant(id, NOW).await.unwrap().is_none());
    }
    assert!(!store.remove_client("app").await.unwrap(), "nothing is left");
}

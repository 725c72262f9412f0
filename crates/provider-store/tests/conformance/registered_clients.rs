//! Clients that registered themselves, and initial access tokens.

use doorward_provider::{
    model::{
        consent::Consent,
        registration::{Admission, RegisteredClient, RegistrationOutcome, RegistrationToken},
        throttle::OriginBound,
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::Store,
};
use serde_json::{Map, Value, json};

use super::fixtures::{NOW, Tested, add_grant, at, grant_for, hash, parallel, to_id, user};

fn metadata(name: &str) -> Map<String, Value> {
    Map::from_iter([("client_name".to_owned(), json!(name))])
}

fn client(number: u64, until: i64) -> RegisteredClient {
    RegisteredClient {
        client_id: to_id(&format!("registered-{number:04}")),
        metadata: metadata("One"),
        secret: Some(hash(1)),
        management: hash(number),
        issued_at: NOW,
        used: false,
        expires_at: at(until),
    }
}

fn from(address: &str, most: u32, token: Option<TokenHash>) -> Admission {
    Admission { bound: OriginBound::new(&to_id("registration"), address, most), token }
}

fn anyone() -> Admission {
    from("192.0.2.1", 100, None)
}

fn token(number: u64, uses_left: u32, until: i64) -> RegistrationToken {
    RegistrationToken {
        id: format!("token-{number}"),
        hash: hash(number),
        note: Some("for the tests".to_owned()),
        uses_left,
        expires_at: at(until),
    }
}

async fn add(store: &dyn Store, number: u64, admission: &Admission) -> RegistrationOutcome {
    store.add_registered_client(client(number, 60), admission, NOW).await.unwrap()
}

async fn found(store: &dyn Store, number: u64, now: Timestamp) -> Option<RegisteredClient> {
    let client_id = to_id(&format!("registered-{number:04}"));
    store.registered_client(&client_id, now).await.unwrap()
}

pub async fn found_until_expiry_and_then_swept(store: Tested) {
    assert_eq!(add(&*store, 1, &anyone()).await, RegistrationOutcome::Added);
    assert_eq!(found(&*store, 1, at(59)).await, Some(client(1, 60)));
    assert_eq!(found(&*store, 1, at(60)).await, None);
    assert_eq!(found(&*store, 2, NOW).await, None);
    assert_eq!(store.remove_expired(at(59), 100).await.unwrap(), 0);
    assert_eq!(store.remove_expired(at(60), 100).await.unwrap(), 1);
    assert_eq!(found(&*store, 1, NOW).await, None);
}

pub async fn apart_from_the_clients_of_operators(store: Tested) {
    let version = store.clients_version().await.unwrap();
    add(&*store, 1, &anyone()).await;
    assert_eq!(store.clients_version().await.unwrap(), version);
    assert!(store.clients().await.unwrap().clients.is_empty());
}

pub async fn replaced_by_who_has_the_token(store: Tested) {
    add(&*store, 1, &anyone()).await;
    let id = client(1, 60).client_id;
    let replace = |management, secret| {
        store.replace_registered_client(&id, management, metadata("Two"), secret)
    };
    assert!(!replace(hash(2), None).await.unwrap(), "another token");
    assert_eq!(found(&*store, 1, NOW).await, Some(client(1, 60)));
    assert!(replace(hash(1), None).await.unwrap());
    let expected = RegisteredClient { metadata: metadata("Two"), secret: None, ..client(1, 60) };
    assert_eq!(found(&*store, 1, NOW).await, Some(expected));
}

pub async fn a_changed_one_is_consented_to_anew(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    let (alice, scope) = (to_id("alice"), "openid".parse().unwrap());
    let consent = Consent { scope, expires_at: None };
    let (one, other) = (client(1, 60).client_id, client(2, 60).client_id);
    for (number, id) in [(1, &one), (2, &other)] {
        add(&*store, number, &anyone()).await;
        store.remember_consent(&alice, id, consent.clone()).await.unwrap();
    }
    let replace = |management, name, secret| {
        store.replace_registered_client(&one, management, metadata(name), secret)
    };
    let remembered = async |id| store.consent(&alice, id).await.unwrap();
    assert!(!replace(hash(2), "Two", None).await.unwrap(), "another token");
    assert_eq!(remembered(&one).await, Some(consent.clone()));
    assert!(replace(hash(1), "One", None).await.unwrap(), "the same, but without a secret");
    assert_eq!(remembered(&one).await, Some(consent.clone()));
    assert!(replace(hash(1), "Two", None).await.unwrap());
    assert_eq!(remembered(&one).await, None);
    assert_eq!(remembered(&other).await, Some(consent));
}

pub async fn a_used_one_lives_longer_and_never_shorter(store: Tested) {
    add(&*store, 1, &anyone()).await;
    let id = client(1, 60).client_id;
    for (until, end) in [(600, 600), (300, 600), (900, 900)] {
        store.registered_client_used(&id, at(until)).await.unwrap();
        let now = found(&*store, 1, NOW).await.unwrap();
        assert!(now.used && now.expires_at == at(end), "{now:?}");
    }
}

pub async fn no_more_without_use_come_from_one_address_than_are_allowed(store: Tested) {
    let admission = from("192.0.2.1", 5, None);
    let outcomes = parallel(&store, 64, |store, number| {
        let admission = admission.clone();
        async move { add(&*store, number, &admission).await }
    });
    let outcomes = outcomes.await;
    let added = |outcomes: &[RegistrationOutcome]| {
        outcomes.iter().filter(|outcome| **outcome == RegistrationOutcome::Added).count()
    };
    assert_eq!(added(&outcomes), 5, "{outcomes:?}");
    assert_eq!(
        add(&*store, 100, &from("192.0.2.2", 5, None)).await,
        RegistrationOutcome::Added,
        "another address"
    );
    let first = store.registered_clients_page("", None, 1).await.unwrap().remove(0);
    store.registered_client_used(&first.client_id, at(60)).await.unwrap();
    assert_eq!(add(&*store, 101, &admission).await, RegistrationOutcome::Added, "one is used");
    assert_eq!(add(&*store, 102, &admission).await, RegistrationOutcome::TooMany);
    let later = RegisteredClient { expires_at: at(120), ..client(103, 60) };
    let outcome = store.add_registered_client(later, &admission, at(60)).await.unwrap();
    assert_eq!(outcome, RegistrationOutcome::Added, "the others have expired");
    for number in 0..50 {
        let address = format!("2001:db8:1:{number:x}::1");
        let outcome = add(&*store, 200 + number, &from(&address, 5, None)).await;
        assert_eq!(outcome, RegistrationOutcome::Added);
    }
    let outcome = add(&*store, 300, &from("2001:db8:1:ffff::1", 5, None)).await;
    assert_eq!(outcome, RegistrationOutcome::TooMany, "the site has as many as ten networks");
}

pub async fn a_token_counts_as_often_as_it_says_among_many(store: Tested) {
    assert!(store.add_registration_token(token(7, 3, 60)).await.unwrap());
    let admission = from("192.0.2.1", 100, Some(hash(7)));
    let outcomes = parallel(&store, 64, |store, number| {
        let admission = admission.clone();
        async move { add(&*store, number, &admission).await }
    });
    let outcomes = outcomes.await;
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!(count(RegistrationOutcome::Added), 3, "{outcomes:?}");
    assert_eq!(count(RegistrationOutcome::NoToken), 61, "{outcomes:?}");
    assert_eq!(store.registration_tokens_page(None, 9).await.unwrap()[0].uses_left, 0);
    assert!(!store.registration_token_counts(hash(7), NOW).await.unwrap(), "it is used up");
}

pub async fn a_token_is_not_used_in_vain_nor_after_its_end(store: Tested) {
    assert!(store.add_registration_token(token(7, 3, 60)).await.unwrap());
    assert!(!store.add_registration_token(token(7, 9, 90)).await.unwrap(), "the name is taken");
    assert_eq!(
        add(&*store, 1, &from("192.0.2.1", 0, Some(hash(7)))).await,
        RegistrationOutcome::TooMany
    );
    assert_eq!(store.registration_tokens_page(None, 9).await.unwrap(), [token(7, 3, 60)]);
    assert!(store.registration_token_counts(hash(7), at(59)).await.unwrap());
    assert!(!store.registration_token_counts(hash(7), at(60)).await.unwrap());
    assert!(!store.registration_token_counts(hash(8), NOW).await.unwrap());
    let admission = from("192.0.2.1", 9, Some(hash(7)));
    let late = RegisteredClient { expires_at: at(120), ..client(1, 60) };
    let outcome = store.add_registered_client(late, &admission, at(60)).await.unwrap();
    assert_eq!(outcome, RegistrationOutcome::NoToken);
    let unknown = from("192.0.2.1", 9, Some(hash(8)));
    assert_eq!(add(&*store, 1, &unknown).await, RegistrationOutcome::NoToken);
    assert!(store.remove_registration_token("token-7").await.unwrap());
    assert!(!store.remove_registration_token("token-7").await.unwrap());
    assert_eq!(add(&*store, 1, &admission).await, RegistrationOutcome::NoToken);
    assert!(store.add_registration_token(token(9, 1, 60)).await.unwrap());
    assert_eq!(store.remove_expired(at(60), 100).await.unwrap(), 1);
}

pub async fn listed_in_pages(store: Tested) {
    for number in [3, 1, 2] {
        add(&*store, number, &anyone()).await;
        store.add_registration_token(token(number, 1, 60)).await.unwrap();
    }
    let page = store.registered_clients_page("", None, 2).await.unwrap();
    assert_eq!(page, [client(1, 60), client(2, 60)]);
    let second = page[1].client_id.clone();
    let page = store.registered_clients_page("", Some(&second), 2).await.unwrap();
    assert_eq!(page, [client(3, 60)]);
    add(&*store, 12, &anyone()).await;
    let found = store.registered_clients_page("registered-000", Some(&second), 5).await.unwrap();
    assert_eq!(found, [client(3, 60)]);
    let found = store.registered_clients_page("registered-001", None, 5).await.unwrap();
    assert_eq!(found, [client(12, 60)]);
    let page = store.registration_tokens_page(Some("token-1"), 2).await.unwrap();
    assert_eq!(page, [token(2, 1, 60), token(3, 1, 60)]);
}

pub async fn removed_with_everything(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    add(&*store, 1, &anyone()).await;
    let id = client(1, 60).client_id;
    add_grant(&*store, grant_for(&id, "g", "alice", "openid"), at(60), None, NOW).await;
    assert!(store.remove_client(&id, None).await.unwrap());
    assert_eq!(found(&*store, 1, NOW).await, None);
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_none());
    assert!(!store.remove_client(&id, None).await.unwrap());
}

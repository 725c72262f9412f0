//! `/.well-known/openid-configuration/jwks` and the rotation of keys (RFC 7517).

use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::{
    keys::{KeyRing, MasterKey, RotationPolicy},
    model::time::{Clock, SystemEntropy, Timestamp},
    store::SigningKeys as _,
};
use doorward_provider_store::SqliteStore;
use serde_json::Value;

use crate::support::{Browser, World, jose_header};

const DAY: i64 = 86_400;

async fn published(world: &World) -> Vec<Value> {
    world.get("/.well-known/openid-configuration/jwks").await.json()["keys"]
        .as_array()
        .unwrap()
        .clone()
}

async fn is_published(world: &World, kid: &str) -> bool {
    published(world).await.iter().any(|key| key["kid"] == kid)
}

/// The key that signs now.
async fn signing_kid(world: &World) -> String {
    let tokens = Browser::signed_in(world, "alice").await.tokens(&[]).await;
    jose_header(&tokens["id_token"])["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_public_parts_are_published() {
    let world = World::new().await;
    let keys = published(&world).await;
    let mut algorithms = Vec::new();
    for key in &keys {
        let members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let (kty, expected) = match key["alg"].as_str().unwrap() {
            "RS256" => ("RSA", ["alg", "e", "kid", "kty", "n", "use"].as_slice()),
            "ES256" => ("EC", ["alg", "crv", "kid", "kty", "use", "x", "y"].as_slice()),
            other => panic!("{other}"),
        };
        assert_eq!(
            (key["kty"].as_str(), key["use"].as_str(), members.as_slice()),
            (Some(kty), Some("sig"), expected)
        );
        algorithms.push(key["alg"].as_str().unwrap());
    }
    algorithms.sort_unstable();
    assert_eq!(algorithms, ["ES256", "RS256"]);
    assert_ne!(keys[0]["kid"], keys[1]["kid"]);
}

#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_the_old_one_stays_for_a_while() {
    let world = World::new().await;
    let (old, tag) = (signing_kid(&world).await, etag(&world).await);

    world.clock.advance(76 * DAY);
    world.provider.upkeep().maintain().await.unwrap();
    assert_eq!(published(&world).await.len(), 4);
    assert_ne!(etag(&world).await, tag);
    assert_eq!(signing_kid(&world).await, old);

    world.clock.advance(14 * DAY);
    let new = signing_kid(&world).await;
    assert_ne!(new, old);
    assert!(is_published(&world, &new).await && is_published(&world, &old).await);

    world.clock.advance(14 * DAY);
    world.provider.upkeep().maintain().await.unwrap();
    assert!(is_published(&world, &new).await && !is_published(&world, &old).await);
    assert_eq!(signing_kid(&world).await, new);
}

async fn etag(world: &World) -> String {
    world.get("/.well-known/openid-configuration/jwks").await.header("etag").to_owned()
}

#[derive(Debug)]
struct AtDay(i64);

impl Clock for AtDay {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0 * DAY)
    }
}

/// A ring that opens with this clock.
async fn open_at(store: &SqliteStore, algorithms: &[SigningAlgorithm], day: i64) -> KeyRing {
    let master = MasterKey::from_bytes(&[7; 32]).unwrap();
    let (policy, algorithms, clock) = (RotationPolicy::default(), algorithms.to_vec(), AtDay(day));
    KeyRing::open(store, master, policy, algorithms, &clock, &SystemEntropy).await.unwrap()
}

/// A process that starts with a clock far ahead takes the key from nobody: its keys are maintained
/// after its clock was checked.
#[tokio::test]
async fn a_start_makes_only_keys_that_are_missing_and_removes_none() {
    let store = SqliteStore::in_memory().unwrap();
    let algorithms = [SigningAlgorithm::Es256];
    let kids = async || -> Vec<String> {
        store.signing_keys().await.unwrap().into_iter().map(|key| key.kid).collect()
    };
    let ring = open_at(&store, &algorithms, 0).await;
    ring.maintain(&store, AtDay(76).now(), &SystemEntropy).await.unwrap();
    let keys = kids().await;
    assert_eq!(keys.len(), 2, "the successor is announced");
    let ahead = open_at(&store, &algorithms, 104).await;
    assert_eq!(kids().await, keys, "the first one is kept");
    assert_eq!(ahead.jwks(), ring.jwks());
    open_at(&store, &algorithms, 400).await;
    assert_eq!(kids().await, keys, "none is announced");
    ahead.maintain(&store, AtDay(104).now(), &SystemEntropy).await.unwrap();
    assert_eq!(kids().await, keys[1..]);
}

/// The algorithms of the keys that are left.
async fn algorithms_of(store: &SqliteStore) -> Vec<SigningAlgorithm> {
    store.signing_keys().await.unwrap().into_iter().map(|key| key.algorithm).collect()
}

/// Maintains the keys on this day. Returns how many of ES256 are left.
async fn es256_after(ring: &KeyRing, store: &SqliteStore, day: i64) -> usize {
    ring.maintain(store, AtDay(day).now(), &SystemEntropy).await.unwrap();
    let left = algorithms_of(store).await;
    left.iter().filter(|own| **own == SigningAlgorithm::Es256).count()
}

/// An algorithm that was taken out of the configuration signs no more, and its key is retired when
/// its last tokens have ended for certain: 14 days, and one for processes that start later.
#[tokio::test]
async fn a_key_whose_algorithm_was_taken_out_is_retired() {
    let store = SqliteStore::in_memory().unwrap();
    open_at(&store, &[SigningAlgorithm::Rs256, SigningAlgorithm::Es256], 0).await;
    assert_eq!(algorithms_of(&store).await.len(), 2);
    let ring = open_at(&store, &[SigningAlgorithm::Rs256], 1).await;
    for (day, keys_of_es256) in [(2, 1), (15, 1), (16, 0)] {
        assert_eq!(es256_after(&ring, &store, day).await, keys_of_es256, "day {day}");
    }
}

/// The other algorithm's key has signed for long when this one stops: that says nothing.
#[tokio::test]
async fn a_younger_key_of_another_algorithm_retires_none() {
    let store = SqliteStore::in_memory().unwrap();
    open_at(&store, &[SigningAlgorithm::Es256], 0).await;
    open_at(&store, &[SigningAlgorithm::Es256, SigningAlgorithm::Rs256], 20).await;
    let ring = open_at(&store, &[SigningAlgorithm::Rs256], 60).await;
    for (day, keys_of_es256) in [(61, 1), (74, 1), (75, 0)] {
        assert_eq!(es256_after(&ring, &store, day).await, keys_of_es256, "day {day}");
    }
}

/// No process runs for long enough to know that it is unused.
#[tokio::test]
async fn a_key_whose_algorithm_was_taken_out_is_retired_in_spite_of_restarts() {
    let store = SqliteStore::in_memory().unwrap();
    open_at(&store, &[SigningAlgorithm::Rs256, SigningAlgorithm::Es256], 0).await;
    for started in (1..=103).step_by(3) {
        let ring = open_at(&store, &[SigningAlgorithm::Rs256], started).await;
        let last = (started + 2).min(103);
        assert_eq!(es256_after(&ring, &store, last).await, 1, "day {last}");
    }
    let ring = open_at(&store, &[SigningAlgorithm::Rs256], 103).await;
    assert_eq!(es256_after(&ring, &store, 104).await, 0);
}

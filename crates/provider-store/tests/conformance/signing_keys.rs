//! Signing keys.

use doorward_protocol::jose::SigningAlgorithm::{Es256, Rs256};
use doorward_provider::model::signing_key::{SealedKey, StoredKey};

use super::fixtures::{NOW, Tested, at, key, parallel};

fn kids(keys: &[StoredKey]) -> Vec<&str> {
    keys.iter().map(|key| key.kid.as_str()).collect()
}

pub async fn added_and_removed(store: Tested) {
    assert!(store.signing_keys().await.unwrap().is_empty());
    store.add_signing_key(key("later", Rs256, 100), at(50)).await.unwrap();
    store.add_signing_key(key("latest", Rs256, 200), at(150)).await.unwrap();
    let keys = store.signing_keys().await.unwrap();
    assert_eq!(kids(&keys), ["later", "latest"]);
    assert_eq!((keys[0].algorithm, keys[0].activates_at), (Rs256, at(100)));
    assert_eq!(keys[0].sealed, key("later", Rs256, 100).sealed);
    store.remove_signing_keys(&["later".to_owned(), "unknown".to_owned()]).await.unwrap();
    assert_eq!(kids(&store.signing_keys().await.unwrap()), ["latest"]);
}

pub async fn resealed_all_or_none(store: Tested) {
    let resealed = |kid: &str| StoredKey {
        sealed: SealedKey::from_bytes(b"other".to_vec()),
        ..key(kid, Rs256, 0)
    };
    for kid in ["a", "b"] {
        store.add_signing_key(key(kid, Rs256, 0), at(1)).await.unwrap();
    }
    let other_set = vec![resealed("a"), resealed("c")];
    for keys in
        [vec![], vec![resealed("a")], vec![resealed("a"), resealed("b"), resealed("c")], other_set]
    {
        assert!(!store.reseal_signing_keys(keys).await.unwrap());
    }
    assert_eq!(
        store.signing_keys().await.unwrap()[0].sealed,
        key("a", Rs256, 0).sealed,
        "nothing changed"
    );
    assert!(store.reseal_signing_keys(vec![resealed("b"), resealed("a")]).await.unwrap());
    for stored in store.signing_keys().await.unwrap() {
        assert_eq!((stored.algorithm, stored.activates_at), (Rs256, NOW));
        assert_eq!(stored.sealed.as_bytes(), b"other");
    }
}

pub async fn added_once_among_many(store: Tested) {
    let outcomes = parallel(&store, 16, |store, index| async move {
        store.add_signing_key(key(&format!("key-{index}"), Rs256, 0), NOW).await.unwrap()
    })
    .await;
    let stored = store.signing_keys().await.unwrap();
    assert_eq!(stored.len(), 1);
    assert!(outcomes.iter().all(|seen| kids(seen) == kids(&stored)), "all see the one key");
}

pub async fn added_once_an_algorithm(store: Tested) {
    store.add_signing_key(key("rsa", Rs256, 100), NOW).await.unwrap();
    let with_ec = store.add_signing_key(key("ec", Es256, 100), NOW).await.unwrap();
    assert_eq!(kids(&with_ec), ["ec", "rsa"]);
    let unchanged = store.add_signing_key(key("second", Rs256, 300), at(100)).await.unwrap();
    assert_eq!(kids(&unchanged), ["ec", "rsa"], "a key that becomes active exactly then is enough");
    let rotated = store.add_signing_key(key("second", Rs256, 300), at(101)).await.unwrap();
    assert_eq!(kids(&rotated), ["ec", "rsa", "second"]);
}

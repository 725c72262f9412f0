//! Other providers by which users sign in.

use doorward_provider::model::{
    signing_key::SealedKey,
    stored_identity_provider::{CredentialKind, SealedCredential, StoredIdentityProvider},
};
use serde_json::{Map, json};

use super::fixtures::{Tested, parallel};

fn sealed(byte: u8) -> SealedCredential {
    SealedCredential { kind: CredentialKind::Secret, sealed: SealedKey::from_bytes(vec![byte; 40]) }
}

fn provider(name: &str, title: &str) -> StoredIdentityProvider {
    let settings = Map::from_iter([
        ("title".to_owned(), json!(title)),
        ("claims".to_owned(), json!([{"claim": "role", "value": "\u{fc}ber"}])),
    ]);
    StoredIdentityProvider { name: name.parse().unwrap(), settings, credential: sealed(1) }
}

pub async fn added_replaced_and_removed_at_the_known_version_only(store: Tested) {
    let empty = store.identity_providers().await.unwrap();
    assert!(empty.providers.is_empty());
    assert_eq!(store.identity_providers_version().await.unwrap(), empty.version);
    let (two, one) = (provider("two", "Two"), provider("one-1", "One"));
    assert!(store.add_identity_provider(two.clone(), empty.version).await.unwrap());
    assert!(!store.add_identity_provider(one.clone(), empty.version).await.unwrap(), "overtaken");
    let known = store.identity_providers().await.unwrap();
    assert_ne!(known.version, empty.version);
    assert_eq!(known.providers, std::slice::from_ref(&two));
    let taken = store.add_identity_provider(provider("two", "Other"), known.version).await;
    assert!(!taken.unwrap(), "the name is taken");
    assert_eq!(store.identity_providers().await.unwrap(), known, "nothing has changed");
    assert!(store.add_identity_provider(one.clone(), known.version).await.unwrap());

    let key = SealedCredential { kind: CredentialKind::Key, ..sealed(2) };
    let other = StoredIdentityProvider { credential: key, ..provider("two", "Changed") };
    assert!(!store.replace_identity_provider(other.clone(), known.version).await.unwrap());
    let both = store.identity_providers().await.unwrap();
    assert_eq!(both.providers, [one.clone(), two.clone()], "by their names");
    assert!(store.replace_identity_provider(other.clone(), both.version).await.unwrap());
    let now = store.identity_providers().await.unwrap();
    assert_eq!(now.providers, [one.clone(), other]);
    let gone = store.replace_identity_provider(provider("gone", "x"), now.version).await;
    assert!(!gone.unwrap(), "there is none of this name");

    assert!(!store.remove_identity_provider(&two.name, both.version).await.unwrap());
    assert!(store.remove_identity_provider(&two.name, now.version).await.unwrap());
    let left = store.identity_providers().await.unwrap();
    assert_eq!(left.providers, [one]);
    assert_ne!(left.version, now.version);
    assert!(!store.remove_identity_provider(&two.name, left.version).await.unwrap(), "it is gone");
}

pub async fn of_many_changes_of_one_version_one_is_made(store: Tested) {
    let version = store.identity_providers_version().await.unwrap();
    let outcomes = parallel(&store, 16, move |store, index| async move {
        let new = provider(&format!("p-{index}"), "New");
        store.add_identity_provider(new, version).await.unwrap()
    })
    .await;
    assert_eq!(outcomes.iter().filter(|added| **added).count(), 1);
    assert_eq!(store.identity_providers().await.unwrap().providers.len(), 1);
}

pub async fn credentials_are_encrypted_again_at_the_known_version_only(store: Tested) {
    let (one, two) = (provider("one", "One"), provider("two", "Two"));
    for new in [&one, &two] {
        let version = store.identity_providers_version().await.unwrap();
        assert!(store.add_identity_provider(new.clone(), version).await.unwrap());
    }
    let before = store.identity_providers().await.unwrap();
    let reseal = async |byte: u8, version: i64| {
        let credentials = vec![(one.name.clone(), sealed(byte))];
        store.reseal_identity_providers(credentials, version).await.unwrap()
    };
    assert!(!reseal(2, before.version - 1).await, "overtaken");
    assert_eq!(store.identity_providers().await.unwrap(), before);
    assert!(reseal(2, before.version).await);
    let after = store.identity_providers().await.unwrap();
    let resealed = StoredIdentityProvider { credential: sealed(2), ..one.clone() };
    assert_eq!(after.providers, [resealed, two]);
    // A change that began before would bring the old encryption back.
    assert!(!store.replace_identity_provider(one, before.version).await.unwrap());
    assert!(store.reseal_identity_providers(Vec::new(), after.version).await.unwrap());
    assert_ne!(store.identity_providers_version().await.unwrap(), after.version);
}

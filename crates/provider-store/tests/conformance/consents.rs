//! Remembered consents.

use doorward_provider::model::consent::Consent;

use super::fixtures::{Tested, at};

pub async fn remembered_and_replaced(store: Tested) {
    let first = Consent { scope: "openid profile".parse().unwrap(), expires_at: Some(at(60)) };
    let second = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    assert_eq!(store.consent("alice", "PkceJS").await.unwrap(), None);
    store.remember_consent("alice", "PkceJS", first.clone()).await.unwrap();
    store.remember_consent("alice", "Other", second.clone()).await.unwrap();
    assert_eq!(store.consent("alice", "PkceJS").await.unwrap(), Some(first));
    store.remember_consent("alice", "PkceJS", second.clone()).await.unwrap();
    assert_eq!(store.consent("alice", "PkceJS").await.unwrap(), Some(second));
    assert_eq!(store.consent("bob", "PkceJS").await.unwrap(), None);
}

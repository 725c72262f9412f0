//! Remembered consents.

use doorward_provider::model::consent::Consent;

use super::fixtures::{NOW, Tested, at, signed_up, to_id};

pub async fn remembered_and_replaced(store: Tested) {
    let first = Consent { scope: "openid profile".parse().unwrap(), expires_at: Some(at(60)) };
    let second = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    signed_up(&store, "alice").await;
    assert_eq!(store.consent(&to_id("alice"), &to_id("PkceJS")).await.unwrap(), None);
    store.remember_consent(&to_id("alice"), &to_id("PkceJS"), first.clone()).await.unwrap();
    store.remember_consent(&to_id("alice"), &to_id("Other"), second.clone()).await.unwrap();
    assert_eq!(store.consent(&to_id("alice"), &to_id("PkceJS")).await.unwrap(), Some(first));
    store.remember_consent(&to_id("alice"), &to_id("PkceJS"), second.clone()).await.unwrap();
    assert_eq!(store.consent(&to_id("alice"), &to_id("PkceJS")).await.unwrap(), Some(second));
    assert_eq!(store.consent(&to_id("bob"), &to_id("PkceJS")).await.unwrap(), None);
}

pub async fn none_is_remembered_of_somebody_who_is_gone(store: Tested) {
    signed_up(&store, "alice").await;
    store.remove_user(&to_id("alice"), NOW).await.unwrap();
    let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    store.remember_consent(&to_id("alice"), &to_id("PkceJS"), consent).await.unwrap();
    assert_eq!(store.consent(&to_id("alice"), &to_id("PkceJS")).await.unwrap(), None);
}

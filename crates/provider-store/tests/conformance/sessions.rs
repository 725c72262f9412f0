//! Sessions.

use super::fixtures::{NOW, Tested, at, hash, session};

pub async fn found_until_expiry(store: Tested) {
    let alice = session(1, "alice", 60);
    store.start_session(alice.clone(), None).await.unwrap();
    assert_eq!(store.session(hash(1), at(59)).await.unwrap(), Some(alice));
    assert_eq!(store.session(hash(1), at(60)).await.unwrap(), None);
    assert_eq!(store.session(hash(2), NOW).await.unwrap(), None);
}

pub async fn replaced_and_ended(store: Tested) {
    store.start_session(session(1, "alice", 60), None).await.unwrap();
    store.start_session(session(2, "alice", 60), Some(hash(1))).await.unwrap();
    assert_eq!(store.session(hash(1), NOW).await.unwrap(), None);
    assert!(store.session(hash(2), NOW).await.unwrap().is_some());
    store.end_session(hash(2)).await.unwrap();
    assert_eq!(store.session(hash(2), NOW).await.unwrap(), None);
    store.end_session(hash(2)).await.unwrap();
}

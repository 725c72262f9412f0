//! Messages that count once.

use super::fixtures::{NOW, Tested, at, message, parallel};

pub async fn noted_once(store: Tested) {
    assert!(store.first_use(message(1), at(60)).await.unwrap());
    assert!(!store.first_use(message(1), at(60)).await.unwrap());
    assert!(
        !store.first_use(message(1), at(600)).await.unwrap(),
        "whatever timestamp comes with it"
    );
    assert!(store.first_use(message(2), at(60)).await.unwrap());
}

pub async fn noted_once_among_many(store: Tested) {
    let outcomes = parallel(&store, 64, |store, _| async move {
        store.first_use(message(1), at(60)).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|first| *first).count(), 1);
}

pub async fn forgotten_not_before_the_moment(store: Tested) {
    store.first_use(message(1), at(60)).await.unwrap();
    store.remove_expired(NOW, 100).await.unwrap();
    store.remove_expired(at(59), 100).await.unwrap();
    assert!(!store.first_use(message(1), at(60)).await.unwrap());
    assert_eq!(store.remove_expired(at(60), 100).await.unwrap(), 1);
    assert!(store.first_use(message(1), at(120)).await.unwrap());
}

//! Pushed authorization requests (RFC 9126 section 7.3).

use doorward_provider::model::{
    pushed_request::{FirstVisit, PushedRequest},
    throttle::OriginBound,
};

use super::fixtures::{NOW, Tested, at, hash, parallel, pushed_request, to_id};

pub async fn found_until_expiry(store: Tested) {
    store.add_pushed_request(pushed_request(1, 60), None, NOW).await.unwrap();
    assert_eq!(store.pushed_request(hash(1), at(59)).await.unwrap(), Some(pushed_request(1, 60)));
    assert_eq!(store.pushed_request(hash(1), at(60)).await.unwrap(), None);
    assert_eq!(store.pushed_request(hash(2), NOW).await.unwrap(), None);
}

pub async fn held_once_until_a_moment(store: Tested) {
    store.add_pushed_request(pushed_request(1, 60), None, NOW).await.unwrap();
    let held = FirstVisit { session: Some(hash(7)) };
    store.hold_pushed_request(hash(1), held, at(3600)).await.unwrap();
    let expected = PushedRequest { held: Some(held), ..pushed_request(1, 3600) };
    assert_eq!(store.pushed_request(hash(1), at(3599)).await.unwrap(), Some(expected.clone()));
    store.hold_pushed_request(hash(1), FirstVisit { session: None }, at(9000)).await.unwrap();
    assert_eq!(
        store.pushed_request(hash(1), NOW).await.unwrap(),
        Some(expected),
        "the first time counts"
    );

    store.add_pushed_request(pushed_request(2, 60), None, NOW).await.unwrap();
    store.hold_pushed_request(hash(2), FirstVisit { session: None }, at(30)).await.unwrap();
    let expected =
        PushedRequest { held: Some(FirstVisit { session: None }), ..pushed_request(2, 30) };
    assert_eq!(
        store.pushed_request(hash(2), NOW).await.unwrap(),
        Some(expected),
        "its expiry shows when it was held"
    );
    store.hold_pushed_request(hash(9), held, at(60)).await.unwrap();
}

pub async fn consumed_once_among_many(store: Tested) {
    store.add_pushed_request(pushed_request(1, 60), None, NOW).await.unwrap();
    store.add_pushed_request(pushed_request(2, 60), None, NOW).await.unwrap();
    let outcomes = parallel(&store, 32, |store, _| async move {
        store.consume_pushed_request(hash(1), NOW).await.unwrap()
    })
    .await;
    assert_eq!(outcomes.iter().filter(|first| **first).count(), 1);
    assert_eq!(store.pushed_request(hash(1), NOW).await.unwrap(), None);
    assert!(store.pushed_request(hash(2), NOW).await.unwrap().is_some());
}

pub async fn consumed_only_until_expiry(store: Tested) {
    store.add_pushed_request(pushed_request(1, 60), None, NOW).await.unwrap();
    assert!(!store.consume_pushed_request(hash(1), at(60)).await.unwrap());
    assert!(store.consume_pushed_request(hash(1), at(59)).await.unwrap());
    assert!(!store.consume_pushed_request(hash(9), NOW).await.unwrap());
}

pub async fn no_more_wait_for_one_origin_than_are_allowed(store: Tested) {
    let bound = |address| OriginBound::new(&to_id("app"), address, 2);
    let (here, there) = (bound("192.0.2.1"), bound("192.0.2.2"));
    for (number, bound, second, added) in [
        (1, Some(&here), 0, true),
        (2, Some(&here), 0, true),
        (3, Some(&here), 59, false),
        (4, Some(&there), 0, true),
        (5, None, 0, true),
        (6, Some(&here), 60, true),
    ] {
        let request = pushed_request(number, 60);
        let done = store.add_pushed_request(request, bound, at(second)).await.unwrap();
        assert_eq!(done, added, "number {number}");
    }
}

/// Twenty networks of 64 bits in one of 48, with a request each: ten times the bound of one.
pub async fn no_more_wait_for_one_site_than_are_allowed(store: Tested) {
    for number in 0..20 {
        let address = format!("2001:db8:1:{number}::1");
        let bound = OriginBound::new(&to_id("app"), &address, 1);
        let request = pushed_request(number, 60);
        let added = store.add_pushed_request(request, Some(&bound), NOW).await.unwrap();
        assert_eq!(added, number < 10, "number {number}");
    }
    let elsewhere = OriginBound::new(&to_id("app"), "2001:db8:2::1", 1);
    assert!(store.add_pushed_request(pushed_request(20, 60), Some(&elsewhere), NOW).await.unwrap());
}

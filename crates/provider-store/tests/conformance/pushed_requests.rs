//! Pushed authorization requests (RFC 9126 section 7.3).

use doorward_provider::model::{
    pushed_request::{FirstVisit, PushedRequest},
    throttle::WaitingBound,
};

use super::fixtures::{
    NOW, Tested, UNBOUNDED, at, bound_at, hash, parallel, pushed_request, to_id,
};

pub async fn found_until_expiry(store: Tested) {
    store.add_pushed_request(pushed_request(1, 60), &UNBOUNDED, NOW).await.unwrap();
    assert_eq!(store.pushed_request(hash(1), at(59)).await.unwrap(), Some(pushed_request(1, 60)));
    assert_eq!(store.pushed_request(hash(1), at(60)).await.unwrap(), None);
    assert_eq!(store.pushed_request(hash(2), NOW).await.unwrap(), None);
}

pub async fn held_once_until_a_moment(store: Tested) {
    store.add_pushed_request(pushed_request(1, 60), &UNBOUNDED, NOW).await.unwrap();
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

    store.add_pushed_request(pushed_request(2, 60), &UNBOUNDED, NOW).await.unwrap();
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
    store.add_pushed_request(pushed_request(1, 60), &UNBOUNDED, NOW).await.unwrap();
    store.add_pushed_request(pushed_request(2, 60), &UNBOUNDED, NOW).await.unwrap();
    let outcomes = parallel(&store, 32, |store, _| async move {
        store.consume_pushed_request(hash(1), NOW).await.unwrap()
    })
    .await;
    assert_eq!(outcomes.iter().filter(|first| **first).count(), 1);
    assert_eq!(store.pushed_request(hash(1), NOW).await.unwrap(), None);
    assert!(store.pushed_request(hash(2), NOW).await.unwrap().is_some());
}

pub async fn consumed_only_until_expiry(store: Tested) {
    store.add_pushed_request(pushed_request(1, 60), &UNBOUNDED, NOW).await.unwrap();
    assert!(!store.consume_pushed_request(hash(1), at(60)).await.unwrap());
    assert!(store.consume_pushed_request(hash(1), at(59)).await.unwrap());
    assert!(!store.consume_pushed_request(hash(9), NOW).await.unwrap());
}

pub async fn no_more_wait_for_one_origin_than_are_allowed(store: Tested) {
    let bound = |address| bound_at("PkceJS", address, 2, 100);
    let (here, there) = (bound("192.0.2.1"), bound("192.0.2.2"));
    for (number, bound, second, added) in [
        (1, &here, 0, true),
        (2, &here, 0, true),
        (3, &here, 59, false),
        (4, &there, 0, true),
        (5, &UNBOUNDED, 0, true),
        (6, &here, 60, true),
    ] {
        let client_id = to_id("PkceJS");
        let place = store.has_place_for_pushed_request(&client_id, bound, at(second)).await;
        assert_eq!(place.unwrap(), added, "number {number}");
        let request = pushed_request(number, 60);
        let done = store.add_pushed_request(request, bound, at(second)).await.unwrap();
        assert_eq!(done, added, "number {number}");
    }
}

/// Twenty networks of 64 bits in one of 48, with a request each: ten times the bound of one.
pub async fn no_more_wait_for_one_site_than_are_allowed(store: Tested) {
    for number in 0..20 {
        let bound = bound_at("PkceJS", &format!("2001:db8:1:{number}::1"), 1, 100);
        let request = pushed_request(number, 60);
        let added = store.add_pushed_request(request, &bound, NOW).await.unwrap();
        assert_eq!(added, number < 10, "number {number}");
    }
    let elsewhere = bound_at("PkceJS", "2001:db8:2::1", 1, 100);
    assert!(store.add_pushed_request(pushed_request(20, 60), &elsewhere, NOW).await.unwrap());
}

/// Five places: who holds most makes room for who holds less, the next to end first.
pub async fn who_holds_most_makes_room(store: Tested) {
    let bound = |address| bound_at("PkceJS", address, 4, 5);
    let (one, other, third) = (bound("192.0.2.1"), bound("192.0.2.2"), bound("192.0.2.3"));
    let of_site = |network| bound_at("PkceJS", &format!("2001:db8:1:{network}::1"), 4, 5);
    let add = async |number: u64, bound: &WaitingBound| {
        let place = store.has_place_for_pushed_request(&to_id("PkceJS"), bound, NOW).await;
        let request = pushed_request(number, 100 - i64::try_from(number).unwrap());
        let added = store.add_pushed_request(request, bound, NOW).await.unwrap();
        assert_eq!(place.unwrap(), added, "number {number}");
        added
    };
    let is_there = async |number| store.pushed_request(hash(number), NOW).await.unwrap().is_some();
    for number in 1..=4 {
        assert!(add(number, &one).await);
    }
    assert!(add(5, &other).await);
    assert!(!add(6, &one).await, "as many as its address may have");
    assert!(add(7, &third).await);
    assert!(!is_there(4).await, "the next to end of the address with most");
    assert!(add(8, &other).await, "2 of 5 is more than 1");
    assert!(!is_there(3).await);
    assert!(!add(9, &one).await, "nobody holds more than its own two");
    // Networks of one site are one.
    assert!(add(10, &of_site(1)).await);
    assert!(add(11, &of_site(2)).await);
    assert!(!add(12, &of_site(3)).await, "its site holds as many as anybody");
    let client = WaitingBound { most: 5, origin: None };
    assert!(add(13, &client).await, "a client that has shown who it is holds none");
}

/// What a client asks for that has shown who it is makes room for nobody.
pub async fn a_known_client_keeps_its_own(store: Tested) {
    let client = WaitingBound { most: 2, origin: None };
    for (number, added) in [(1, true), (2, true), (3, false)] {
        let done = store.add_pushed_request(pushed_request(number, 60), &client, NOW).await;
        assert_eq!(done.unwrap(), added, "number {number}");
    }
    let stranger = bound_at("PkceJS", "192.0.2.1", 2, 2);
    assert!(!store.add_pushed_request(pushed_request(4, 60), &stranger, NOW).await.unwrap());
}

//! Device codes (RFC 8628).

use doorward_provider::{
    model::{
        device_code::{DeviceAnswer, DeviceCode, DevicePoll},
        throttle::WaitingBound,
        user_code::UserCodeHash,
    },
    store::AddedDeviceCode,
};

use super::fixtures::{
    NOW, Tested, UNBOUNDED, at, authentication, bound_at, device_code, grant, hash, parallel,
    signed_in, to_id, token, user, user_code,
};

const CLIENT: &str = "Television";

async fn poll(store: &Tested, second: i64) -> DevicePoll {
    store.poll_device_code(hash(1), &to_id(CLIENT), at(second)).await.unwrap()
}

fn allowed() -> DeviceAnswer {
    DeviceAnswer::Allowed(Box::new(grant("g", "alice")))
}

/// The request number 1, called up by alice.
async fn store_with_claimed(store: &Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    signed_in(&**store, "alice").await;
    assert_eq!(
        store.add_device_code(device_code(1, 300), &UNBOUNDED, NOW).await.unwrap(),
        AddedDeviceCode::Added
    );
    store.claim_device_code(user_code(1), &to_id("alice"), NOW).await.unwrap().unwrap();
}

/// Answers in alice's session.
async fn answer(store: &Tested, sub: &str, answer: DeviceAnswer, second: i64) -> bool {
    let sid = authentication("alice").sid;
    store.answer_device_code(user_code(1), &to_id(sub), &sid, answer, at(second)).await.unwrap()
}

pub async fn a_taken_user_code_is_refused(store: Tested) {
    assert_eq!(
        store.add_device_code(device_code(1, 300), &UNBOUNDED, NOW).await.unwrap(),
        AddedDeviceCode::Added
    );
    let same = DeviceCode { hash: hash(2), ..device_code(1, 300) };
    assert_eq!(
        store.add_device_code(same, &UNBOUNDED, NOW).await.unwrap(),
        AddedDeviceCode::UserCodeTaken
    );
    assert_eq!(
        store.poll_device_code(hash(2), &to_id(CLIENT), NOW).await.unwrap(),
        DevicePoll::Unknown
    );
}

/// Twenty networks of 64 bits in one of 48, with a code each: ten times the bound of one.
pub async fn no_more_wait_for_one_site_than_are_allowed(store: Tested) {
    for number in 0..20 {
        let bound = bound_at(CLIENT, &format!("2001:db8:1:{number}::1"), 1, 100);
        let added = store.add_device_code(device_code(number, 60), &bound, NOW).await;
        let is_within = number < 10;
        assert_eq!(added.unwrap() == AddedDeviceCode::Added, is_within, "number {number}");
    }
}

pub async fn no_more_wait_for_one_origin_than_are_allowed(store: Tested) {
    let bound = |address| bound_at(CLIENT, address, 2, 100);
    let (here, there) = (bound("192.0.2.1"), bound("192.0.2.2"));
    let add = async |number, bound: &WaitingBound, second| {
        store.add_device_code(device_code(number, 300), bound, at(second)).await.unwrap()
    };
    assert_eq!(add(1, &here, 0).await, AddedDeviceCode::Added);
    assert_eq!(add(2, &here, 0).await, AddedDeviceCode::Added);
    assert_eq!(add(3, &here, 299).await, AddedDeviceCode::TooMany);
    assert_eq!(add(4, &there, 0).await, AddedDeviceCode::Added, "another address");
    assert_eq!(add(5, &UNBOUNDED, 0).await, AddedDeviceCode::Added, "without a bound");
    assert_eq!(add(6, &here, 300).await, AddedDeviceCode::Added, "the first have expired");
}

/// Three places: who holds most makes room for who holds less.
pub async fn who_holds_most_makes_room(store: Tested) {
    let bound = |address| bound_at(CLIENT, address, 3, 3);
    let (one, other) = (bound("192.0.2.1"), bound("192.0.2.2"));
    let add = async |number, bound: &WaitingBound| {
        store.add_device_code(device_code(number, 300), bound, NOW).await.unwrap()
    };
    for number in 1..=3 {
        assert_eq!(add(number, &one).await, AddedDeviceCode::Added);
    }
    assert_eq!(add(4, &one).await, AddedDeviceCode::TooMany);
    assert_eq!(add(5, &other).await, AddedDeviceCode::Added);
    assert_eq!(add(6, &one).await, AddedDeviceCode::TooMany, "nobody holds more than its own two");
    let known = WaitingBound { most: 3, origin: None };
    assert_eq!(add(7, &known).await, AddedDeviceCode::Added);
    assert_eq!(add(8, &known).await, AddedDeviceCode::Added, "its own count for nobody");
}

pub async fn called_up_until_expiry(store: Tested) {
    store.add_device_code(device_code(1, 300), &UNBOUNDED, NOW).await.unwrap();
    let request = Some(device_code(1, 300).request);
    let call_up = async |code: UserCodeHash, sub: &str, second| {
        store.claim_device_code(code, &to_id(sub), at(second)).await
    };
    assert_eq!(call_up(user_code(1), "alice", 299).await.unwrap(), request);
    assert_eq!(call_up(user_code(1), "alice", 300).await.unwrap(), None);
    assert_eq!(call_up(user_code(2), "alice", 0).await.unwrap(), None);
    assert_eq!(
        store.claimed_device_code(user_code(1), &to_id("alice"), NOW).await.unwrap(),
        request
    );
    assert_eq!(store.claimed_device_code(user_code(1), &to_id("bob"), NOW).await.unwrap(), None);
    assert_eq!(call_up(user_code(1), "bob", 0).await.unwrap(), request);
    assert_eq!(
        store.claimed_device_code(user_code(1), &to_id("alice"), NOW).await.unwrap(),
        None,
        "now it is bob's"
    );
}

pub async fn answered_once_by_whom_it_is_claimed_by(store: Tested) {
    store_with_claimed(&store).await;
    assert!(!answer(&store, "bob", allowed(), 0).await);
    assert!(!answer(&store, "alice", allowed(), 300).await, "too late");
    assert!(answer(&store, "alice", DeviceAnswer::Denied, 0).await);
    assert!(!answer(&store, "alice", allowed(), 0).await);
    assert_eq!(poll(&store, 1).await, DevicePoll::Denied);
    assert_eq!(store.claim_device_code(user_code(1), &to_id("alice"), NOW).await.unwrap(), None);
    assert_eq!(store.claimed_device_code(user_code(1), &to_id("alice"), NOW).await.unwrap(), None);
}

pub async fn answered_in_a_live_session_only(store: Tested) {
    store_with_claimed(&store).await;
    store.end_sessions_of(&to_id("alice"), NOW).await.unwrap();
    assert!(!answer(&store, "alice", allowed(), 0).await);
    assert_eq!(poll(&store, 0).await, DevicePoll::Pending);
    signed_in(&*store, "alice").await;
    assert!(answer(&store, "alice", allowed(), 0).await);
}

pub async fn polled_too_often_is_slowed_down(store: Tested) {
    store_with_claimed(&store).await;
    assert_eq!(poll(&store, 0).await, DevicePoll::Pending);
    assert_eq!(
        poll(&store, 3).await,
        DevicePoll::SlowDown,
        "three of five seconds; from now on ten"
    );
    assert_eq!(poll(&store, 11).await, DevicePoll::SlowDown, "eight of ten; from now on fifteen");
    assert_eq!(poll(&store, 25).await, DevicePoll::Pending, "within the tolerance of a second");
    assert_eq!(poll(&store, 24).await, DevicePoll::Pending, "after the clock was set back");
    assert_eq!(poll(&store, 30).await, DevicePoll::SlowDown);
    answer(&store, "alice", allowed(), 30).await;
    assert_eq!(
        poll(&store, 30).await,
        DevicePoll::Allowed(Box::new(grant("g", "alice"))),
        "an answer never waits"
    );
    assert_eq!(poll(&store, 300).await, DevicePoll::Expired);
}

pub async fn polls_at_once_slow_down_each(store: Tested) {
    store_with_claimed(&store).await;
    let polls = parallel(&store, 16, |store, _| async move { poll(&store, 0).await }).await;
    assert_eq!(polls.iter().filter(|poll| **poll == DevicePoll::Pending).count(), 1);
    assert_eq!(polls.iter().filter(|poll| **poll == DevicePoll::SlowDown).count(), 15);
    assert_eq!(poll(&store, 5 + 15 * 5 - 2).await, DevicePoll::SlowDown, "none of them was lost");
}

pub async fn unknown_to_another_client(store: Tested) {
    store_with_claimed(&store).await;
    assert_eq!(
        store.poll_device_code(hash(1), &to_id("Other"), NOW).await.unwrap(),
        DevicePoll::Unknown
    );
    assert_eq!(
        store.poll_device_code(hash(9), &to_id(CLIENT), NOW).await.unwrap(),
        DevicePoll::Unknown
    );
}

pub async fn redeemed_once_among_many(store: Tested) {
    store_with_claimed(&store).await;
    let redeem = |store: Tested, index: u64| async move {
        let refresh_token = Some(token(100 + index, 900));
        store
            .redeem_device_code(hash(1), grant("g", "alice"), at(600), refresh_token, NOW)
            .await
            .unwrap()
    };
    assert!(!redeem(store.clone(), 0).await, "not before it is allowed");
    answer(&store, "alice", allowed(), 0).await;
    let outcomes = parallel(&store, 32, redeem).await;
    assert_eq!(outcomes.iter().filter(|redeemed| **redeemed).count(), 1);
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_some());
    let mut tokens = 0;
    for index in 0..32 {
        tokens += usize::from(store.refresh_token(hash(100 + index)).await.unwrap().is_some());
    }
    assert_eq!(tokens, 1);
    assert_eq!(poll(&store, 0).await, DevicePoll::Unknown);
}

pub async fn never_redeemed_when_denied_or_expired(store: Tested) {
    store_with_claimed(&store).await;
    let redeem =
        |second| store.redeem_device_code(hash(1), grant("g", "alice"), at(600), None, at(second));
    answer(&store, "alice", DeviceAnswer::Denied, 0).await;
    assert!(!redeem(0).await.unwrap());
    store.add_device_code(device_code(2, 300), &UNBOUNDED, NOW).await.unwrap();
    assert!(!redeem(300).await.unwrap());
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_none());
}

//! Counters of failed sign-ins.

use doorward_provider::model::{
    throttle::{Admission, KNOWN_FOR, ThrottleKey, ThrottlePolicy, WRONG_PASSWORDS},
    time::Seconds,
};

use super::fixtures::{NOW, Tested, at, parallel};

/// Three failures are free, then the waits are 1, 2, 4, 8 seconds.
const POLICY: ThrottlePolicy = ThrottlePolicy::doubling(3, Seconds::new(8));
/// One that never asks for a wait here.
const LENIENT: ThrottlePolicy = ThrottlePolicy::doubling(1000, Seconds::new(8));

fn limits(account: &str) -> [(ThrottleKey, ThrottlePolicy); 2] {
    [(ThrottleKey::account(account), POLICY), (ThrottleKey::address("192.0.2.1"), LENIENT)]
}

/// Only the address, under the strict policy: shows how many failures it has.
fn address_alone() -> [(ThrottleKey, ThrottlePolicy); 1] {
    [(ThrottleKey::address("192.0.2.1"), POLICY)]
}

pub async fn admitted_then_made_to_wait(store: Tested) {
    for _ in 0..3 {
        assert_eq!(store.admit_sign_in(&limits("alice"), NOW).await.unwrap(), 0);
    }
    assert_eq!(store.admit_sign_in(&limits("alice"), NOW).await.unwrap(), 1);
    assert_eq!(store.admit_sign_in(&limits("bob"), NOW).await.unwrap(), 0, "another account");
    assert_eq!(store.admit_sign_in(&limits("alice"), at(1)).await.unwrap(), 0);
    assert_eq!(store.admit_sign_in(&limits("alice"), at(1)).await.unwrap(), 2, "the waits double");
}

pub async fn a_wait_changes_nothing(store: Tested) {
    for _ in 0..3 {
        store.admit_sign_in(&address_alone(), NOW).await.unwrap();
    }
    let both = [(ThrottleKey::account("alice"), POLICY), address_alone()[0].clone()];
    for _ in 0..5 {
        assert_eq!(
            store.admit_sign_in(&both, NOW).await.unwrap(),
            1,
            "the longest wait of all keys"
        );
    }
    for _ in 0..3 {
        let alice = store.admit_sign_in(&limits("alice"), NOW).await.unwrap();
        assert_eq!(alice, 0, "attempts that had to wait count for no key");
    }
}

pub async fn counted_exactly_among_many(store: Tested) {
    let outcomes = parallel(&store, 64, |store, _| async move {
        store.admit_sign_in(&limits("alice"), NOW).await.unwrap()
    })
    .await;
    assert_eq!(
        outcomes.iter().filter(|wait| **wait == 0).count(),
        3,
        "no more guesses than are free"
    );
    assert!(outcomes.iter().all(|wait| *wait <= 1));
}

pub async fn each_of_many_sees_another_count(store: Tested) {
    let keys = [
        (ThrottleKey::account("alice"), LENIENT),
        (ThrottleKey::account("wrong"), WRONG_PASSWORDS),
    ];
    // One is ahead, so that the two keys have different counts.
    store.admit_sign_in(&keys[1..], NOW).await.unwrap();
    let seen = parallel(&store, 64, |store, _| {
        let keys = keys.clone();
        async move { store.count_attempt(&keys, NOW).await.unwrap() }
    });
    let mut seen: Vec<Vec<u32>> = seen
        .await
        .into_iter()
        .map(|admission| match admission {
            Admission::Counted(counts) => counts,
            Admission::Wait(seconds) => panic!("a wait of {seconds} seconds"),
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=64).map(|count| vec![count, count + 1]).collect::<Vec<_>>());
    let strict = [(ThrottleKey::account("alice"), POLICY), keys[1].clone()];
    let wait = store.count_attempt(&strict, NOW).await.unwrap();
    assert_eq!(wait, Admission::Wait(8), "nothing is counted");
    assert_eq!(store.failures(&keys[1].0, NOW).await.unwrap(), 65);
}

pub async fn a_success_takes_its_own_failures_back_and_nobody_elses(store: Tested) {
    let (account, address) = (ThrottleKey::account("alice"), ThrottleKey::address("192.0.2.1"));
    let own = ThrottleKey::account_at("alice", "192.0.2.1");
    let attempt = [(own.clone(), POLICY), (account.clone(), LENIENT), (address.clone(), LENIENT)];
    // Two of bob's and two of alice's, at one address.
    for _ in 0..2 {
        assert_eq!(store.admit_sign_in(&limits("bob"), NOW).await.unwrap(), 0);
        assert_eq!(store.admit_sign_in(&attempt, NOW).await.unwrap(), 0);
    }
    let wide = [account.clone(), address];
    store.sign_in_succeeded(std::slice::from_ref(&own), &wide, &[], NOW).await.unwrap();
    // Bob's two are left of the address, so that the third is the last free one.
    assert_eq!(store.admit_sign_in(&address_alone(), NOW).await.unwrap(), 0);
    assert_eq!(store.admit_sign_in(&address_alone(), NOW).await.unwrap(), 1);
    // Alice's own begin anew.
    for key in [own, account] {
        for wait in [0, 0, 0, 1] {
            assert_eq!(store.admit_sign_in(&[(key.clone(), POLICY)], NOW).await.unwrap(), wait);
        }
    }
}

pub async fn a_success_leaves_no_less_than_none(store: Tested) {
    let (own, address) =
        (ThrottleKey::account_at("alice", "192.0.2.1"), ThrottleKey::address("192.0.2.1"));
    let wide = std::slice::from_ref(&address);
    store.sign_in_succeeded(std::slice::from_ref(&own), wide, &[], NOW).await.unwrap();
    store.admit_sign_in(&[(own.clone(), POLICY)], NOW).await.unwrap();
    store.sign_in_succeeded(std::slice::from_ref(&own), wide, &[], NOW).await.unwrap();
    store.withdraw_attempt(wide).await.unwrap();
    for wait in [0, 0, 0, 1] {
        assert_eq!(store.admit_sign_in(&address_alone(), NOW).await.unwrap(), wait);
    }
}

pub async fn a_withdrawn_attempt_does_not_count(store: Tested) {
    let keys: Vec<_> = limits("alice").into_iter().map(|(key, _)| key).collect();
    for _ in 0..10 {
        assert_eq!(store.admit_sign_in(&limits("alice"), NOW).await.unwrap(), 0);
        store.withdraw_attempt(&keys).await.unwrap();
    }
    for wait in [0, 0, 0, 1] {
        assert_eq!(store.admit_sign_in(&limits("alice"), NOW).await.unwrap(), wait);
    }
}

pub async fn who_has_signed_in_is_known_for_a_month(store: Tested) {
    let here = ThrottleKey::account_at("alice", "192.0.2.1");
    let there = ThrottleKey::account_at("alice", "192.0.2.2");
    let both = [here.clone(), there.clone()];
    assert_eq!(store.has_signed_in(&both, NOW).await.unwrap(), []);
    let known = std::slice::from_ref(&here);
    store.sign_in_succeeded(std::slice::from_ref(&here), &[], known, NOW).await.unwrap();
    assert_eq!(store.has_signed_in(&both, NOW).await.unwrap(), known);
    let end = i64::from(KNOWN_FOR);
    assert_eq!(store.has_signed_in(&both, at(end)).await.unwrap(), known);
    assert_eq!(store.has_signed_in(&both, at(end + 1)).await.unwrap(), []);
    // Each success makes it longer, and the sweep takes what is of no more use.
    store.sign_in_succeeded(std::slice::from_ref(&here), &[], known, at(10)).await.unwrap();
    store.remove_expired(at(end + 1), 100).await.unwrap();
    assert_eq!(store.has_signed_in(&both, at(end + 10)).await.unwrap(), known);
    assert_eq!(store.remove_expired(at(end + 12), 100).await.unwrap(), 1);
}

pub async fn old_ones_count_no_more(store: Tested) {
    for _ in 0..3 {
        store.admit_sign_in(&limits("alice"), NOW).await.unwrap();
    }
    assert_eq!(store.admit_sign_in(&limits("alice"), at(3600)).await.unwrap(), 0);
    assert_eq!(
        store.admit_sign_in(&limits("alice"), at(3600)).await.unwrap(),
        2,
        "after an hour they still counted"
    );
    for _ in 0..3 {
        assert_eq!(
            store.admit_sign_in(&limits("alice"), at(7201)).await.unwrap(),
            0,
            "now no more"
        );
    }
    assert_eq!(store.admit_sign_in(&limits("alice"), at(7201)).await.unwrap(), 1);
}

pub async fn some_are_remembered_for_a_month(store: Tested) {
    let (short, lasting) = (ThrottleKey::account("alice"), ThrottleKey::account("bob"));
    let both = [(short.clone(), LENIENT), (lasting.clone(), WRONG_PASSWORDS)];
    for _ in 0..3 {
        assert_eq!(store.admit_sign_in(&both, NOW).await.unwrap(), 0);
    }
    let failures = async |key, now| store.failures(key, now).await.unwrap();
    assert_eq!((failures(&short, NOW).await, failures(&lasting, NOW).await), (3, 3));
    // The sweep takes what the hour has ended, and nothing else.
    assert_eq!(store.remove_expired(at(3602), 100).await.unwrap(), 1);
    assert_eq!((failures(&short, at(3602)).await, failures(&lasting, at(3602)).await), (0, 3));
    assert_eq!(store.admit_sign_in(&both, at(3602)).await.unwrap(), 0);
    assert_eq!((failures(&short, at(3602)).await, failures(&lasting, at(3602)).await), (1, 4));
    let end = 3602 + i64::from(KNOWN_FOR);
    assert_eq!(failures(&lasting, at(end)).await, 4);
    assert_eq!(failures(&lasting, at(end + 1)).await, 0);
    assert_eq!(store.admit_sign_in(&both, at(end + 1)).await.unwrap(), 0);
    assert_eq!(failures(&lasting, at(end + 1)).await, 1, "they begin anew");
    assert_eq!(store.remove_expired(at(2 * end + 5), 100).await.unwrap(), 2);
}

pub async fn all_of_a_success_own_are_forgotten(store: Tested) {
    let keys = ["here", "place", "wide"].map(ThrottleKey::account);
    let [here, place, wide] = &keys;
    let attempt = [
        (here.clone(), LENIENT),
        (place.clone(), WRONG_PASSWORDS),
        (wide.clone(), WRONG_PASSWORDS),
    ];
    for _ in 0..4 {
        store.admit_sign_in(&attempt[1..], NOW).await.unwrap();
    }
    for _ in 0..2 {
        store.admit_sign_in(&attempt, NOW).await.unwrap();
    }
    let own = [here.clone(), place.clone()];
    store.sign_in_succeeded(&own, std::slice::from_ref(wide), &[], NOW).await.unwrap();
    for (key, left) in [(here, 0), (place, 0), (wide, 4)] {
        assert_eq!(store.failures(key, NOW).await.unwrap(), left);
    }
}

//! Counters of failed sign-ins.

use doorward_provider::model::throttle::{TAKEN_BACK_BY_SUCCESS, ThrottleKey, ThrottlePolicy};

use super::fixtures::{NOW, Tested, at, parallel};

/// Three failures are free, then the waits are 1, 2, 4, 8 seconds.
const POLICY: ThrottlePolicy = ThrottlePolicy { free_failures: 3, longest_wait: 8 };
/// One that never asks for a wait here.
const LENIENT: ThrottlePolicy = ThrottlePolicy { free_failures: 1000, longest_wait: 8 };

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

pub async fn a_success_takes_failures_back(store: Tested) {
    let address = ThrottleKey::address("192.0.2.1");
    for index in 0..TAKEN_BACK_BY_SUCCESS + 2 {
        assert_eq!(store.admit_sign_in(&limits(&format!("user-{index}")), NOW).await.unwrap(), 0);
    }
    let accounts = [ThrottleKey::account("user-0"), ThrottleKey::account("user-1")];
    store.sign_in_succeeded(&accounts, &address).await.unwrap();
    // Two are left of the address, so that the third is the last free one.
    assert_eq!(store.admit_sign_in(&address_alone(), NOW).await.unwrap(), 0);
    assert_eq!(store.admit_sign_in(&address_alone(), NOW).await.unwrap(), 1);
    // The accounts begin anew: three are free, and none was for the accounts' one failure before.
    for account in accounts {
        for wait in [0, 0, 0, 1] {
            assert_eq!(store.admit_sign_in(&[(account.clone(), POLICY)], NOW).await.unwrap(), wait);
        }
    }
}

pub async fn a_success_leaves_no_less_than_none(store: Tested) {
    let (alice, address) = (ThrottleKey::account("alice"), ThrottleKey::address("192.0.2.1"));
    store.sign_in_succeeded(std::slice::from_ref(&alice), &address).await.unwrap();
    store.admit_sign_in(&limits("alice"), NOW).await.unwrap();
    store.sign_in_succeeded(&[alice], &address).await.unwrap();
    for wait in [0, 0, 0, 1] {
        assert_eq!(store.admit_sign_in(&address_alone(), NOW).await.unwrap(), wait);
    }
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

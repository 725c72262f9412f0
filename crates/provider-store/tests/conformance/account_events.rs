//! Account events: what users see of what happened to their accounts.

use doorward_provider::model::{
    account_event::{AccountEvent, AccountEventKind, KEPT_FOR, MOST_PER_USER},
    session::Device,
};

use super::fixtures::{NOW, Tested, at, parallel, signed_up, to_id};

pub fn event(sub: &str, second: i64) -> AccountEvent {
    AccountEvent {
        sub: to_id(sub),
        at: at(second),
        kind: AccountEventKind::PasswordChanged,
        device: Device {
            address: Some("192.0.2.1".to_owned()),
            browser: (second % 2 == 0).then(|| "Firefox, Linux".to_owned()),
        },
        detail: (second % 3 == 0).then(|| format!("the one at {second}")),
    }
}

async fn add(store: &Tested, sub: &str, seconds: std::ops::Range<i64>) {
    for second in seconds {
        store.add_account_event(event(sub, second)).await.unwrap();
    }
}

async fn seconds(store: &Tested, sub: &str, before: Option<i64>, limit: u32) -> Vec<i64> {
    let events = store.account_events(&to_id(sub), before, limit).await.unwrap();
    events.into_iter().map(|kept| kept.event.at.seconds() - NOW.seconds()).collect()
}

pub async fn listed_in_pages_the_latest_first(store: Tested) {
    signed_up(&store, "alice").await;
    signed_up(&store, "bob").await;
    for kind in AccountEventKind::ALL {
        store.add_account_event(AccountEvent { kind, ..event("bob", 7) }).await.unwrap();
    }
    add(&store, "alice", 0..5).await;
    let page = store.account_events(&to_id("alice"), None, 2).await.unwrap();
    assert_eq!(page[0].event, event("alice", 4));
    assert_eq!(page[1].event, event("alice", 3));
    assert!(page[0].number > page[1].number);
    assert_eq!(seconds(&store, "alice", Some(page[1].number), 10).await, [2, 1, 0]);
    let kinds = store.account_events(&to_id("bob"), None, 50).await.unwrap();
    let kinds: Vec<_> = kinds.into_iter().rev().map(|kept| kept.event.kind).collect();
    assert_eq!(kinds, AccountEventKind::ALL);
}

pub async fn the_oldest_goes_beyond_the_limit(store: Tested) {
    signed_up(&store, "alice").await;
    signed_up(&store, "bob").await;
    let most = i64::from(MOST_PER_USER);
    add(&store, "bob", 0..2).await;
    add(&store, "alice", 0..most + 3).await;
    let kept = seconds(&store, "alice", None, 2 * MOST_PER_USER).await;
    assert_eq!((kept.len(), kept.last()), (MOST_PER_USER as usize, Some(&3)));
    assert_eq!(seconds(&store, "bob", None, 9).await, [1, 0], "another user's stay");
}

pub async fn forgotten_by_age_and_with_the_user(store: Tested) {
    signed_up(&store, "alice").await;
    signed_up(&store, "bob").await;
    add(&store, "alice", 0..2).await;
    add(&store, "bob", 1..2).await;
    let end = i64::from(KEPT_FOR);
    store.remove_expired(at(end - 5), 100).await.unwrap();
    assert_eq!(seconds(&store, "alice", None, 9).await, [1, 0]);
    store.remove_expired(at(end), 100).await.unwrap();
    assert_eq!(seconds(&store, "alice", None, 9).await, [1]);
    assert!(store.remove_user(&to_id("alice"), NOW).await.unwrap());
    assert!(seconds(&store, "alice", None, 9).await.is_empty());
    assert_eq!(seconds(&store, "bob", None, 9).await, [1]);
}

pub async fn none_is_kept_of_somebody_who_is_gone(store: Tested) {
    signed_up(&store, "alice").await;
    store.remove_user(&to_id("alice"), NOW).await.unwrap();
    add(&store, "alice", 0..2).await;
    assert!(seconds(&store, "alice", None, 9).await.is_empty());
}

pub async fn all_are_kept_while_the_user_is_replaced(store: Tested) {
    signed_up(&store, "alice").await;
    parallel(&store, 32, |store, index| async move {
        if index % 4 == 0 {
            signed_up(&store, "alice").await;
        } else {
            store.add_account_event(event("alice", 1)).await.unwrap();
        }
    })
    .await;
    assert_eq!(seconds(&store, "alice", None, 99).await.len(), 24);
}

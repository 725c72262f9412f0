//! Passkeys, and the sessions that begin with them.

use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        factor::{RecoveryCode, StoredPasskey},
        session::SignInProof,
        time::SystemEntropy,
        user::User,
    },
    store::{AddedPasskey, PasskeyUse, RemovedPasskey, RemovedPassword},
};

use super::fixtures::{
    NOW, Tested, at, parallel, session, signed_up, start_session, to_id, unseen, user,
};

/// A passkey of this number.
pub fn passkey(number: u8, sub: &str) -> StoredPasskey {
    StoredPasskey {
        credential_id: vec![number; 20],
        sub: to_id(sub),
        user_handle: vec![9; 16],
        name: format!("Key {number}"),
        credential: format!("{{\"key\":{number}}}"),
        counter: 5,
        backup_eligible: true,
        backed_up: false,
        created_at: at(i64::from(number)),
        used_at: None,
    }
}

fn use_of(number: u8, counter_before: u32, counter: u32) -> PasskeyUse {
    PasskeyUse {
        credential_id: vec![number; 20],
        counter_before,
        counter,
        backup_eligible: true,
        backed_up: true,
        credential: "{}".to_owned(),
    }
}

async fn remove(store: &Tested, sub: &str, number: u8) -> RemovedPasskey {
    let notices = AccountNotices::default();
    store.remove_passkey(&to_id(sub), &[number; 20], &[], notices).await.unwrap()
}

pub async fn found_by_identifier_and_listed_for_their_user(store: Tested) {
    signed_up(&store, "alice").await;
    signed_up(&store, "bob").await;
    for (number, sub) in [(2, "alice"), (1, "alice"), (3, "bob")] {
        let added = store.add_passkey(passkey(number, sub), 5, unseen(NOW)).await.unwrap();
        assert_eq!(added, AddedPasskey::Added);
    }
    let listed = store.passkeys(&to_id("alice")).await.unwrap();
    assert_eq!(listed, [passkey(1, "alice"), passkey(2, "alice")]);
    assert_eq!(store.passkey(&[3; 20]).await.unwrap(), Some(passkey(3, "bob")));
    assert_eq!(store.passkey(&[4; 20]).await.unwrap(), None);
    assert_eq!(store.factors(&to_id("alice")).await.unwrap().passkeys, 2);
}

pub async fn an_identifier_belongs_to_one_user(store: Tested) {
    signed_up(&store, "alice").await;
    signed_up(&store, "bob").await;
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    let again = store.add_passkey(passkey(1, "bob"), 5, unseen(NOW)).await.unwrap();
    assert_eq!(again, AddedPasskey::Taken);
    assert_eq!(store.passkey(&[1; 20]).await.unwrap(), Some(passkey(1, "alice")));
}

pub async fn no_user_has_more_than_are_allowed(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    let outcomes = parallel(&store, 12, |store, index| async move {
        let number = u8::try_from(index).unwrap();
        store.add_passkey(passkey(number, "alice"), 5, unseen(NOW)).await.unwrap()
    })
    .await;
    let added = outcomes.iter().filter(|added| **added == AddedPasskey::Added).count();
    assert_eq!(added, 5);
    assert!(outcomes.iter().all(|added| *added != AddedPasskey::Taken));
}

pub async fn a_use_is_noted_if_the_counter_is_as_it_was_compared(store: Tested) {
    signed_up(&store, "alice").await;
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    assert!(!store.passkey_used(use_of(1, 4, 6), at(9)).await.unwrap());
    assert_eq!(store.passkey(&[1; 20]).await.unwrap(), Some(passkey(1, "alice")));
    assert!(store.passkey_used(use_of(1, 5, 6), at(9)).await.unwrap());
    let used = store.passkey(&[1; 20]).await.unwrap().unwrap();
    assert_eq!((used.counter, used.backed_up, used.used_at), (6, true, Some(at(9))));
    assert_eq!((used.credential.as_str(), used.name.as_str()), ("{}", "Key 1"));
    let outcomes = parallel(&store, 64, |store, _| async move {
        store.passkey_used(use_of(1, 6, 7), at(10)).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|noted| *noted).count(), 1);
    assert!(!store.passkey_used(use_of(2, 0, 0), at(9)).await.unwrap(), "unknown");
}

pub async fn removed_by_their_user_only(store: Tested) {
    signed_up(&store, "alice").await;
    signed_up(&store, "bob").await;
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    assert_eq!(remove(&store, "bob", 1).await, RemovedPasskey::Unknown);
    assert_eq!(remove(&store, "alice", 1).await, RemovedPasskey::Removed);
    assert_eq!(remove(&store, "alice", 1).await, RemovedPasskey::Unknown);
}

pub async fn a_session_begins_with_one_that_is_still_there(store: Tested) {
    let alice = user("alice", "alice");
    store.put_user(alice.clone(), NOW).await.unwrap();
    store.put_user(user("bob", "bob"), NOW).await.unwrap();
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    let start = async |cookie, sub: &str| {
        let proof = SignInProof::Passkey(vec![1; 20]);
        store
            .start_session(session(cookie, sub, 60), &proof, None, AccountNotices::default(), NOW)
            .await
            .unwrap()
    };
    assert!(start(1, "alice").await);
    assert!(!start(2, "bob").await, "another's");
    store.put_user(User { enabled: false, ..alice.clone() }, NOW).await.unwrap();
    assert!(!start(3, "alice").await, "disabled");
    store.put_user(alice, NOW).await.unwrap();
    assert!(start(4, "alice").await);
    remove(&store, "alice", 1).await;
    assert!(!start(5, "alice").await, "removed");
}

pub async fn no_session_begins_beside_a_removal(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    for number in 0..8_u8 {
        store.add_passkey(passkey(number, "alice"), 50, unseen(NOW)).await.unwrap();
        let outcomes = parallel(&store, 8, |store, index| async move {
            let id = vec![number; 20];
            if index == 3 {
                return remove(&store, "alice", number).await == RemovedPasskey::Removed;
            }
            let cookie = u64::from(number) * 100 + index;
            let mut session = session(cookie, "alice", 60);
            session.authentication.sid = to_id(&format!("{number}-{index}"));
            let proof = SignInProof::Passkey(id);
            store
                .start_session(session, &proof, None, AccountNotices::default(), NOW)
                .await
                .unwrap();
            true
        });
        assert!(outcomes.await.into_iter().all(|done| done));
        let late = session(9_000 + u64::from(number), "alice", 60);
        let proof = SignInProof::Passkey(vec![number; 20]);
        assert!(
            !store.start_session(late, &proof, None, AccountNotices::default(), NOW).await.unwrap()
        );
    }
}

pub async fn renamed_by_their_user_only(store: Tested) {
    signed_up(&store, "alice").await;
    signed_up(&store, "bob").await;
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    assert!(!store.rename_passkey(&to_id("bob"), &[1; 20], "Mine").await.unwrap());
    assert!(!store.rename_passkey(&to_id("alice"), &[2; 20], "Mine").await.unwrap());
    assert_eq!(store.passkey(&[1; 20]).await.unwrap().unwrap().name, "Key 1");
    assert!(store.rename_passkey(&to_id("alice"), &[1; 20], "Laptop").await.unwrap());
    assert_eq!(store.passkey(&[1; 20]).await.unwrap().unwrap().name, "Laptop");
}

async fn remove_password(store: &Tested) -> RemovedPassword {
    store.remove_password(&to_id("alice"), &[], AccountNotices::default(), NOW).await.unwrap()
}

pub async fn a_password_goes_only_if_there_is_another_way_in(store: Tested) {
    assert_eq!(remove_password(&store).await, RemovedPassword::None, "no user");
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    assert_eq!(remove_password(&store).await, RemovedPassword::NoOtherWay);
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    assert_eq!(remove_password(&store).await, RemovedPassword::NoOtherWay);
    start_session(&*store, session(1, "alice", 3600), None).await;
    let code = RecoveryCode::generate(&SystemEntropy).hash(&to_id("alice"));
    let (own, notices) = (session(1, "alice", 3600).authentication, AccountNotices::default());
    assert!(store.put_recovery_codes(&own.sub, &own.sid, &[code], notices).await.unwrap());
    assert_eq!(remove_password(&store).await, RemovedPassword::Removed);
    assert_eq!(store.user(&to_id("alice")).await.unwrap().unwrap().password_hash, None);
    let sessions = store.sessions_of(&to_id("alice"), None, 10, NOW).await.unwrap();
    assert!(sessions.is_empty(), "they began with a password");
    assert_eq!(remove_password(&store).await, RemovedPassword::None);
}

pub async fn the_last_way_in_stays(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    for number in 1..=2 {
        store.add_passkey(passkey(number, "alice"), 5, unseen(NOW)).await.unwrap();
    }
    assert_eq!(remove_password(&store).await, RemovedPassword::Removed);
    let outcomes = parallel(&store, 8, |store, index| async move {
        let number = u8::try_from(index % 2 + 1).unwrap();
        remove(&store, "alice", number).await
    });
    let outcomes = outcomes.await;
    let removed = outcomes.iter().filter(|outcome| **outcome == RemovedPasskey::Removed).count();
    assert_eq!(removed, 1, "{outcomes:?}");
    assert_eq!(store.passkeys(&to_id("alice")).await.unwrap().len(), 1);
}

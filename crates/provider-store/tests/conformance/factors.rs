//! Authenticator apps and recovery codes.

use doorward_protocol::ids::{SessionId, Sub};
use doorward_provider::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        factor::{FactorSummary, RecoveryCode, RecoveryCodeHash},
        session::SignInProof,
        signing_key::SealedKey,
        time::SystemEntropy,
        user::User,
    },
    store::{AddedPasskey, RemovedPasskey},
};

use super::{
    account_events::event,
    fixtures::{
        NOW, Tested, add_grant, at, grant, mail, parallel, password_of, session, signed_up,
        start_session, to_id, unseen, user,
    },
    passkeys::passkey,
};

/// Secrets as they come out of the encryption: another one for each number.
fn sealed(number: u8) -> SealedKey {
    SealedKey::from_bytes(vec![number; 48])
}

fn codes(count: usize, sub: &str) -> Vec<RecoveryCodeHash> {
    (0..count).map(|_| RecoveryCode::generate(&SystemEntropy).hash(&to_id(sub))).collect()
}

/// An app of this user in use, whose code of this step was entered.
async fn in_use(store: &Tested, sub: &str, step: i64) {
    store.set_up_totp(&to_id(sub), sealed(1), NOW).await.unwrap();
    assert!(store.confirm_totp(&to_id(sub), &sealed(1), step, &[], unseen(NOW)).await.unwrap());
}

/// A session of this user, begun if there is none.
async fn session_of(store: &Tested, sub: &str) -> SessionId {
    let sessions = async || store.sessions_of(&to_id(sub), None, 1, NOW).await.unwrap();
    if sessions().await.is_empty() {
        start_session(&**store, session(8_000 + sub.len() as u64, sub, 3600), None).await;
    }
    sessions().await[0].authentication.sid.clone()
}

async fn put_codes(store: &Tested, sub: &str, codes: &[RecoveryCodeHash]) -> bool {
    let sid = session_of(store, sub).await;
    store.put_recovery_codes(&to_id(sub), &sid, codes, AccountNotices::default()).await.unwrap()
}

/// Takes all factors away from the user `alice`.
async fn reset_alice(store: &Tested, found: Option<FactorSummary>) -> Option<FactorSummary> {
    let notices = AccountNotices::default();
    store.reset_factors(&to_id("alice"), found, notices, NOW).await.unwrap()
}

pub async fn an_app_is_used_when_it_is_confirmed(store: Tested) {
    signed_up(&store, "alice").await;
    assert_eq!(store.totp(&to_id("alice"), true).await.unwrap(), None);
    store.set_up_totp(&to_id("alice"), sealed(1), NOW).await.unwrap();
    store.set_up_totp(&to_id("alice"), sealed(2), at(1)).await.unwrap();
    assert_eq!(store.factors(&to_id("alice")).await.unwrap(), FactorSummary::default());
    let being_set_up = store.totp(&to_id("alice"), false).await.unwrap().unwrap();
    assert_eq!((being_set_up.secret, being_set_up.confirmed), (sealed(2), false));
    assert!(
        !store.confirm_totp(&to_id("alice"), &sealed(1), 7, &[], unseen(at(2))).await.unwrap(),
        "replaced"
    );
    assert!(!store.confirm_totp(&to_id("bob"), &sealed(2), 7, &[], unseen(at(2))).await.unwrap());

    let hashes = codes(2, "alice");
    assert!(
        store.confirm_totp(&to_id("alice"), &sealed(2), 7, &hashes, unseen(at(2))).await.unwrap()
    );
    assert!(
        !store.confirm_totp(&to_id("alice"), &sealed(2), 7, &[], unseen(at(2))).await.unwrap(),
        "once"
    );
    assert_eq!(store.totp(&to_id("alice"), false).await.unwrap(), None);
    let used = store.totp(&to_id("alice"), true).await.unwrap().unwrap();
    assert_eq!((used.secret, used.last_step, used.created_at), (sealed(2), 7, at(2)));
    let factors = store.factors(&to_id("alice")).await.unwrap();
    assert_eq!((factors.totp_since, factors.recovery_codes), (Some(at(2)), 2));
    assert_eq!(store.factors(&to_id("bob")).await.unwrap(), FactorSummary::default());
}

pub async fn another_app_takes_the_place_of_the_first(store: Tested) {
    signed_up(&store, "alice").await;
    in_use(&store, "alice", 7).await;
    store.set_up_totp(&to_id("alice"), sealed(2), at(60)).await.unwrap();
    assert_eq!(
        store.totp(&to_id("alice"), true).await.unwrap().unwrap().secret,
        sealed(1),
        "not yet"
    );
    assert!(store.confirm_totp(&to_id("alice"), &sealed(2), 3, &[], unseen(at(61))).await.unwrap());
    let used = store.totp(&to_id("alice"), true).await.unwrap().unwrap();
    assert_eq!((used.secret, used.last_step), (sealed(2), 3));
}

pub async fn a_step_is_accepted_once_and_never_an_earlier_one(store: Tested) {
    signed_up(&store, "alice").await;
    in_use(&store, "alice", 7).await;
    assert!(
        !store.accept_totp_step(&to_id("alice"), 7).await.unwrap(),
        "the code that confirmed it"
    );
    assert!(store.accept_totp_step(&to_id("alice"), 9).await.unwrap());
    assert!(!store.accept_totp_step(&to_id("alice"), 9).await.unwrap());
    assert!(!store.accept_totp_step(&to_id("alice"), 8).await.unwrap());
    assert!(store.accept_totp_step(&to_id("alice"), 10).await.unwrap());
    store.set_up_totp(&to_id("bob"), sealed(2), NOW).await.unwrap();
    assert!(!store.accept_totp_step(&to_id("bob"), 10).await.unwrap(), "not confirmed");
}

pub async fn a_step_is_accepted_once_among_many(store: Tested) {
    signed_up(&store, "alice").await;
    in_use(&store, "alice", 7).await;
    let outcomes = parallel(&store, 64, |store, _| async move {
        store.accept_totp_step(&to_id("alice"), 8).await.unwrap()
    });
    assert_eq!(outcomes.await.into_iter().filter(|accepted| *accepted).count(), 1);
}

pub async fn wrong_codes_are_counted_until_a_right_one(store: Tested) {
    signed_up(&store, "alice").await;
    in_use(&store, "alice", 7).await;
    parallel(
        &store,
        20,
        |store, _| async move { store.totp_failed(&to_id("alice")).await.unwrap() },
    )
    .await;
    let failures = async || store.totp(&to_id("alice"), true).await.unwrap().unwrap().failures;
    assert_eq!(failures().await, 20);
    assert!(!store.accept_totp_step(&to_id("alice"), 7).await.unwrap());
    assert_eq!(failures().await, 20);
    assert!(store.accept_totp_step(&to_id("alice"), 8).await.unwrap());
    assert_eq!(failures().await, 0);
    store.totp_failed(&to_id("alice")).await.unwrap();
    let hashes = codes(1, "alice");
    put_codes(&store, "alice", &hashes).await;
    store
        .use_recovery_code(&to_id("alice"), hashes[0], AccountNotices::default(), NOW)
        .await
        .unwrap();
    assert_eq!(failures().await, 0, "who has a recovery code does not guess");
}

pub async fn a_recovery_code_is_used_once(store: Tested) {
    signed_up(&store, "alice").await;
    let (hashes, foreign) = (codes(3, "alice"), codes(1, "alice")[0]);
    assert!(!put_codes(&store, "alice", &hashes).await, "they stand in for nothing");
    in_use(&store, "alice", 7).await;
    assert!(put_codes(&store, "alice", &hashes).await);
    let spend = async |sub: &str, hash| {
        store.use_recovery_code(&to_id(sub), hash, AccountNotices::default(), NOW).await.unwrap()
    };
    assert_eq!(spend("alice", foreign).await, None);
    assert_eq!(spend("bob", hashes[0]).await, None);
    assert_eq!(spend("alice", hashes[0]).await, Some(2));
    assert_eq!(spend("alice", hashes[0]).await, None);
    assert_eq!(store.factors(&to_id("alice")).await.unwrap().recovery_codes, 2);
    let new = codes(3, "alice");
    put_codes(&store, "alice", &new).await;
    assert_eq!(spend("alice", hashes[1]).await, None, "new ones take the place of all");
    assert_eq!(spend("alice", new[1]).await, Some(2));
}

pub async fn a_recovery_code_is_used_once_among_many(store: Tested) {
    signed_up(&store, "alice").await;
    let hashes = codes(10, "alice");
    in_use(&store, "alice", 7).await;
    put_codes(&store, "alice", &hashes).await;
    let hash = hashes[3];
    let outcomes = parallel(&store, 64, |store, _| async move {
        store
            .use_recovery_code(&to_id("alice"), hash, AccountNotices::default(), NOW)
            .await
            .unwrap()
    });
    let successes: Vec<u32> = outcomes.await.into_iter().flatten().collect();
    assert_eq!(successes, [9]);
}

pub async fn the_last_factor_takes_the_recovery_codes_with_it(store: Tested) {
    signed_up(&store, "alice").await;
    assert!(!store.remove_totp(&to_id("alice"), AccountNotices::default()).await.unwrap());
    for has_passkey in [false, true] {
        in_use(&store, "alice", 7).await;
        put_codes(&store, "alice", &codes(3, "alice")).await;
        if has_passkey {
            store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
        }
        assert!(store.remove_totp(&to_id("alice"), AccountNotices::default()).await.unwrap());
        let factors = store.factors(&to_id("alice")).await.unwrap();
        let left = if has_passkey { 3 } else { 0 };
        assert_eq!((factors.totp_since, factors.recovery_codes), (None, left));
    }
    // The passkey was the last of it.
    let sub = to_id("alice");
    let removed =
        store.remove_passkey(&sub, &[1; 20], &[], AccountNotices::default()).await.unwrap();
    assert_eq!(removed, RemovedPasskey::Removed);
    assert_eq!(store.factors(&to_id("alice")).await.unwrap().recovery_codes, 0);
}

pub async fn no_recovery_codes_are_made_beside_the_removal_of_the_last_factor(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    for round in 0..8 {
        in_use(&store, "alice", 7).await;
        session_of(&store, "alice").await;
        parallel(&store, 8, |store, index| async move {
            if index == round {
                let notices = AccountNotices::default();
                assert!(store.remove_totp(&to_id("alice"), notices).await.unwrap());
            } else {
                put_codes(&store, "alice", &codes(2, "alice")).await;
            }
        })
        .await;
        let factors = store.factors(&to_id("alice")).await.unwrap();
        assert_eq!((factors.totp_since, factors.recovery_codes), (None, 0));
    }
}

pub async fn all_are_reset_and_go_with_the_user(store: Tested) {
    for sub in ["alice", "bob"] {
        store.put_user(user(sub, sub), NOW).await.unwrap();
        in_use(&store, sub, 7).await;
        store.set_up_totp(&to_id(sub), sealed(2), NOW).await.unwrap();
        put_codes(&store, sub, &codes(3, sub)).await;
    }
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    store.add_passkey(passkey(2, "bob"), 5, unseen(NOW)).await.unwrap();
    let found = store.factors(&to_id("alice")).await.unwrap();
    let other = FactorSummary { passkeys: 2, ..found };
    let refused = reset_alice(&store, Some(other)).await;
    assert_eq!((refused, store.factors(&to_id("alice")).await.unwrap()), (None, found));
    let reset =
        parallel(&store, 8, |store, _| async move { reset_alice(&store, Some(found)).await });
    let reset: Vec<FactorSummary> = reset.await.into_iter().flatten().collect();
    let [before] = reset[..] else { panic!("once: {reset:?}") };
    let again = reset_alice(&store, None).await;
    assert_eq!(again, Some(FactorSummary::default()));
    assert_eq!((before.recovery_codes, before.passkeys, before.is_strong()), (3, 1, true));
    assert!(store.remove_user(&to_id("bob"), NOW).await.unwrap());
    for sub in ["alice", "bob"] {
        assert_eq!(store.factors(&to_id(sub)).await.unwrap(), FactorSummary::default(), "{sub}");
        assert_eq!(store.totp(&to_id(sub), false).await.unwrap(), None, "{sub}");
        assert!(store.passkeys(&to_id(sub)).await.unwrap().is_empty(), "{sub}");
    }
}

pub async fn secrets_are_encrypted_again_in_pages(store: Tested) {
    for number in 0..5 {
        let sub = format!("user-{number}");
        signed_up(&store, &sub).await;
        in_use(&store, &sub, 7).await;
    }
    store.set_up_totp(&to_id("user-2"), sealed(2), NOW).await.unwrap();
    let mut after: Option<(Sub, bool)> = None;
    let mut count = 0_u8;
    loop {
        let from = after.as_ref().map(|(sub, confirmed)| (sub, *confirmed));
        let page = store.totps(from, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some((last.sub.clone(), last.confirmed));
        for totp in page {
            count += 1;
            assert!(store.reseal_totp(&totp, sealed(100 + count)).await.unwrap());
            assert!(!store.reseal_totp(&totp, sealed(200)).await.unwrap(), "it is another by now");
        }
    }
    assert_eq!(count, 6);
    assert_eq!(store.totp(&to_id("user-0"), true).await.unwrap().unwrap().secret, sealed(101));
}

/// Two sessions of alice, and a grant that began in each. The first grants nothing to the second.
async fn two_sessions(store: &Tested) {
    for (number, sid) in [(1, "own"), (2, "foreign")] {
        let mut session = session(number, "alice", 3600);
        session.authentication.sid = to_id(sid);
        start_session(&**store, session, None).await;
        let mut grant = grant(&format!("grant-{sid}"), "alice");
        grant.authentication.sid = to_id(sid);
        add_grant(&**store, grant, at(3600), None, NOW).await;
    }
}

/// Which of the two sessions and grants are there.
async fn left(store: &Tested) -> Vec<String> {
    let sessions = store.sessions_of(&to_id("alice"), None, 10, NOW).await.unwrap();
    let mut left: Vec<String> =
        sessions.iter().map(|session| session.authentication.sid.to_string()).collect();
    for sid in ["own", "foreign"] {
        let id = format!("grant-{sid}");
        if store.live_grant(&to_id(&id), NOW).await.unwrap().is_some() {
            left.push(id);
        }
    }
    left.sort();
    left
}

fn in_own_session() -> FactorAddition {
    FactorAddition { session: Some(to_id("own")), ..unseen(at(1)) }
}

pub async fn the_first_one_ends_what_began_without_it(store: Tested) {
    two_sessions(&store).await;
    assert_eq!(left(&store).await, ["foreign", "grant-foreign", "grant-own", "own"]);
    store.set_up_totp(&to_id("alice"), sealed(1), NOW).await.unwrap();
    let wrong = sealed(2);
    let refused = store.confirm_totp(&to_id("alice"), &wrong, 7, &[], in_own_session()).await;
    assert!(!refused.unwrap());
    assert_eq!(left(&store).await.len(), 4, "nothing was added");
    let confirmed = store.confirm_totp(&to_id("alice"), &sealed(1), 7, &[], in_own_session()).await;
    assert!(confirmed.unwrap());
    assert_eq!(left(&store).await, ["grant-own", "own"]);
}

pub async fn a_first_passkey_ends_what_began_without_it(store: Tested) {
    two_sessions(&store).await;
    store.add_passkey(passkey(1, "alice"), 0, in_own_session()).await.unwrap();
    assert_eq!(left(&store).await.len(), 4, "too many: nothing was added");
    store.add_passkey(passkey(1, "alice"), 5, in_own_session()).await.unwrap();
    assert_eq!(left(&store).await, ["grant-own", "own"]);
}

pub async fn a_further_one_ends_nothing(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    two_sessions(&store).await;
    store.add_passkey(passkey(2, "alice"), 5, in_own_session()).await.unwrap();
    in_use(&store, "alice", 7).await;
    assert_eq!(left(&store).await.len(), 4);
}

pub async fn a_reset_ends_sessions_and_grants(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    in_use(&store, "alice", 7).await;
    two_sessions(&store).await;
    reset_alice(&store, None).await;
    assert_eq!(left(&store).await, [""; 0]);
}

pub async fn a_reset_of_known_factors_ends_all_or_nothing(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    in_use(&store, "alice", 7).await;
    two_sessions(&store).await;
    let before = left(&store).await;
    let found = store.factors(&to_id("alice")).await.unwrap();
    let other = FactorSummary { passkeys: found.passkeys + 1, ..found };
    assert_eq!(reset_alice(&store, Some(other)).await, None);
    assert_eq!(left(&store).await, before);
    assert!(reset_alice(&store, Some(found)).await.is_some());
    assert_eq!(left(&store).await, [""; 0]);
}

pub async fn what_tells_of_a_change_is_kept_with_it(store: Tested) {
    let sub = to_id("alice");
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    let notices =
        |id: u64| AccountNotices { mails: vec![mail(id, 600)], events: vec![event("alice", 0)] };
    let addition = |id: u64| FactorAddition { notices: notices(id), ..unseen(NOW) };
    let told = async || {
        let mails = store.outbox(None, 100, NOW).await.unwrap().len();
        (mails, store.account_events(&sub, None, 100).await.unwrap().len())
    };
    store.set_up_totp(&sub, sealed(1), NOW).await.unwrap();
    store.confirm_totp(&sub, &sealed(2), 7, &[], addition(0)).await.unwrap();
    assert_eq!(told().await, (0, 0), "nothing was changed");
    let hashes = codes(1, "alice");
    store.confirm_totp(&sub, &sealed(1), 7, &hashes, addition(1)).await.unwrap();
    assert_eq!(told().await, (1, 1));
    store.use_recovery_code(&sub, hashes[0], notices(2), NOW).await.unwrap();
    store.use_recovery_code(&sub, hashes[0], notices(3), NOW).await.unwrap();
    assert_eq!(told().await, (2, 2));
    store.add_passkey(passkey(1, "alice"), 5, addition(4)).await.unwrap();
    store.add_passkey(passkey(1, "alice"), 5, addition(5)).await.unwrap();
    assert_eq!(told().await, (3, 3));
    store.remove_passkey(&sub, &[1; 20], &[], notices(6)).await.unwrap();
    store.remove_passkey(&sub, &[1; 20], &[], notices(7)).await.unwrap();
    assert_eq!(told().await, (4, 4));
    store.remove_totp(&sub, notices(8)).await.unwrap();
    store.remove_totp(&sub, notices(9)).await.unwrap();
    assert_eq!(told().await, (5, 5));
    let before = store.user(&sub).await.unwrap().unwrap();
    let other = user("alice", "alicia");
    assert!(!store.change_user(other.clone(), other.clone(), notices(10), NOW).await.unwrap());
    assert!(store.change_user(other, before, notices(11), NOW).await.unwrap());
    assert_eq!(told().await, (6, 6));
    let put_codes = async || {
        let sid = session_of(&store, "alice").await;
        store.put_recovery_codes(&sub, &sid, &codes(1, "alice"), notices(12)).await.unwrap()
    };
    assert!(!put_codes().await);
    assert_eq!(told().await, (6, 6));
    in_use(&store, "alice", 9).await;
    assert!(put_codes().await);
    assert_eq!(told().await, (7, 7));
    let proof = SignInProof::Password(password_of(&*store, "alice").await);
    let (first, second) = (session(1, "alice", 60), session(2, "alice", 60));
    assert!(store.start_session(first, &proof, None, notices(13), NOW).await.unwrap());
    assert_eq!(told().await, (8, 8));
    let wrong = SignInProof::Passkey(vec![1]);
    assert!(!store.start_session(second, &wrong, None, notices(14), NOW).await.unwrap());
    assert_eq!(told().await, (8, 8), "nobody has signed in");
    let reset = async |id| store.reset_factors(&sub, None, notices(id), NOW).await.unwrap();
    assert!(reset(15).await.is_some_and(|before| before.has_any()));
    assert_eq!(told().await, (9, 9));
    assert_eq!(reset(16).await, Some(FactorSummary::default()));
    assert_eq!(told().await, (9, 9), "nothing was there");
}

/// What somebody sends while the owner takes the account back.
pub async fn none_is_added_in_a_session_that_has_ended(store: Tested) {
    two_sessions(&store).await;
    store.set_up_totp(&to_id("alice"), sealed(1), NOW).await.unwrap();
    store.end_sessions_of(&to_id("alice"), NOW).await.unwrap();
    let confirmed = store.confirm_totp(&to_id("alice"), &sealed(1), 7, &[], in_own_session()).await;
    assert!(!confirmed.unwrap());
    let added = store.add_passkey(passkey(1, "alice"), 5, in_own_session()).await;
    assert_eq!(added.unwrap(), AddedPasskey::Ended);
    assert_eq!(store.factors(&to_id("alice")).await.unwrap(), FactorSummary::default());
    in_use(&store, "alice", 7).await;
    let (sub, sid, codes) = (to_id("alice"), to_id("own"), codes(1, "alice"));
    let put = store.put_recovery_codes(&sub, &sid, &codes, AccountNotices::default());
    assert!(!put.await.unwrap());
}

pub async fn none_is_added_to_somebody_who_is_gone_or_disabled(store: Tested) {
    signed_up(&store, "alice").await;
    store.remove_user(&to_id("alice"), NOW).await.unwrap();
    store.put_user(User { enabled: false, ..user("bob", "bob") }, NOW).await.unwrap();
    for sub in ["alice", "bob"] {
        let added = store.add_passkey(passkey(1, sub), 5, unseen(NOW)).await;
        assert_eq!(added.unwrap(), AddedPasskey::Ended);
        store.set_up_totp(&to_id(sub), sealed(1), NOW).await.unwrap();
        assert!(!store.confirm_totp(&to_id(sub), &sealed(1), 7, &[], unseen(NOW)).await.unwrap());
        assert!(!store.factors(&to_id(sub)).await.unwrap().is_strong());
    }
}

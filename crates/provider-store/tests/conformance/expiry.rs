//! The removal of what is of no more use.

use doorward_provider::{
    model::{
        consent::Consent,
        throttle::{ThrottleKey, ThrottlePolicy},
        time::Seconds,
    },
    store::{Redemption, RotateRefreshToken, Rotation},
};

use super::fixtures::{
    NOW, Tested, UNBOUNDED, add_grant, at, code, device_code, grant, hash, pushed_request,
    reference_token, seed, session, signed_in, start_session, to_id, token, user,
};

pub async fn removes_what_is_of_no_more_use(store: Tested) {
    let consent = |expires_at| Consent { scope: "openid".parse().unwrap(), expires_at };
    let strict = ThrottlePolicy::doubling(1, Seconds::new(10_000));
    let alice = [(ThrottleKey::account("alice"), strict)];
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    signed_in(&*store, "alice").await;
    store.add_code(hash(1), code(grant("g", "alice"), 60), false).await.unwrap();
    add_grant(&*store, grant("h", "alice"), at(60), Some(token(2, 60)), NOW).await;
    start_session(&*store, session(3, "alice", 60), None).await;
    store.remember_consent(&to_id("alice"), &to_id("brief"), consent(Some(at(60)))).await.unwrap();
    store.remember_consent(&to_id("alice"), &to_id("lasting"), consent(None)).await.unwrap();
    store.admit_sign_in(&alice, at(59 - 3600)).await.unwrap();
    store.add_reference_token(reference_token(4, 60)).await.unwrap();
    store.add_pushed_request(pushed_request(5, 60), &UNBOUNDED, NOW).await.unwrap();
    store.add_device_code(device_code(6, 60 - 3600), &UNBOUNDED, NOW).await.unwrap();

    assert_eq!(store.remove_expired(at(59), 100).await.unwrap(), 0, "not before they expire");
    assert_eq!(store.remove_expired(at(60), 100).await.unwrap(), 8);
    assert!(store.code(hash(1)).await.unwrap().is_none());
    assert!(
        store.refresh_token(hash(2)).await.unwrap().is_some(),
        "used just before its end it may be used again"
    );
    assert!(store.session(hash(3), NOW).await.unwrap().is_none());
    assert!(store.live_grant(&to_id("h"), NOW).await.unwrap().is_none());
    assert!(store.pushed_request(hash(5), NOW).await.unwrap().is_none());
    assert!(store.reference_token(hash(4), NOW).await.unwrap().is_none());
    assert!(store.consent(&to_id("alice"), &to_id("brief")).await.unwrap().is_none());
    assert!(store.consent(&to_id("alice"), &to_id("lasting")).await.unwrap().is_some());
    assert_eq!(
        store.admit_sign_in(&alice, at(59 - 3600)).await.unwrap(),
        0,
        "the failure is forgotten"
    );
    assert!(store.user(&to_id("alice")).await.unwrap().is_some());
    assert_eq!(store.remove_expired(at(60), 100).await.unwrap(), 1, "the failure just counted");
    assert_eq!(store.remove_expired(at(60), 100).await.unwrap(), 0);
    assert_eq!(store.remove_expired(at(60 + 599), 100).await.unwrap(), 0);
    assert_eq!(store.remove_expired(at(60 + 600), 100).await.unwrap(), 1);
    assert!(store.refresh_token(hash(2)).await.unwrap().is_none());
}

pub async fn notices_replays_as_long_as_promised(store: Tested) {
    let rotation = |second| RotateRefreshToken {
        presented: hash(2),
        seed: seed(3),
        successor: token(3, 9000),
        grant_expires_at: at(9000),
        forgettable: false,
        now: at(second),
        grace: 10.into(),
    };
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    signed_in(&*store, "alice").await;
    store.add_code(hash(1), code(grant("g", "alice"), 60), false).await.unwrap();
    store
        .redeem_code(hash(1), grant("g", "alice"), at(60), Some(token(2, 600)), NOW)
        .await
        .unwrap();
    store.rotate_refresh_token(rotation(5)).await.unwrap();
    store.remove_expired(at(599), 100).await.unwrap();
    assert_eq!(store.rotate_refresh_token(rotation(599)).await.unwrap(), Rotation::Replayed);

    // The code's memory lasts an hour beyond its expiry, and the revoked grant stays for as long as
    // its tokens might.
    let replay = |second| store.redeem_code(hash(1), grant("g", "alice"), at(60), None, at(second));
    store.remove_expired(at(60 + 3599), 100).await.unwrap();
    assert_eq!(
        replay(60 + 3599).await.unwrap(),
        Redemption::Replayed { revoked: false },
        "it is revoked already"
    );
    assert!(store.refresh_token(hash(3)).await.unwrap().unwrap().grant.is_none());
    store.remove_expired(at(60 + 3600), 100).await.unwrap();
    assert_eq!(replay(60 + 3600).await.unwrap(), Redemption::Unknown);
    assert_eq!(
        store.remove_expired(at(9600), 100).await.unwrap(),
        2,
        "the last token and the grant"
    );
}

pub async fn removes_no_more_than_asked(store: Tested) {
    for number in 0..5 {
        start_session(&*store, session(number, &format!("user-{number}"), 60), None).await;
        store
            .add_code(hash(number), code(grant("g", &format!("user-{number}")), 60), false)
            .await
            .unwrap();
    }
    assert_eq!(store.remove_expired(at(60), 2).await.unwrap(), 4);
    assert_eq!(store.remove_expired(at(60), 2).await.unwrap(), 4);
    assert_eq!(store.remove_expired(at(60), 2).await.unwrap(), 2);
    assert_eq!(store.remove_expired(at(60), 2).await.unwrap(), 0);
}

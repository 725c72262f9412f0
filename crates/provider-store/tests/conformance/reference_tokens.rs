//! Reference access tokens.

use futures::future::join_all;

use super::fixtures::{NOW, Tested, at, hash, reference_token, to_id};

pub async fn found_until_expiry(store: Tested) {
    store.add_reference_token(reference_token(1, 60)).await.unwrap();
    let found = store.reference_token(hash(1), at(59)).await.unwrap().unwrap();
    assert_eq!(
        (found.jti.as_str(), found.exp, &found.extra["role"]),
        ("jti-1", at(60).seconds(), &"admin".into())
    );
    assert!(store.reference_token(hash(1), at(60)).await.unwrap().is_none());
    assert!(store.reference_token(hash(2), NOW).await.unwrap().is_none());
}

pub async fn revoked_for_good(store: Tested) {
    store.add_reference_token(reference_token(1, 60)).await.unwrap();
    store.add_reference_token(reference_token(2, 60)).await.unwrap();
    assert!(store.revoke_reference_token(hash(1)).await.unwrap());
    assert!(store.reference_token(hash(1), NOW).await.unwrap().is_none());
    assert!(store.reference_token(hash(2), NOW).await.unwrap().is_some(), "others stay");
    assert!(!store.revoke_reference_token(hash(1)).await.unwrap(), "it was revoked before");
}

pub async fn the_first_to_expire_goes_beyond_the_limit(store: Tested) {
    let add_at = |number: u64, second: i64| {
        let store = store.clone();
        async move {
            let mut token = reference_token(number, 9_000 + i64::try_from(number).unwrap());
            token.claims.grant_id = Some(to_id("grant"));
            token.claims.iat = at(second).seconds();
            store.add_reference_token(token).await.unwrap()
        }
    };
    let add = |number: u64| add_at(number, 0);
    for first in (0..1000).step_by(50) {
        let ended = join_all((first..first + 50).map(add)).await;
        assert_eq!(ended.iter().sum::<u64>(), 0);
    }
    assert!(store.reference_token(hash(0), NOW).await.unwrap().is_some());
    assert_eq!(add(1000).await, 1, "it is told how many it ends");
    assert!(store.reference_token(hash(0), NOW).await.unwrap().is_none());
    assert!(store.reference_token(hash(1), NOW).await.unwrap().is_some());
    assert!(store.reference_token(hash(1000), NOW).await.unwrap().is_some());
    assert_eq!(add_at(1001, 9_001).await, 0, "the one that makes room has expired");
    assert!(store.reference_token(hash(2), NOW).await.unwrap().is_some());
}

//! Authorization codes (RFC 6749 section 4.1.2).

use doorward_provider::store::Redemption;

use super::fixtures::{
    NOW, Tested, at, code, grant, hash, parallel, signed_in, to_id, token, user,
};

async fn store_with_code(store: &Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    signed_in(&**store, "alice").await;
    assert!(store.add_code(hash(1), code(grant("g", "alice"), 60), false).await.unwrap());
}

pub async fn found_until_removed(store: Tested) {
    store_with_code(&store).await;
    assert_eq!(store.code(hash(1)).await.unwrap(), Some(code(grant("g", "alice"), 60)));
    assert_eq!(store.code(hash(2)).await.unwrap(), None);
    store.redeem_code(hash(1), grant("g", "alice"), at(600), None, NOW).await.unwrap();
    assert!(store.code(hash(1)).await.unwrap().is_some(), "a redeemed code is still recognised");
}

pub async fn redeemed_once(store: Tested) {
    store_with_code(&store).await;
    let redeemed = store
        .redeem_code(hash(1), grant("g", "alice"), at(600), Some(token(2, 900)), NOW)
        .await
        .unwrap();
    assert_eq!(redeemed, Redemption::Redeemed);
    let (stored, owner) = store.live_grant(&to_id("g"), NOW).await.unwrap().unwrap();
    assert_eq!((&*stored, owner.sub.as_str()), (&grant("g", "alice"), "alice"));
    assert_eq!(store.refresh_token(hash(2)).await.unwrap().unwrap().token, token(2, 900));
}

pub async fn redeemed_once_among_many(store: Tested) {
    store_with_code(&store).await;
    let outcomes = parallel(&store, 64, |store, index| async move {
        let refresh_token = Some(token(100 + index, 900));
        store.redeem_code(hash(1), grant("g", "alice"), at(600), refresh_token, NOW).await.unwrap()
    })
    .await;
    let count = |wanted: &Redemption| outcomes.iter().filter(|outcome| *outcome == wanted).count();
    assert_eq!(count(&Redemption::Redeemed), 1);
    let replayed = [true, false].map(|revoked| count(&Redemption::Replayed { revoked }));
    assert_eq!(replayed, [1, 62], "there is one grant to revoke");
    let mut tokens = 0;
    for index in 0..64 {
        tokens += usize::from(store.refresh_token(hash(100 + index)).await.unwrap().is_some());
    }
    assert_eq!(tokens, 1, "only the one redemption leaves a token");
}

pub async fn a_replay_revokes_the_first_grant(store: Tested) {
    store_with_code(&store).await;
    store
        .redeem_code(hash(1), grant("g", "alice"), at(600), Some(token(2, 900)), NOW)
        .await
        .unwrap();
    let replayed = store
        .redeem_code(hash(1), grant("other", "alice"), at(600), Some(token(3, 900)), at(1))
        .await;
    assert_eq!(replayed.unwrap(), Redemption::Replayed { revoked: true });
    assert!(store.live_grant(&to_id("g"), at(1)).await.unwrap().is_none());
    assert!(store.live_grant(&to_id("other"), at(1)).await.unwrap().is_none());
    assert!(store.refresh_token(hash(2)).await.unwrap().unwrap().grant.is_none());
    assert!(store.refresh_token(hash(3)).await.unwrap().is_none());
}

pub async fn an_unknown_one_changes_nothing(store: Tested) {
    store_with_code(&store).await;
    let unknown =
        store.redeem_code(hash(9), grant("g", "alice"), at(600), Some(token(2, 900)), NOW).await;
    assert_eq!(unknown.unwrap(), Redemption::Unknown);
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_none());
    assert!(store.refresh_token(hash(2)).await.unwrap().is_none());
}

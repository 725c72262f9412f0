//! Grants.

use doorward_provider_store::Limits;

use super::fixtures::{
    NOW, Tested, add_grant, add_many_grants, at, grant, grant_for, hash, to_id, token, user,
};

async fn store_with_user(store: &Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
}

pub async fn live_until_expiry(store: Tested) {
    store_with_user(&store).await;
    add_grant(&*store, grant("g", "alice"), at(60), None, NOW).await;
    assert!(store.live_grant(&to_id("g"), at(59)).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("g"), at(60)).await.unwrap().is_none());
    assert!(store.live_grant(&to_id("i"), NOW).await.unwrap().is_none());
}

pub async fn live_as_long_as_the_token(store: Tested) {
    store_with_user(&store).await;
    add_grant(&*store, grant("g", "alice"), at(60), Some(token(1, 900)), NOW).await;
    assert!(store.live_grant(&to_id("g"), at(899)).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("g"), at(900)).await.unwrap().is_none());
}

pub async fn revoked_for_good(store: Tested) {
    store_with_user(&store).await;
    add_grant(&*store, grant("g", "alice"), at(60), Some(token(1, 900)), NOW).await;
    add_grant(&*store, grant("h", "alice"), at(60), None, NOW).await;
    assert!(store.revoke_grant(&to_id("g"), NOW).await.unwrap());
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_none());
    assert!(store.refresh_token(hash(1)).await.unwrap().unwrap().grant.is_none());
    assert!(store.live_grant(&to_id("h"), NOW).await.unwrap().is_some(), "other grants stay");
    assert!(!store.revoke_grant(&to_id("g"), at(1)).await.unwrap(), "it was revoked before");
    assert!(!store.revoke_grant(&to_id("unknown"), NOW).await.unwrap());
}

pub async fn the_oldest_goes_beyond_the_limit(store: Tested) {
    let limit = u64::from(Limits::default().grants_per_user_and_client);
    add_grant(&*store, grant_for("other", "other", "alice", "openid"), at(9_000), None, NOW).await;
    add_many_grants(&store, "app", limit).await;
    assert!(store.live_grant(&to_id("grant-0000"), NOW).await.unwrap().is_some());

    let last = grant_for("app", "last", "alice", "openid");
    add_grant(&*store, last, at(9_000), None, at(8_000)).await;
    assert!(store.live_grant(&to_id("last"), NOW).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("grant-0000"), NOW).await.unwrap().is_none());
    assert!(store.refresh_token(hash(10_000)).await.unwrap().is_none(), "with its token");
    assert!(store.live_grant(&to_id("grant-0001"), NOW).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("other"), NOW).await.unwrap().is_some(), "of another client");
}

//! Refresh tokens, apart from their rotation.

use doorward_provider::model::grant::RefreshTokenState;

use super::fixtures::{NOW, Tested, add_grant, at, grant, hash, to_id, token, user};

async fn store_with_token(store: &Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    add_grant(&**store, grant("g", "alice"), at(60), Some(token(1, 600)), NOW).await;
}

pub async fn found_with_grant_and_user(store: Tested) {
    store_with_token(&store).await;
    let record = store.refresh_token(hash(1)).await.unwrap().unwrap();
    assert_eq!(record.token, token(1, 600));
    assert_eq!(record.state, RefreshTokenState::Unused);
    assert_eq!(record.grant.as_deref(), Some(&grant("g", "alice")));
    assert_eq!(record.user.unwrap().sub, "alice");
    assert!(store.refresh_token(hash(3)).await.unwrap().is_none());
}

pub async fn extended_with_the_grant(store: Tested) {
    store_with_token(&store).await;
    assert!(store.extend_refresh_token(hash(1), at(900), at(950), at(599)).await.unwrap());
    assert_eq!(store.refresh_token(hash(1)).await.unwrap().unwrap().token, token(1, 900));
    assert!(store.live_grant(&to_id("g"), at(949)).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("g"), at(950)).await.unwrap().is_none());
}

pub async fn extended_only_while_live(store: Tested) {
    store_with_token(&store).await;
    assert!(!store.extend_refresh_token(hash(9), at(900), at(900), NOW).await.unwrap(), "unknown");
    assert!(
        !store.extend_refresh_token(hash(1), at(900), at(900), at(600)).await.unwrap(),
        "expired"
    );
    store.revoke_grant(&to_id("g"), NOW).await.unwrap();
    assert!(!store.extend_refresh_token(hash(1), at(900), at(900), NOW).await.unwrap(), "revoked");
    assert_eq!(store.refresh_token(hash(1)).await.unwrap().unwrap().token, token(1, 600));
}

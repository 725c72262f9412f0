//! Rotation of refresh tokens and the detection of replays (RFC 9700 section 4.14.2).

use doorward_provider::{
    model::{grant::RefreshTokenState, time::Seconds},
    store::{RotateRefreshToken, Rotation},
};

use super::fixtures::{
    NOW, Tested, add_grant, at, grant, hash, parallel, seed, to_id, token, user,
};

const GRACE: Seconds = Seconds::new(10);

/// A grant with the refresh token number 1, which expires at second 600.
async fn store_with_token(store: &Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    add_grant(&**store, grant("g", "alice"), at(60), Some(token(1, 600)), NOW).await;
}

/// From one token to another at that second. The seed has the number of the successor, which
/// expires at second 900.
fn from_to(presented: u64, successor: u64, second: i64) -> RotateRefreshToken {
    RotateRefreshToken {
        presented: hash(presented),
        seed: seed(successor),
        successor: token(successor, 900),
        grant_expires_at: at(900),
        forgettable: false,
        now: at(second),
        grace: GRACE,
    }
}

async fn rotate(store: &Tested, presented: u64, successor: u64, second: i64) -> Rotation {
    store.rotate_refresh_token(from_to(presented, successor, second)).await.unwrap()
}

fn repeated(successor: u64) -> Rotation {
    Rotation::Repeated { seed: seed(successor), expires_at: at(900) }
}

async fn is_revoked(store: &Tested) -> bool {
    store.live_grant(&to_id("g"), at(1)).await.unwrap().is_none()
}

pub async fn hands_on_the_family(store: Tested) {
    store_with_token(&store).await;
    assert_eq!(rotate(&store, 1, 2, 5).await, Rotation::Rotated);
    let consumed = store.refresh_token(hash(1)).await.unwrap().unwrap();
    assert_eq!(consumed.state, RefreshTokenState::Consumed { at: at(5), seed: seed(2) });
    assert_eq!(consumed.token, token(1, 600));
    let successor = store.refresh_token(hash(2)).await.unwrap().unwrap();
    assert_eq!((successor.token, successor.state), (token(2, 900), RefreshTokenState::Unused));
    assert_eq!(successor.grant.as_deref(), Some(&grant("g", "alice")));
    assert_eq!(rotate(&store, 2, 3, 6).await, Rotation::Rotated);
}

pub async fn repeats_within_grace(store: Tested) {
    store_with_token(&store).await;
    rotate(&store, 1, 2, 5).await;
    assert_eq!(rotate(&store, 1, 3, 5).await, repeated(2));
    assert_eq!(rotate(&store, 1, 4, 15).await, repeated(2));
    assert!(
        store.refresh_token(hash(3)).await.unwrap().is_none(),
        "a repetition makes no second successor"
    );
    assert!(!is_revoked(&store).await);
    assert_eq!(rotate(&store, 2, 5, 16).await, Rotation::Rotated);
}

pub async fn a_used_successor_ends_the_grace(store: Tested) {
    store_with_token(&store).await;
    rotate(&store, 1, 2, 5).await;
    rotate(&store, 2, 3, 6).await;
    assert_eq!(rotate(&store, 1, 4, 7).await, Rotation::Replayed);
    assert!(is_revoked(&store).await);
    assert_eq!(rotate(&store, 3, 5, 7).await, Rotation::Unknown, "the whole family is revoked");
}

pub async fn beyond_grace_revokes(store: Tested) {
    store_with_token(&store).await;
    rotate(&store, 1, 2, 5).await;
    assert_eq!(rotate(&store, 1, 3, 16).await, Rotation::Replayed);
    assert!(is_revoked(&store).await);
    assert_eq!(rotate(&store, 2, 4, 16).await, Rotation::Unknown);
    assert_eq!(rotate(&store, 1, 5, 16).await, Rotation::Unknown, "revoked already");
}

pub async fn without_grace_revokes(store: Tested) {
    store_with_token(&store).await;
    rotate(&store, 1, 2, 5).await;
    let again = RotateRefreshToken { grace: Seconds::ZERO, ..from_to(1, 3, 5) };
    assert_eq!(store.rotate_refresh_token(again).await.unwrap(), Rotation::Replayed);
    assert!(is_revoked(&store).await);
}

pub async fn a_clock_set_back_lengthens_no_grace(store: Tested) {
    store_with_token(&store).await;
    rotate(&store, 1, 2, 50).await;
    assert_eq!(rotate(&store, 1, 3, 40).await, repeated(2));
    assert_eq!(rotate(&store, 1, 4, 39).await, Rotation::Replayed);
}

pub async fn repeats_a_token_that_expired_since(store: Tested) {
    store_with_token(&store).await;
    assert_eq!(rotate(&store, 1, 2, 599).await, Rotation::Rotated);
    assert_eq!(rotate(&store, 1, 3, 601).await, repeated(2));
}

pub async fn refuses_the_expired_unknown_and_revoked(store: Tested) {
    store_with_token(&store).await;
    assert_eq!(rotate(&store, 9, 2, 0).await, Rotation::Unknown);
    assert_eq!(rotate(&store, 1, 2, 600).await, Rotation::Unknown);
    store.revoke_grant(&to_id("g"), NOW).await.unwrap();
    assert_eq!(rotate(&store, 1, 2, 0).await, Rotation::Unknown);
    assert!(store.refresh_token(hash(2)).await.unwrap().is_none());
    assert_eq!(
        store.refresh_token(hash(1)).await.unwrap().unwrap().state,
        RefreshTokenState::Unused
    );
}

pub async fn of_many_one_wins_and_all_get_its_seed(store: Tested) {
    store_with_token(&store).await;
    let outcomes = parallel(&store, 32, |store, index| async move {
        (index, rotate(&store, 1, 100 + index, 5).await)
    })
    .await;
    let winners: Vec<_> =
        outcomes.iter().filter(|(_, outcome)| *outcome == Rotation::Rotated).collect();
    assert_eq!(winners.len(), 1);
    let winner = 100 + winners[0].0;
    assert_eq!(outcomes.iter().filter(|(_, outcome)| *outcome == repeated(winner)).count(), 31);
    assert!(!is_revoked(&store).await);
    assert_eq!(rotate(&store, winner, 200, 6).await, Rotation::Rotated);
}

/// From one token to the next, in a family that the tokens name.
async fn rotate_forgetting(store: &Tested, presented: u64, second: i64) -> Rotation {
    let rotation =
        RotateRefreshToken { forgettable: true, ..from_to(presented, presented + 1, second) };
    store.rotate_refresh_token(rotation).await.unwrap()
}

pub async fn keeps_two_tokens_of_a_family_that_tells_itself(store: Tested) {
    store_with_token(&store).await;
    for number in 1..40 {
        assert_eq!(rotate_forgetting(&store, number, 5).await, Rotation::Rotated);
        for kept in 1..=number + 1 {
            let is_kept = store.refresh_token(hash(kept)).await.unwrap().is_some();
            assert_eq!(is_kept, kept >= number, "{kept} after {number} rotations");
        }
    }
    assert_eq!(
        rotate_forgetting(&store, 39, 6).await,
        repeated(40),
        "the one before the last is repeated as ever"
    );
    assert_eq!(rotate_forgetting(&store, 38, 6).await, Rotation::Unknown);
    assert!(!is_revoked(&store).await);
}

pub async fn keeps_whatever_can_not_tell_its_family(store: Tested) {
    store_with_token(&store).await;
    for number in 1..5 {
        assert_eq!(rotate(&store, number, number + 1, 5).await, Rotation::Rotated);
    }
    assert_eq!(rotate(&store, 1, 9, 6).await, Rotation::Replayed);
    assert!(is_revoked(&store).await);
}

pub async fn a_grant_is_revoked_for_a_forgotten_token_while_it_can_be_renewed(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    let revoke = |id: &'static str, second| {
        let store = std::sync::Arc::clone(&store);
        async move { store.revoke_renewable_grant(&to_id(id), at(second)).await.unwrap() }
    };
    for (id, number) in [("ended", 10), ("renewed", 20), ("extended", 30)] {
        add_grant(&*store, grant(id, "alice"), at(2000), Some(token(number, 600)), NOW).await;
    }
    add_grant(&*store, grant("without", "alice"), at(2000), None, NOW).await;
    store.rotate_refresh_token(from_to(20, 21, 5)).await.unwrap();
    assert!(store.extend_refresh_token(hash(30), at(900), at(900), at(5)).await.unwrap());
    // The last token of the first has ended, though an access token lives on; the others' were
    // given more time.
    assert!(
        !revoke("ended", 600).await && !revoke("without", 5).await && !revoke("unknown", 5).await
    );
    assert!(store.live_grant(&to_id("ended"), at(600)).await.unwrap().is_some());
    store.remove_expired(at(899), 100).await.unwrap();
    for id in ["renewed", "extended"] {
        assert!(revoke(id, 899).await, "{id}");
        assert!(store.live_grant(&to_id(id), at(5)).await.unwrap().is_none(), "{id}");
        assert!(!revoke(id, 899).await, "{id} is revoked already");
    }
}

pub async fn keeps_the_grant_alive(store: Tested) {
    store_with_token(&store).await;
    rotate(&store, 1, 2, 5).await;
    assert!(store.live_grant(&to_id("g"), at(899)).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("g"), at(900)).await.unwrap().is_none());
    let longer = RotateRefreshToken { grant_expires_at: at(950), ..from_to(2, 3, 6) };
    store.rotate_refresh_token(longer).await.unwrap();
    assert!(
        store.live_grant(&to_id("g"), at(949)).await.unwrap().is_some(),
        "an access token may outlive the refresh token"
    );
    let shorter = RotateRefreshToken { grant_expires_at: at(7), ..from_to(3, 4, 7) };
    store.rotate_refresh_token(shorter).await.unwrap();
    assert!(store.live_grant(&to_id("g"), at(949)).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("g"), at(950)).await.unwrap().is_none());
}

//! Logout notices: the outbox of back-channel logout.

use doorward_provider::model::{
    logout_notice::{LogoutNotice, NOTICE_LIFETIME},
    session::SessionSelector,
    user::User,
};

use super::fixtures::{
    NOW, Tested, at, code, grant_for, hash, parallel, session, start_session, to_id, user,
    with_other_password,
};

/// A session in which the client `a` takes part and wants a notice, `b` takes part without.
async fn store_with_session(store: &Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    start_session(&**store, session(1, "alice", 600), None).await;
    for (number, client, notify) in [(10, "a", true), (11, "b", false)] {
        let code = code(grant_for(client, client, "alice", "openid"), 600);
        assert!(store.add_code(hash(number), code, notify).await.unwrap());
    }
}

async fn store_with_notice(store: &Tested) {
    store_with_session(store).await;
    store.end_sessions(SessionSelector::Cookie(hash(1)), NOW).await.unwrap();
}

async fn claim(store: &Tested, client_id: &str, second: i64) -> Vec<LogoutNotice> {
    store.claim_logout_notices(&to_id(client_id), 9, at(second), at(second + 60)).await.unwrap()
}

pub async fn queued_for_the_clients_that_want_one(store: Tested) {
    store_with_notice(&store).await;
    let [notice] = claim(&store, "a", 0).await.try_into().unwrap();
    let LogoutNotice { id: _, client_id, sub, sid, attempts } = notice;
    assert_eq!(
        (client_id.as_str(), sub.as_str(), sid.as_str(), attempts),
        ("a", "alice", "sid-alice", 1)
    );
    assert_eq!(claim(&store, "b", 0).await, []);
}

pub async fn claimed_again_after_the_lease_only(store: Tested) {
    store_with_notice(&store).await;
    assert!(store.logout_notice_is_due(NOW).await.unwrap());
    assert_eq!(claim(&store, "a", 0).await.len(), 1);
    assert_eq!(claim(&store, "a", 59).await, []);
    assert_eq!(claim(&store, "a", 60).await[0].attempts, 2, "the one who claimed it has died");
}

pub async fn postponed_and_dropped(store: Tested) {
    store_with_notice(&store).await;
    let id = claim(&store, "a", 0).await[0].id;
    store.postpone_logout_notice(id, at(5)).await.unwrap();
    assert_eq!(claim(&store, "a", 4).await, []);
    assert_eq!(claim(&store, "a", 5).await[0].attempts, 2);
    store.drop_logout_notice(id).await.unwrap();
    assert_eq!(claim(&store, "a", 9000).await, []);
    store.drop_logout_notice(id).await.unwrap();
    store.postpone_logout_notice(id, NOW).await.unwrap();
}

pub async fn claimed_once_among_many(store: Tested) {
    store_with_notice(&store).await;
    let claimed =
        parallel(&store, 32, |store, _| async move { claim(&store, "a", 0).await.len() }).await;
    assert_eq!(claimed.into_iter().sum::<usize>(), 1);
}

pub async fn no_more_than_asked_and_the_longest_waiting_first(store: Tested) {
    for number in 0..3 {
        let sub = format!("user-{number}");
        start_session(&*store, session(number, &sub, 600), None).await;
        let code = code(grant_for("a", &sub, &sub, "openid"), 600);
        store.add_code(hash(100 + number), code, true).await.unwrap();
        let ends = at(2 - i64::try_from(number).unwrap());
        store.end_sessions(SessionSelector::Cookie(hash(number)), ends).await.unwrap();
    }
    let mut subs: Vec<_> = store.claim_logout_notices(&to_id("a"), 2, at(9), at(60)).await.unwrap();
    subs.sort_by(|one, other| one.sub.cmp(&other.sub));
    assert_eq!(
        subs.iter().map(|notice| notice.sub.as_str()).collect::<Vec<_>>(),
        ["user-1", "user-2"]
    );
    assert_eq!(
        store.claim_logout_notices(&to_id("a"), 2, at(9), at(60)).await.unwrap()[0].sub,
        "user-0"
    );
}

pub async fn a_new_password_or_a_disabled_user_queues_too(store: Tested) {
    store_with_session(&store).await;
    let changed = with_other_password(user("alice", "alice"));
    store.import_users(vec![changed.clone()], NOW).await.unwrap();
    assert_eq!(claim(&store, "a", 0).await.len(), 1);

    start_session(&*store, session(2, "alice", 600), None).await;
    let code = code(grant_for("a", "again", "alice", "openid"), 600);
    assert!(store.add_code(hash(12), code, true).await.unwrap());
    store.import_users(vec![User { enabled: false, ..changed }], NOW).await.unwrap();
    assert!(store.session(hash(2), NOW).await.unwrap().is_none());
    assert_eq!(claim(&store, "a", 0).await.len(), 1);
}

pub async fn forgotten_when_nobody_claims_them(store: Tested) {
    store_with_notice(&store).await;
    let end = i64::from(NOTICE_LIFETIME);
    store.remove_expired(at(end - 1), 100).await.unwrap();
    store.remove_expired(at(end), 100).await.unwrap();
    assert_eq!(claim(&store, "a", end).await, []);
}

//! What operators ask of users: found in pages, changed and removed by those who know them as they
//! are, and never without an owner.

use doorward_provider::{
    model::{
        idempotency::{IdempotentRequest, KeptAnswer},
        signing_key::SealedKey,
        user::{ADMIN_ROLE_CLAIM, OWNER, User},
        user_query::{UserCounts, UserFilter, UserOrder, UserQuery},
    },
    store::{Begun, StoreError},
};
use serde_json::json;

use super::fixtures::{
    NOW, Tested, at, mail, parallel, session, start_session, to_id, user, with_other_password,
};

fn named(sub: &str, username: &str, email: &str, name: &str) -> User {
    let mut user = user(sub, username);
    user.claims_mut().insert("email".to_owned(), json!(email));
    user.claims_mut().insert("name".to_owned(), json!(name));
    user
}

fn owner(sub: &str) -> User {
    let mut user = user(sub, sub);
    user.claims_mut().insert(ADMIN_ROLE_CLAIM.to_owned(), json!(OWNER));
    user
}

/// The subjects of all pages, two at a time.
async fn subs(store: &Tested, order: UserOrder, prefix: &str, filter: UserFilter) -> Vec<String> {
    let query = UserQuery { order, prefix: prefix.to_owned(), filter };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.find_users(&query, after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { return found };
        after = Some(last.cursor.clone());
        found.extend(page.into_iter().map(|found| found.user.sub.to_string()));
    }
}

async fn people(store: &Tested) {
    for user in [
        named("1", "Zoe", "zoe@example.com", "Zo\u{eb} Z"),
        named("2", "adam", "ADAM@example.com", "Adam A"),
        named("3", "adele", "adam@example.com", "ada"),
        User { enabled: false, ..named("4", "\u{e9}mile", "emile@example.com", "\u{c9}mile") },
        owner("5"),
    ] {
        store.put_user(user, NOW).await.unwrap();
    }
}

pub async fn users_are_found_by_prefix_in_order(store: Tested) {
    people(&store).await;
    let all = |order, prefix: &'static str| {
        let store = store.clone();
        async move { subs(&store, order, prefix, UserFilter::All).await }
    };
    assert_eq!(all(UserOrder::Username, "").await, ["5", "2", "3", "1", "4"]);
    assert_eq!(all(UserOrder::Username, "ad").await, ["2", "3"]);
    assert_eq!(all(UserOrder::Username, "adam").await, ["2"], "the whole name is a prefix, too");
    assert_eq!(all(UserOrder::Username, "\u{e9}").await, ["4"]);
    assert_eq!(all(UserOrder::Username, "a%").await, [""; 0], "nothing is a pattern");
    assert_eq!(all(UserOrder::Username, "a\0'\"--").await, [""; 0]);
    assert_eq!(all(UserOrder::Email, "adam@").await, ["2", "3"], "one address, two users");
    assert_eq!(all(UserOrder::Email, "").await, ["5", "2", "3", "4", "1"]);
    assert_eq!(all(UserOrder::Name, "").await, ["3", "2", "1", "4"], "without a name: not here");
    assert_eq!(all(UserOrder::Name, "ada").await, ["3", "2"]);
}

pub async fn users_are_filtered(store: Tested) {
    people(&store).await;
    let all = |filter| {
        let store = store.clone();
        async move { subs(&store, UserOrder::Username, "", filter).await }
    };
    assert_eq!(all(UserFilter::Enabled).await, ["5", "2", "3", "1"]);
    assert_eq!(all(UserFilter::Disabled).await, ["4"]);
    assert_eq!(all(UserFilter::Administrators).await, ["5"]);
    start_session(&*store, session(3, "2", 60), None).await;
    start_session(&*store, session(4, "2", 90), None).await;
    assert_eq!(store.count_users().await.unwrap(), UserCounts { users: 5, disabled: 1 });
    assert_eq!(store.count_sessions(3, NOW).await.unwrap(), 2);
    assert_eq!(store.count_sessions(1, NOW).await.unwrap(), 1, "it counts no further");
    assert_eq!(store.count_sessions(3, at(60)).await.unwrap(), 1, "one has expired");
}

pub async fn a_user_is_removed_by_who_knows_them_as_they_are(store: Tested) {
    let before = user("1", "alice");
    store.put_user(before.clone(), NOW).await.unwrap();
    let changed = with_other_password(before.clone());
    store.put_user(changed.clone(), NOW).await.unwrap();
    assert!(!store.remove_user_as(before, NOW).await.unwrap());
    assert!(store.user(&to_id("1")).await.unwrap().is_some());
    let removed = parallel(&store, 16, |store, _| {
        let changed = changed.clone();
        async move { store.remove_user_as(changed, NOW).await.unwrap() }
    });
    assert_eq!(removed.await.into_iter().filter(|removed| *removed).count(), 1);
    assert!(store.is_used_sub(&to_id("1")).await.unwrap());
}

fn is_refused<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Conflict(problem)) if problem.contains("last owner"))
}

pub async fn the_last_owner_stays(store: Tested) {
    store.put_user(owner("1"), NOW).await.unwrap();
    store.put_user(User { enabled: false, ..owner("2") }, NOW).await.unwrap();
    store.put_user(user("3", "other"), NOW).await.unwrap();
    let last = store.user(&to_id("1")).await.unwrap().unwrap();
    let disabled = User { enabled: false, ..last.clone() };
    let demoted = user("1", "1");
    assert!(is_refused(store.remove_user(&to_id("1"), NOW).await));
    assert!(is_refused(store.remove_user_as(last.clone(), NOW).await));
    assert!(is_refused(store.put_user(disabled.clone(), NOW).await));
    assert!(is_refused(store.replace_user(disabled, last.clone(), NOW).await));
    assert!(is_refused(store.replace_user(demoted.clone(), last.clone(), NOW).await));
    assert_eq!(store.user(&to_id("1")).await.unwrap(), Some(last.clone()), "nothing has changed");
    // What leaves an owner is done.
    store.put_user(with_other_password(last), NOW).await.unwrap();
    assert!(store.remove_user(&to_id("3"), NOW).await.unwrap());
    store.put_user(owner("2"), NOW).await.unwrap();
    store.put_user(demoted, NOW).await.unwrap();
    assert!(is_refused(store.remove_user(&to_id("2"), NOW).await));
}

pub async fn of_owners_who_go_at_once_one_stays(store: Tested) {
    for number in 0..8 {
        store.put_user(owner(&number.to_string()), NOW).await.unwrap();
    }
    let gone = parallel(&store, 8, |store, number| async move {
        store.remove_user(&to_id(&number.to_string()), NOW).await
    });
    let refused = gone.await.into_iter().filter(Result::is_err).count();
    assert_eq!(refused, 1);
    assert_eq!(store.users(None, 10).await.unwrap().len(), 1);
}

pub async fn a_mail_is_tried_again_at_once(store: Tested) {
    store.put_mails(vec![mail(1, 600)]).await.unwrap();
    assert_eq!(store.due_mails(9, NOW, at(300)).await.unwrap().len(), 1);
    assert!(store.due_mails(9, at(1), at(300)).await.unwrap().is_empty());
    assert!(store.retry_mail("mail-001", at(1)).await.unwrap());
    assert_eq!(store.due_mails(9, at(1), at(300)).await.unwrap().len(), 1);
    assert!(!store.retry_mail("mail-001", at(600)).await.unwrap(), "it has expired");
    assert!(!store.retry_mail("mail-\0", NOW).await.unwrap());
}

fn request(key: u8, caller: u8, end: i64) -> IdempotentRequest {
    let (key, caller) = ([key; 32], [caller; 32]);
    IdempotentRequest { key, caller, request: [7; 32], expires_at: at(end) }
}

pub async fn a_request_is_answered_once_under_its_key(store: Tested) {
    let begin = |request, now| {
        let store = store.clone();
        async move { store.begin_request(request, 2, now).await.unwrap() }
    };
    assert_eq!(begin(request(1, 1, 60), NOW).await, Begun::New);
    assert_eq!(begin(request(1, 1, 60), NOW).await, Begun::Known(KeptAnswer::None));
    let other = IdempotentRequest { request: [8; 32], ..request(1, 1, 60) };
    assert_eq!(begin(other, NOW).await, Begun::Other);
    let answer = SealedKey::from_bytes(vec![1, 2, 3]);
    store.finish_request([1; 32], answer.clone(), at(90)).await.unwrap();
    let kept = Begun::Known(KeptAnswer::Sealed(answer));
    assert_eq!(begin(request(1, 1, 60), at(89)).await, kept);
    assert_eq!(begin(request(1, 1, 150), at(90)).await, Begun::New, "free again");
    // A caller has this many keys and no more; another one is not touched by it.
    assert_eq!(begin(request(2, 1, 150), at(90)).await, Begun::New);
    assert_eq!(begin(request(3, 1, 150), at(90)).await, Begun::TooMany);
    assert_eq!(begin(request(4, 2, 150), at(90)).await, Begun::New);
    store.forget_request([2; 32]).await.unwrap();
    assert_eq!(begin(request(3, 1, 150), at(90)).await, Begun::New);
    assert!(store.remove_expired(at(150), 100).await.unwrap() >= 3);
}

pub async fn a_request_begins_once_among_many(store: Tested) {
    let begun = parallel(&store, 32, |store, _| async move {
        store.begin_request(request(1, 1, 60), 9, NOW).await.unwrap() == Begun::New
    });
    assert_eq!(begun.await.into_iter().filter(|new| *new).count(), 1);
}

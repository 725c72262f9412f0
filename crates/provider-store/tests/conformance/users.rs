//! Users.

use doorward_provider::{
    model::{
        account_notice::AccountNotices, consent::Consent, device_code::DevicePoll,
        password::PasswordHash, session::SignInProof, user::User,
    },
    store::{SkippedUser, StoreError},
};

use super::fixtures::{
    NOW, Tested, add_grant, allow_device, at, grant, hash, parallel, session, start_session, to_id,
    token, user, verified_user, with_other_password,
};

fn assert_same(found: Option<User>, expected: &User) {
    let found = found.unwrap();
    assert_eq!(found.sub, expected.sub);
    assert_eq!(found.username, expected.username);
    assert_eq!(found.password_hash, expected.password_hash);
    assert_eq!(found.enabled, expected.enabled);
    assert_eq!(found.claims, expected.claims);
}

pub async fn found_by_sub_and_username(store: Tested) {
    let (alice, bob) = (user("1", "Alice"), User { enabled: false, ..user("2", "Bob") });
    store.import_users(vec![alice.clone(), bob.clone()], NOW).await.unwrap();
    assert_same(store.user(&to_id("1")).await.unwrap(), &alice);
    assert_same(store.user_by_username("alice").await.unwrap(), &alice);
    assert_same(store.user_by_username("bob").await.unwrap(), &bob);
    assert!(store.user(&to_id("3")).await.unwrap().is_none());
    assert!(store.user_by_username("carol").await.unwrap().is_none());
}

pub async fn what_was_changed_since_the_last_import_stays(store: Tested) {
    let configured = user("1", "alice");
    store.import_users(vec![configured.clone()], NOW).await.unwrap();
    assert_eq!(store.imported_users().await.unwrap(), std::slice::from_ref(&configured));
    let changed = User { enabled: false, ..with_other_password(configured.clone()) };
    store.put_user(changed.clone(), NOW).await.unwrap();
    store.import_users(vec![configured.clone()], NOW).await.unwrap();
    assert_same(store.user(&to_id("1")).await.unwrap(), &changed);
    let renamed = user("1", "alicia");
    store.import_users(vec![renamed.clone()], NOW).await.unwrap();
    assert_same(
        store.user(&to_id("1")).await.unwrap(),
        &User { username: "alicia".to_owned(), ..changed },
    );
    assert_eq!(store.imported_users().await.unwrap(), [renamed]);
}

pub async fn a_change_does_not_undo_another(store: Tested) {
    let before = user("1", "alice");
    store.put_user(before.clone(), NOW).await.unwrap();
    let disabled = User { enabled: false, ..before.clone() };
    assert!(store.replace_user(disabled.clone(), before.clone(), NOW).await.unwrap());
    // Another operator has read the user before that.
    let late = with_other_password(before.clone());
    assert!(!store.replace_user(late.clone(), before.clone(), NOW).await.unwrap());
    assert_same(store.user(&to_id("1")).await.unwrap(), &disabled);
    let changed = User { enabled: false, ..late };
    assert!(store.replace_user(changed.clone(), disabled.clone(), NOW).await.unwrap());
    assert_same(store.user(&to_id("1")).await.unwrap(), &changed);
    // A user who was removed meanwhile does not come back.
    store.remove_user(&to_id("1"), NOW).await.unwrap();
    assert!(!store.replace_user(disabled, changed, NOW).await.unwrap());
    assert!(store.user(&to_id("1")).await.unwrap().is_none());
    // Nor is another user's name taken.
    store.put_user(user("2", "bob"), NOW).await.unwrap();
    store.put_user(before.clone(), NOW).await.unwrap();
    let taken = User { username: "Bob".to_owned(), ..before.clone() };
    assert!(store.replace_user(taken, before, NOW).await.is_err());
}

/// Applications know a user by the `sub`: they would take another person for the removed one.
pub async fn a_removed_ones_sub_is_not_imported_again(store: Tested) {
    store.import_users(vec![user("1", "alice")], NOW).await.unwrap();
    store.remove_user(&to_id("1"), NOW).await.unwrap();
    assert!(store.imported_users().await.unwrap().is_empty(), "nothing is kept of the user");
    let skipped = store.import_users(vec![user("1", "alice")], NOW).await.unwrap();
    assert_eq!(skipped, [SkippedUser { user: user("1", "alice"), owner: None }]);
    assert!(store.user(&to_id("1")).await.unwrap().is_none());
    let configured = with_other_password(user("1", "alice"));
    // The other one of the same import comes in.
    for _ in 0..2 {
        let both = vec![configured.clone(), user("2", "bob")];
        let skipped = store.import_users(both, NOW).await.unwrap();
        assert_eq!(skipped, [SkippedUser { user: configured.clone(), owner: None }]);
        assert!(store.user(&to_id("1")).await.unwrap().is_none());
        assert!(store.user(&to_id("2")).await.unwrap().is_some());
    }
    // One who was never imported before.
    store.put_user(user("3", "carol"), NOW).await.unwrap();
    store.remove_user(&to_id("3"), NOW).await.unwrap();
    let skipped = store.import_users(vec![user("3", "another")], NOW).await.unwrap();
    assert_eq!((skipped.len(), skipped[0].owner.clone()), (1, None));
    assert!(store.user(&to_id("3")).await.unwrap().is_none());
    // With a sub of its own the user comes in.
    let mut renamed = configured;
    renamed.sub = to_id("4");
    assert!(store.import_users(vec![renamed], NOW).await.unwrap().is_empty());
    assert_eq!(store.user_by_username("alice").await.unwrap().unwrap().sub, "4");
}

pub async fn imported_again_are_replaced(store: Tested) {
    store.import_users(vec![user("1", "alice")], NOW).await.unwrap();
    let renamed = User { enabled: false, ..user("1", "alicia") };
    store.import_users(vec![renamed.clone()], NOW).await.unwrap();
    assert_same(store.user(&to_id("1")).await.unwrap(), &renamed);
    assert!(store.user_by_username("alice").await.unwrap().is_none());
}

pub async fn may_exchange_names(store: Tested) {
    store.import_users(vec![user("1", "alice"), user("2", "bob")], NOW).await.unwrap();
    store.import_users(vec![user("1", "bob"), user("2", "alice")], NOW).await.unwrap();
    assert_eq!(store.user_by_username("bob").await.unwrap().unwrap().sub, "1");
    assert_eq!(store.user_by_username("alice").await.unwrap().unwrap().sub, "2");
}

pub async fn a_strangers_name_is_left_to_the_stranger(store: Tested) {
    // Somebody registered before the operator configured users of these names and addresses.
    store.put_user(user("s1", "alice"), NOW).await.unwrap();
    store.put_user(verified_user("s2", "ada", "ada@example.com"), NOW).await.unwrap();
    let configured = vec![
        user("3", "carol"),
        user("2", " ALICE "),
        verified_user("4", "lovelace", "Ada@example.com"),
    ];
    let skipped = store.import_users(configured.clone(), NOW).await.unwrap();
    let mut named: Vec<(&str, &str)> =
        skipped.iter().map(|own| (own.user.sub.as_str(), own.owner.as_deref().unwrap())).collect();
    named.sort_unstable();
    assert_eq!(named, [("2", "s1"), ("4", "s2")]);
    assert!(store.user(&to_id("3")).await.unwrap().is_some(), "the others are imported");
    assert_eq!(store.user_by_username("alice").await.unwrap().unwrap().sub, "s1");
    assert_eq!(store.user_by_email("ada@example.com").await.unwrap().unwrap().sub, "s2");
    // Once the name is free, the next import brings the configured user in.
    store.put_user(user("s1", "another"), NOW).await.unwrap();
    let skipped = store.import_users(configured, NOW).await.unwrap();
    assert_eq!(skipped.len(), 1);
    assert_eq!(store.user_by_username("alice").await.unwrap().unwrap().sub, "2");
}

async fn signed_in(store: &Tested, number: u64, sub: &str) {
    store.import_users(vec![user(sub, sub)], NOW).await.unwrap();
    start_session(&**store, session(number, sub, 60), None).await;
    add_grant(&**store, grant(sub, sub), at(60), Some(token(number, 60)), NOW).await;
}

async fn is_signed_in(store: &Tested, number: u64, sub: &str) -> bool {
    let session = store.session(hash(number), NOW).await.unwrap().is_some();
    let grant = store.live_grant(&to_id(sub), NOW).await.unwrap().is_some();
    let token = store
        .refresh_token(hash(number))
        .await
        .unwrap()
        .is_some_and(|record| record.grant.is_some());
    assert_eq!((session, grant), (grant, token), "all or none");
    session
}

pub async fn a_new_password_ends_what_the_old_one_began(store: Tested) {
    signed_in(&store, 1, "alice").await;
    signed_in(&store, 2, "bob").await;
    store.put_user(with_other_password(user("alice", "alice")), NOW).await.unwrap();
    assert!(!is_signed_in(&store, 1, "alice").await);
    assert!(is_signed_in(&store, 2, "bob").await);
}

async fn polled(store: &Tested, number: u64) -> DevicePoll {
    store.poll_device_code(hash(number), &to_id("Television"), NOW).await.unwrap()
}

/// Whether the device with the code of this number can still fetch what it was allowed.
async fn may_fetch(store: &Tested, number: u64, sub: &str) -> bool {
    let allowed = matches!(polled(store, number).await, DevicePoll::Allowed(_));
    let fetched = store
        .redeem_device_code(hash(number), grant("device", sub), at(600), None, NOW)
        .await
        .unwrap();
    assert_eq!(allowed, fetched);
    fetched
}

pub async fn a_new_password_ends_what_devices_were_allowed(store: Tested) {
    for (number, sub) in [(1, "alice"), (2, "bob")] {
        store.import_users(vec![user(sub, sub)], NOW).await.unwrap();
        allow_device(&store, number, grant("device", sub)).await;
    }
    store.import_users(vec![user("alice", "alicia")], NOW).await.unwrap();
    assert!(matches!(polled(&store, 1).await, DevicePoll::Allowed(_)), "another name ends nothing");
    store.put_user(with_other_password(user("alice", "alice")), NOW).await.unwrap();
    assert!(!may_fetch(&store, 1, "alice").await);
    assert!(may_fetch(&store, 2, "bob").await);
}

pub async fn a_removed_ones_devices_get_nothing(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    allow_device(&store, 1, grant("device", "alice")).await;
    store.remove_user(&to_id("alice"), NOW).await.unwrap();
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    assert!(!may_fetch(&store, 1, "alice").await, "the next one of that name allowed nothing");
}

/// Whether neither a session nor a grant begins with the password that the fixtures' users have.
async fn nothing_begins(store: &Tested, sub: &str) -> bool {
    let (password, token) = (user(sub, sub).password_hash.unwrap(), Some(token(70, 60)));
    let proof = SignInProof::Password(password.clone());
    let session = |replaces| {
        store.start_session(session(70, sub, 60), &proof, replaces, AccountNotices::default(), NOW)
    };
    let begun = [
        session(None).await.unwrap(),
        session(Some(hash(71))).await.unwrap(),
        store.add_grant(grant("late", sub), &password, at(60), token, NOW).await.unwrap(),
    ];
    let session = store.session(hash(70), NOW).await.unwrap().is_some();
    let token = store.refresh_token(hash(70)).await.unwrap().is_some();
    assert!(!session && !token, "what is refused must not be there");
    begun == [false; 3]
}

pub async fn nothing_begins_with_a_password_that_is_no_more(store: Tested) {
    assert!(nothing_begins(&store, "alice").await, "there is no such user");
    start_session(&*store, session(71, "bob", 60), None).await;
    let alice = user("alice", "alice");
    for changed in [with_other_password(alice.clone()), User { enabled: false, ..alice.clone() }] {
        store.put_user(changed, NOW).await.unwrap();
        assert!(nothing_begins(&store, "alice").await);
    }
    store.put_user(alice, NOW).await.unwrap();
    store.remove_user(&to_id("alice"), NOW).await.unwrap();
    assert!(nothing_begins(&store, "alice").await);
    assert!(store.session(hash(71), NOW).await.unwrap().is_some(), "nothing was replaced either");
}

pub async fn nothing_begins_beside_a_new_password(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    let old = user("alice", "alice").password_hash.unwrap();
    let begun = parallel(&store, 33, |store, index| {
        let old = old.clone();
        async move {
            match index {
                16 => store
                    .put_user(with_other_password(user("alice", "alice")), NOW)
                    .await
                    .map(|()| false)
                    .unwrap(),
                0..16 => {
                    let (session, proof) =
                        (session(index, "alice", 60), SignInProof::Password(old));
                    store
                        .start_session(session, &proof, None, AccountNotices::default(), NOW)
                        .await
                        .unwrap()
                }
                _ => store
                    .add_grant(grant(&index.to_string(), "alice"), &old, at(60), None, NOW)
                    .await
                    .unwrap(),
            }
        }
    });
    let begun = begun.await;
    assert_eq!(store.sessions_of(&to_id("alice"), None, 100, NOW).await.unwrap(), [], "{begun:?}");
    assert_eq!(store.access_of(&to_id("alice"), None, 100, NOW).await.unwrap(), [], "{begun:?}");
}

pub async fn another_name_ends_nothing(store: Tested) {
    signed_in(&store, 1, "alice").await;
    store.import_users(vec![user("alice", "alicia")], NOW).await.unwrap();
    assert!(is_signed_in(&store, 1, "alice").await);
}

pub async fn listed_by_name(store: Tested) {
    assert!(store.users(None, 100).await.unwrap().is_empty());
    store
        .import_users(vec![user("1", "Carol"), user("2", "alice"), user("3", "Bob")], NOW)
        .await
        .unwrap();
    let names: Vec<String> =
        store.users(None, 100).await.unwrap().into_iter().map(|user| user.username).collect();
    assert_eq!(names, ["alice", "Bob", "Carol"]);
}

pub async fn removed_with_everything(store: Tested) {
    let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    store.import_users(vec![user("alice", "alice"), user("bob", "bob")], NOW).await.unwrap();
    for (number, sub) in [(1, "alice"), (2, "bob")] {
        start_session(&*store, session(number, sub, 60), None).await;
        add_grant(&*store, grant(sub, sub), at(60), Some(token(number, 60)), NOW).await;
        store.remember_consent(&to_id(sub), &to_id("PkceJS"), consent.clone()).await.unwrap();
    }
    assert!(store.remove_user(&to_id("alice"), NOW).await.unwrap());
    assert!(store.user(&to_id("alice")).await.unwrap().is_none());
    assert!(store.session(hash(1), NOW).await.unwrap().is_none());
    assert!(
        store.refresh_token(hash(1)).await.unwrap().is_none_or(|record| record.grant.is_none())
    );
    assert!(store.consent(&to_id("alice"), &to_id("PkceJS")).await.unwrap().is_none());
    assert!(store.session(hash(2), NOW).await.unwrap().is_some(), "others stay");
    assert!(store.consent(&to_id("bob"), &to_id("PkceJS")).await.unwrap().is_some());
    assert!(!store.remove_user(&to_id("alice"), NOW).await.unwrap());
}

pub async fn listed_in_pages(store: Tested) {
    for (sub, name) in [("1", "Zoe"), ("2", "adam"), ("3", "Bea"), ("4", "\u{e9}mile")] {
        store.put_user(user(sub, name), NOW).await.unwrap();
    }
    let first = store.users(None, 2).await.unwrap();
    let names = |page: &[User]| page.iter().map(|user| user.username.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), ["adam", "Bea"]);
    let second = store.users(Some("bea"), 2).await.unwrap();
    assert_eq!(names(&second), ["Zoe", "\u{e9}mile"], "in the order of bytes");
    assert!(store.users(Some("\u{e9}mile"), 2).await.unwrap().is_empty());
}

pub async fn rehashed_without_an_end_of_sessions_and_grants(store: Tested) {
    let before = user("1", "alice");
    store.import_users(vec![before.clone()], NOW).await.unwrap();
    start_session(&*store, session(3, "1", 60), None).await;
    add_grant(&*store, grant("g", "1"), at(60), Some(token(2, 60)), NOW).await;
    let old = before.password_hash.clone().unwrap();
    let after = with_other_password(before).password_hash.unwrap();
    assert!(store.rehash_password(&to_id("1"), &old, &after).await.unwrap());
    assert_eq!(store.user(&to_id("1")).await.unwrap().unwrap().password_hash, Some(after.clone()));
    assert!(store.session(hash(3), NOW).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_some());
    assert!(!store.rehash_password(&to_id("1"), &old, &after).await.unwrap());
}

pub async fn without_a_password_nothing_begins_by_one(store: Tested) {
    let passwordless = User { password_hash: None, ..user("alice", "alice") };
    store.import_users(vec![passwordless.clone()], NOW).await.unwrap();
    assert_same(store.user(&to_id("alice")).await.unwrap(), &passwordless);
    assert_eq!(store.imported_users().await.unwrap(), std::slice::from_ref(&passwordless));
    assert!(nothing_begins(&store, "alice").await);
    // A password that is taken away ends what it began, as a new one does.
    signed_in(&store, 2, "bob").await;
    store.put_user(User { password_hash: None, ..user("bob", "bob") }, NOW).await.unwrap();
    assert!(!is_signed_in(&store, 2, "bob").await);
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    start_session(&*store, session(3, "alice", 60), None).await;
}

pub async fn found_by_verified_email(store: Tested) {
    let alice = verified_user("1", "alice", " Ada@Example.com");
    store.put_user(alice.clone(), NOW).await.unwrap();
    store.put_user(user("2", "bob"), NOW).await.unwrap();
    assert_same(store.user_by_email("ada@example.com").await.unwrap(), &alice);
    assert!(store.user_by_email("a@b.c").await.unwrap().is_none(), "bob's is not verified");
    assert!(store.user_by_email("ada@example.com\0").await.unwrap().is_none());
    let moved = verified_user("1", "alice", "ada@example.org");
    assert!(store.replace_user(moved.clone(), alice, NOW).await.unwrap());
    assert!(store.user_by_email("ada@example.com").await.unwrap().is_none());
    assert_same(store.user_by_email("ada@example.org").await.unwrap(), &moved);
    store.import_users(vec![verified_user("3", "carol", "carol@example.com")], NOW).await.unwrap();
    assert_eq!(store.user_by_email("carol@example.com").await.unwrap().unwrap().sub, "3");
}

pub async fn a_foreign_verified_email_is_refused(store: Tested) {
    store.put_user(verified_user("1", "alice", "ada@example.com"), NOW).await.unwrap();
    let bob = verified_user("2", "bob", "ADA@example.com");
    let refused = store.put_user(bob.clone(), NOW).await;
    assert!(
        matches!(&refused, Err(StoreError::Conflict(message)) if message.contains("e-mail")),
        "{refused:?}"
    );
    assert!(store.user(&to_id("2")).await.unwrap().is_none());
    assert_eq!(store.import_users(vec![bob], NOW).await.unwrap().len(), 1, "skipped");
    assert!(store.user(&to_id("2")).await.unwrap().is_none());
    // One that nobody has shown to be theirs takes nothing from anybody.
    let mut unverified = verified_user("2", "bob", "ada@example.com");
    unverified.claims_mut().remove("email_verified");
    store.put_user(unverified, NOW).await.unwrap();
    assert_eq!(store.user_by_email("ada@example.com").await.unwrap().unwrap().sub, "1");
    let taken = parallel(&store, 16, |store, number| async move {
        let sub = format!("user-{number}");
        let user = verified_user(&sub, &sub, "new@example.com");
        store.put_user(user, NOW).await.is_ok()
    });
    assert_eq!(taken.await.into_iter().filter(|taken| *taken).count(), 1);
}

pub async fn a_removed_ones_sub_is_used_for_ever(store: Tested) {
    let used = async |sub: &str| store.is_used_sub(&to_id(sub)).await.unwrap();
    store.import_users(vec![user("1", "alice")], NOW).await.unwrap();
    assert!(used("1").await);
    assert!(!used("2").await);
    assert!(store.remove_user(&to_id("1"), NOW).await.unwrap());
    assert!(!store.remove_user(&to_id("2"), NOW).await.unwrap());
    assert!(used("1").await);
    assert!(!used("2").await, "nobody had it");
    // The same user may come back with it, and go again.
    store.put_user(user("1", "alice"), NOW).await.unwrap();
    assert!(store.remove_user(&to_id("1"), NOW).await.unwrap());
    assert!(used("1").await);
}

pub async fn each_cost_of_their_passwords_is_known(store: Tested) {
    let with_cost = |sub: &str, cost: &str| {
        let text = format!("${cost}${}${}", "A".repeat(22), "E".repeat(43));
        User { password_hash: Some(PasswordHash::parse(&text).unwrap()), ..user(sub, sub) }
    };
    assert!(store.password_costs(9).await.unwrap().is_empty());
    let (cheap, dear) = ("argon2id$v=19$m=4096,t=1,p=1", "argon2id$v=19$m=65536,t=3,p=4");
    // Another salt is no other cost.
    let (foreign, dots) = ("pbkdf2-sha256$v=1$i=1000,l=32", "bcrypt$v=98$r=4");
    let bcrypt = |sub: &str, salt: &str| {
        let text = format!("${dots}${}${}", salt.repeat(22), salt.repeat(31));
        User { password_hash: Some(PasswordHash::parse(&text).unwrap()), ..user(sub, sub) }
    };
    for (sub, salt) in [("6", "a"), ("7", "b")] {
        store.put_user(bcrypt(sub, salt), NOW).await.unwrap();
    }
    let argon2 = [("1", cheap), ("2", dear), ("3", cheap), ("4", dear), ("5", cheap)];
    for (sub, cost) in argon2.into_iter().chain([("8", foreign), ("9", foreign)]) {
        store.put_user(with_cost(sub, cost), NOW).await.unwrap();
    }
    let mut costs = Vec::new();
    for hash in store.password_costs(9).await.unwrap() {
        costs.push(hash.cost().trim_start_matches('$').to_owned());
    }
    costs.sort_unstable();
    assert_eq!(costs, [cheap, dear, dots, foreign]);
    assert_eq!(store.password_costs(1).await.unwrap().len(), 1);
}

//! What clients may have of a user's data.

use doorward_provider::{
    model::{
        client_access::{ClientAccess, Use},
        consent::Consent,
    },
    store::{Redemption, RotateRefreshToken, Rotation},
};

use super::fixtures::{
    NOW, Tested, add_grant, add_many_grants, allow_device, at, code, grant_for, hash, seed, to_id,
    token, user,
};

fn access(client_id: &str, scope: &str, used: Option<(i64, i64)>) -> ClientAccess {
    let used = used.map(|(since, last)| Use { since: at(since), last: at(last) });
    ClientAccess { client_id: to_id(client_id), scope: scope.parse().unwrap(), used }
}

async fn access_of(store: &Tested, sub: &str, second: i64) -> Vec<ClientAccess> {
    let mut found = store.access_of(&to_id(sub), None, 100, at(second)).await.unwrap();
    found.sort_by_key(|access| {
        (access.client_id.clone(), access.scope.to_string(), access.used.is_none())
    });
    found
}

pub async fn summed_up_by_client_and_scope(store: Tested) {
    for (id, client, sub, scope, start, end) in [
        ("1", "a", "alice", "openid", 0, 60),
        ("2", "a", "alice", "openid", 9, 90),
        ("3", "a", "alice", "openid email", 5, 90),
        ("4", "b", "alice", "openid", 7, 8),
        ("5", "a", "bob", "openid", 1, 90),
    ] {
        add_grant(&*store, grant_for(client, id, sub, scope), at(end), None, at(start)).await;
    }
    let consent =
        |end: Option<i64>| Consent { scope: "openid".parse().unwrap(), expires_at: end.map(at) };
    store.remember_consent(&to_id("alice"), &to_id("c"), consent(None)).await.unwrap();
    store.remember_consent(&to_id("alice"), &to_id("d"), consent(Some(20))).await.unwrap();
    let all = [
        access("a", "openid", Some((0, 9))),
        access("a", "openid email", Some((5, 5))),
        access("c", "openid", None),
        access("d", "openid", None),
    ];
    assert_eq!(access_of(&store, "alice", 10).await, all);
    let left = [
        access("a", "openid", Some((9, 9))),
        access("a", "openid email", Some((5, 5))),
        access("c", "openid", None),
    ];
    assert_eq!(access_of(&store, "alice", 60).await, left);
    assert_eq!(access_of(&store, "nobody", 10).await, []);
}

pub async fn a_use_moves_the_last_one_by_hours(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    add_grant(&*store, grant_for("a", "g", "alice", "openid"), at(9000), Some(token(1, 9000)), NOW)
        .await;
    for (number, second, noted) in [(1, 3599, 0), (2, 3600, 3600), (3, 3700, 3600)] {
        let rotation = RotateRefreshToken {
            presented: hash(number),
            seed: seed(number),
            successor: token(number + 1, 9000),
            grant_expires_at: at(9000),
            forgettable: false,
            now: at(second),
            grace: 10.into(),
        };
        assert_eq!(store.rotate_refresh_token(rotation).await.unwrap(), Rotation::Rotated);
        assert_eq!(
            access_of(&store, "alice", second).await,
            [access("a", "openid", Some((0, noted)))]
        );
    }
}

pub async fn revoked_with_the_consent_and_for_one_client_only(store: Tested) {
    store.import_users(vec![user("alice", "alice"), user("bob", "bob")], NOW).await.unwrap();
    for (id, client, sub) in
        [("1", "a", "alice"), ("2", "a", "alice"), ("3", "b", "alice"), ("4", "a", "bob")]
    {
        add_grant(&*store, grant_for(client, id, sub, "openid"), at(60), None, NOW).await;
    }
    let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    store.remember_consent(&to_id("alice"), &to_id("a"), consent).await.unwrap();
    store.revoke_access(&to_id("alice"), &to_id("a"), at(1)).await.unwrap();
    assert_eq!(access_of(&store, "alice", 1).await, [access("b", "openid", Some((0, 0)))]);
    assert_eq!(access_of(&store, "bob", 1).await, [access("a", "openid", Some((0, 0)))]);
    assert!(store.consent(&to_id("alice"), &to_id("a")).await.unwrap().is_none());
    assert!(store.live_grant(&to_id("1"), at(1)).await.unwrap().is_none());
    store.revoke_access(&to_id("alice"), &to_id("a"), at(2)).await.unwrap();
}

pub async fn revoked_whatever_clock_it_was_given_by(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    add_grant(&*store, grant_for("a", "ahead", "alice", "openid"), at(60), None, at(5)).await;
    store.revoke_access(&to_id("alice"), &to_id("a"), NOW).await.unwrap();
    assert!(store.live_grant(&to_id("ahead"), at(5)).await.unwrap().is_none());
}

pub async fn revoked_before_it_is_fetched(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    for (number, client, left) in [(1, "Other", true), (2, "Television", false)] {
        let grant = |id: &str| grant_for("Television", id, "alice", "openid");
        let (of_device, of_code) =
            (grant(&format!("device-{number}")), grant(&format!("code-{number}")));
        allow_device(&store, number, of_device.clone()).await;
        assert!(store.add_code(hash(10 + number), code(of_code.clone(), 60), false).await.unwrap());
        store.revoke_access(&to_id("bob"), &to_id("Television"), NOW).await.unwrap();
        store.revoke_access(&to_id("alice"), &to_id(client), NOW).await.unwrap();
        let fetched =
            store.redeem_device_code(hash(number), of_device, at(60), None, NOW).await.unwrap();
        assert_eq!(fetched, left, "by the device, after {client} was revoked");
        let redeemed =
            store.redeem_code(hash(10 + number), of_code, at(60), None, NOW).await.unwrap();
        assert_eq!(
            redeemed == Redemption::Redeemed,
            left,
            "{redeemed:?}, after {client} was revoked"
        );
    }
    assert_eq!(access_of(&store, "alice", 1).await, []);
}

pub async fn much_is_revoked_in_pages(store: Tested) {
    add_many_grants(&store, "app", 600).await;
    store.revoke_access(&to_id("alice"), &to_id("app"), at(1_000)).await.unwrap();
    for id in ["grant-0000", "grant-0599"] {
        assert!(store.live_grant(&to_id(id), at(1_000)).await.unwrap().is_none());
    }
    assert!(store.access_of(&to_id("alice"), None, 100, at(1_000)).await.unwrap().is_empty());
}

pub async fn summed_up_in_pages(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    for (number, client) in ["a", "B", "c", "d"].into_iter().enumerate() {
        for scope in ["openid", "openid profile"] {
            let grant = grant_for(client, &format!("{client}-{}", scope.len()), "alice", scope);
            add_grant(&*store, grant, at(60), None, at(number.try_into().unwrap())).await;
        }
    }
    let consent = Consent { scope: "email".parse().unwrap(), expires_at: None };
    store.remember_consent(&to_id("alice"), &to_id("e"), consent).await.unwrap();
    let page = async |after: Option<&str>| -> Vec<(String, usize)> {
        let after = after.map(to_id);
        let found = store.access_of(&to_id("alice"), after.as_ref(), 2, at(10)).await.unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for access in found {
            *counts.entry(access.client_id.to_string()).or_default() += 1;
        }
        counts.into_iter().collect()
    };
    let expected = |clients: &[(&str, usize)]| -> Vec<(String, usize)> {
        clients.iter().map(|(client, count)| ((*client).to_owned(), *count)).collect()
    };
    assert_eq!(page(None).await, expected(&[("B", 2), ("a", 2)]));
    assert_eq!(page(Some("a")).await, expected(&[("c", 2), ("d", 2)]));
    assert_eq!(page(Some("d")).await, expected(&[("e", 1)]));
    assert_eq!(page(Some("e")).await, []);
}

//! What commands leave to the server: sessions of users who are disabled, and everything of clients
//! that were removed. None of it lives any more, however long it is there.

use std::collections::BTreeSet;

use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        consent::Consent,
        device_code::DeviceAnswer,
        provisioning::{Provisioned, ProvisionedKind},
        registration::{Admission, RegisteredClient},
        session::{Session, SessionSelector, SignInProof},
        throttle::OriginBound,
        time::Timestamp,
        user::User,
    },
    store::{AddedDeviceCode, Redemption, Store, StoreError},
};
use futures::future::join_all;
use serde_json::Map;

use super::{
    clients::client,
    fixtures::{
        NOW, Tested, UNBOUNDED, add_grant, add_many_grants, at, code, device_code, grant,
        grant_for, hash, parallel, session, start_session, to_id, token, user, user_code,
        with_other_password,
    },
};

/// More than two pages of sessions end at a time, fewer than three.
const SESSIONS: u64 = 450;
/// More than a page of rows.
const GRANTS: u64 = 900;

/// The session of `alice` with this number; those with higher numbers begin later.
fn numbered(number: u64) -> Session {
    let mut session = session(number, "alice", 600);
    session.authentication.sid = to_id(&format!("sid-{number:03}"));
    session.authentication.auth_time = at(i64::try_from(number).unwrap());
    session
}

/// Signs `alice` in as often, each time at the client `app`, which wants to know when that is over.
/// The codes are not redeemed.
async fn signed_in_often(store: &Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    let sign_in = |number: u64| async move {
        start_session(&**store, numbered(number), None).await;
        assert!(add_code(&**store, number).await);
    };
    for first in (1..=SESSIONS).step_by(50) {
        join_all((first..=SESSIONS.min(first + 49)).map(sign_in)).await;
    }
}

/// Adds a code in the session with this number; `false` if that is over.
async fn add_code(store: &dyn Store, number: u64) -> bool {
    let mut code = code(grant_for("app", &format!("code-{number}"), "alice", "openid"), 600);
    code.grant.authentication.sid = numbered(number).authentication.sid;
    store.add_code(hash(10_000 + number), code, true).await.unwrap()
}

/// Disables or enables `alice`.
async fn set_enabled(store: &dyn Store, enabled: bool) {
    store.put_user(User { enabled, ..user("alice", "alice") }, NOW).await.unwrap();
}

/// Sessions that are rows, whether or not they live.
async fn rows(store: &dyn Store) -> u64 {
    store.count_sessions(1_000, NOW).await.unwrap()
}

/// What a page takes.
async fn page(store: &dyn Store, now: Timestamp) -> u64 {
    store.remove_left_behind(now).await.unwrap()
}

async fn remove_all(store: &dyn Store, now: Timestamp) {
    while page(store, now).await > 0 {}
}

/// For how many sessions the client `app` is told by now that they are over. Each is told once.
async fn told(store: &dyn Store) -> usize {
    told_by(store, NOW).await
}

async fn told_by(store: &dyn Store, now: Timestamp) -> usize {
    let mut told = Vec::new();
    loop {
        let claimed = store.claim_logout_notices(&to_id("app"), 100, now, at(9_000)).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        told.extend(claimed.into_iter().map(|notice| notice.sid));
    }
    let count = told.len();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), count, "each session ends once");
    count
}

/// The clients that have access to what is of `alice`.
async fn clients_with_access(store: &dyn Store) -> Vec<ClientId> {
    let access = store.access_of(&to_id("alice"), None, 100, NOW).await.unwrap();
    let clients: BTreeSet<ClientId> = access.into_iter().map(|access| access.client_id).collect();
    clients.into_iter().collect()
}

/// No session of before lives, and nothing comes of one.
async fn assert_signed_out(store: &dyn Store) {
    for number in [1, SESSIONS / 2, SESSIONS] {
        assert_eq!(store.session(hash(number), NOW).await.unwrap(), None, "{number}");
        assert!(!add_code(store, 1_000 + number).await, "{number}");
    }
    assert_eq!(store.sessions_of(&to_id("alice"), None, 10, NOW).await.unwrap(), []);
    let last = grant_for("app", "of-the-last", "alice", "openid");
    let redeemed =
        store.redeem_code(hash(10_000 + SESSIONS), last, at(600), Some(token(1, 600)), NOW).await;
    assert_eq!(redeemed.unwrap(), Redemption::SessionEnded);
    assert!(store.live_grant(&to_id("of-the-last"), NOW).await.unwrap().is_none());
    assert!(store.refresh_token(hash(1)).await.unwrap().is_none());
}

pub async fn a_disabled_user_is_signed_out_before_the_sessions_are_removed(store: Tested) {
    signed_in_often(&store).await;
    set_enabled(&*store, false).await;
    assert_eq!(rows(&*store).await, SESSIONS - 200, "a page has ended");
    assert_signed_out(&*store).await;
    // Whoever has the page of a device open allows nothing any more.
    let added = store.add_device_code(device_code(1, 300), &UNBOUNDED, NOW).await.unwrap();
    assert_eq!(added, AddedDeviceCode::Added);
    let alice = to_id("alice");
    store.claim_device_code(user_code(1), &alice, NOW).await.unwrap().unwrap();
    let allowed = DeviceAnswer::Allowed(Box::new(grant("device", "alice")));
    let sid = numbered(SESSIONS).authentication.sid;
    assert!(!store.answer_device_code(user_code(1), &alice, &sid, allowed, NOW).await.unwrap());

    // Then the sessions go, a page at a time, and their clients are told.
    assert_eq!(told(&*store).await, 200);
    assert_eq!(page(&*store, NOW).await, 201);
    assert_eq!((rows(&*store).await, told(&*store).await), (SESSIONS - 400, 200));
    assert_eq!(page(&*store, NOW).await, 51);
    assert_eq!((rows(&*store).await, told(&*store).await), (0, 50));
    assert_eq!(page(&*store, NOW).await, 0);
    assert_signed_out(&*store).await;
}

pub async fn few_sessions_end_at_once(store: Tested) {
    start_session(&*store, numbered(1), None).await;
    set_enabled(&*store, false).await;
    assert_eq!((rows(&*store).await, page(&*store, NOW).await), (0, 0));
}

pub async fn what_ends_with_a_session_is_over_at_once(store: Tested) {
    signed_in_often(&store).await;
    let in_last = |id: &str, client_id: &str, scope: &str| {
        let mut grant = grant_for(client_id, id, "alice", scope);
        grant.authentication.sid = numbered(SESSIONS).authentication.sid;
        grant
    };
    for grant in [
        in_last("bound", "a", "openid"),
        in_last("offline", "b", "openid offline_access"),
        grant_for("c", "of-a-device", "alice", "openid"),
    ] {
        add_grant(&*store, grant, at(600), None, NOW).await;
    }
    assert_eq!(clients_with_access(&*store).await, ["a", "b", "c"]);
    set_enabled(&*store, false).await;
    assert_eq!(clients_with_access(&*store).await, ["b", "c"]);
    let found = store.live_grant(&to_id("bound"), NOW).await.unwrap();
    assert!(found.is_none_or(|(_, user)| !user.enabled), "nobody takes it");
    remove_all(&*store, NOW).await;
    assert!(store.live_grant(&to_id("bound"), NOW).await.unwrap().is_none());
    set_enabled(&*store, true).await;
    assert_eq!(clients_with_access(&*store).await, ["b", "c"], "these have waited");
}

pub async fn a_user_is_enabled_when_all_sessions_have_ended(store: Tested) {
    for way in 0..3 {
        signed_in_often(&store).await;
        set_enabled(&*store, false).await;
        assert!(rows(&*store).await > 0);
        let (before, after) =
            (User { enabled: false, ..user("alice", "alice") }, user("alice", "alice"));
        match way {
            0 => store.put_user(after, NOW).await.unwrap(),
            1 => {
                let notices = AccountNotices::default();
                assert!(store.change_user(after, before, notices, NOW).await.unwrap());
            }
            _ => {
                // As two starts with other configurations.
                assert_eq!(store.import_users(vec![before], NOW).await.unwrap(), []);
                assert_eq!(store.import_users(vec![after], NOW).await.unwrap(), []);
            }
        }
        assert!(store.user(&to_id("alice")).await.unwrap().unwrap().enabled);
        assert_eq!(rows(&*store).await, 0, "{way}");
        assert_signed_out(&*store).await;
        assert_eq!(told(&*store).await, usize::try_from(SESSIONS).unwrap());
        // A new session is none of before.
        start_session(&*store, numbered(1), None).await;
        assert_eq!(page(&*store, NOW).await, 0, "nothing is left");
        assert!(store.session(hash(1), NOW).await.unwrap().is_some());
        assert_eq!(store.end_sessions_of(&to_id("alice"), NOW).await.unwrap(), 1);
        // The codes of before expire.
        store.remove_expired(at(9_000), 1_000).await.unwrap();
    }
}

pub async fn who_is_disabled_again_stays_signed_out(store: Tested) {
    signed_in_often(&store).await;
    for _ in 0..4 {
        set_enabled(&*store, false).await;
        assert_signed_out(&*store).await;
    }
    remove_all(&*store, NOW).await;
    assert_eq!((rows(&*store).await, told(&*store).await), (0, 450));

    // The codes of before expire.
    store.remove_expired(at(9_000), 1_000).await.unwrap();
    set_enabled(&*store, true).await;
    signed_in_often(&store).await;
    for enabled in [false, true, false] {
        set_enabled(&*store, enabled).await;
        assert_signed_out(&*store).await;
    }
    assert_eq!((rows(&*store).await, page(&*store, NOW).await), (0, 0));
}

pub async fn a_removed_user_leaves_nothing(store: Tested) {
    signed_in_often(&store).await;
    set_enabled(&*store, false).await;
    assert!(store.remove_user(&to_id("alice"), NOW).await.unwrap());
    assert_eq!((rows(&*store).await, page(&*store, NOW).await), (0, 0));
    assert_eq!(told(&*store).await, 450);
}

pub async fn another_password_ends_what_was_left(store: Tested) {
    signed_in_often(&store).await;
    set_enabled(&*store, false).await;
    let changed = with_other_password(user("alice", "alice"));
    store.put_user(User { enabled: false, ..changed }, NOW).await.unwrap();
    assert_eq!((rows(&*store).await, page(&*store, NOW).await), (0, 0));
}

pub async fn sessions_that_expire_meanwhile_end_like_the_others(store: Tested) {
    signed_in_often(&store).await;
    set_enabled(&*store, false).await;
    store.put_user(user("bob", "bob"), NOW).await.unwrap();
    start_session(&*store, session(2_000, "bob", 700), None).await;
    assert_eq!(rows(&*store).await, SESSIONS - 200 + 1);
    // All have expired by now. Those that wait keep no other from being removed.
    store.remove_expired(at(700), 100).await.unwrap();
    assert_eq!(rows(&*store).await, SESSIONS - 200);
    remove_all(&*store, at(600)).await;
    assert_eq!((rows(&*store).await, told_by(&*store, at(600)).await), (0, 450));
}

pub async fn a_session_can_be_ended_meanwhile(store: Tested) {
    signed_in_often(&store).await;
    set_enabled(&*store, false).await;
    let last = SessionSelector::Cookie(hash(SESSIONS));
    assert_eq!(store.end_sessions(last, NOW).await.unwrap().len(), 1);
    remove_all(&*store, NOW).await;
    assert_eq!((rows(&*store).await, told(&*store).await), (0, 450));
}

pub async fn users_come_before_clients(store: Tested) {
    signed_in_often(&store).await;
    assert!(store.add_client(client("shop", "Shop", false)).await.unwrap());
    add_many_grants(&store, "shop", GRANTS).await;
    assert!(store.remove_client(&to_id("shop"), None).await.unwrap());
    set_enabled(&*store, false).await;
    assert_eq!(told(&*store).await, 200);
    page(&*store, NOW).await;
    page(&*store, NOW).await;
    assert_eq!((rows(&*store).await, told(&*store).await), (0, 250));
    remove_all(&*store, NOW).await;
}

pub async fn several_processes_remove_at_once(store: Tested) {
    signed_in_often(&store).await;
    assert!(store.add_client(client("shop", "Shop", false)).await.unwrap());
    add_many_grants(&store, "shop", GRANTS).await;
    set_enabled(&*store, false).await;
    assert!(store.remove_client(&to_id("shop"), None).await.unwrap());
    parallel(&store, 8, |store, _| async move { remove_all(&*store, NOW).await }).await;
    remove_all(&*store, NOW).await;
    assert_eq!((rows(&*store).await, told(&*store).await), (0, 450));
    assert!(!store.remove_client(&to_id("shop"), None).await.unwrap(), "nothing is left");
}

pub async fn a_user_is_enabled_beside_the_removal(store: Tested) {
    signed_in_often(&store).await;
    set_enabled(&*store, false).await;
    parallel(&store, 4, |store, index| async move {
        if index == 0 {
            set_enabled(&*store, true).await;
            start_session(&*store, numbered(999), None).await;
        } else {
            remove_all(&*store, NOW).await;
        }
    })
    .await;
    remove_all(&*store, NOW).await;
    assert!(store.session(hash(999), NOW).await.unwrap().is_some());
    assert_eq!((rows(&*store).await, told(&*store).await), (1, 450));
}

pub async fn nobody_signs_in_beside_the_end(store: Tested) {
    signed_in_often(&store).await;
    parallel(&store, 20, |store, index| async move {
        if index == 10 {
            return set_enabled(&*store, false).await;
        }
        let proof = SignInProof::Password(user("alice", "alice").password_hash.unwrap());
        let (session, notices) = (numbered(500 + index), AccountNotices::default());
        store.start_session(session, &proof, None, notices, NOW).await.unwrap();
    })
    .await;
    for index in 0..20 {
        assert_eq!(store.session(hash(500 + index), NOW).await.unwrap(), None);
    }
    remove_all(&*store, NOW).await;
    assert_eq!(rows(&*store).await, 0);
}

pub async fn a_removed_client_leaves_its_rows_to_the_server(store: Tested) {
    let (alice, app) = (to_id("alice"), to_id("app"));
    let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    assert!(store.add_client(client("app", "App", false)).await.unwrap());
    add_many_grants(&store, "app", GRANTS).await;
    store.remember_consent(&alice, &app, consent.clone()).await.unwrap();
    let of_alice = Provisioned::User(alice.clone());
    store.set_external_id(&app, &of_alice, Some("1")).await.unwrap();
    let called =
        async || store.with_external_id(&app, ProvisionedKind::User, "1", 10).await.unwrap();
    assert_eq!(clients_with_access(&*store).await, ["app"]);
    assert_eq!(called().await, ["alice"]);

    assert!(store.remove_client(&app, None).await.unwrap());
    assert!(store.client(&app).await.unwrap().is_none());
    assert!(clients_with_access(&*store).await.is_empty(), "though 400 grants are there");
    assert!(called().await.is_empty());
    assert!(store.is_being_removed(&app).await.unwrap());
    assert_eq!(
        page(&*store, NOW).await,
        403,
        "with the consent, the name, and a note to look again"
    );
    assert_eq!(page(&*store, NOW).await, 0);

    // A request that was under way in a process that had not heard of it.
    store.remember_consent(&alice, &app, consent).await.unwrap();
    assert!(clients_with_access(&*store).await.is_empty());
    assert_eq!(page(&*store, at(59)).await, 0);
    assert_eq!(page(&*store, at(60)).await, 2);
    assert!(store.consent(&alice, &app).await.unwrap().is_none());
    assert_eq!(page(&*store, at(9_999)).await, 0);
    assert!(!store.is_being_removed(&app).await.unwrap());
}

pub async fn a_new_client_inherits_nothing_of_a_removed_one(store: Tested) {
    let (alice, app) = (to_id("alice"), to_id("app"));
    let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
    for configured in [false, true] {
        assert!(store.add_client(client("app", "Old", false)).await.unwrap());
        add_many_grants(&store, "app", GRANTS).await;
        assert!(store.remove_client(&app, None).await.unwrap());
        let new = client("app", "New", configured);
        if configured {
            store.import_clients(vec![new]).await.unwrap();
        } else {
            assert!(store.add_client(new).await.unwrap());
        }
        for number in 0..GRANTS {
            let grant = to_id(&format!("grant-{number:04}"));
            assert!(store.live_grant(&grant, NOW).await.unwrap().is_none(), "{number}");
        }
        // What it gets itself stays.
        store.remember_consent(&alice, &app, consent.clone()).await.unwrap();
        remove_all(&*store, at(9_999)).await;
        assert!(store.consent(&alice, &app).await.unwrap().is_some());
        assert_eq!(clients_with_access(&*store).await, ["app"]);
        assert!(store.remove_client(&app, None).await.unwrap());
        remove_all(&*store, NOW).await;
        remove_all(&*store, at(60)).await;
        store.remove_expired(at(20_000), 1_000).await.unwrap();
    }
}

pub async fn nobody_registers_by_the_identifier_of_a_removed_client(store: Tested) {
    assert!(store.add_client(client("app", "Old", false)).await.unwrap());
    assert!(store.remove_client(&to_id("app"), None).await.unwrap());
    let new = RegisteredClient {
        client_id: to_id("app"),
        metadata: Map::new(),
        secret: None,
        management: hash(1),
        issued_at: NOW,
        used: false,
        expires_at: at(600),
    };
    let bound = OriginBound::new(&to_id("nobody"), "192.0.2.1", 10);
    let admission = Admission { token: None, bound };
    let refused = store.add_registered_client(new, &admission, NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
}

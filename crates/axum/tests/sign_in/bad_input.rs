//! What users, attackers and failing machines send.

use async_trait::async_trait;
use axum::http::{Request, StatusCode};
use doorward_axum::{
    CookieKeys, FoundSession, Key, MemorySessions, SessionRow, SessionStore, SessionsIn,
    StoreError, Whose,
};
use serde_json::json;

use crate::support::{Kept, Provider, World};

#[tokio::test]
async fn return_to_never_leaves_the_application() {
    let world = World::new().await;
    for hostile in [
        "//evil.example",
        "/%5Cevil.example",
        "https:",
        "https://evil.example",
        "%2F%2Fevil.example",
        "/%09/evil.example",
        "/..//evil.example",
        "javascript:alert(1)",
    ] {
        let browser = world.browser();
        let to_provider =
            browser.open(&format!("/signin?return_to={hostile}")).await.location().to_owned();
        let callback = world.provider.authorize(&to_provider);
        assert_eq!(browser.open(&callback).await.location(), "/", "{hostile}");
    }
}

#[tokio::test]
async fn the_response_of_another_browser_signs_nobody_in() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let attacker = world.browser();
        let to_provider = attacker.open("/signin").await.location().to_owned();
        let callback = world.provider.authorize(&to_provider);
        let victim = world.browser();
        for prepare in [false, true] {
            if prepare {
                // The victim has begun a sign-in, too.
                victim.open("/signin").await;
            }
            let answer = victim.open(&callback).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kept:?}");
            assert!(answer.body.contains("href=\"/signin\""), "{}", answer.body);
        }
        assert_eq!(victim.open("/").await.body, "nobody");
        assert!(world.provider.forms("token").is_empty());
        // The attacker's own sign-in is not disturbed.
        assert_eq!(attacker.open(&callback).await.location(), "/");
    }
}

#[tokio::test]
async fn a_response_counts_once() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        let callback = world.provider.authorize(&to_provider);
        let at_first = browser.copy();
        browser.open(&callback).await;
        // Back, or Reload.
        assert_eq!(browser.open(&callback).await.location(), "/");
        assert_eq!(browser.open("/").await.body, "alice");
        // Whoever read the address, and even the cookies of then.
        assert_eq!(world.browser().open(&callback).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(at_first.open(&callback).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.provider.forms("token").len(), 1, "{kept:?}");
    }
}

#[tokio::test]
async fn two_tabs_sign_in() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.browser();
        let one = browser.open("/me?tab=1").await.location().to_owned();
        let two = browser.open("/me?tab=2").await.location().to_owned();
        let (one, two) = (world.provider.authorize(&one), world.provider.authorize(&two));
        assert_eq!(browser.open(&two).await.location(), "/me?tab=2", "{kept:?}");
        assert_eq!(browser.open(&one).await.location(), "/me?tab=1", "{kept:?}");
        assert_eq!(browser.open("/").await.body, "alice");
    }
}

/// A browser that is started again with its tabs sends all their requests before it has an answer.
#[tokio::test]
async fn tabs_that_begin_at_once_all_sign_in() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.browser();
        let mut callbacks = Vec::new();
        for number in 0..6 {
            let tab = world.browser();
            let to_provider = tab.open(&format!("/me?tab={number}")).await.location().to_owned();
            browser.take_cookies_of(&tab);
            callbacks.push(world.provider.authorize(&to_provider));
        }
        for (number, callback) in callbacks.iter().enumerate() {
            let page = format!("/me?tab={number}");
            assert_eq!(browser.open(callback).await.location(), page, "{kept:?}");
        }
        assert!(!browser.cookie_header().contains("-signin-"), "nothing is left of them");
        assert_eq!(browser.open("/").await.body, "alice", "{kept:?}");
    }
}

#[tokio::test]
async fn many_tabs_do_not_fill_the_cookies() {
    for (kept, most) in [(Kept::InMemory, 20), (Kept::InCookies, 6)] {
        let world = World::kept(kept).await;
        let browser = world.browser();
        for _ in 0..30 {
            browser.open("/me").await;
        }
        assert_eq!(browser.cookie_header().split(';').count(), most, "{kept:?}");
        assert_eq!(world.sign_in(&browser, "/me").await, "/me");
    }
}

#[tokio::test]
async fn the_providers_errors_are_told() {
    let world = World::new().await;
    let browser = world.browser();
    let to_provider = browser.open("/me").await.location().to_owned();
    let state = to_provider.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let issuer = &world.provider.issuer;
    let callback = format!(
        "/signin-oidc?error=access_denied&error_description=%3Cscript%3E&state={state}&iss={issuer}"
    );
    let answer = browser.open(&callback).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!answer.body.contains("<script>"), "{}", answer.body);
    assert!(answer.body.contains("href=\"/signin\""), "{}", answer.body);
    for broken in ["", "?", "?code=x", "?state=x", "?code=x&state=%00", "?state=a&state=b&code=c"] {
        let answer = browser.open(&format!("/signin-oidc{broken}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{broken}");
    }
}

#[tokio::test]
async fn a_response_of_another_issuer_is_refused() {
    let world = World::new().await;
    for (from, to) in [("iss=http", "iss=https"), ("&iss=", "&other=")] {
        let browser = world.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        let callback = world.provider.authorize(&to_provider).replace(from, to);
        let answer = browser.open(&callback).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error());
        assert_eq!(browser.open("/").await.body, "nobody");
    }
    assert!(world.provider.forms("token").is_empty());
}

#[tokio::test]
async fn an_id_token_that_is_not_for_this_sign_in_is_refused() {
    let world = World::new().await;
    for (name, value) in [
        ("nonce", json!("another")),
        ("aud", json!("another")),
        ("iss", json!("https://evil.example")),
        ("exp", json!(1)),
        ("sub", json!("mallory")),
        ("sub", json!("")),
        ("sub", json!(null)),
    ] {
        world.provider.change(|rules| rules.claims = json!({ name: value }));
        let browser = world.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        let answer = browser.open(&world.provider.authorize(&to_provider)).await;
        assert!(!answer.status.is_redirection() && !answer.status.is_success(), "{name}");
        assert_eq!(browser.open("/").await.body, "nobody", "{name}");
        assert!(!answer.body.contains("evil.example"), "no internals: {}", answer.body);
    }
}

#[tokio::test]
async fn the_provider_may_start_later_than_the_application() {
    let world = World::new().await;
    world.provider.change(|rules| rules.is_up = false);
    let browser = world.browser();
    let answer = browser.open("/me").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "5");
    assert!(!answer.body.contains(&world.provider.issuer), "no internals: {}", answer.body);
    assert_eq!(browser.open("/").await.body, "nobody", "other pages work");
    world.provider.change(|rules| rules.is_up = true);
    assert_eq!(world.sign_in(&browser, "/me").await, "/me");
}

#[tokio::test]
async fn a_user_can_sign_out_while_the_provider_is_away() {
    let provider = Provider::start().await;
    let world = World::at(provider, MemorySessions::default(), |settings| settings);
    let browser = world.signed_in().await;
    world.provider.change(|rules| rules.is_up = false);
    browser.post("/signout", "").await.location();
    assert_eq!(browser.open("/").await.body, "nobody");
}

#[tokio::test]
async fn cookies_that_are_long_forged_or_damaged_sign_nobody_in() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let genuine = world.signed_in().await.cookie("session").unwrap();
        let mut damaged = genuine.clone().into_bytes();
        damaged[20] = if damaged[20] == b'A' { b'B' } else { b'A' };
        for value in [
            "x".repeat(10 * 1024),
            "A".repeat(43),
            "%00%ff".to_owned(),
            genuine[1..].to_owned(),
            String::from_utf8(damaged).unwrap(),
        ] {
            let browser = world.browser();
            browser.set_cookie("session", &value);
            assert_eq!(browser.open("/").await.body, "nobody", "{kept:?} {value:.20}");
            assert_eq!(browser.cookie("session"), None, "it is removed");
        }
    }
}

/// Whether a store still has a request that has long expired.
async fn has_expired(store: &MemorySessions, key: Key) -> bool {
    // Asked as if no time had passed.
    let kept = store.take_request(key, 0).await.unwrap();
    let is_there = kept.is_some();
    if let Some(sealed) = kept {
        store.put_request(key, sealed, 1).await.unwrap();
    }
    is_there
}

#[tokio::test]
async fn what_has_expired_is_removed_although_nobody_signs_in() {
    let store = MemorySessions::default();
    let world = World::with(store.clone(), |settings| settings).await;
    let key = Key::of(&["expired"]);
    store.put_request(key, Vec::new(), 1).await.unwrap();
    assert_eq!(world.browser().open("/").await.body, "nobody");
    while has_expired(&store, key).await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn many_sign_ins_of_strangers_are_removed_before_the_time() {
    let store = MemorySessions::default();
    let world = World::with(store.clone(), |settings| settings).await;
    let browser = world.browser();
    browser.open("/signin").await;
    let key = Key::of(&["expired"]);
    store.put_request(key, Vec::new(), 1).await.unwrap();
    for _ in 0..1000 {
        browser.open("/signin").await.location();
    }
    while has_expired(&store, key).await {
        tokio::task::yield_now().await;
    }
}

/// Applications of one operator may share a store, or the keys of cookies.
#[tokio::test]
async fn the_session_of_another_client_signs_nobody_in() {
    let provider = Provider::start().await;
    let store = MemorySessions::default();
    let keys = || CookieKeys::parse(["A".repeat(43)]).unwrap();
    for [own, others] in
        [[store.clone().into(), store.into()], [keys().into(), keys().into()] as [SessionsIn; 2]]
    {
        let shop = World::at(provider.clone(), own, |settings| settings);
        let office = World::at(provider.clone(), others, |settings| {
            settings.protocol(|mut own| {
                own.client_id = "office".to_owned();
                own
            })
        });
        let browser = shop.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        let elsewhere = office.browser();
        for pair in browser.cookie_header().split("; ") {
            let (name, value) = pair.split_once('=').unwrap();
            elsewhere.set_cookie(name, value);
        }
        let callback = provider.authorize(&to_provider);
        assert_eq!(elsewhere.open(&callback).await.status, StatusCode::BAD_REQUEST);
        browser.open(&callback).await.location();
        elsewhere.set_cookie("session", &browser.cookie("session").unwrap());
        assert_eq!(elsewhere.open("/").await.body, "nobody");
        assert_eq!(browser.open("/").await.body, "alice");
    }
}

#[tokio::test]
async fn keys_of_cookies_rotate() {
    let (old, new) = ("A".repeat(43), format!("{}A", "B".repeat(42)));
    let keys = |keys: &[&str]| CookieKeys::parse(keys).unwrap();
    let before = World::with(keys(&[&old]), |settings| settings).await;
    let browser = before.signed_in().await;
    let cookie = browser.cookie("session").unwrap();
    for (given, name) in
        [(vec![&*new, &*old], "alice"), (vec![&*old, &*new], "alice"), (vec![&*new], "nobody")]
    {
        let world = World::at(before.provider.clone(), keys(&given), |settings| settings);
        let later = world.browser();
        later.set_cookie("session", &cookie);
        assert_eq!(later.open("/").await.body, name);
    }
    assert!(CookieKeys::parse(["short"]).is_err());
    assert!(CookieKeys::parse([] as [&str; 0]).is_err());
}

/// A store whose database is away.
struct Away;

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError("no connection".to_owned()))
}

#[async_trait]
impl SessionStore for Away {
    async fn put_request(&self, _: Key, _: Vec<u8>, _: u64) -> Result<(), StoreError> {
        away()
    }

    async fn take_request(&self, _: Key, _: u64) -> Result<Option<Vec<u8>>, StoreError> {
        away()
    }

    async fn insert(&self, _: SessionRow) -> Result<(), StoreError> {
        away()
    }

    async fn find(&self, _: Key, _: u64) -> Result<Option<FoundSession>, StoreError> {
        away()
    }

    async fn claim_renewal(&self, _: Key, _: u64, _: u64, _: u64) -> Result<bool, StoreError> {
        away()
    }

    async fn replace(&self, _: Key, _: u64, _: Vec<u8>) -> Result<bool, StoreError> {
        away()
    }

    async fn update(&self, _: Key, _: u64, _: Vec<u8>) -> Result<bool, StoreError> {
        away()
    }

    async fn remove(&self, _: Key) -> Result<(), StoreError> {
        away()
    }

    async fn remove_all(&self, _: Whose) -> Result<u64, StoreError> {
        away()
    }

    async fn was_used(&self, _: Key, _: u64) -> Result<bool, StoreError> {
        away()
    }

    async fn use_once(&self, _: Key, _: u64, _: u64) -> Result<bool, StoreError> {
        away()
    }

    async fn sweep(&self, _: u64, _: u32) -> Result<(), StoreError> {
        away()
    }
}

#[tokio::test]
async fn while_the_store_is_away_nobody_is_signed_in_or_out_by_mistake() {
    let world = World::with(Away, |settings| settings).await;
    let browser = world.browser();
    let answer = browser.open("/me").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.body.contains("no connection"), "no internals: {}", answer.body);
    browser.set_cookie("session", &"A".repeat(43));
    assert_eq!(browser.open("/").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(browser.cookie("session").is_some(), "the cookie may be good");
    let json = browser.send(Request::get("/").header("accept", "application/json"), "").await;
    assert_eq!(json.json()["error"], "temporarily_unavailable");
}

#[tokio::test]
async fn a_route_that_was_added_too_late_says_so() {
    use doorward_axum::SignedIn;
    let world = World::new().await;
    let app = world.app.clone();
    let app = app.route("/late", axum::routing::get(async |user: SignedIn| user.sub().to_owned()));
    let answer = crate::support::Browser::new(&app).open("/late").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

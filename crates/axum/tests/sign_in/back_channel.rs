//! The provider tells that a session ended.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use async_trait::async_trait;
use axum::http::{Request, StatusCode};
use doorward_axum::{
    FoundSession, Key, MemorySessions, SessionRow, SessionStore, SigningAlgorithm, StoreError,
    Whose,
};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use url::Url;

use crate::support::{Browser, CLIENT, Kept, Provider, World, now};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn claims(world: &World, jti: &str) -> Value {
    json!({
        "iss": world.provider.issuer, "aud": CLIENT, "iat": now(), "exp": now() + 120, "jti": jti,
        "sid": "sid-1", "events": { EVENT: {} },
    })
}

async fn notify(world: &World, typ: &str, claims: &Value) -> StatusCode {
    send(world, &world.provider.sign(typ, claims)).await
}

/// The answer to a logout token that is sent.
async fn send(world: &World, token: &str) -> StatusCode {
    let request = Request::post("/backchannel-logout")
        .header("content-type", "application/x-www-form-urlencoded");
    world.browser().send(request, &format!("logout_token={token}")).await.status
}

async fn is_in(browser: &Browser) -> bool {
    browser.open("/").await.body == "alice"
}

#[tokio::test]
async fn the_sessions_of_a_sign_in_or_of_a_user_end() {
    for kept in Kept::ALL {
        for (present, absent) in [("sid", "sub"), ("sub", "sid")] {
            let world = World::kept(kept).await;
            let browsers = [world.signed_in().await, world.signed_in().await];
            let mut claims = claims(&world, "1");
            claims["sub"] = "alice".into();
            claims.as_object_mut().unwrap().remove(absent);
            assert_eq!(notify(&world, "logout+jwt", &claims).await, StatusCode::OK);
            for browser in &browsers {
                assert!(!is_in(browser).await, "{kept:?} by {present}");
            }
        }
    }
}

#[tokio::test]
async fn another_sign_in_stays() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let first = world.signed_in().await;
        world.provider.change(|rules| rules.claims = json!({ "sid": "sid-2" }));
        let second = world.signed_in().await;
        assert_eq!(notify(&world, "logout+jwt", &claims(&world, "1")).await, StatusCode::OK);
        assert!(!is_in(&first).await && is_in(&second).await, "{kept:?}");
    }
}

#[tokio::test]
async fn a_session_without_sid_ends_with_any_sign_in_of_its_user() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        world.provider.change(|rules| rules.claims = json!({ "sid": "sid-2" }));
        let named = world.signed_in().await;
        world.provider.change(|rules| rules.claims = json!({ "sid": null }));
        let unnamed = world.signed_in().await;
        world.provider.change(|rules| rules.sub = "bob".to_owned());
        let other = world.signed_in().await;
        let mut claims = claims(&world, "1");
        claims["sub"] = "alice".into();
        assert_eq!(notify(&world, "logout+jwt", &claims).await, StatusCode::OK);
        assert!(is_in(&named).await && !is_in(&unnamed).await, "{kept:?}");
        assert_eq!(other.open("/").await.body, "bob");
        world.advance(1);
        world.provider.change(|rules| rules.sub = "alice".to_owned());
        let later = world.signed_in().await;
        assert_eq!(notify(&world, "logout+jwt", &claims).await, StatusCode::OK);
        assert!(is_in(&later).await, "the token was sent again");
    }
}

#[tokio::test]
async fn a_renewal_whose_token_says_less_forgets_nothing_of_the_sign_in() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        world.provider.change(|rules| rules.claims = json!({ "acr": "2" }));
        let browser = world.signed_in().await;
        world.provider.change(|rules| {
            rules.renews_id_tokens = true;
            rules.claims = json!({ "sid": null, "acr": null, "auth_time": null });
        });
        world.advance(3700);
        assert_eq!(browser.open("/strong").await.body, "alice", "{kept:?}");
        assert_eq!(world.provider.renewals(), 1);
        let mut claims = claims(&world, "1");
        (claims["iat"], claims["exp"]) = (json!(now() + 3700), json!(now() + 3800));
        assert_eq!(notify(&world, "logout+jwt", &claims).await, StatusCode::OK);
        assert!(!is_in(&browser).await, "{kept:?}");
    }
}

/// A token that is about all sessions of a user.
fn claims_of_user(world: &World) -> Value {
    let mut claims = claims(world, "1");
    claims.as_object_mut().unwrap().remove("sid");
    claims["sub"] = "alice".into();
    claims
}

#[tokio::test]
async fn a_token_counts_once() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let claims = claims_of_user(&world);
        assert_eq!(notify(&world, "logout+jwt", &claims).await, StatusCode::OK);
        world.advance(1);
        let later = world.signed_in().await;
        assert_eq!(notify(&world, "logout+jwt", &claims).await, StatusCode::OK);
        assert!(is_in(&later).await, "the token was sent again");
    }
}

/// A store that can neither end nor update sessions until it is mended.
pub struct Broken(pub MemorySessions, pub Arc<AtomicBool>);

#[async_trait]
impl SessionStore for Broken {
    async fn put_request(&self, key: Key, sealed: Vec<u8>, until: u64) -> Result<(), StoreError> {
        self.0.put_request(key, sealed, until).await
    }

    async fn take_request(&self, key: Key, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.take_request(key, now).await
    }

    async fn insert(&self, row: SessionRow) -> Result<(), StoreError> {
        self.0.insert(row).await
    }

    async fn find(&self, key: Key, now: u64) -> Result<Option<FoundSession>, StoreError> {
        self.0.find(key, now).await
    }

    async fn claim_renewal(
        &self,
        key: Key,
        version: u64,
        now: u64,
        until: u64,
    ) -> Result<bool, StoreError> {
        self.0.claim_renewal(key, version, now, until).await
    }

    async fn replace(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        self.0.replace(key, version, sealed).await
    }

    async fn update(&self, key: Key, version: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        if self.1.load(SeqCst) {
            return Err(StoreError("broken".to_owned()));
        }
        self.0.update(key, version, sealed).await
    }

    async fn remove(&self, key: Key) -> Result<(), StoreError> {
        self.0.remove(key).await
    }

    async fn remove_all(&self, whose: Whose) -> Result<u64, StoreError> {
        if self.1.load(SeqCst) {
            return Err(StoreError("broken".to_owned()));
        }
        self.0.remove_all(whose).await
    }

    async fn was_used(&self, key: Key, now: u64) -> Result<bool, StoreError> {
        self.0.was_used(key, now).await
    }

    async fn use_once(&self, key: Key, now: u64, until: u64) -> Result<bool, StoreError> {
        self.0.use_once(key, now, until).await
    }

    async fn sweep(&self, now: u64, most_requests: u32) -> Result<(), StoreError> {
        self.0.sweep(now, most_requests).await
    }
}

#[tokio::test]
async fn what_failed_is_done_when_the_provider_repeats_it() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let store = Broken(MemorySessions::default(), Arc::clone(&is_broken));
    let world = World::with(store, |settings| settings).await;
    let browser = world.signed_in().await;
    for claims in [claims_of_user(&world), claims(&world, "2")] {
        let status = notify(&world, "logout+jwt", &claims).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(is_in(&browser).await);
    is_broken.store(false, SeqCst);
    assert_eq!(notify(&world, "logout+jwt", &claims_of_user(&world)).await, StatusCode::OK);
    assert!(!is_in(&browser).await);
}

#[tokio::test]
async fn what_is_no_logout_token_ends_nothing() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("another")),
        ("exp", json!(now() - 1000)),
        ("iat", json!(now() + 1000)),
        ("events", json!({})),
        ("events", json!(null)),
        ("nonce", json!("n")),
        ("sid", json!(7)),
        ("jti", json!(null)),
    ] {
        let mut claims = claims(&world, "1");
        claims[name] = value.clone();
        let status = notify(&world, "logout+jwt", &claims).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name} {value}");
    }
    assert_eq!(notify(&world, "at+jwt", &claims(&world, "2")).await, StatusCode::BAD_REQUEST);
    for form in ["", "logout_token=", "logout_token=a.b.c", "logout_token=a&logout_token=b"] {
        let answer = world.browser().send(Request::post("/backchannel-logout"), form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
    }
    let other = Provider::start().await;
    let forged = other.sign("logout+jwt", &claims(&world, "3"));
    assert_eq!(send(&world, &forged).await, StatusCode::BAD_REQUEST);
    assert!(is_in(&browser).await);
}

#[tokio::test]
async fn what_went_wrong_with_a_token_is_told_to_nobody() {
    let world = World::new().await;
    let answer = async |world: &World| {
        let token = world.provider.sign("logout+jwt", &claims(world, "1"));
        let request = Request::post("/backchannel-logout");
        world.browser().send(request, &format!("logout_token={token}x")).await
    };
    world.provider.change(|rules| rules.is_up = false);
    let away = answer(&world).await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    world.provider.change(|rules| rules.is_up = true);
    let refused = answer(&world).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    for (answer, told) in [
        (away, "the logout token can't be verified now"),
        (refused, "the logout token is not accepted"),
    ] {
        assert_eq!(answer.json()["error_description"], told);
    }
}

#[tokio::test]
async fn another_algorithm_than_the_registered_one_signs_nobody_in_or_out() {
    let (registered, other) = (Algorithm::ES256, Algorithm::ES384);
    let world = World::with(MemorySessions::default(), |settings| {
        settings.protocol(|own| own.id_token_signed_response_alg(SigningAlgorithm::Es256))
    })
    .await;
    let browser = world.signed_in().await;
    let sign =
        |algorithm, jti| world.provider.sign_by(algorithm, "logout+jwt", &claims(&world, jti));
    assert_eq!(send(&world, &sign(other, "1")).await, StatusCode::BAD_REQUEST);
    assert!(is_in(&browser).await);
    assert_eq!(send(&world, &sign(registered, "2")).await, StatusCode::OK);
    assert!(!is_in(&browser).await);
    world.provider.change(|rules| rules.algorithm = other);
    let another = world.browser();
    let to_provider = another.open("/me").await.location().to_owned();
    let answer = another.open(&world.provider.authorize(&to_provider)).await;
    assert!(!answer.status.is_redirection() && !is_in(&another).await, "{}", answer.body);
}

#[tokio::test]
async fn by_default_each_algorithm_of_the_provider_counts() {
    let world = World::new().await;
    world.provider.change(|rules| rules.algorithm = Algorithm::ES384);
    let browser = world.signed_in().await;
    assert!(is_in(&browser).await);
    let token = world.provider.sign_by(Algorithm::ES256, "logout+jwt", &claims(&world, "1"));
    assert_eq!(send(&world, &token).await, StatusCode::OK);
    assert!(!is_in(&browser).await);
}

#[tokio::test]
async fn a_frame_of_the_provider_ends_the_session_that_it_names() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let issuer = world.provider.issuer.clone();
        // The frame is on another site, so the browser sends no cookies.
        let frame = async |query: String| {
            world.browser().open(&format!("/frontchannel-logout?{query}")).await
        };
        for query in [
            String::new(),
            "sid=sid-1".to_owned(),
            format!("iss={issuer}"),
            "iss=https://evil.example&sid=sid-1".to_owned(),
        ] {
            assert_eq!(frame(query).await.status, StatusCode::BAD_REQUEST);
        }
        frame(format!("iss={issuer}&sid=sid-2")).await;
        assert!(is_in(&browser).await);
        let answer = frame(format!("iss={issuer}&sid=sid-1")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-security-policy"), format!("frame-ancestors {issuer}"));
        assert!(!is_in(&browser).await, "{kept:?}");
    }
}

/// Entra ID: the settings name a group of tenants, and the frame the one of the session.
#[tokio::test]
async fn a_frame_of_a_tenant_ends_the_session_that_it_names() {
    for kept in Kept::ALL {
        let provider = Provider::start().await;
        let of = |tenant: &str| format!("{}/{tenant}/v2.0", provider.issuer);
        let tid = "11111111-2222-3333-4444-555555555555";
        let (group, tenant) = (of("common"), of(tid));
        provider.change(|rules| {
            rules.called = Some(of("{tenantid}"));
            rules.claims = json!({ "iss": tenant, "tid": tid });
        });
        let document = format!("{}/.well-known/openid-configuration", provider.issuer);
        let world = World::at(provider.clone(), kept.sessions(), |settings| {
            settings.protocol(|mut own| {
                own.authority = group;
                own.metadata_url(document)
            })
        });
        let browser = world.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        let mut callback = Url::parse(&provider.authorize(&to_provider)).unwrap();
        let query: Vec<_> = callback.query_pairs().into_owned().collect();
        let own =
            query.iter().map(|(name, value)| (name, if name == "iss" { &tenant } else { value }));
        callback.query_pairs_mut().clear().extend_pairs(own);
        browser.open(callback.as_str()).await.location();
        assert!(is_in(&browser).await, "{kept:?}");
        let frame = async |iss: &str| {
            let query = format!("iss={iss}&sid=sid-1");
            world.browser().open(&format!("/frontchannel-logout?{query}")).await.status
        };
        for other in [of("evil.example"), provider.issuer.clone()] {
            assert_eq!(frame(&other).await, StatusCode::BAD_REQUEST);
        }
        assert!(is_in(&browser).await, "{kept:?}");
        assert_eq!(frame(&tenant).await, StatusCode::OK);
        assert!(!is_in(&browser).await, "{kept:?}");
    }
}

//! Opaque tokens, of which only their issuer knows what they say (RFC 7662).

use std::{sync::Arc, time::Duration};

use axum::{Router, http::StatusCode};
use doorward_resource_server::{
    ClaimPath, IntrospectionSettings, ResourceServerSettings, TokenError, TokenProfile,
    TrustedIssuer,
};
use futures::{
    FutureExt as _,
    future::{join, join_all},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{
    dpop::{ORIGIN, proof, request, thumbprint},
    support::{
        ADMIN_ROUTE, API_SECRET, AUDIENCE, Answer, Introspection, Issuer, NOW, SIT_ROUTE, Setup,
        SigningKey, call, introspecting, orders_api, resource_server, send,
    },
};

const TOKEN: &str = "9lOwJLzNh2dMDVSZKZdvfNFL";

async fn setup() -> Setup {
    Setup::with_settings(introspecting).await
}

/// The issuer says this of the token.
fn knows(setup: &Setup, token: &str, changes: &Value) {
    let mut answer = json!({
        "active": true, "iss": setup.issuer.url, "sub": "alice", "aud": AUDIENCE,
        "client_id": "PkceJS", "iat": NOW,
        "exp": NOW + 3600, "token_type": "Bearer", "role": ["admin"], "scope": "MyBackendApi2",
    });
    for (name, value) in changes.as_object().unwrap() {
        answer[name] = value.clone();
    }
    setup.issuer.publish(|published| drop(published.tokens.insert(token.to_owned(), answer)));
}

/// The issuer keeps its answers back, until there are places.
fn hold(setup: &Setup) -> Arc<Semaphore> {
    let places = Arc::new(Semaphore::new(0));
    setup
        .issuer
        .publish(|published| published.introspection = Introspection::Held(Arc::clone(&places)));
    places
}

fn revoke(setup: &Setup) {
    setup.issuer.publish(|published| published.tokens.clear());
}

#[track_caller]
fn assert_refused(answer: &Answer, cause: TokenError) {
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(answer.challenge_error().as_deref(), Some("invalid_token"));
    assert_eq!(answer.body["error_description"], cause.to_string());
}

#[track_caller]
fn assert_unavailable(answer: &Answer) {
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (503, &json!("temporarily_unavailable")),
        "{answer:?}"
    );
    assert_eq!(
        (answer.header("retry-after"), answer.header("www-authenticate")),
        (Some("1"), None)
    );
}

#[tokio::test]
async fn the_issuer_vouches_for_an_opaque_token() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({}));
    let answer = setup.call(TOKEN).await;
    assert_eq!((answer.status, &answer.body["sub"]), (200, &json!("alice")), "{answer:?}");
    let denied = call(&setup.api, SIT_ROUTE, Some(TOKEN)).await;
    assert_eq!((denied.status, &denied.body["reasons"]), (403, &json!(["needs role sit"])));
    assert_eq!(setup.issuer.questions(), 1, "one answer for both");
}

#[tokio::test]
async fn jwts_are_verified_here_all_the_same() {
    let setup = setup().await;
    assert_eq!(setup.call(&setup.token()).await.status, 200);
    assert_eq!(setup.call("e30.e30.e30").await.status, 401);
    assert_eq!(setup.issuer.questions(), 0);
}

#[tokio::test]
async fn without_the_setting_opaque_tokens_are_refused() {
    let setup = Setup::new().await;
    knows(&setup, TOKEN, &json!({}));
    assert_refused(&setup.call(TOKEN).await, TokenError::Malformed);
    assert_eq!(setup.issuer.questions(), 0);
}

#[tokio::test]
async fn an_unknown_token_is_refused_and_that_is_remembered_briefly() {
    let setup = setup().await;
    for _ in 0..3 {
        assert_refused(&setup.call(TOKEN).await, TokenError::Inactive);
    }
    assert_eq!(setup.issuer.questions(), 1);
    knows(&setup, TOKEN, &json!({}));
    setup.clock.advance(4);
    assert_eq!(setup.call(TOKEN).await.status, 401);
    setup.clock.advance(1);
    assert_eq!(setup.call(TOKEN).await.status, 200);
}

#[tokio::test]
async fn an_answer_counts_as_long_as_the_setting_says() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({}));
    assert_eq!(setup.call(TOKEN).await.status, 200);
    revoke(&setup);
    setup.clock.advance(9);
    assert_eq!(setup.call(TOKEN).await.status, 200);
    setup.clock.advance(1);
    assert_refused(&setup.call(TOKEN).await, TokenError::Inactive);
}

#[tokio::test]
async fn an_answer_never_counts_beyond_the_tokens_end() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({"exp": NOW + 3}));
    setup.clock.advance(2);
    assert_eq!(setup.call(TOKEN).await.status, 200);
    setup.clock.advance(1);
    assert_refused(&setup.call(TOKEN).await, TokenError::Expired);
    assert_eq!(setup.issuer.questions(), 1);
}

#[tokio::test]
async fn without_a_cache_each_request_asks() {
    let setup = Setup::with_settings(|settings| {
        introspecting(settings);
        settings.issuers[0].introspection.as_mut().unwrap().cache = Duration::ZERO;
    })
    .await;
    knows(&setup, TOKEN, &json!({}));
    for _ in 0..3 {
        assert_eq!(setup.call(TOKEN).await.status, 200);
    }
    assert_eq!(setup.issuer.questions(), 3);
    revoke(&setup);
    assert_eq!(setup.call(TOKEN).await.status, 401);
}

#[tokio::test]
async fn many_callers_with_one_token_ask_once() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({}));
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let api = setup.api.clone();
            tokio::spawn(async move { call(&api, ADMIN_ROUTE, Some(TOKEN)).await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(setup.issuer.questions(), 1);
}

#[tokio::test]
async fn answers_about_other_apis_issuers_and_times_are_refused() {
    let setup = setup().await;
    for (number, (changes, cause)) in [
        (json!({"aud": ["Another"]}), TokenError::WrongAudience),
        (json!({"aud": null}), TokenError::InvalidClaim("aud")),
        (json!({"iss": "https://elsewhere.example"}), TokenError::WrongIssuer),
        (json!({"exp": NOW}), TokenError::Expired),
        (json!({"nbf": NOW + 60}), TokenError::NotYetValid),
        (json!({"sub": 7}), TokenError::InvalidClaim("sub")),
        (json!({"cnf": {"x5t#S256": "x"}}), TokenError::KeyBound),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("token-{number}");
        knows(&setup, &token, &changes);
        assert_refused(&setup.call(&token).await, cause);
    }
}

#[tokio::test]
async fn a_bound_token_needs_its_proof() {
    let setup = Setup::with_settings(|settings| {
        introspecting(settings);
        settings.url = Some(ORIGIN.to_owned());
    })
    .await;
    let key = SigningKey::es256("proof");
    knows(&setup, TOKEN, &json!({"token_type": "DPoP", "cnf": {"jkt": thumbprint(&key)}}));
    assert_eq!(setup.call(TOKEN).await.status, 401, "it is not a bearer token");
    let sent = |key: &SigningKey| {
        let proof = proof(key, TOKEN, &json!({}));
        request(ADMIN_ROUTE, "DPoP", TOKEN, &[&proof])
    };
    assert_eq!(send(&setup.api, sent(&key)).await.status, 200);
    assert_eq!(send(&setup.api, sent(&SigningKey::es256("foreign"))).await.status, 401);
}

#[tokio::test]
async fn a_token_that_is_too_long_is_not_asked_about() {
    let setup = setup().await;
    assert_refused(&setup.call(&"a".repeat(4097)).await, TokenError::TooLong);
    assert_refused(&setup.call(&"a".repeat(100 * 1024)).await, TokenError::TooLong);
    assert_eq!(setup.issuer.questions(), 0);
}

#[tokio::test]
async fn an_endpoint_that_fails_says_nothing_about_the_token() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({}));
    let says = |status: u16, body: &str| {
        Introspection::Says(StatusCode::from_u16(status).unwrap(), body.to_owned())
    };
    for hostile in [
        says(500, ""),
        says(401, r#"{"error":"invalid_client"}"#),
        says(204, ""),
        says(200, ""),
        says(200, "[]"),
        says(200, "{}"),
        says(200, r#"{"active":"true"}"#),
        says(200, &"[".repeat(100_000)),
        Introspection::Endless,
    ] {
        setup.issuer.publish(|published| published.introspection = hostile);
        assert_unavailable(&setup.call(TOKEN).await);
        let questions = setup.issuer.questions();
        assert_unavailable(&setup.call(TOKEN).await);
        assert_eq!(setup.issuer.questions(), questions, "left alone for a second");
        setup.clock.advance(1);
    }
    setup.issuer.publish(|published| published.introspection = Introspection::Honest);
    assert_eq!(setup.call(TOKEN).await.status, 200);
}

#[tokio::test]
async fn an_endpoint_that_is_silent_is_waited_for_as_long_as_the_setting_says() {
    let setup = Setup::with_settings(|settings| {
        introspecting(settings);
        settings.patience = Duration::from_millis(200);
    })
    .await;
    // On a busy machine even an honest endpoint takes longer now and then.
    let in_the_end = async |token: &str| {
        for _ in 0..100 {
            if setup.call(token).await.status == 200 {
                return;
            }
            setup.clock.advance(30);
        }
        panic!("no answer to 100 calls");
    };
    in_the_end(&setup.token()).await;
    setup.issuer.publish(|published| published.introspection = Introspection::Silent);
    assert_unavailable(&setup.call(TOKEN).await);
    knows(&setup, TOKEN, &json!({}));
    setup.issuer.publish(|published| published.introspection = Introspection::Honest);
    // It is left alone for a second.
    assert_unavailable(&setup.call(TOKEN).await);
    setup.clock.advance(1);
    in_the_end(TOKEN).await;
}

#[tokio::test]
async fn a_slow_failure_is_followed_by_a_pause_too() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({"active": "perhaps"}));
    let places = hold(&setup);
    let (answer, ()) = join(setup.call(TOKEN), async {
        setup.issuer.state.asked.notified().await;
        setup.clock.advance(5);
        places.add_permits(1);
    })
    .await;
    assert_unavailable(&answer);
    knows(&setup, TOKEN, &json!({}));
    setup.issuer.publish(|published| published.introspection = Introspection::Honest);
    assert_unavailable(&setup.call(TOKEN).await);
    assert_eq!(setup.issuer.questions(), 1, "left alone for a second from when it failed");
    setup.clock.advance(1);
    assert_eq!(setup.call(TOKEN).await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_turned_away_costs_the_others_nothing() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({}));
    for (number, status) in [302, 400, 403, 404, 413, 451].into_iter().enumerate() {
        let status = StatusCode::from_u16(status).unwrap();
        setup.issuer.publish(|published| {
            published.introspection = Introspection::Says(status, String::new());
        });
        assert_unavailable(&setup.call("crafted").await);
        setup.issuer.publish(|published| published.introspection = Introspection::Honest);
        let another = format!("{TOKEN}-{number}");
        knows(&setup, &another, &json!({}));
        assert_eq!(setup.call(&another).await.status, 200, "after {status}");
    }
}

#[tokio::test]
async fn an_issuer_is_left_alone_once_it_failed_at_two_tokens_in_a_row() {
    let setup = setup().await;
    let fails = |says: bool| {
        let says = if says {
            Introspection::Says(StatusCode::INTERNAL_SERVER_ERROR, String::new())
        } else {
            Introspection::Honest
        };
        setup.issuer.publish(|published| published.introspection = says);
    };
    for token in [TOKEN, "second", "third"] {
        knows(&setup, token, &json!({}));
    }
    // One crafted token keeps nobody else out, however often it comes.
    for token in [TOKEN, "second"] {
        for _ in 0..3 {
            fails(true);
            assert_unavailable(&setup.call("crafted").await);
            setup.clock.advance(1);
        }
        fails(false);
        assert_eq!(setup.call(token).await.status, 200, "{token}");
    }
    fails(true);
    assert_unavailable(&setup.call("crafted").await);
    assert_unavailable(&setup.call("third").await);
    fails(false);
    let questions = setup.issuer.questions();
    assert_unavailable(&setup.call("fourth").await);
    assert_eq!(setup.issuer.questions(), questions, "it has failed at two");
    setup.clock.advance(1);
    assert_eq!(setup.call("third").await.status, 200);
}

#[tokio::test]
async fn an_issuer_that_is_busy_is_left_alone_as_long_as_it_says_within_limits() {
    let setup = setup().await;
    for (said, seconds) in
        [("20", 20), ("1000000", 30), ("0", 1), ("Fri, 31 Dec 2100 23:59:59 GMT", 1)]
    {
        setup.issuer.publish(|published| published.introspection = Introspection::Busy(said));
        let answer = setup.call(TOKEN).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some(seconds.to_string().as_str())),
            "{said}"
        );
        let questions = setup.issuer.questions();
        setup.clock.advance(seconds - 1);
        assert_unavailable(&setup.call(TOKEN).await);
        assert_eq!(setup.issuer.questions(), questions, "{said}");
        setup.clock.advance(1);
    }
    setup.issuer.publish(|published| published.introspection = Introspection::Honest);
    assert_eq!(setup.call(TOKEN).await.status, 401);
}

#[tokio::test]
async fn an_answer_counts_from_when_the_question_was_sent() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({}));
    let places = hold(&setup);
    let (first, second) = join(setup.call(TOKEN), async {
        setup.issuer.state.asked.notified().await;
        revoke(&setup);
        setup.clock.advance(6);
        places.add_permits(1);
        setup.call(TOKEN).await
    })
    .await;
    assert_eq!((first.status, second.status), (200, 200));
    setup.clock.advance(3);
    assert_eq!(setup.call(TOKEN).await.status, 200);
    assert_eq!(setup.issuer.questions(), 1);
    places.add_permits(1);
    setup.clock.advance(1);
    assert_refused(&setup.call(TOKEN).await, TokenError::Inactive);
}

#[tokio::test]
async fn who_comes_too_late_for_an_answer_asks_again() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({}));
    let places = hold(&setup);
    let (first, second) = join(setup.call(TOKEN), async {
        setup.issuer.state.asked.notified().await;
        revoke(&setup);
        setup.clock.advance(10);
        places.add_permits(2);
        setup.call(TOKEN).await
    })
    .await;
    assert_eq!(first.status, 200);
    assert_refused(&second, TokenError::Inactive);
    assert_eq!(setup.issuer.questions(), 2);
}

#[tokio::test]
async fn only_so_many_tokens_are_asked_about_at_a_time() {
    let setup = Setup::with_settings(|settings| {
        introspecting(settings);
        settings.patience = Duration::from_secs(300);
    })
    .await;
    let places = hold(&setup);
    let names: Vec<_> = (0..1024).map(|number| format!("made-up-{number}")).collect();
    let mut calls: Vec<_> = names.iter().map(|name| Box::pin(setup.call(name))).collect();
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    assert_unavailable(&setup.call(TOKEN).now_or_never().expect("no question, so no wait"));
    assert!(setup.call(&names[0]).now_or_never().is_none(), "joins the question that runs");
    places.add_permits(2048);
    for answer in join_all(calls).await {
        assert_refused(&answer, TokenError::Inactive);
    }
    knows(&setup, TOKEN, &json!({}));
    assert_eq!(setup.call(TOKEN).await.status, 200);
}

#[tokio::test]
async fn a_broken_jwt_is_shown_to_nobody() {
    let setup = setup().await;
    let token = setup.token();
    for broken in [format!("{token}="), format!("~{token}"), "a.b.c".to_owned(), "..".to_owned()] {
        assert_refused(&setup.call(&broken).await, TokenError::Malformed);
    }
    assert_eq!(setup.issuer.questions(), 0);
    for opaque in ["a.b", "a.b.c.d", "a.b.c.d.e"] {
        knows(&setup, opaque, &json!({}));
        assert_eq!(setup.call(opaque).await.status, 200, "{opaque}");
    }
}

#[tokio::test]
async fn an_address_that_can_not_be_asked_does_not_cost_the_keys() {
    for endpoint in [
        json!("introspect"),
        json!("ftp://127.0.0.1/"),
        json!(7),
        json!(["https://id.example.com"]),
    ] {
        let setup = setup().await;
        setup
            .issuer
            .publish(|published| published.introspection = Introspection::At(endpoint.clone()));
        assert_eq!(setup.call(&setup.token()).await.status, 200, "{endpoint}");
        assert_unavailable(&setup.call(TOKEN).await);
        assert_eq!(setup.issuer.questions(), 0);
    }
}

#[tokio::test]
async fn what_was_answered_before_serves_while_the_endpoint_fails() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({}));
    assert_eq!(setup.call(TOKEN).await.status, 200);
    setup.issuer.publish(|published| {
        published.introspection = Introspection::Says(StatusCode::BAD_GATEWAY, String::new());
    });
    assert_unavailable(&setup.call("another").await);
    assert_eq!(setup.call(TOKEN).await.status, 200);
}

#[tokio::test]
async fn an_issuer_without_the_endpoint_or_away_can_not_be_asked() {
    let setup = setup().await;
    setup.issuer.publish(|published| published.introspection = Introspection::Absent);
    assert_unavailable(&setup.call(TOKEN).await);
    assert_eq!(setup.issuer.questions(), 0);

    let server = resource_server("http://127.0.0.1:1", &Arc::clone(&setup.clock), introspecting);
    assert_unavailable(&call(&orders_api(server), ADMIN_ROUTE, Some(TOKEN)).await);
}

/// The claims of a signed answer about [`TOKEN`], with these changes.
fn answer(setup: &Setup, changes: &Value) -> Value {
    let token = json!({
        "active": true, "iss": setup.issuer.url, "sub": "alice", "aud": AUDIENCE,
        "client_id": "PkceJS", "iat": NOW, "exp": NOW + 3600, "role": ["admin"],
    });
    let mut claims = json!({
        "iss": setup.issuer.url, "aud": AUDIENCE, "iat": NOW, "token_introspection": token,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// A world whose API takes signed answers alone.
async fn signed_setup() -> Setup {
    Setup::with_settings(|settings| {
        introspecting(settings);
        let introspection = settings.issuers[0].introspection.take().unwrap();
        settings.issuers[0].introspection = Some(introspection.with_signed_answers());
    })
    .await
}

fn say(setup: &Setup, body: String) {
    setup.issuer.publish(|published| {
        published.introspection = Introspection::Says(StatusCode::OK, body);
    });
}

fn sign(key: &SigningKey, typ: &str, claims: &Value) -> String {
    let mut header = key.header();
    header.typ = Some(typ.to_owned());
    key.sign_as(&header, claims)
}

const SIGNED: &str = "token-introspection+jwt";

#[tokio::test]
async fn a_signed_answer_is_verified_and_then_read() {
    let setup = signed_setup().await;
    say(&setup, sign(&setup.key, SIGNED, &answer(&setup, &json!({}))));
    let answer = setup.call(TOKEN).await;
    assert_eq!((answer.status, &answer.body["sub"]), (200, &json!("alice")), "{answer:?}");
}

#[tokio::test]
async fn a_signed_answer_says_that_a_token_is_not_active() {
    let setup = signed_setup().await;
    let inactive = answer(&setup, &json!({"token_introspection": {"active": false}}));
    say(&setup, sign(&setup.key, SIGNED, &inactive));
    assert_refused(&setup.call(TOKEN).await, TokenError::Inactive);
}

#[tokio::test]
async fn what_is_not_signed_for_this_api_is_no_answer() {
    let other = SigningKey::es256("other");
    let plain = answer(&signed_setup().await, &json!({}))["token_introspection"].to_string();
    for problem in ["key", "typ", "iss", "aud", "old", "early", "bare", "plain", "none", "empty"] {
        let setup = signed_setup().await;
        let (key, good) = (&setup.key, answer(&setup, &json!({})));
        let changed = |changes: Value| sign(key, SIGNED, &answer(&setup, &changes));
        let body = match problem {
            "key" => sign(&other, SIGNED, &good),
            "typ" => sign(key, "at+jwt", &good),
            "iss" => changed(json!({"iss": "https://other.example"})),
            "aud" => changed(json!({"aud": "other"})),
            "old" => changed(json!({"iat": NOW - 301})),
            "early" => changed(json!({"iat": NOW + 301})),
            // The token's claims beside, and not inside.
            "bare" => sign(key, SIGNED, &good["token_introspection"]),
            "plain" => plain.clone(),
            "none" => {
                let token = sign(key, SIGNED, &good);
                let payload = token.split('.').nth(1).unwrap().to_owned();
                let header = json!({"alg": "none", "typ": SIGNED}).to_string();
                format!("{}.{payload}.", doorward_protocol::base64url::encode(header))
            }
            _ => String::new(),
        };
        say(&setup, body);
        assert_unavailable(&setup.call(TOKEN).await);
    }
}

/// An API that asks two issuers.
struct Asked {
    setup: Setup,
    second: Issuer,
    api: Router,
}

impl Asked {
    /// Neither says how its tokens begin, and they may see each other's.
    async fn sharing() -> Self {
        Self::with(["", ""], |settings| settings.shares_opaque_tokens = true).await
    }

    /// The tokens of each issuer begin so.
    async fn with_prefixes(prefixes: [&str; 2]) -> Self {
        Self::with(prefixes, |_| ()).await
    }

    async fn with(prefixes: [&str; 2], change: impl FnOnce(&mut ResourceServerSettings)) -> Self {
        let setup = setup().await;
        let second = Issuer::start(&[&SigningKey::es256("second")]).await;
        let server = resource_server(&setup.issuer.url, &setup.clock, |settings| {
            let asked = prefixes.map(|prefix| {
                let asked = IntrospectionSettings::new(AUDIENCE, API_SECRET.to_owned());
                Some(asked.with_token_prefix(prefix))
            });
            let profile = TokenProfile::rfc9068().with_roles_at([ClaimPath::name("role")]);
            let trusted = TrustedIssuer::new(&second.url, AUDIENCE).with_profile(profile);
            settings.issuers.push(trusted);
            for (issuer, asked) in settings.issuers.iter_mut().zip(asked) {
                issuer.introspection = asked;
            }
            change(settings);
        });
        Self { setup, second, api: orders_api(server) }
    }

    /// The second issuer says this of the token.
    fn second_knows(&self, token: &str, changes: &Value) {
        let mut answer = json!({
            "active": true, "iss": self.second.url, "sub": "bob", "aud": AUDIENCE,
            "client_id": "PkceJS", "exp": NOW + 3600, "role": "admin",
        });
        for (name, value) in changes.as_object().unwrap() {
            answer[name] = value.clone();
        }
        self.second.publish(|published| drop(published.tokens.insert(token.to_owned(), answer)));
    }

    async fn call(&self, token: &str) -> Answer {
        call(&self.api, ADMIN_ROUTE, Some(token)).await
    }

    /// The questions to the two.
    fn questions(&self) -> (usize, usize) {
        (self.setup.issuer.questions(), self.second.questions())
    }
}

#[tokio::test]
async fn several_issuers_are_asked_until_one_vouches_for_the_token() {
    let asked = Asked::sharing().await;
    knows(&asked.setup, TOKEN, &json!({}));
    assert_eq!(asked.call(TOKEN).await.body["sub"], "alice");
    assert_eq!(asked.questions(), (1, 0));
    asked.second_knows("of-the-second", &json!({}));
    for _ in 0..2 {
        assert_eq!(asked.call("of-the-second").await.body["sub"], "bob");
    }
    assert_eq!(asked.questions(), (2, 1));
    // The refusal of the first counts for a shorter time than the answer of the second.
    asked.setup.clock.advance(6);
    assert_eq!(asked.call("of-the-second").await.status, 200);
    assert_eq!(asked.questions(), (2, 1));
    assert_refused(&asked.call("of-nobody").await, TokenError::Inactive);
}

#[tokio::test]
async fn an_issuer_vouches_for_its_own_tokens_alone() {
    let asked = Asked::sharing().await;
    asked.second_knows(TOKEN, &json!({"iss": asked.setup.issuer.url}));
    assert_refused(&asked.call(TOKEN).await, TokenError::WrongIssuer);
}

#[tokio::test]
async fn an_issuer_that_is_away_may_know_the_token() {
    let asked = Asked::sharing().await;
    asked.second_knows("of-the-second", &json!({}));
    asked.setup.issuer.publish(|published| {
        let away = Introspection::Says(StatusCode::SERVICE_UNAVAILABLE, String::new());
        published.introspection = away;
    });
    assert_eq!(asked.call("of-the-second").await.status, 200, "the other vouches for it");
    assert_unavailable(&asked.call("of-nobody").await);
}

#[tokio::test]
async fn an_issuer_is_asked_only_about_tokens_that_begin_as_its_own() {
    let asked = Asked::with_prefixes(["one_", "two_"]).await;
    assert_refused(&asked.call("one_a").await, TokenError::Inactive);
    assert_eq!(asked.questions(), (1, 0));
    asked.second_knows("two_a", &json!({}));
    assert_eq!(asked.call("two_a").await.body["sub"], "bob");
    assert_eq!(asked.questions(), (1, 1));
    assert_refused(&asked.call("three_a").await, TokenError::Inactive);
    assert_eq!(asked.questions(), (1, 1), "it is nobody's");
}

#[tokio::test]
async fn among_several_issuers_an_answer_without_an_issuer_counts_for_nobody() {
    for asked in [Asked::sharing().await, Asked::with_prefixes(["one_", "two_"]).await] {
        asked.second_knows("two_a", &json!({"iss": null}));
        assert_refused(&asked.call("two_a").await, TokenError::InvalidClaim("iss"));
    }
}

#[tokio::test]
async fn an_issuer_that_is_asked_alone_need_not_say_who_it_is() {
    let setup = setup().await;
    knows(&setup, TOKEN, &json!({"iss": null}));
    assert_eq!(setup.call(TOKEN).await.status, 200);
}

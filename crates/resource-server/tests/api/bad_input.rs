//! What goes wrong at the issuer and what hostile callers send: each with the right answer, and
//! counted.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use doorward_protocol::base64url;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{
    ADMIN_ROUTE, Introspection, NOW, Setup, SigningKey, call, claims, introspecting,
};

/// What this crate counted by its own names since the last time, as `name{label value}`.
fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let counters =
        snapshotter.snapshot().into_vec().into_iter().filter_map(|(key, _, _, value)| {
            let (_, key) = key.into_parts();
            let labels: Vec<_> =
                key.labels().map(|label| format!("{} {}", label.key(), label.value())).collect();
            match value {
                _ if !key.name().starts_with("doorward_api_") => None,
                DebugValue::Counter(0) => None,
                DebugValue::Counter(count) => {
                    Some((format!("{}{{{}}}", key.name(), labels.join(",")), count))
                }
                _ => panic!("{} is not a counter", key.name()),
            }
        });
    counters.collect()
}

fn map(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// Waits for something that happens in the background.
async fn until(what: &str, happened: impl Fn() -> bool) {
    let waiting = async {
        while !happened() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), waiting).await.expect(what);
}

/// Waits until this, and nothing else, is counted once in the background.
async fn until_counted(snapshotter: &Snapshotter, name: &str) {
    let waiting = async {
        loop {
            let counted = counted(snapshotter);
            if !counted.is_empty() {
                return counted;
            }
            tokio::task::yield_now().await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(300), waiting).await.expect(name);
    assert_eq!(counted, map(&[(name, 1)]));
}

#[tokio::test]
async fn ten_thousand_forged_key_names_lead_to_one_fetch() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let setup = Setup::new().await;
    assert_eq!(setup.call(&setup.token()).await.status, 200);
    let payload = base64url::encode(setup.claims().to_string());
    for number in 0..10_000 {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": format!("forged-{number}")});
        let header = base64url::encode(header.to_string());
        let answer = setup.call(&format!("{header}.{payload}.{}", "A".repeat(86))).await;
        // Only the first is looked for. Nobody knows whether the issuer has the others.
        let status = if number == 0 { 401 } else { 503 };
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(setup.issuer.fetches(), 2, "the first, and one for all that is forged");
    let expected = [
        ("doorward_api_key_fetches_total{outcome fetched}", 2),
        ("doorward_api_refusals_total{cause issuer_unavailable}", 9_999),
        ("doorward_api_refusals_total{cause unknown_key}", 1),
    ];
    assert_eq!(counted(&recorder.snapshotter()), map(&expected));
    assert_eq!(setup.call(&setup.token()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_change_under_load_fail_no_request() {
    let setup = Arc::new(Setup::new().await);
    assert_eq!(setup.call(&setup.token()).await.status, 200);
    let (signing, stop) =
        (Arc::new(Mutex::new(setup.key.clone())), Arc::new(AtomicBool::new(false)));
    let answered = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (setup, signing) = (Arc::clone(&setup), Arc::clone(&signing));
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut claims = setup.claims();
                while !stop.load(Ordering::SeqCst) {
                    claims["jti"] = json!(format!("{caller}-{}", answered.load(Ordering::SeqCst)));
                    let key = signing.lock().unwrap().clone();
                    let answer = setup.call(&key.sign(&claims)).await;
                    assert_eq!(answer.status, 200, "{}: {answer:?}", key.kid);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let mut last = setup.key.clone();
    for round in 2..7 {
        setup.clock.advance(61);
        let next = SigningKey::es256(&format!("key-{round}"));
        // Tokens of the last key are still under way.
        setup.issuer.publish(|published| published.keys = vec![next.public(), last.public()]);
        *signing.lock().unwrap() = next.clone();
        last = next;
        let before = answered.load(Ordering::SeqCst);
        until("callers go on", || {
            answered.load(Ordering::SeqCst) > before + 40
                || callers.iter().any(JoinHandle::is_finished)
        })
        .await;
    }
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(setup.issuer.fetches(), 6, "the first, and one for each new key");
}

#[tokio::test]
async fn a_key_set_of_ten_megabytes_is_not_taken_and_the_keys_at_hand_stay() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let setup = Setup::new().await;
    let token = setup.token();
    assert_eq!(setup.call(&token).await.status, 200);
    let unknown = SigningKey::es256("key-2").sign(&setup.claims());
    for endless in [false, true] {
        setup
            .issuer
            .publish(|published| (published.padding, published.endless) = (10_000_000, endless));
        let answer = setup.call(&unknown).await;
        // Whether the key exists can't be known.
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
        assert_eq!(setup.call(&token).await.status, 200);
        setup.clock.advance(1);
    }
    let expected = [
        ("doorward_api_key_fetches_total{outcome fetched}", 1),
        ("doorward_api_key_fetches_total{outcome too_long}", 2),
        ("doorward_api_refusals_total{cause issuer_unavailable}", 2),
    ];
    assert_eq!(counted(&recorder.snapshotter()), map(&expected));
}

#[tokio::test]
async fn keys_are_fetched_anew_without_any_request() {
    let setup = Setup::new().await;
    assert_eq!(setup.call(&setup.token()).await.status, 200);
    for fetches in 2..5 {
        setup.clock.advance(600);
        until("the background fetches", || setup.issuer.fetches() == fetches).await;
    }
}

#[tokio::test]
async fn keys_serve_for_a_limited_time_while_the_issuer_is_away() {
    let setup =
        Setup::with_settings(|settings| settings.max_key_age = Duration::from_secs(1000)).await;
    let mut claims = claims(&setup.issuer.url);
    claims["exp"] = json!(NOW + 10_000);
    let token = setup.key.sign(&claims);
    assert_eq!(setup.call(&token).await.status, 200);
    setup.issuer.publish(|published| published.status = StatusCode::BAD_GATEWAY);
    setup.clock.advance(999);
    assert_eq!(setup.call(&token).await.status, 200);
    setup.clock.advance(1);
    let answer = setup.call(&token).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    setup.issuer.publish(|published| published.status = StatusCode::OK);
    setup.clock.advance(1);
    assert_eq!(setup.call(&token).await.status, 200);
}

#[tokio::test]
async fn an_issuer_that_is_away_is_counted_at_the_start_and_later() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (snapshotter, setup) = (recorder.snapshotter(), Setup::new().await);
    let token = setup.token();
    setup.issuer.publish(|published| published.status = StatusCode::BAD_GATEWAY);
    assert_eq!(setup.call(&token).await.status, 503);
    let expected = [
        ("doorward_api_key_fetches_total{outcome status}", 1),
        ("doorward_api_refusals_total{cause issuer_unavailable}", 1),
    ];
    assert_eq!(counted(&snapshotter), map(&expected));

    setup.issuer.publish(|published| published.status = StatusCode::OK);
    setup.clock.advance(1);
    assert_eq!(setup.call(&token).await.status, 200);
    assert_eq!(
        counted(&snapshotter),
        map(&[("doorward_api_key_fetches_total{outcome fetched}", 1)])
    );

    let Setup { api, clock, issuer, .. } = setup;
    let _port = issuer.stop().await;
    clock.advance(600);
    // Nobody's request waits for it, so none is refused.
    assert_eq!(call(&api, ADMIN_ROUTE, Some(&token)).await.status, 200);
    until_counted(&snapshotter, "doorward_api_key_fetches_total{outcome no_answer}").await;
}

#[tokio::test]
async fn a_key_that_changes_is_counted() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let setup = Setup::new().await;
    let old = setup.token();
    assert_eq!(setup.call(&old).await.status, 200);
    let next = SigningKey::es256("key-2");
    setup.issuer.publish(|published| published.keys = vec![next.public()]);
    assert_eq!(setup.call(&next.sign(&setup.claims())).await.status, 200);
    assert_eq!(setup.call(&old).await.status, 401);
    let expected = [
        ("doorward_api_key_fetches_total{outcome fetched}", 2),
        ("doorward_api_refusals_total{cause unknown_key}", 1),
    ];
    assert_eq!(counted(&recorder.snapshotter()), map(&expected));
}

#[tokio::test]
async fn refusals_are_counted_by_their_cause() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let setup = Setup::with_settings(introspecting).await;
    for (token, status) in [
        (setup.token(), 200),
        (setup.token_with("aud", json!("Another")), 401),
        (setup.token_with("exp", json!(NOW)), 401),
        (setup.token_with("iat", json!(NOW + 61)), 401),
        (setup.token_with("nbf", json!(NOW + 1)), 401),
        (setup.token_with("iss", json!("https://another.example")), 401),
        (setup.token_with("role", json!("user")), 403),
        ("a".repeat(100_000), 401),
        ("opaque".to_owned(), 401),
        ("=".to_owned(), 400),
    ] {
        assert_eq!(setup.call(&token).await.status, status, "{}", &token[..token.len().min(50)]);
    }
    assert_eq!(call(&setup.api, ADMIN_ROUTE, None).await.status, 401);
    setup.issuer.publish(|published| {
        published.introspection = Introspection::Says(StatusCode::OK, "{}".to_owned());
    });
    assert_eq!(setup.call("another").await.status, 503);
    let refusal = |cause: &str| format!("doorward_api_refusals_total{{cause {cause}}}");
    let causes = [
        "wrong_audience",
        "expired",
        "issued_in_future",
        "not_yet_valid",
        "wrong_issuer",
        "denied",
        "too_long",
        "inactive",
        "malformed_credentials",
        "no_credentials",
        "issuer_unavailable",
    ];
    let mut expected: BTreeMap<String, u64> =
        causes.into_iter().map(|cause| (refusal(cause), 1)).collect();
    expected.insert("doorward_api_key_fetches_total{outcome fetched}".to_owned(), 1);
    expected.insert("doorward_api_introspections_total{outcome inactive}".to_owned(), 1);
    expected.insert("doorward_api_introspections_total{outcome malformed}".to_owned(), 1);
    assert_eq!(counted(&recorder.snapshotter()), expected);
}

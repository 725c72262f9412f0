//! Keys: fetched when needed, fetched anew when they changed, kept while the issuer is away.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use doorward_resource_server::{ResourceServer, TokenError};
use serde_json::json;
use test_ports::ReservedPort;

use crate::support::{
    ADMIN_ROUTE, Issuer, Setup, SigningKey, TestClock, call, claims, orders_api, resource_server,
};

#[tokio::test]
async fn keys_are_fetched_once_for_many_callers() {
    let setup = Setup::new().await;
    assert_eq!(setup.issuer.fetches(), 0);
    let token = setup.token();
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let (api, token) = (setup.api.clone(), token.clone());
            tokio::spawn(async move { call(&api, ADMIN_ROUTE, Some(&token)).await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(setup.issuer.fetches(), 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_fetch() {
    let setup = Setup::new().await;
    let token = setup.token();
    {
        let mut call = Box::pin(call(&setup.api, ADMIN_ROUTE, Some(&token)));
        // One poll starts the fetch; dropping the call is what a closed connection does.
        assert!(futures_poll_once(call.as_mut()).await);
    }
    assert_eq!(setup.call(&token).await.status, 200);
    assert_eq!(setup.issuer.fetches(), 1);
}

/// Polls once and says whether the future is still pending.
async fn futures_poll_once<F: Future + ?Sized>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(future.as_mut().poll(context).is_pending())
    })
    .await
}

#[tokio::test]
async fn unknown_keys_cause_one_fetch_in_ten_seconds() {
    let setup = Setup::new().await;
    assert_eq!(setup.call(&setup.token()).await.status, 200);
    for number in 0..50 {
        let forged = SigningKey::es256(&format!("forged-{number}")).sign(&setup.claims());
        let answer = setup.call(&forged).await;
        if number == 0 {
            assert_eq!(answer.status, 401);
            assert_eq!(answer.body["error_description"], TokenError::UnknownKey.to_string());
        } else {
            // Nobody has looked for this key.
            assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")));
        }
    }
    assert_eq!(setup.issuer.fetches(), 2, "the first, and one for all the forged ones");

    let forged = SigningKey::es256("forged").sign(&setup.claims());
    setup.clock.advance(9);
    assert_eq!(setup.call(&forged).await.status, 503);
    assert_eq!(setup.issuer.fetches(), 2);
    setup.clock.advance(1);
    assert_eq!(setup.call(&forged).await.status, 401);
    assert_eq!(setup.issuer.fetches(), 3);
}

#[tokio::test]
async fn a_rotated_key_is_picked_up_and_a_withdrawn_one_dropped() {
    let setup = Setup::new().await;
    let old_token = setup.token();
    assert_eq!(setup.call(&old_token).await.status, 200);

    let next = SigningKey::rs256("key-2");
    setup.issuer.publish(|published| published.keys = vec![next.public()]);
    assert_eq!(setup.call(&next.sign(&setup.claims())).await.status, 200);
    assert_eq!(setup.issuer.fetches(), 2);
    // Verified before with a key that is now withdrawn: the new set counts.
    assert_eq!(setup.call(&old_token).await.status, 401);
}

#[tokio::test]
async fn old_keys_are_refreshed_behind_the_request() {
    let setup = Setup::new().await;
    let token = setup.token();
    assert_eq!(setup.call(&token).await.status, 200);
    // Another key under the same name: the token that the old one signed must fail once the new set
    // is there.
    let next = SigningKey::es256("key-1");
    setup.issuer.publish(|published| published.keys = vec![next.public()]);
    setup.clock.advance(599);
    assert_eq!(setup.call(&token).await.status, 200);
    assert_eq!(setup.issuer.fetches(), 1);
    setup.clock.advance(1);
    assert_eq!(setup.call(&token).await.status, 200, "served with the keys at hand");
    let refused = async {
        while setup.call(&token).await.status == 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(5), refused).await.expect("new keys arrive");
    assert_eq!(setup.issuer.fetches(), 3, "and one look because of the token that fails then");
}

#[tokio::test]
async fn a_token_without_key_id_is_tried_with_each_key_of_its_algorithm() {
    let setup = Setup::new().await;
    let mut header = setup.key.header();
    header.kid = None;
    let token = setup.key.sign_as(&header, &setup.claims());
    assert_eq!(setup.call(&token).await.status, 200);

    let two = Setup::new().await;
    let (rsa, other) = (SigningKey::rs256("rsa"), SigningKey::es256("key-2"));
    two.issuer.publish(|published| published.keys.extend([rsa.public(), other.public()]));
    assert_eq!(two.call(&two.key.sign_as(&header, &two.claims())).await.status, 200);
    assert_eq!(two.call(&other.sign_as(&header, &two.claims())).await.status, 200);
    let mut rsa_header = rsa.header();
    rsa_header.kid = None;
    assert_eq!(two.call(&rsa.sign_as(&rsa_header, &two.claims())).await.status, 200);
    let forged = SigningKey::es256("x").sign_as(&header, &two.claims());
    let answer = two.call(&forged).await;
    assert_eq!(answer.body["error_description"], TokenError::BadSignature.to_string());
}

#[tokio::test]
async fn two_keys_of_one_name_both_count() {
    let setup = Setup::new().await;
    let other = SigningKey::es256("key-1");
    setup.issuer.publish(|published| published.keys.push(other.public()));
    assert_eq!(setup.call(&setup.token()).await.status, 200);
    assert_eq!(setup.call(&other.sign(&setup.claims())).await.status, 200);
}

/// A restored backup, or a development server that starts anew.
#[tokio::test]
async fn a_new_key_under_an_old_name_is_fetched_when_a_signature_fails() {
    let setup = Setup::new().await;
    assert_eq!(setup.call(&setup.token()).await.status, 200);
    let next = SigningKey::es256("key-1");
    setup.issuer.publish(|published| published.keys = vec![next.public()]);
    assert_eq!(setup.call(&next.sign(&setup.claims())).await.status, 200);
    assert_eq!(setup.issuer.fetches(), 2);
    for _ in 0..20 {
        let forged = SigningKey::es256("key-1").sign(&setup.claims());
        assert_eq!(setup.call(&forged).await.status, 401);
    }
    assert_eq!(setup.issuer.fetches(), 2, "no forged token makes it ask again at once");
}

/// The issuer signs with a key before it publishes it, and somebody has just sent a forged token.
#[tokio::test]
async fn a_forged_token_does_not_make_a_new_key_unknown() {
    let setup = Setup::new().await;
    assert_eq!(setup.call(&setup.token()).await.status, 200);
    let forged = SigningKey::es256("forged").sign(&setup.claims());
    assert_eq!(setup.call(&forged).await.status, 401);
    let next = SigningKey::es256("key-2");
    setup.issuer.publish(|published| published.keys = vec![next.public()]);
    let token = next.sign(&setup.claims());
    let answer = setup.call(&token).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")), "not looked for");
    assert_eq!(setup.call(&forged).await.status, 401, "that one was looked for");
    setup.clock.advance(10);
    assert_eq!(setup.call(&token).await.status, 200);
    assert_eq!(setup.call(&setup.token()).await.status, 401, "withdrawn, so certainly unknown");
}

#[tokio::test]
async fn an_issuer_that_is_down_at_the_start_is_waited_for() {
    let (key, port) = (SigningKey::es256("key-1"), ReservedPort::new());
    let url = format!("http://{}", port.address());
    let clock = Arc::new(TestClock::default());
    let server: ResourceServer = resource_server(&url, &clock, |_| ());
    let api = orders_api(server.clone());
    let token = key.sign(&claims(&url));
    let answer = call(&api, ADMIN_ROUTE, Some(&token)).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(answer.body["error"], "temporarily_unavailable");
    assert!(server.ready().await.is_err());
    assert_eq!(call(&api, ADMIN_ROUTE, None).await.status, 401, "no key is needed to say so");

    let issuer = Issuer::start_at(port, &[&key]).await;
    assert_eq!(call(&api, ADMIN_ROUTE, Some(&token)).await.status, 503, "not asked again at once");
    assert_eq!(issuer.fetches(), 0);
    clock.advance(1);
    assert_eq!(call(&api, ADMIN_ROUTE, Some(&token)).await.status, 200);
    assert!(server.ready().await.is_ok());
}

#[tokio::test]
async fn the_keys_at_hand_outlive_the_issuer() {
    let setup = Setup::new().await;
    let mut claims = setup.claims();
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 3600);
    let token = setup.key.sign(&claims);
    assert_eq!(setup.call(&token).await.status, 200);
    setup.issuer.publish(|published| published.status = StatusCode::INTERNAL_SERVER_ERROR);
    setup.clock.advance(3600);
    claims["jti"] = json!("another");
    for token in [token, setup.key.sign(&claims)] {
        assert_eq!(setup.call(&token).await.status, 200);
    }
    // A key that nobody can be asked about now: neither good nor bad.
    let unknown = SigningKey::es256("key-2").sign(&claims);
    let answer = setup.call(&unknown).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body["error"], "temporarily_unavailable");
    setup.issuer.publish(|published| published.status = StatusCode::OK);
    setup.clock.advance(1);
    assert_eq!(setup.call(&unknown).await.status, 401);
}

#[tokio::test]
async fn documents_that_cannot_be_trusted_give_no_keys() {
    let setup = Setup::new().await;
    let token = setup.token();
    let redirect = StatusCode::FOUND;
    for change in 0..4 {
        setup.issuer.publish(|published| {
            published.padding = if change == 0 { 600 * 1024 } else { 0 };
            published.issuer = (change == 1).then(|| "http://localhost:1".to_owned());
            published.status = if change == 2 { redirect } else { StatusCode::OK };
            published.keys = if change == 3 { vec![] } else { vec![setup.key.public()] };
        });
        assert_eq!(setup.call(&token).await.status, 503, "change {change}");
        setup.clock.advance(1);
    }
    setup.issuer.publish(|published| published.keys = vec![setup.key.public()]);
    assert_eq!(setup.call(&token).await.status, 200);
}

//! Keys, endpoints and addresses of an issuer that are set by hand, and issuers of other kinds.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, routing::get};
use doorward_resource_server::{
    IntrospectionSettings, JwkSet, KeySource, ResourceServer, ResourceServerSettings,
    SettingsError, SigningAlgorithm, TokenError, TrustedIssuer,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{
    ADMIN_ROUTE, API_SECRET, AUDIENCE, Issuer, NOW, Setup, SigningKey, TestClock, call, claims,
    orders_api,
};

const PUBLIC_NAME: &str = "https://id.example.com/tenant";

fn api(issuer: TrustedIssuer) -> Router {
    let settings = ResourceServerSettings::for_issuer(issuer);
    orders_api(ResourceServer::with_clock(settings, Arc::new(TestClock::default())).unwrap())
}

/// Serves these documents, and counts the requests.
async fn serve(documents: Vec<(&'static str, Value)>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let router = documents.into_iter().fold(Router::new(), |router, (path, document)| {
        let requests = Arc::clone(&requests);
        router.route(
            path,
            get(move || async move {
                requests.fetch_add(1, Ordering::SeqCst);
                Json(document)
            }),
        )
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, requests)
}

#[tokio::test]
async fn keys_by_hand_need_no_network() {
    let key = SigningKey::es256("key-1");
    let keys: JwkSet = serde_json::from_value(json!({ "keys": [key.public()] })).unwrap();
    let issuer = TrustedIssuer::new(PUBLIC_NAME, AUDIENCE).with_keys(KeySource::Fixed(keys));
    let api = api(issuer);
    let token = key.sign(&claims(PUBLIC_NAME));
    assert_eq!(call(&api, ADMIN_ROUTE, Some(&token)).await.status, 200);
    let other = SigningKey::es256("key-2").sign(&claims(PUBLIC_NAME));
    assert_eq!(call(&api, ADMIN_ROUTE, Some(&other)).await.status, 401);
}

#[tokio::test]
async fn keys_may_come_from_another_address() {
    let key = SigningKey::es256("key-1");
    let (url, _) = serve(vec![("/keys", json!({ "keys": [key.public()] }))]).await;
    let keys = KeySource::At(format!("{url}/keys"));
    let api = api(TrustedIssuer::new("http://localhost:1", AUDIENCE).with_keys(keys));
    let token = key.sign(&claims("http://localhost:1"));
    assert_eq!(call(&api, ADMIN_ROUTE, Some(&token)).await.status, 200);
}

/// In a container network, the issuer is not reached by the name that its tokens have.
#[tokio::test]
async fn an_address_stands_for_the_issuers_name_in_all_that_is_asked() {
    let key = SigningKey::es256("key-1");
    let (url, requests) = serve(vec![
        (
            "/inside/.well-known/openid-configuration",
            json!({ "issuer": PUBLIC_NAME, "jwks_uri": format!("{PUBLIC_NAME}/keys?v=1") }),
        ),
        ("/inside/keys", json!({ "keys": [key.public()] })),
    ])
    .await;
    let issuer = TrustedIssuer::new(PUBLIC_NAME, AUDIENCE).with_address(format!("{url}/inside"));
    let answer = call(&api(issuer), ADMIN_ROUTE, Some(&key.sign(&claims(PUBLIC_NAME)))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
    // Its metadata must still be that issuer's.
    let issuer =
        TrustedIssuer::new("https://other.example", AUDIENCE).with_address(format!("{url}/inside"));
    let token = key.sign(&claims("https://other.example"));
    assert_eq!(call(&api(issuer), ADMIN_ROUTE, Some(&token)).await.status, 503);
}

/// Many authorization servers that are no OpenID providers have only this document.
#[tokio::test]
async fn the_metadata_of_rfc_8414_is_found_before_the_path() {
    let key = SigningKey::es256("key-1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}/tenant", listener.local_addr().unwrap());
    let document = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
    let keys = json!({ "keys": [key.public()] });
    let router = Router::new()
        .route("/.well-known/oauth-authorization-server/tenant", get(|| async { Json(document) }))
        .route("/tenant/keys", get(|| async { Json(keys) }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let api = api(TrustedIssuer::new(&issuer, AUDIENCE));
    let token = key.sign(&claims(&issuer));
    assert_eq!(call(&api, ADMIN_ROUTE, Some(&token)).await.status, 200);
}

#[tokio::test]
async fn only_the_algorithms_of_the_list_are_accepted() {
    let (ec, rsa) = (SigningKey::es256("ec"), SigningKey::rs256("rsa"));
    let issuer = Issuer::start(&[&ec, &rsa]).await;
    let trusted = TrustedIssuer::new(&issuer.url, AUDIENCE)
        .with_algorithms([SigningAlgorithm::Es256, SigningAlgorithm::Ps256]);
    let api = api(trusted.clone());
    assert_eq!(call(&api, ADMIN_ROUTE, Some(&ec.sign(&claims(&issuer.url)))).await.status, 200);
    let answer = call(&api, ADMIN_ROUTE, Some(&rsa.sign(&claims(&issuer.url)))).await;
    let said = TokenError::UnsupportedAlgorithm.to_string();
    assert_eq!(answer.body["error_description"], said);
    for algorithms in [vec![], vec![SigningAlgorithm::Es512]] {
        let settings =
            ResourceServerSettings::for_issuer(trusted.clone().with_algorithms(algorithms));
        assert_eq!(ResourceServer::new(settings).err(), Some(SettingsError::Algorithms));
    }
}

#[tokio::test]
async fn an_rsa_key_without_algorithm_serves_as_the_token_says() {
    let rsa = SigningKey::rs256("rsa");
    let issuer = Issuer::start(&[]).await;
    let mut public = rsa.public();
    public.as_object_mut().unwrap().remove("alg");
    issuer.publish(|published| published.keys = vec![public]);
    let api = api(TrustedIssuer::new(&issuer.url, AUDIENCE));
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let mut header = rsa.header();
        header.alg = algorithm.parse().unwrap();
        let token = rsa.sign_as(&header, &claims(&issuer.url));
        assert_eq!(call(&api, ADMIN_ROUTE, Some(&token)).await.status, 200, "{algorithm}");
    }
}

/// An issuer that has only opaque tokens publishes no keys, or none that count here.
#[tokio::test]
async fn an_issuer_without_keys_can_be_asked_about_tokens() {
    for keys in [vec![], vec![json!({ "kty": "oct", "k": "c2VjcmV0" })]] {
        let setup = Setup::with_settings(crate::support::introspecting).await;
        setup.issuer.publish(|published| {
            published.keys = keys;
            let known = json!({
                "active": true, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 60, "role": "admin",
            });
            published.tokens.insert("opaque".to_owned(), known);
        });
        assert_eq!(setup.call("opaque").await.status, 200);
        assert_eq!(setup.call(&setup.token()).await.status, 401, "a JWT has no key there");
    }
}

#[tokio::test]
async fn an_introspection_endpoint_by_hand_needs_no_metadata() {
    let issuer = Issuer::start(&[]).await;
    issuer.publish(|published| {
        published.status = axum::http::StatusCode::NOT_FOUND;
        let known = json!({
            "active": true, "sub": "a", "aud": AUDIENCE, "exp": NOW + 60, "role": "admin",
        });
        published.tokens.insert("opaque".to_owned(), known);
    });
    let introspection = IntrospectionSettings::new(AUDIENCE, API_SECRET.to_owned())
        .with_endpoint(format!("{}/introspect", issuer.url));
    let api = api(TrustedIssuer::new(PUBLIC_NAME, AUDIENCE).with_introspection(introspection));
    assert_eq!(call(&api, ADMIN_ROUTE, Some("opaque")).await.status, 200);
}

/// The issuer closes an idle connection just when a question is sent on it.
#[tokio::test]
async fn a_question_on_a_dropped_connection_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let questions = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&questions);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut received = vec![0; 4096];
            let _ = connection.read(&mut received).await;
            // The first question is read and never answered.
            if counter.fetch_add(1, Ordering::SeqCst) == 0 {
                continue;
            }
            let body = json!({
                "active": true, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 60, "role": "admin",
            })
            .to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = connection.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    let introspection = IntrospectionSettings::new(AUDIENCE, API_SECRET.to_owned())
        .with_endpoint(format!("{url}/introspect"));
    let api = api(TrustedIssuer::new(PUBLIC_NAME, AUDIENCE).with_introspection(introspection));
    assert_eq!(call(&api, ADMIN_ROUTE, Some("opaque")).await.status, 200);
    assert_eq!(questions.load(Ordering::SeqCst), 2);
}

/// The question tells nobody who a user is if the issuer does not.
#[tokio::test]
async fn an_introspected_token_without_a_subject_is_not_its_clients() {
    let setup = Setup::with_settings(crate::support::introspecting).await;
    setup.issuer.publish(|published| {
        let known = json!({
            "active": true, "username": "alice", "client_id": "page", "aud": AUDIENCE,
            "exp": NOW + 60, "role": "admin",
        });
        published.tokens.insert("opaque".to_owned(), known);
    });
    let answer = setup.call("opaque").await;
    let said = TokenError::InvalidClaim("sub").to_string();
    assert_eq!((answer.status, &answer.body["error_description"]), (401, &json!(said)));
}

#[tokio::test]
async fn addresses_by_hand_are_https_or_on_this_machine() {
    let trusted = || TrustedIssuer::new(PUBLIC_NAME, AUDIENCE);
    let secret = || IntrospectionSettings::new(AUDIENCE, API_SECRET.to_owned());
    for plain in ["http://id.internal/keys", "ftp://x", "id.internal"] {
        for issuer in [
            trusted().with_keys(KeySource::At(plain.to_owned())),
            trusted().with_address(plain),
            trusted().with_introspection(secret().with_endpoint(plain)),
        ] {
            let refused = ResourceServer::new(ResourceServerSettings::for_issuer(issuer)).err();
            assert_eq!(refused, Some(SettingsError::Endpoint(plain.to_owned())));
        }
    }
}

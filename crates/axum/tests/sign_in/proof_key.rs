//! Tokens that are bound to a key of the application (DPoP, RFC 9449).

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use doorward_axum::{ApiProxy, Auth, MemorySessions, ProofKey, Secret, SignInSettings, SignedIn};
use doorward_protocol::dpop::{self, ProvenRequest, TargetUri};

use crate::support::{Browser, ORIGIN, Provider, World, nonce_of, proof_claims};

/// Checks the proof of a request, at the time of the proof. Returns the thumbprint of its key, and
/// its nonce.
fn proven(
    headers: &HeaderMap,
    method: &str,
    url: &str,
    access_token: Option<&str>,
) -> (String, Option<String>) {
    let uri = TargetUri::parse(url).unwrap();
    let now = proof_claims(headers).unwrap()["iat"].as_i64().unwrap();
    let proof = headers["dpop"].to_str().unwrap();
    let proof = dpop::verify(proof, &ProvenRequest { method, uri: &uri, access_token, now });
    let proof = proof.unwrap();
    (proof.thumbprint().to_string(), proof.nonce().map(str::to_owned))
}

fn settings(provider: &Provider, key: &ProofKey) -> SignInSettings {
    SignInSettings::new(&*provider.issuer, "shop", format!("{ORIGIN}/signin-oidc"))
        .client_secret(Secret::new("secret"))
        .load_user_info(true)
        .proof_key(key.clone())
}

#[tokio::test]
async fn the_provider_gets_proofs_and_may_ask_for_a_nonce() {
    let key = ProofKey::generate().unwrap();
    let thumbprint = key.public().thumbprint().unwrap().to_string();
    for nonce in [None, Some("first")] {
        let provider = Provider::start().await;
        provider.change(|rules| {
            rules.token_type = "DPoP";
            rules.nonce = nonce.map(str::to_owned);
        });
        let world = World::at(provider, MemorySessions::default(), |settings| {
            settings.proof_key(key.clone())
        });
        let browser = world.browser();
        let to_provider = browser.open("/me").await.location().to_owned();
        assert!(to_provider.contains(&format!("dpop_jkt={thumbprint}")), "{to_provider}");
        browser.open(&world.provider.authorize(&to_provider)).await.location();
        assert_eq!(browser.open("/me").await.body, "alice Alice Archer");
        if nonce.is_some() {
            world.provider.change(|rules| rules.nonce = Some("second".to_owned()));
        }
        world.advance(3600 - 30);
        assert!(browser.open("/token").await.body.starts_with("access-"));
        assert_eq!(world.provider.renewals(), 1, "the one that had a proof");
        let issuer = world.provider.issuer.clone();
        let (url, user_info) = (format!("{issuer}/token"), format!("{issuer}/userinfo"));
        let [asked, renewed] = &world.provider.proofs("token")[..] else { panic!("two grants") };
        assert_eq!(proven(asked, "POST", &url, None), (thumbprint.clone(), nonce.map(Into::into)));
        let last = nonce.map(|_| "second".to_owned());
        assert_eq!(proven(renewed, "POST", &url, None), (thumbprint.clone(), last));
        let headers = &world.provider.proofs("userinfo")[0];
        let token = headers["authorization"].to_str().unwrap().strip_prefix("DPoP ").unwrap();
        let (own, _) = proven(headers, "GET", &user_info, Some(token));
        assert_eq!(own, thumbprint);
    }
}

/// A provider that ignores the proofs gives tokens that anybody could use.
#[tokio::test]
async fn a_token_that_is_not_bound_is_refused() {
    let key = ProofKey::generate().unwrap();
    let world = World::with(MemorySessions::default(), |settings| settings.proof_key(key)).await;
    let browser = world.browser();
    let to_provider = browser.open("/me").await.location().to_owned();
    let answer = browser.open(&world.provider.authorize(&to_provider)).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.body);
    assert_eq!(browser.open("/").await.body, "nobody");
}

#[tokio::test]
async fn a_setting_without_a_key_is_refused_at_start() {
    let settings = SignInSettings::new("https://id.example", "shop", format!("{ORIGIN}/cb"));
    let settings = settings.protocol(|protocol| protocol.dpop(true));
    let error = Auth::new(settings, MemorySessions::default()).unwrap_err();
    assert!(error.to_string().contains("ProofKey"), "{error}");
}

type Seen = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// An API that wants the nonce `wanted` in each proof.
async fn api(wanted: Arc<Mutex<String>>) -> (String, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let answer = async move |request: Request| -> Response {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let (wanted, nonce) = (wanted.lock().unwrap().clone(), nonce_of(&parts.headers));
        let line = format!("{} {}", parts.method, parts.uri);
        noted.lock().unwrap().push((line, parts.headers, String::from_utf8_lossy(&body).into()));
        if nonce.as_deref() == Some(&*wanted) {
            return (StatusCode::CREATED, [("dpop-nonce", wanted)], "done").into_response();
        }
        let challenge = r#"DPoP error="use_dpop_nonce""#.to_owned();
        let headers = [("www-authenticate", challenge), ("dpop-nonce", wanted)];
        (StatusCode::UNAUTHORIZED, headers).into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, seen)
}

#[tokio::test]
async fn calls_that_are_passed_on_have_proofs() {
    let wanted = Arc::new(Mutex::new("one".to_owned()));
    let (address, seen) = api(Arc::clone(&wanted)).await;
    let proxy = ApiProxy::new()
        .allow("/api", &format!("{address}/v1"), [Method::GET, Method::POST])
        .unwrap();
    let provider = Provider::start().await;
    provider.change(|rules| rules.token_type = "DPoP");
    let key = ProofKey::generate().unwrap();
    let auth = Auth::new(settings(&provider, &key), MemorySessions::default()).unwrap();
    let browser = Browser::new(&auth.attach(proxy.router()));
    let to_provider = browser.open("/signin").await.location().to_owned();
    browser.open(&provider.authorize(&to_provider)).await.location();
    let call = async || {
        let request = Request::post("/api/orders?x=1")
            .header("origin", ORIGIN)
            .header("x-csrf", "1")
            .header("dpop", "of-the-page");
        browser.send(request, "body").await
    };

    let answer = call().await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::CREATED, "done"));
    assert!(!answer.headers.contains_key("dpop-nonce"), "it is not for the page");
    let asked = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(asked.len(), 2, "without a nonce, and with the one that the API asked for");
    for (line, headers, body) in &asked {
        assert_eq!((&**line, &**body), ("POST /v1/orders?x=1", "body"));
        let token = headers["authorization"].to_str().unwrap().strip_prefix("DPoP ").unwrap();
        let url = format!("{address}/v1/orders");
        let (thumbprint, _) = proven(headers, "POST", &url, Some(token));
        assert_eq!(thumbprint, key.public().thumbprint().unwrap().to_string());
    }

    // The nonce is remembered, and the next one is taken from any answer.
    assert_eq!(call().await.status, StatusCode::CREATED);
    assert_eq!(std::mem::take(&mut *seen.lock().unwrap()).len(), 1);
    "two".clone_into(&mut wanted.lock().unwrap());
    assert_eq!(call().await.status, StatusCode::CREATED);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_handler_gets_the_headers_of_its_own_calls() {
    for token_type in ["DPoP", "Bearer"] {
        let provider = Provider::start().await;
        provider.change(|rules| rules.token_type = token_type);
        let key = ProofKey::generate().unwrap();
        let settings = match token_type {
            "DPoP" => settings(&provider, &key),
            _ => SignInSettings::new(&*provider.issuer, "shop", format!("{ORIGIN}/signin-oidc")),
        };
        let seen = Arc::new(Mutex::new(HeaderMap::new()));
        let kept = Arc::clone(&seen);
        let page = async move |user: SignedIn| {
            let url = "https://api.example/orders?x=1";
            let headers = user.credentials(&Method::GET, url, Some("nonce")).unwrap();
            *kept.lock().unwrap() = headers;
        };
        let app = Router::new().route("/call", axum::routing::get(page));
        let auth = Auth::new(settings, MemorySessions::default()).unwrap();
        let browser = Browser::new(&auth.attach(app));
        let to_provider = browser.open("/call").await.location().to_owned();
        browser.open(&provider.authorize(&to_provider)).await.location();
        assert_eq!(browser.open("/call").await.status, StatusCode::OK);
        let headers = seen.lock().unwrap().clone();
        let authorization = headers["authorization"].to_str().unwrap();
        let token = authorization.strip_prefix(token_type).unwrap().trim();
        assert!(token.starts_with("access-") && headers["authorization"].is_sensitive());
        if token_type == "DPoP" {
            let url = "https://api.example/orders";
            let (_, nonce) = proven(&headers, "GET", url, Some(token));
            assert_eq!(nonce.as_deref(), Some("nonce"));
        } else {
            assert!(!headers.contains_key("dpop"));
        }
    }
}

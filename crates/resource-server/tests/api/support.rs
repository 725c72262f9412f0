//! An issuer, its keys and tokens, a clock that the test sets, and the API under test.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{
    Form, Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{
        HeaderMap, Request, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_policy::Policy;
use doorward_resource_server::{
    Authenticated, Clock, IntrospectionSettings, ProtectedRouter, ResourceServer,
    ResourceServerSettings, cors,
};
use futures::stream;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use test_ports::ReservedPort;
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt as _;

pub const AUDIENCE: &str = "MyBackendApi2";
pub const NOW: i64 = 1_800_000_000;
pub const ADMIN_ROUTE: &str = "/orders/admin";
pub const SIT_ROUTE: &str = "/orders/sit";

/// A clock that stands still until the test moves it.
#[derive(Default)]
pub struct TestClock {
    seconds: AtomicI64,
    moved: Notify,
}

impl TestClock {
    pub fn advance(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

impl Clock for TestClock {
    fn now(&self) -> i64 {
        NOW + self.seconds.load(Ordering::SeqCst)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::SeqCst).unsigned_abs())
    }

    fn sleep_until(&self, moment: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let moved = self.moved.notified();
                if self.elapsed() >= moment {
                    return;
                }
                moved.await;
            }
        })
    }
}

/// A private key with its published half.
#[derive(Clone)]
pub struct SigningKey {
    pub kid: String,
    pub algorithm: Algorithm,
    private: EncodingKey,
}

impl SigningKey {
    pub fn es256(kid: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self {
            kid: kid.to_owned(),
            algorithm: Algorithm::ES256,
            private: EncodingKey::from_ec_der(pkcs8.as_ref()),
        }
    }

    pub fn rs256(kid: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let body = STANDARD.encode(pkcs8.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        Self {
            kid: kid.to_owned(),
            algorithm: Algorithm::RS256,
            private: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        }
    }

    pub fn public(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    pub fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.kid.clone());
        header
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    pub fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).unwrap()
    }
}

/// What the issuer says when asked; the test changes it.
pub struct Published {
    pub keys: Vec<Value>,
    pub issuer: Option<String>,
    pub status: StatusCode,
    pub padding: usize,
    /// Whether the JWK set never ends.
    pub endless: bool,
    /// What is said of each opaque token; of others that they are not active.
    pub tokens: HashMap<String, Value>,
    pub introspection: Introspection,
}

/// How the introspection endpoint behaves.
pub enum Introspection {
    Honest,
    Says(StatusCode, String),
    /// 429 with this `Retry-After`.
    Busy(&'static str),
    Endless,
    Silent,
    /// Says what it knows of the token as it came, but not before it is told to.
    Held(Arc<Semaphore>),
    Absent,
    /// It stands there, as this.
    At(Value),
}

pub struct IssuerState {
    pub published: Mutex<Published>,
    pub fetches: AtomicUsize,
    pub questions: AtomicUsize,
    /// Told of each question.
    pub asked: Notify,
}

/// A secret that must be encoded before it is sent.
pub const API_SECRET: &str = "a b+c:d";

/// An issuer on a port of its own.
pub struct Issuer {
    pub url: String,
    pub state: Arc<IssuerState>,
    port: ReservedPort,
    task: tokio::task::JoinHandle<()>,
}

impl Issuer {
    pub async fn start(keys: &[&SigningKey]) -> Self {
        Self::start_at(ReservedPort::new(), keys).await
    }

    pub async fn start_at(port: ReservedPort, keys: &[&SigningKey]) -> Self {
        let listener = tokio::net::TcpListener::bind(port.address()).await.unwrap();
        let url = format!("http://{}", port.address());
        let state = Arc::new(IssuerState {
            published: Mutex::new(Published {
                keys: keys.iter().map(|key| key.public()).collect(),
                issuer: None,
                status: StatusCode::OK,
                padding: 0,
                endless: false,
                tokens: HashMap::new(),
                introspection: Introspection::Honest,
            }),
            fetches: AtomicUsize::new(0),
            questions: AtomicUsize::new(0),
            asked: Notify::new(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/introspect", post(introspect))
            .with_state((url.clone(), Arc::clone(&state)));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, port, task }
    }

    pub fn publish(&self, change: impl FnOnce(&mut Published)) {
        change(&mut self.state.published.lock().unwrap());
    }

    /// How often the keys were fetched.
    pub fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::SeqCst)
    }

    /// How often it was asked about tokens.
    pub fn questions(&self) -> usize {
        self.state.questions.load(Ordering::SeqCst)
    }

    /// Stops answering. While the port is kept, nobody else answers there.
    pub async fn stop(self) -> ReservedPort {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.port
    }
}

type Shared = State<(String, Arc<IssuerState>)>;

async fn discovery(State((url, state)): Shared) -> Response {
    let published = state.published.lock().unwrap();
    let issuer = published.issuer.clone().unwrap_or_else(|| url.clone());
    let mut document = json!({ "issuer": issuer, "jwks_uri": format!("{url}/jwks") });
    match &published.introspection {
        Introspection::Absent => (),
        Introspection::At(endpoint) => document["introspection_endpoint"] = endpoint.clone(),
        _ => document["introspection_endpoint"] = json!(format!("{url}/introspect")),
    }
    (published.status, Json(document)).into_response()
}

async fn jwks(State((_, state)): Shared) -> Response {
    state.fetches.fetch_add(1, Ordering::SeqCst);
    let published = state.published.lock().unwrap();
    if published.endless {
        return endless();
    }
    let padding = "x".repeat(published.padding);
    let document = json!({ "keys": published.keys, "padding": padding });
    (published.status, Json(document)).into_response()
}

/// White space without end, which JSON may begin with.
fn endless() -> Response {
    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    Body::from_stream(stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone())))
        .into_response()
}

async fn introspect(
    State((_, state)): Shared,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    state.questions.fetch_add(1, Ordering::SeqCst);
    // RFC 6749 section 2.3.1: form-encoded first.
    let expected = format!("Basic {}", STANDARD.encode(format!("{AUDIENCE}:a+b%2Bc%3Ad")));
    if headers.get(AUTHORIZATION).is_none_or(|sent| sent.as_bytes() != expected.as_bytes()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let known = state.published.lock().unwrap().tokens.get(&form["token"]).cloned();
    let known = Json(known.unwrap_or_else(|| json!({ "active": false })));
    state.asked.notify_one();
    let held = match &state.published.lock().unwrap().introspection {
        Introspection::Honest => return known.into_response(),
        Introspection::Says(status, body) => return (*status, body.clone()).into_response(),
        Introspection::Busy(wait) => {
            return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, *wait)]).into_response();
        }
        Introspection::Endless => return endless(),
        Introspection::Held(places) => Some(Arc::clone(places)),
        Introspection::Silent | Introspection::Absent | Introspection::At(_) => None,
    };
    match held {
        Some(places) => places.acquire().await.unwrap().forget(),
        None => std::future::pending().await,
    }
    known.into_response()
}

/// The API, its issuer, and the clock of both.
pub struct Setup {
    pub key: SigningKey,
    pub issuer: Issuer,
    pub clock: Arc<TestClock>,
    pub api: Router,
}

impl Setup {
    pub async fn new() -> Self {
        Self::with_settings(|_| ()).await
    }

    pub async fn with_settings(change: impl FnOnce(&mut ResourceServerSettings)) -> Self {
        let key = SigningKey::es256("key-1");
        let issuer = Issuer::start(&[&key]).await;
        let clock = Arc::new(TestClock::default());
        let api = orders_api(resource_server(&issuer.url, &clock, change));
        Self { key, issuer, clock, api }
    }

    /// The claims of a token that is good for an hour.
    pub fn claims(&self) -> Value {
        claims(&self.issuer.url)
    }

    /// A good token with one claim changed, or removed by `null`.
    pub fn token_with(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value,
        }
        self.key.sign(&claims)
    }

    pub fn token(&self) -> String {
        self.key.sign(&self.claims())
    }

    pub async fn call(&self, token: &str) -> Answer {
        call(&self.api, ADMIN_ROUTE, Some(token)).await
    }
}

/// An API with one route for administrators and one for the role sit. Caches never store answers,
/// and pages of the settings' origins may read them.
pub fn orders_api(server: ResourceServer) -> Router {
    let origins = server.allowed_origins().to_vec();
    let admin = Policy::require_role("admin").named("AdminPolicy");
    let router = ProtectedRouter::new(server)
        .route_for(ADMIN_ROUTE, vec![admin].leak(), get(admin_answer))
        .route_for(SIT_ROUTE, vec![Policy::require_role("sit")].leak(), get(|| async {}))
        .into_router();
    if origins.is_empty() { router } else { router.layer(cors(origins)) }
}

async fn admin_answer(caller: Authenticated) -> impl IntoResponse {
    let body = json!({
        "message": "Only an administrator may call this.",
        "route": ADMIN_ROUTE,
        "policies": ["AdminPolicy"],
        "sub": caller.principal().sub(),
    });
    ([(CACHE_CONTROL, "no-store")], Json(body))
}

pub fn resource_server(
    issuer: &str,
    clock: &Arc<TestClock>,
    change: impl FnOnce(&mut ResourceServerSettings),
) -> ResourceServer {
    let mut settings = ResourceServerSettings::new(issuer, AUDIENCE);
    settings.chance = 0.0;
    // A busy machine may be slow, and no test waits for as long.
    settings.patience = Duration::from_secs(300);
    change(&mut settings);
    let clock: Arc<TestClock> = Arc::clone(clock);
    ResourceServer::with_clock(settings, clock).unwrap()
}

pub fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer,
        "sub": "alice",
        "aud": AUDIENCE,
        "client_id": "PkceJS",
        "iat": NOW,
        "exp": NOW + 3600,
        "jti": "0b7f5b1e",
        "scope": "openid profile MyBackendApi2",
        "role": "admin",
        "department": "Sales",
        "email": "alice@example.com",
    })
}

/// The API may ask its issuer about opaque tokens.
pub fn introspecting(settings: &mut ResourceServerSettings) {
    settings.issuers[0].introspection =
        Some(IntrospectionSettings::new(AUDIENCE, API_SECRET.to_owned()));
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The challenge's error.
    pub fn challenge_error(&self) -> Option<String> {
        let challenges =
            doorward_protocol::challenge::Challenge::parse_all(self.header("www-authenticate")?);
        challenges.unwrap()[0].error().map(|error| error.to_string())
    }
}

pub async fn call(api: &Router, path: &str, token: Option<&str>) -> Answer {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    send(api, request.body(Body::empty()).unwrap()).await
}

pub async fn send(api: &Router, request: Request<Body>) -> Answer {
    let response = api.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

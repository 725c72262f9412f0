//! The application with Doorward's own router as its provider.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
    routing::get,
};
use doorward_protocol::{base64url, jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    Provider, ProviderParts, ProviderSettings,
    keys::{
        KeyRing, MasterKey, RotationPolicy,
        document_source::{Document, DocumentSource},
        remote::{FetchError, JwksSource},
    },
    model::{
        account_settings::AccountSettings,
        acr::AcrLevels,
        client::ClientSettings,
        password::PasswordHash,
        provider_settings::{
            AccessTokenTyp, LongestParameters, MOST_WAITING_PER_ADDRESS, MOST_WAITING_PER_CLIENT,
        },
        registration::RegistrationSettings,
        resource::{IdentityResource, Resources},
        second_factor::SecondFactorSettings,
        time::{Clock as _, Seconds, SystemClock, SystemEntropy},
        user::{User, UserClaims},
    },
    store::Store,
    use_case::{
        audit_trail::AuditSettings, new_password::NoBreachedPasswords,
        password_verifier::PasswordVerifier, upstream_factory::NoStoredUpstreams,
    },
};
use doorward_provider_http::HttpSettings;
use doorward_provider_store::{SqliteOptions, SqliteStore};
use serde_json::{Map, Value, from_value, json};
use tower::ServiceExt as _;

use crate::{app::app, settings::Settings};

const ORIGIN: &str = "http://localhost:5001";

#[derive(Debug)]
struct NothingPublished;

#[async_trait::async_trait]
impl JwksSource for NothingPublished {
    async fn fetch(&self, uri: &str) -> Result<Map<String, Value>, FetchError> {
        Err(FetchError::Away(format!("{uri} is not fetched")))
    }
}

#[async_trait::async_trait]
impl DocumentSource for NothingPublished {
    async fn fetch(&self, uri: &str) -> Result<Document, FetchError> {
        Err(FetchError::Away(format!("{uri} is not fetched")))
    }
}

/// Starts the provider on a port of its own. Returns its issuer.
async fn provider(folder: &std::path::Path) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let database = folder.join("provider.sqlite3");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&database, &SqliteOptions::default()).unwrap());
    let claims = json!({ "name": "Ada Archer" });
    let user = User {
        sub: "ada".parse().unwrap(),
        username: "ada".to_owned(),
        password_hash: Some(PasswordHash::compute(&Secret::new("ada's password")).unwrap()),
        enabled: true,
        claims: Arc::new(UserClaims(claims.as_object().unwrap().clone())),
        groups: Arc::default(),
        mapped: Arc::default(),
    };
    store.import_users(vec![user], SystemClock.now()).await.unwrap();
    let client: ClientSettings = from_value(json!({
        "client_id": "PkceCodeBackend",
        "client_name": "Web Application",
        "client_secrets": [{ "plain": "secret" }],
        "allowed_grant_types": ["authorization_code"],
        "redirect_uris": [format!("{ORIGIN}/signin-oidc")],
        "post_logout_redirect_uris": [format!("{ORIGIN}/signout-callback-oidc")],
        "allowed_scopes": ["openid", "profile"],
        "allow_offline_access": true,
        "require_consent": true,
    }))
    .unwrap();
    let keys = KeyRing::open(
        &*store,
        MasterKey::from_bytes(&[7; 32]).unwrap(),
        RotationPolicy::default(),
        vec![SigningAlgorithm::Rs256],
        &SystemClock,
        &SystemEntropy,
    )
    .await
    .unwrap();
    let parts = ProviderParts {
        audit: AuditSettings::default(),
        settings: ProviderSettings {
            issuer: issuer.clone(),
            session_lifetime: Seconds::new(36_000),
            remember_me_lifetime: Seconds::new(2_592_000),
            refresh_token_grace: Seconds::new(10),
            pushed_authorization_request_lifetime: Seconds::new(60),
            require_pushed_authorization_requests: false,
            require_signed_request_object: false,
            fetch_request_uris: false,
            access_token_signing_alg: SigningAlgorithm::Rs256,
            access_token_typ: AccessTokenTyp::default(),
            acr: AcrLevels::default(),
            most_waiting_per_address: MOST_WAITING_PER_ADDRESS,
            most_waiting_per_client: MOST_WAITING_PER_CLIENT,
            second_factor: SecondFactorSettings::default(),
            longest_parameters: LongestParameters::default(),
            accounts: AccountSettings::default(),
            registration: RegistrationSettings::default(),
            identity_providers: Vec::new(),
            directories: Vec::new(),
        },
        clients: vec![client],
        plain_secrets: true,
        resources: Resources::new(IdentityResource::standard(), vec![], vec![], false).unwrap(),
        keys,
        passwords: PasswordVerifier::new(1),
        breached_passwords: Arc::new(NoBreachedPasswords),
        jwks_source: Arc::new(NothingPublished),
        upstream_clients: std::collections::BTreeMap::new(),
        upstream_factory: Arc::new(NoStoredUpstreams),
        directory_clients: std::collections::BTreeMap::new(),
        documents: Arc::new(NothingPublished),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let provider = Arc::new(Provider::assemble(parts, store).await.unwrap());
    let router = doorward_provider_http::router(provider, HttpSettings::default())
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    issuer
}

/// A browser that goes to the application by its router, and to the provider by the network.
struct Browser {
    app: Router,
    http: reqwest::Client,
    /// By origin.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    url: String,
    page: String,
    status: StatusCode,
}

impl Browser {
    fn new(app: Router) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let (url, page) = (ORIGIN.to_owned(), String::new());
        let http = http.no_proxy().build().unwrap();
        Self { app, http, cookies: BTreeMap::new(), url, page, status: StatusCode::OK }
    }

    /// Opens an address, relative to the present one, and follows redirects.
    async fn open(&mut self, address: &str) {
        self.go("GET", address, String::new()).await;
    }

    /// Sends the page's form with its hidden fields and these.
    async fn submit(&mut self, fields: &[(&str, &str)]) {
        let form = self.page.split_once("<form").unwrap().1;
        let form = form.split_once("</form>").unwrap().0.to_owned();
        let mut body = Vec::new();
        for input in form.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\""))
        {
            body.push((attribute(input, "name"), attribute(input, "value")));
        }
        body.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pairs = body.iter().map(|(name, value)| (&**name, &**value));
        let encoded = doorward_protocol::params::encode(pairs);
        self.go("POST", &attribute(&form, "action"), encoded).await;
    }

    async fn go(&mut self, method: &str, address: &str, body: String) {
        let (mut method, mut body) = (method.to_owned(), body);
        let mut address = address.to_owned();
        for _ in 0..10 {
            self.url = resolved(&self.url, &address);
            let (headers, status) = self.send(&method, body).await;
            self.status = status;
            (method, body) = ("GET".to_owned(), String::new());
            match headers.get("location").filter(|_| status.is_redirection()) {
                Some(to) => to.to_str().unwrap().clone_into(&mut address),
                None => return,
            }
        }
        panic!("the browser turns in a circle at {}", self.url);
    }

    async fn send(&mut self, method: &str, body: String) -> (HeaderMap, StatusCode) {
        let origin = origin_of(&self.url);
        let jar = self.cookies.entry(origin.clone()).or_default();
        let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = vec![("accept", "text/html".to_owned()), ("cookie", cookies.join("; "))];
        if method == "POST" {
            headers.push(("origin", origin.clone()));
            headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
        }
        let (status, headers, page) = if origin == ORIGIN {
            let mut request = Request::builder().method(method).uri(&self.url[ORIGIN.len()..]);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request = request.body(Body::from(body)).unwrap();
            let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
            (parts.status, parts.headers, to_bytes(body, 1 << 20).await.unwrap().to_vec())
        } else {
            let mut request = self.http.request(method.parse().unwrap(), &self.url).body(body);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status(), answer.headers().clone());
            (status, headers, answer.bytes().await.unwrap().to_vec())
        };
        self.page = String::from_utf8(page).unwrap();
        let jar = self.cookies.entry(origin).or_default();
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        (headers, status)
    }

    /// From the provider's login page through consent and back.
    async fn sign_in(&mut self) {
        assert!(self.url.contains("/account/login"), "{}", self.url);
        let fields = [("username", "ada"), ("password", "ada's password"), ("action", "login")];
        self.submit(&fields).await;
        assert!(self.page.contains("Allow Web Application?"), "{} {}", self.url, self.page);
        // The hidden fields hold what is required.
        let scopes = [("scope", "profile"), ("scope", "offline_access"), ("action", "allow")];
        self.submit(&scopes).await;
    }
}

fn origin_of(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn resolved(base: &str, address: &str) -> String {
    if address.starts_with('/') {
        format!("{}{address}", origin_of(base))
    } else {
        address.to_owned()
    }
}

/// The value of an attribute.
fn attribute(element: &str, name: &str) -> String {
    let value = element.split_once(&format!("{name}=\"")).map_or("", |(_, rest)| rest);
    value.split('"').next().unwrap_or_default().replace("&amp;", "&").replace("&#x27;", "'")
}

async fn settings(folder: &std::path::Path, sessions: &str) -> Settings {
    Settings {
        origin: ORIGIN.to_owned(),
        listen: String::new(),
        issuer: provider(folder).await,
        client_id: "PkceCodeBackend".to_owned(),
        client_secret: "secret".to_owned(),
        client_key: None,
        client_key_id: None,
        id_token_alg: None,
        scope: "openid profile offline_access".to_owned(),
        api: "http://127.0.0.1:9".to_owned(),
        call: "http://127.0.0.1:9".to_owned(),
        sessions: sessions.to_owned(),
        pushes: true,
        posts: false,
        signed: false,
        binds_tokens: false,
        loads_user_info: true,
        one_audience: false,
    }
}

#[tokio::test]
async fn a_user_signs_in_consents_and_signs_out() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("sessions.sqlite3").display());
    for sessions in ["memory", &sqlite, &format!("cookie:{}", "A".repeat(43))] {
        let provided = tempfile::tempdir().unwrap();
        let settings = settings(provided.path(), sessions).await;
        let mut browser = Browser::new(app(&settings).await.unwrap().0);
        browser.open("/").await;
        assert!(browser.page.contains("You are not signed in."), "{}", browser.page);
        browser.open("/me").await;
        browser.sign_in().await;
        assert_eq!(browser.url, format!("{ORIGIN}/me"), "{}", browser.page);
        assert!(browser.page.contains("Ada Archer"), "{}", browser.page);

        browser.open("/admin").await;
        assert_eq!(browser.status, StatusCode::FORBIDDEN, "Ada is not an administrator");
        browser.open("/recent").await;
        assert!(browser.page.contains("a moment ago"), "{}", browser.page);

        browser.open("/").await;
        // The first form of the page signs out, here and at the provider.
        browser.submit(&[]).await;
        browser.open(&format!("{ORIGIN}/")).await;
        assert!(browser.page.contains("You are not signed in."), "{sessions}");
    }
}

/// An API that wants a nonce in the proof of each call (RFC 9449 section 9). Returns its address.
async fn api_with_nonce() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/accounts", listener.local_addr().unwrap());
    let accounts = get(async |headers: HeaderMap| {
        let text = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert!(text("authorization").starts_with("DPoP "));
        let proof = text("dpop");
        let claims = base64url::decode(proof.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let status =
            if claims["nonce"] == "the-nonce" { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        (status, [("dpop-nonce", "the-nonce")])
    });
    let router = Router::new().route("/accounts", accounts);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// With signed responses (JARM), tokens that are bound to a key, and ID tokens for this client
/// alone.
#[tokio::test]
async fn a_user_signs_in_as_fapi_wants_it_and_calls_an_api_with_its_nonce() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        call: api_with_nonce().await,
        signed: true,
        binds_tokens: true,
        one_audience: true,
        ..settings(folder.path(), "memory").await
    };
    let mut browser = Browser::new(app(&settings).await.unwrap().0);
    browser.open("/call").await;
    browser.sign_in().await;
    assert_eq!(browser.url, format!("{ORIGIN}/call"), "{}", browser.page);
    assert!(browser.page.contains("The API answered 200"), "{}", browser.page);
}

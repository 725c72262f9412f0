//! The API under test, and who calls it.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
};
use doorward_admin::{
    AdminScope, FreshSignIn, Operation,
    api::{
        AUDIENCE, AdminParts, AdminSettings, BASE_PATH, OPENAPI_PATH, SharedConfiguration,
        api_resource, api_scopes, german, router,
    },
    scim,
};
use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    Provider, ProviderParts, ProviderSettings, audit,
    keys::{
        KeyRing, MasterKey, RotationPolicy,
        document_source::{Document, DocumentSource},
        remote::{FetchError, JwksSource},
    },
    model::{
        account_settings::{AccountSettings, Registration},
        acr::AcrLevels,
        branding::BrandingFiles,
        directory::Directory,
        group::{Group, StoredGroup},
        identity_provider::IdentityProvider,
        provider_settings::{AccessTokenTyp, LongestParameters},
        registration::{RegistrationMode, RegistrationSettings},
        resource::{IdentityResource, Resources},
        second_factor::SecondFactorSettings,
        stored_identity_provider::{Credential, CredentialKind},
        time::{Clock as _, Seconds, SystemClock, SystemEntropy, Timestamp},
        user::{ADMIN_ROLE_CLAIM, User, UserClaims},
    },
    store::Store,
    use_case::{
        administration::identity_providers::StoredProviders, audit_trail::AuditSettings,
        directory::DirectoryClient, directory_management::DirectoryManager as _,
        new_password::NoBreachedPasswords, password_verifier::PasswordVerifier,
    },
};
use doorward_provider_store::{SqliteOptions, SqliteStore};
use doorward_resource_server::test_util::{TestIssuer, TestToken};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Map, Value, json};
use tokio::{sync::watch, task::JoinHandle};
use tower::ServiceExt as _;

use crate::{corp::Corp, elsewhere::Elsewhere};

/// The client at which people sign in to administer.
pub const PAGE: &str = "admin-page";

/// Where the endpoint for SCIM is, as its clients see it.
pub const SCIM: &str = "https://id.example/scim/v2";

/// The API under test: users of each role, a user without, the page, and machines.
pub struct World {
    pub router: Router,
    /// The endpoint for SCIM.
    pub scim: Router,
    pub store: Arc<dyn Store>,
    pub issuer: TestIssuer,
    pub scim_issuer: TestIssuer,
    pub provider: Arc<Provider>,
    /// The directory whose users are managed.
    pub corp: Arc<Corp>,
    trail: Mutex<Option<(watch::Sender<bool>, JoinHandle<()>)>>,
    _folder: tempfile::TempDir,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// The text as JSON; null if it is none.
    pub body: Value,
}

/// A request that is not sent yet.
pub struct Call<'a> {
    world: &'a World,
    request: http::request::Builder,
    body: Body,
    id: String,
}

/// Where every request comes from.
pub const ADDRESS: &str = "192.0.2.7";
/// What every request comes from.
pub const AGENT: &str = "agent/1.0";

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl JwksSource for Nobody {
    async fn fetch(&self, _: &str) -> Result<Map<String, Value>, FetchError> {
        Err(FetchError::Away("nobody there".to_owned()))
    }
}

#[async_trait]
impl DocumentSource for Nobody {
    async fn fetch(&self, _: &str) -> Result<Document, FetchError> {
        Err(FetchError::Away("nobody there".to_owned()))
    }
}

pub fn user(sub: &str, role: Option<&str>) -> User {
    let mut claims = Map::new();
    claims.insert("email".to_owned(), json!(format!("{sub}@example.com")));
    claims.insert("email_verified".to_owned(), json!(true));
    claims.insert("name".to_owned(), json!(sub.to_uppercase()));
    if let Some(role) = role {
        claims.insert(ADMIN_ROLE_CLAIM.to_owned(), json!(role));
    }
    User {
        sub: sub.parse().unwrap(),
        username: sub.to_owned(),
        password_hash: None,
        enabled: true,
        claims: UserClaims(claims).into(),
        groups: std::sync::Arc::default(),
        mapped: std::sync::Arc::default(),
    }
}

fn client(client_id: &str, grant: &str, scopes: &[String]) -> Value {
    let mut settings = json!({
        "client_id": client_id, "allowed_grant_types": [grant], "allowed_scopes": scopes,
        "require_client_secret": grant == "client_credentials",
    });
    if grant == "client_credentials" {
        settings["client_secrets"] = json!([{"plain": "secret"}]);
    } else {
        settings["redirect_uris"] = json!(["https://admin.example/callback"]);
    }
    settings
}

async fn keys(store: &dyn Store) -> KeyRing {
    let master = MasterKey::from_bytes(&[7; 32]).unwrap();
    let algorithms = vec![SigningAlgorithm::Es256];
    let (policy, clock) = (RotationPolicy::default(), SystemClock);
    KeyRing::open(store, master, policy, algorithms, &clock, &SystemEntropy).await.unwrap()
}

/// Two other providers: one with one issuer, and one with an issuer for each tenant.
fn upstream() -> Vec<IdentityProvider> {
    let named = |name: &str, issuer: &str| IdentityProvider::new(name.parse().unwrap(), issuer);
    vec![
        named("up", "https://up.example"),
        named("tenants", "https://login.example/{tenantid}/v2.0"),
    ]
}

async fn provider(store: &Arc<dyn Store>, corp: Arc<Corp>) -> Provider {
    let scopes: Vec<String> = AdminScope::ALL.iter().map(|scope| scope.name().to_owned()).collect();
    let clients = [
        client(PAGE, "authorization_code", &scopes),
        client("robot", "client_credentials", &scopes),
        client("app", "authorization_code", &["openid".to_owned()]),
        client("entra", "client_credentials", &[scim::SCOPE.to_owned()]),
        client("okta", "client_credentials", &[scim::SCOPE.to_owned()]),
        client("people", "authorization_code", &[scim::SCOPE.to_owned()]),
    ];
    let accounts = AccountSettings {
        mail: true,
        registration: Registration::Invitation,
        ..AccountSettings::default()
    };
    let parts = ProviderParts {
        audit: AuditSettings::default(),
        settings: ProviderSettings {
            issuer: "https://id.example".to_owned(),
            session_lifetime: Seconds::new(3600),
            remember_me_lifetime: Seconds::new(86_400),
            refresh_token_grace: Seconds::new(10),
            pushed_authorization_request_lifetime: Seconds::new(60),
            require_pushed_authorization_requests: false,
            require_signed_request_object: false,
            fetch_request_uris: false,
            access_token_signing_alg: SigningAlgorithm::Es256,
            access_token_typ: AccessTokenTyp::default(),
            acr: AcrLevels::default(),
            most_waiting_per_address: 100,
            most_waiting_per_client: 10_000,
            second_factor: SecondFactorSettings::default(),
            longest_parameters: LongestParameters::default(),
            accounts,
            registration: RegistrationSettings {
                mode: RegistrationMode::Token,
                ..RegistrationSettings::default()
            },
            identity_providers: upstream(),
            directories: vec![Directory::new(corp.abilities().name.clone())],
        },
        clients: clients
            .into_iter()
            .map(|mut settings| {
                settings["id_token_signing_alg"] = json!("ES256");
                serde_json::from_value(settings).unwrap()
            })
            .collect(),
        plain_secrets: true,
        resources: Resources::new(
            IdentityResource::standard(),
            api_scopes().into_iter().chain([scim::api_scope()]).collect(),
            vec![api_resource(), scim::api_resource()],
            true,
        )
        .unwrap(),
        keys: keys(&**store).await,
        passwords: PasswordVerifier::new(1),
        breached_passwords: Arc::new(NoBreachedPasswords),
        jwks_source: Arc::new(Nobody),
        upstream_clients: std::collections::BTreeMap::new(),
        upstream_factory: Arc::new(Elsewhere),
        directory_clients: [(corp.abilities().name.clone(), corp as Arc<dyn DirectoryClient>)]
            .into(),
        documents: Arc::new(Nobody),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    Provider::assemble(parts, Arc::clone(store)).await.unwrap()
}

/// Adds the identity provider `stored`.
async fn add_identity_provider(store: &Arc<dyn Store>, provider: &Provider) {
    let registry = provider.identity_providers();
    let providers = StoredProviders {
        table: &**store,
        signing_keys: &**store,
        configured: registry.configured(),
        factory: registry.factory(),
        master: provider.keys().master(),
    };
    let issuer = ("issuer".to_owned(), json!("https://stored.example"));
    let (kind, value) = (CredentialKind::Secret, Secret::new("hush-stored"));
    let name = "stored".parse().unwrap();
    let credential = Credential { kind, value };
    providers.add(&name, Map::from_iter([issuer]), &credential).await.unwrap();
    provider.refresh_identity_providers().await.unwrap();
}

fn open(folder: &Path) -> Arc<dyn Store> {
    let path = folder.join("admin.sqlite3");
    Arc::new(SqliteStore::open(&path, &SqliteOptions::default()).unwrap())
}

impl World {
    pub async fn new() -> Self {
        Self::with_rate(100_000).await
    }

    pub async fn with_rate(requests_per_minute: u32) -> Self {
        Self::with(requests_per_minute, true).await
    }

    /// One in which SCIM clients act on nothing but what they added.
    pub async fn without_taking_over() -> Self {
        Self::with(100_000, false).await
    }

    async fn with(requests_per_minute: u32, may_take_over: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        for (sub, role) in [
            ("olga", Some("owner")),
            ("adam", Some("admin")),
            ("helen", Some("helpdesk")),
            ("udo", Some("auditor")),
            ("alice", None),
        ] {
            store.put_user(user(sub, role), now()).await.unwrap();
        }
        store
            .add_group(StoredGroup { group: Group::new("staff".parse().unwrap()), version: 1 })
            .await
            .unwrap();
        let issuer = TestIssuer::new(AUDIENCE);
        let corp = Arc::new(Corp::new());
        let provider = Arc::new(provider(&store, Arc::clone(&corp)).await);
        add_identity_provider(&store, &provider).await;
        let parts = AdminParts {
            provider: Arc::clone(&provider),
            store: Arc::clone(&store),
            resource_server: issuer.resource_server(),
            entropy: Arc::new(SystemEntropy),
            branding_files: Arc::new(|| BrandingFiles {
                logos: BTreeSet::from(["shop.png".to_owned().try_into().unwrap()]),
                texts: BTreeSet::from(["shop".to_owned().try_into().unwrap()]),
            }),
            settings: AdminSettings {
                fresh_sign_in: FreshSignIn::default(),
                requests_per_minute,
                configuration: SharedConfiguration::new("[provider]\n".to_owned()),
                configuration_file: "doorward.toml".to_owned(),
            },
        };
        let scim_issuer = TestIssuer::new(scim::AUDIENCE);
        let scim = scim::router(scim::ScimParts {
            provider: Arc::clone(&provider),
            store: Arc::clone(&store),
            resource_server: scim_issuer.resource_server(),
            entropy: Arc::new(SystemEntropy),
            settings: scim::ScimSettings {
                url: SCIM.to_owned(),
                requests_per_minute,
                emails_are_verified: false,
                may_take_over,
            },
        });
        let (stop, stopped) = watch::channel(false);
        let trail = tokio::spawn(provider.deliveries().keep_audit_records(stopped));
        let trail = Mutex::new(Some((stop, trail)));
        let router = router(parts);
        Self { router, scim, store, issuer, scim_issuer, provider, corp, trail, _folder: folder }
    }

    /// A token of a user who has just signed in by two factors, with every scope.
    pub fn token(&self, sub: &str) -> TestToken {
        let scopes: Vec<&str> = AdminScope::ALL.iter().map(|scope| scope.name()).collect();
        let role = self_said_role(sub);
        self.issuer
            .token(sub)
            .claim("client_id", PAGE)
            .claim("acr", "urn:doorward:acr:2")
            .claim("auth_time", now().seconds())
            .claim(ADMIN_ROLE_CLAIM, role)
            .scope(&scopes.join(" "))
    }

    /// A token of a client that asks for itself.
    pub fn machine(&self, client_id: &str, scope: &str) -> TestToken {
        self.issuer.token(client_id).claim("client_id", client_id).scope(scope)
    }

    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(format!("{BASE_PATH}{path}"));
        Call { world: self, request, body: Body::empty(), id: "request-1".to_owned() }
    }

    /// The `OpenAPI` document.
    pub async fn document(&self) -> Value {
        let request = Request::get(OPENAPI_PATH).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        serde_json::from_slice(&to_bytes(response.into_body(), 1 << 22).await.unwrap()).unwrap()
    }

    pub async fn get(&self, sub: &str, path: &str) -> Answer {
        self.call("GET", path).by(sub).send().await
    }

    /// The entity tag of an object as the owner reads it.
    pub async fn etag(&self, path: &str) -> String {
        let answer = self.get("olga", path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.headers["etag"].to_str().unwrap().to_owned()
    }

    /// What the audit history has, the first record first. Nothing comes after that.
    pub async fn history(&self) -> Vec<Value> {
        let trail = self.trail.lock().unwrap().take();
        if let Some((stop, trail)) = trail {
            stop.send(true).unwrap();
            trail.await.unwrap();
        }
        let kept = self.store.audit_records_from(0, 10_000).await.unwrap();
        kept.iter().map(audit::KeptRecord::to_json).collect()
    }

    pub async fn user(&self, sub: &str) -> Option<User> {
        self.store.user(&sub.parse().unwrap()).await.unwrap()
    }
}

/// Everybody's token says that they are an owner: nobody believes it.
fn self_said_role(_: &str) -> &'static str {
    "owner"
}

impl Call<'_> {
    /// As this user, who has just signed in by two factors.
    pub fn by(self, sub: &str) -> Self {
        let token = self.world.token(sub).sign();
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub fn bearing(self, token: TestToken) -> Self {
        self.with("authorization", &format!("Bearer {}", token.sign()))
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Under this identifier in the log and in the audit history.
    pub fn named(self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self }
    }

    pub fn json(self, body: &Value) -> Self {
        let text = body.to_string();
        self.with("content-type", "application/json").body(text)
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let context = audit::Request {
            id: Some(self.id),
            address: Some(ADDRESS.to_owned()),
            user_agent: Some(AGENT.to_owned()),
        };
        let answered = self.world.router.clone().oneshot(request);
        let response = self.world.provider.audit().audited(context, answered).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 22).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if parts.status.is_client_error() || parts.status.is_server_error() {
            assert_eq!(parts.headers["content-type"], "application/problem+json", "{body}");
            assert_eq!(body["status"], json!(parts.status.as_u16()));
            assert!(body["type"].as_str().unwrap().starts_with("urn:doorward:problem:"));
            if !parts.headers.contains_key("content-language") {
                is_said_in_german(&body);
            }
        }
        assert_eq!(parts.headers["cache-control"], "no-store");
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text, body }
    }
}

/// Each problem has a German text, wherever it comes from.
fn is_said_in_german(problem: &Value) {
    let errors = problem["errors"].as_array().into_iter().flatten();
    let mut texts: Vec<&Value> = errors.map(|error| &error["problem"]).collect();
    if texts.is_empty() {
        texts.push(&problem["detail"]);
    }
    texts.push(&problem["title"]);
    for text in texts {
        let text = text.as_str().unwrap();
        // A directory of the tests says this.
        assert!(text == "x" || german(text).is_some(), "{text} has no German text");
    }
}

pub fn now() -> Timestamp {
    SystemClock.now()
}

/// A path of an operation with names in place of its placeholders.
pub fn path(operation: Operation) -> String {
    let names = [("{sub}", "alice"), ("{client_id}", "app"), ("{sid}", "none"), ("{id}", "none")];
    let more = [
        ("{secret}", "none"),
        ("{kid}", "none"),
        ("{group}", "staff"),
        ("{link}", "none"),
        ("{token}", "none"),
        ("{passkey}", "none"),
        ("{identity_provider}", "stored"),
    ];
    let of_directory = [("{directory}", "corp"), ("{entry}", "entry-alice")];
    let names = names.into_iter().chain(more).chain(of_directory);
    names.fold(operation.path().to_owned(), |path, (name, value)| path.replace(name, value))
}

pub fn method(operation: Operation) -> &'static str {
    use doorward_admin::Method::{Delete, Get, Patch, Post, Put};
    match operation.method() {
        Get => "GET",
        Post => "POST",
        Put => "PUT",
        Patch => "PATCH",
        Delete => "DELETE",
    }
}

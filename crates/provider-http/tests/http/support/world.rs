//! The provider under test.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::Request,
};
use doorward_mail::DemoMailbox;
use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_provider::{
    Provider, ProviderParts, ProviderSettings,
    keys::{
        KeyRing, MasterKey, RotationPolicy, document_source::DocumentSource, provider_credential,
        remote::JwksSource, waiting_mail,
    },
    model::{
        account_notice::AccountNotices,
        account_settings::AccountSettings,
        acr::{AcrLevel, AcrLevels},
        client::ClientSettings,
        consent::Consent,
        directory::Directory,
        identity_provider::IdentityProvider,
        outbox::OutboxMail,
        provider_settings::{AccessTokenTyp, LongestParameters},
        registration::RegistrationSettings,
        resource::Resources,
        second_factor::SecondFactorSettings,
        session::{Authentication, Device, Session, SignInProof},
        signing_key::StoredKey,
        stored_client::StoredClient,
        stored_identity_provider::{Credential, CredentialKind, StoredIdentityProvider},
        time::{Clock, Seconds, SystemEntropy, Timestamp},
        token_handle::TokenHandle,
        user::User,
    },
    store::{SigningKeys as _, Store},
    use_case::{
        accounts::Invitations, audit_trail::AuditSettings, directory::DirectoryClients,
        new_password::NoBreachedPasswords, password_verifier::PasswordVerifier,
        upstream::UpstreamClients,
    },
};
use doorward_provider_http::{HttpSettings, SharedBranding};
use doorward_provider_store::{
    Limits, PostgresOptions, PostgresStore, PostgresUrl, SqliteOptions, SqliteStore,
};
use serde_json::Value;
use test_postgres::TestPostgres;
use tokio::sync::OnceCell;
use tower::ServiceExt as _;

use super::{
    Answer, ISSUER, START,
    elsewhere::{Elsewhere, Elsewheres, upstream_clients},
    fixtures::{clients, merge, resources, users},
    form_request,
    published::Published,
    refresh_request, with_header,
};

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds())
    }
}

/// What a world has beside the fixtures.
#[derive(Debug)]
pub struct Setup {
    pub issuer: &'static str,
    /// Settings of more clients, or of others in place of those with the same `client_id`.
    pub clients: Vec<Value>,
    /// More users.
    pub users: Vec<User>,
    /// Whether every client must push its authorization requests.
    pub require_pushed: bool,
    /// Whether every client must sign its authorization requests.
    pub require_signed: bool,
    /// Whether request objects are fetched from registered addresses.
    pub fetch_request_uris: bool,
    /// How long pushed requests live.
    pub pushed_lifetime: u32,
    /// How many pushed requests and device codes may wait for one client and address.
    pub most_waiting: u32,
    /// The same for one client in all.
    pub most_waiting_per_client: u32,
    pub second_factor: SecondFactorSettings,
    pub access_token_typ: AccessTokenTyp,
    /// The highest level of sign-ins that users can reach.
    pub highest_acr: AcrLevel,
    /// In place of the resources of every world.
    pub resources: Option<Resources>,
    /// In place of the verifier that all worlds share.
    pub passwords: Option<PasswordVerifier>,
    pub accounts: AccountSettings,
    pub registration: RegistrationSettings,
    /// The other providers by which users may sign in.
    pub identity_providers: Vec<IdentityProvider>,
    /// Their clients.
    pub upstream_clients: UpstreamClients,
    /// What makes the clients of stored providers.
    pub elsewheres: Elsewheres,
    /// The directories by which users sign in.
    pub directories: Vec<Directory>,
    /// Their clients.
    pub directory_clients: DirectoryClients,
    /// Where messages are kept, as in demo mode.
    pub demo_mailbox: Option<Arc<DemoMailbox>>,
    /// How the pages look.
    pub branding: SharedBranding,
    /// A multiple of this time passes before somebody who asks for a link is answered.
    pub answer_step: Duration,
}

impl Setup {
    /// With these other providers.
    pub fn with_elsewhere(pairs: Vec<(IdentityProvider, Arc<Elsewhere>)>) -> Self {
        let upstream_clients = upstream_clients(&pairs);
        let identity_providers = pairs.into_iter().map(|(provider, _)| provider).collect();
        Self { identity_providers, upstream_clients, ..Self::default() }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            issuer: ISSUER,
            clients: vec![],
            users: vec![],
            require_pushed: false,
            require_signed: false,
            fetch_request_uris: false,
            pushed_lifetime: 60,
            most_waiting: 100,
            most_waiting_per_client: 10_000,
            second_factor: SecondFactorSettings::default(),
            access_token_typ: AccessTokenTyp::default(),
            highest_acr: AcrLevel::Two,
            resources: None,
            passwords: None,
            accounts: AccountSettings::default(),
            registration: RegistrationSettings::default(),
            identity_providers: vec![],
            upstream_clients: UpstreamClients::new(),
            elsewheres: Elsewheres::default(),
            directories: vec![],
            directory_clients: DirectoryClients::new(),
            demo_mailbox: None,
            branding: SharedBranding::default(),
            answer_step: Duration::ZERO,
        }
    }
}

/// What a world's provider has of its own, over restarts.
#[derive(Debug, Clone)]
struct Own {
    issuer: &'static str,
    require_pushed: bool,
    require_signed: bool,
    fetch_request_uris: bool,
    pushed_lifetime: u32,
    most_waiting: u32,
    most_waiting_per_client: u32,
    second_factor: SecondFactorSettings,
    access_token_typ: AccessTokenTyp,
    highest_acr: AcrLevel,
    resources: Option<Resources>,
    accounts: AccountSettings,
    registration: RegistrationSettings,
    identity_providers: Vec<IdentityProvider>,
    upstream_clients: UpstreamClients,
    elsewheres: Elsewheres,
    directories: Vec<Directory>,
    directory_clients: DirectoryClients,
    demo_mailbox: Option<Arc<DemoMailbox>>,
    branding: SharedBranding,
    answer_step: Duration,
}

/// The provider under test, with its database in a folder of its own.
pub struct World {
    pub router: Router,
    pub provider: Arc<Provider>,
    pub clock: Arc<TestClock>,
    /// What clients publish at their addresses.
    pub published: Arc<Published>,
    own: Own,
    store: Arc<dyn Store>,
    clients: Vec<Value>,
    folder: Arc<tempfile::TempDir>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with_clients(clients: Vec<Value>) -> Self {
        Self::with(Setup { clients, ..Setup::default() }).await
    }

    pub async fn with(setup: Setup) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let store = open_store(folder.path()).await;
        store
            .import_users(
                users().into_iter().chain(setup.users).collect(),
                Timestamp::from_seconds(START),
            )
            .await
            .unwrap();
        for key in signing_keys().await {
            store.add_signing_key(key, Timestamp::from_seconds(i64::MIN)).await.unwrap();
        }
        let own = |id: &Value| setup.clients.iter().all(|client| client["client_id"] != *id);
        let kept: Vec<Value> =
            clients().into_iter().filter(|client| own(&client["client_id"])).collect();
        let clients = kept.into_iter().chain(setup.clients).collect();
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let passwords = setup.passwords.unwrap_or_else(passwords);
        let own = Own {
            issuer: setup.issuer,
            require_pushed: setup.require_pushed,
            require_signed: setup.require_signed,
            fetch_request_uris: setup.fetch_request_uris,
            pushed_lifetime: setup.pushed_lifetime,
            most_waiting: setup.most_waiting,
            most_waiting_per_client: setup.most_waiting_per_client,
            second_factor: setup.second_factor,
            access_token_typ: setup.access_token_typ,
            highest_acr: setup.highest_acr,
            resources: setup.resources,
            accounts: setup.accounts,
            registration: setup.registration,
            identity_providers: setup.identity_providers,
            upstream_clients: setup.upstream_clients,
            elsewheres: setup.elsewheres,
            directories: setup.directories,
            directory_clients: setup.directory_clients,
            demo_mailbox: setup.demo_mailbox,
            branding: setup.branding,
            answer_step: setup.answer_step,
        };
        Box::pin(Self::start(own, clients, store, clock, folder, passwords)).await
    }

    /// The same provider, restarted with other settings of one client.
    pub async fn restarted(&self, client_id: &str, changes: Value) -> Self {
        let mut clients = self.clients.clone();
        merge(clients.iter_mut().find(|client| client["client_id"] == client_id).unwrap(), changes);
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let (own, folder) = (self.own.clone(), Arc::clone(&self.folder));
        Box::pin(Self::start(own, clients, store, clock, folder, passwords())).await
    }

    /// The same provider, restarted with other settings for clients that register themselves.
    pub async fn with_registration(&self, registration: RegistrationSettings) -> Self {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let own = Own { registration, ..self.own.clone() };
        let folder = Arc::clone(&self.folder);
        let clients = self.clients.clone();
        Box::pin(Self::start(own, clients, store, clock, folder, passwords())).await
    }

    /// The same provider, restarted with these other providers.
    pub async fn with_identity_providers(&self, providers: Vec<IdentityProvider>) -> Self {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let own = Own { identity_providers: providers, ..self.own.clone() };
        let folder = Arc::clone(&self.folder);
        let clients = self.clients.clone();
        Box::pin(Self::start(own, clients, store, clock, folder, passwords())).await
    }

    /// The same provider, restarted with other settings of accounts.
    pub async fn with_accounts(&self, accounts: AccountSettings) -> Self {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let own = Own { accounts, ..self.own.clone() };
        let folder = Arc::clone(&self.folder);
        let clients = self.clients.clone();
        Box::pin(Self::start(own, clients, store, clock, folder, passwords())).await
    }

    async fn start(
        own: Own,
        clients: Vec<Value>,
        store: Arc<dyn Store>,
        clock: Arc<TestClock>,
        folder: Arc<tempfile::TempDir>,
        passwords: PasswordVerifier,
    ) -> Self {
        let published = Arc::new(Published::default());
        let parts = ProviderParts {
            audit: AuditSettings::default(),
            settings: ProviderSettings {
                issuer: own.issuer.to_owned(),
                session_lifetime: Seconds::new(3600),
                remember_me_lifetime: Seconds::new(86_400),
                refresh_token_grace: Seconds::new(10),
                pushed_authorization_request_lifetime: own.pushed_lifetime.into(),
                require_pushed_authorization_requests: own.require_pushed,
                require_signed_request_object: own.require_signed,
                fetch_request_uris: own.fetch_request_uris,
                access_token_signing_alg: SigningAlgorithm::Rs256,
                access_token_typ: own.access_token_typ,
                acr: AcrLevels::default().up_to(own.highest_acr),
                most_waiting_per_address: own.most_waiting,
                most_waiting_per_client: own.most_waiting_per_client,
                second_factor: own.second_factor.clone(),
                longest_parameters: LongestParameters::default(),
                accounts: own.accounts.clone(),
                registration: own.registration.clone(),
                identity_providers: own.identity_providers.clone(),
                directories: own.directories.clone(),
            },
            clients: clients.iter().map(client).collect(),
            plain_secrets: true,
            upstream_clients: own.upstream_clients.clone(),
            upstream_factory: Arc::new(own.elsewheres.clone()),
            directory_clients: own.directory_clients.clone(),
            resources: own.resources.clone().unwrap_or_else(resources),
            keys: key_ring(&*store, &clock).await,
            passwords,
            breached_passwords: Arc::new(NoBreachedPasswords),
            jwks_source: Arc::clone(&published) as Arc<dyn JwksSource>,
            documents: Arc::clone(&published) as Arc<dyn DocumentSource>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SystemEntropy),
        };
        let provider = Arc::new(Provider::assemble(parts, Arc::clone(&store)).await.unwrap());
        let settings = HttpSettings {
            demo_mailbox: own.demo_mailbox.clone(),
            branding: own.branding.clone(),
            answer_step: own.answer_step,
            ..HttpSettings::default()
        };
        let router = doorward_provider_http::router(Arc::clone(&provider), settings);
        Self { router, provider, clock, published, own, store, clients, folder }
    }

    /// The mails that wait, the oldest first.
    pub async fn mails(&self) -> Vec<OutboxMail> {
        let waiting = self.store.outbox(None, 100, self.clock.now()).await.unwrap();
        let open = |mail| waiting_mail::open(self.provider.keys().master(), mail).unwrap();
        waiting.into_iter().map(|queued| open(queued.mail)).collect()
    }

    /// The one mail that waits to this address. It is taken out as if it were sent.
    pub async fn mail_to(&self, address: &str) -> OutboxMail {
        let mails = self.mails().await;
        let mut found = mails.into_iter().filter(|mail| mail.to == address);
        let mail = found.next().expect("a mail");
        assert!(found.next().is_none(), "one mail");
        self.store.mail_sent(&mail.id).await.unwrap();
        mail
    }

    /// The store, for what no request does.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Invites people, as operators do, by links of this issuer.
    pub fn invitations<'a>(&'a self, issuer: &'a str) -> Invitations<'a> {
        Invitations {
            users: &*self.store,
            tickets: &*self.store,
            groups: &*self.store,
            master: self.provider.keys().master(),
            issuer,
            clock: &*self.clock,
            entropy: &SystemEntropy,
        }
    }

    /// Sends a request; from this machine, unless it says where it comes from.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let here = ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)));
        request.extensions_mut().get_or_insert(here);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, uri: &str) -> Answer {
        self.send(Request::get(uri).body(Body::empty()).unwrap()).await
    }

    pub async fn post<S: AsRef<str>>(&self, path: &str, pairs: &[(&str, S)]) -> Answer {
        self.send(form_request(path, pairs)).await
    }

    /// A token request.
    pub async fn token<S: AsRef<str>>(&self, pairs: &[(&str, S)]) -> Answer {
        self.post("/connect/token", pairs).await
    }

    /// A token request of a client that authenticates by header.
    pub async fn token_as<S: AsRef<str>>(
        &self,
        authorization: &str,
        pairs: &[(&str, S)],
    ) -> Answer {
        self.send(with_header(
            form_request("/connect/token", pairs),
            "authorization",
            authorization,
        ))
        .await
    }

    /// A refresh of `PkceJS`.
    pub async fn refresh(&self, refresh_token: &Value) -> Answer {
        self.token(&refresh_request(refresh_token.as_str().unwrap())).await
    }

    pub async fn userinfo(&self, access_token: &Value) -> Answer {
        let authorization = format!("Bearer {}", access_token.as_str().unwrap());
        let request = Request::get("/connect/userinfo").header("authorization", authorization);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Adds a user or puts it in place of the one with its `sub`.
    pub async fn import(&self, user: User) {
        self.store.import_users(vec![user], self.clock.now()).await.unwrap();
    }

    /// Adds a client to the store, or puts it in place of the one of its name. The provider sees it
    /// when it looks.
    pub async fn put_client(&self, settings: Value) {
        let client_id = settings["client_id"].as_str().unwrap().parse().unwrap();
        let Value::Object(settings) = settings else { unreachable!() };
        let client = StoredClient { client_id, settings, configured: false };
        if !self.store.add_client(client.clone()).await.unwrap() {
            let version = self.store.clients_version().await.unwrap();
            assert!(self.store.replace_client(client, version).await.unwrap());
        }
    }

    /// Adds an identity provider to the store, or puts it in place of the one of its name. This
    /// provider sees it at once, and another process when it looks.
    pub async fn put_identity_provider(&self, name: &str, settings: Value) {
        let name = name.parse().unwrap();
        let Value::Object(settings) = settings else { unreachable!() };
        let (kind, value) = (CredentialKind::Secret, Secret::new("the secret of our client"));
        let master = self.provider.keys().master();
        let credential = Credential { kind, value };
        let credential = provider_credential::seal(master, &name, &credential).unwrap();
        let provider = StoredIdentityProvider { name, settings, credential };
        let version = self.store.identity_providers_version().await.unwrap();
        if !self.store.add_identity_provider(provider.clone(), version).await.unwrap() {
            assert!(self.store.replace_identity_provider(provider, version).await.unwrap());
        }
        assert!(self.provider.refresh_identity_providers().await.unwrap());
    }

    /// Removes an identity provider from the store.
    pub async fn remove_identity_provider(&self, name: &str) {
        let version = self.store.identity_providers_version().await.unwrap();
        let name = name.parse().unwrap();
        assert!(self.store.remove_identity_provider(&name, version).await.unwrap());
        assert!(self.provider.refresh_identity_providers().await.unwrap());
    }

    /// What the stored provider with this name answers.
    pub fn elsewhere(&self, name: &str) -> Arc<Elsewhere> {
        self.own.elsewheres.of(name)
    }

    /// Remembers a user's consent to a client, which need not be known.
    pub async fn remember_consent(&self, sub: &str, client_id: &str) {
        let consent = Consent { scope: "openid".parse().unwrap(), expires_at: None };
        let (sub, client_id) = (sub.parse().unwrap(), client_id.parse().unwrap());
        self.store.remember_consent(&sub, &client_id, consent).await.unwrap();
    }

    /// Takes a signing key out of the store, as `doorward keys retire` does. The provider sees it
    /// when it looks.
    pub async fn retire_key(&self, kid: &str) {
        self.store.remove_signing_keys(&[kid.to_owned()]).await.unwrap();
    }

    /// Removes a client from the store. The provider sees it when it looks.
    pub async fn remove_client(&self, client_id: &str) {
        assert!(self.store.remove_client(&client_id.parse().unwrap(), None).await.unwrap());
    }

    /// The clients as they are stored.
    pub async fn stored_clients(&self) -> Vec<StoredClient> {
        self.store.clients().await.unwrap().clients
    }

    /// Puts a session with these authentication methods in place of a browser's, as another way to
    /// sign in would. Returns its cookie.
    pub async fn signed_in_by(&self, cookie: &str, methods: &[&str]) -> String {
        let (old, now) = (TokenHandle::parse(cookie), self.clock.now());
        let mut session = self.store.session(old.hash(), now).await.unwrap().unwrap();
        let sub = session.authentication.sub.clone();
        let user = self.store.user(&sub).await.unwrap().unwrap();
        let password = SignInProof::Password(user.password_hash.unwrap());
        let new = TokenHandle::generate(&SystemEntropy);
        session.cookie_hash = new.hash();
        session.authentication.amr = methods.iter().map(ToString::to_string).collect();
        session.authentication.auth_time = now;
        let (replaces, notices) = (Some(old.hash()), AccountNotices::default());
        let started = self.store.start_session(session, &password, replaces, notices, now).await;
        assert!(started.unwrap());
        new.into_secret().expose().to_owned()
    }

    /// Starts so many sessions of a user before now, in no browser.
    pub async fn signed_in_before(&self, sub: &str, count: i64) {
        let now = self.clock.now();
        let user = self.store.user(&sub.parse().unwrap()).await.unwrap().unwrap();
        let password = SignInProof::Password(user.password_hash.unwrap());
        for number in 1..=count {
            let session = Session {
                cookie_hash: TokenHandle::generate(&SystemEntropy).hash(),
                authentication: Authentication {
                    sub: user.sub.clone(),
                    auth_time: Timestamp::from_seconds(now.seconds() - number),
                    amr: vec!["pwd".to_owned()],
                    sid: format!("before-{number}").parse().unwrap(),
                },
                device: Device::default(),
                upstream: None,
                expires_at: now.plus(3600),
            };
            let notices = AccountNotices::default();
            let started = self.store.start_session(session, &password, None, notices, now).await;
            assert!(started.unwrap());
        }
    }

    /// Disables one of the fixture's users.
    pub async fn disable(&self, sub: &str) {
        let user = users().into_iter().find(|user| user.sub == *sub).unwrap();
        self.import(User { enabled: false, ..user }).await;
    }
}

fn client(settings: &Value) -> ClientSettings {
    serde_json::from_value(settings.clone()).unwrap()
}

/// A verifier for one world. Its places to wait in are few: worlds that shared them would refuse
/// each other's new passwords when one of them has many at once.
fn passwords() -> PasswordVerifier {
    PasswordVerifier::new(2)
}

/// More sessions of a user than one transaction ends.
const LIMITS: Limits = Limits {
    sessions_per_user: 1_000,
    grants_per_user_and_client: 1_000,
    reference_tokens_per_grant: 1_000,
};

/// An empty store: on SQLite, or with `DOORWARD_TEST_POSTGRES=1` on PostgreSQL, for which the same
/// tests are run a second time.
async fn open_store(folder: &Path) -> Arc<dyn Store> {
    static SERVER: LazyLock<TestPostgres> = LazyLock::new(TestPostgres::start);
    if std::env::var_os("DOORWARD_TEST_POSTGRES").is_none() {
        let options = SqliteOptions { limits: LIMITS, ..SqliteOptions::default() };
        return Arc::new(SqliteStore::open(folder.join("test.sqlite3"), &options).unwrap());
    }
    let url = PostgresUrl::parse(&Secret::new(SERVER.new_schema())).unwrap();
    // Many requests at once, on a busy machine.
    let statement_timeout = Duration::from_mins(5);
    let options =
        PostgresOptions { statement_timeout, limits: LIMITS, ..PostgresOptions::new(url) };
    Arc::new(PostgresStore::open(&options).await.unwrap())
}

async fn key_ring(store: &dyn Store, clock: &TestClock) -> KeyRing {
    let master = MasterKey::from_bytes(&[7; 32]).unwrap();
    let algorithms = vec![SigningAlgorithm::Rs256, SigningAlgorithm::Es256];
    KeyRing::open(store, master, RotationPolicy::default(), algorithms, clock, &SystemEntropy)
        .await
        .unwrap()
}

/// The signing keys of every world: made once, since an RSA key takes long.
async fn signing_keys() -> Vec<StoredKey> {
    static KEYS: OnceCell<Vec<StoredKey>> = OnceCell::const_new();
    let make = || async {
        let store = SqliteStore::in_memory().unwrap();
        key_ring(&store, &TestClock(AtomicI64::new(START))).await;
        store.signing_keys().await.unwrap()
    };
    KEYS.get_or_init(make).await.clone()
}

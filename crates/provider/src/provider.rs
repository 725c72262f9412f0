//! The provider: its parts, put together. Each public method is one use case; what a use case may
//! read and change is listed where this file makes it.

mod accounts;
mod directories;
mod external;
mod factors;
mod own_account;
mod registration;
mod upstream;

pub use self::factors::{AfterRecoveryCode, PasskeyStepError};

use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use aws_lc_rs::hmac;
use doorward_protocol::{
    dpop::Nonces,
    ids::{ClientId, SessionId, Sub},
    metadata::ProviderMetadata,
    params::Params,
    scope::Scope,
    secret::Secret,
    token::TokenResponse,
};
use tokio::sync::{Notify, watch};

use crate::{
    ProviderSettings,
    audit::{self, Trail},
    keys::{
        KeyRing, KeyRingError,
        document_source::{DocumentSource, KeysOfStrangers},
        host_limit::HostLimit,
        remote::{JwksSource, PublishedKeys, RemoteKeys},
    },
    model::{
        account_notice::AccountNotices,
        client::{Client, ClientSettings},
        device_cookie::DeviceCookies,
        password_rules::PasswordRules,
        resource::Resources,
        second_factor::RememberedBrowsers,
        session::{Authentication, Device, Session, SessionCursor},
        settings_error::SettingsError,
        stored_client::StoredClient,
        time::{Clock, Entropy, Timestamp},
        token_handle::TokenHandle,
        user::User,
        user_code::UserCode,
    },
    store::{Store, StoreError},
    use_case::{
        access::{ClientWithAccess, UserAccess},
        access_token::AccessTokens,
        audit_trail::{AuditChannel, AuditKeyError, AuditSettings, AuditTrail, chain_key},
        authenticate::{
            AuthenticatedClient, ClientAuthenticator, ClientCredentials, ClientEndpoint,
        },
        authorize::{
            Authorization, AuthorizeRequest, ConsentGiven, Outcome, PushError, PushedReference,
        },
        client_documents::{ClientDocuments, DocumentRules},
        client_registry::ClientRegistry,
        device::{DeviceAuthorization, DeviceFlow, PendingDevice, UserCodeError},
        directory::{AccessOfUsers, Directories, DirectoryClients, DirectoryStates},
        discovery::Discovery,
        dpop::ProofVerifier,
        end_session::{EndSession, EndSessionError, EndSessionRequest},
        error::TokenError,
        introspection::{IntrospectionAnswer, Introspector, TokenIntrospection},
        logout::{
            SignedOut,
            back_channel::{BackChannel, LogoutDelivery},
        },
        mail_delivery::{MailChannel, MailDelivery},
        new_password::{BreachedPasswords, NewPasswords},
        passkeys::PasskeyVerifier,
        password_verifier::PasswordVerifier,
        revocation::TokenRevocation,
        sign_in::{
            Beginning, PasswordCheck, SessionLifetimes, Sessions, SignIn, SignInError,
            SignInOrigin, StartedSession, VerifiedPassword,
        },
        token::{TokenEndpoint, TokenRequest, issue::TokenIssuer},
        upstream::UpstreamClients,
        userinfo::{Presentation, Userinfo, UserinfoAnswer, UserinfoError},
    },
};

/// Everything that a provider is made of.
#[allow(missing_docs)]
pub struct ProviderParts {
    pub settings: ProviderSettings,
    /// The clients of the configuration, which are imported into the store.
    pub clients: Vec<ClientSettings>,
    /// Whether their secrets may be plain text (demo mode).
    pub plain_secrets: bool,
    pub resources: Resources,
    pub keys: KeyRing,
    pub passwords: PasswordVerifier,
    /// Passwords that were published.
    pub breached_passwords: Arc<dyn BreachedPasswords>,
    /// Fetches the keys of clients with `jwks_uri`.
    pub jwks_source: Arc<dyn JwksSource>,
    /// Fetches what clients publish that no operator wrote down.
    pub documents: Arc<dyn DocumentSource>,
    /// The clients of the other providers by which users sign in.
    pub upstream_clients: UpstreamClients,
    /// The clients of the directories by which users sign in.
    pub directory_clients: DirectoryClients,
    /// How audit records are kept.
    pub audit: AuditSettings,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// The OpenID provider. Its methods are the use cases.
pub struct Provider {
    settings: ProviderSettings,
    clients: Arc<ClientRegistry>,
    resources: Arc<Resources>,
    store: Arc<dyn Store>,
    keys: Arc<KeyRing>,
    issuer: TokenIssuer,
    logout: Arc<LogoutDelivery>,
    mail: Arc<MailDelivery>,
    audit: Arc<AuditTrail>,
    nonces: Nonces,
    /// Makes families of refresh tokens out of codes.
    families: hmac::Key,
    devices: DeviceCookies,
    browsers: RememberedBrowsers,
    passkeys: PasskeyVerifier,
    passwords: PasswordVerifier,
    new_passwords: NewPasswords,
    /// Notified when a mail was queued.
    mail_queued: Arc<Notify>,
    remote_keys: RemoteKeys,
    keys_of_strangers: RemoteKeys,
    documents: Arc<dyn DocumentSource>,
    sectors: HostLimit,
    client_documents: ClientDocuments,
    upstream_clients: UpstreamClients,
    directory_clients: DirectoryClients,
    access_of_users: AccessOfUsers,
    /// What pairwise subjects of registered clients are made with.
    salt_of_strangers: Secret,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// The provider can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// A setting is not valid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of the audit chain can't be had.
    #[error(transparent)]
    AuditKey(#[from] AuditKeyError),
}

/// Assembly and upkeep.
impl Provider {
    /// Puts the parts together and imports the configured clients. Refuses two clients of one name,
    /// scopes that nothing defines, and algorithms without keys.
    pub async fn assemble(
        parts: ProviderParts,
        store: Arc<dyn Store>,
    ) -> Result<Self, AssembleError> {
        let typ = parts.settings.access_token_typ;
        let parts =
            ProviderParts { resources: parts.resources.with_access_token_typ(typ), ..parts };
        store.import_clients(configured_clients(&parts)?).await?;
        parts.passwords.learn_all(&*store).await?;
        let ProviderParts { settings, keys, clock, entropy, .. } = parts;
        let (keys, resources) = (Arc::new(keys), Arc::new(parts.resources));
        let algorithms = keys.algorithms().to_vec();
        let clients =
            ClientRegistry::load(&*store, Arc::clone(&resources), algorithms.clone()).await?.into();
        let salt_of_strangers = registration::salt(&keys);
        let document_rules = DocumentRules {
            settings: settings.registration.clone(),
            resources: Arc::clone(&resources),
            algorithms,
            salt: salt_of_strangers.clone(),
        };
        let issuer = TokenIssuer {
            issuer: settings.issuer.clone(),
            access_token_signing_alg: settings.access_token_signing_alg,
            acr: settings.acr.clone(),
            keys: Arc::clone(&keys),
            resources: Arc::clone(&resources),
            reference_tokens: store.clone(),
            entropy: Arc::clone(&entropy),
        };
        let logout = LogoutDelivery {
            notices: store.clone(),
            clients: Arc::clone(&clients),
            keys: Arc::clone(&keys),
            issuer: settings.issuer.clone(),
            queued: Arc::new(Notify::new()),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        };
        let min_length = settings.accounts.min_password_length;
        let new_passwords = NewPasswords {
            rules: PasswordRules { min_length },
            breached: parts.breached_passwords,
        };
        let mail_queued = Arc::new(Notify::new());
        let mail = MailDelivery {
            outbox: store.clone(),
            queued: Arc::clone(&mail_queued),
            is_failing: AtomicBool::new(false),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        };
        let audit = AuditTrail::new(
            store.clone(),
            Box::pin(chain_key(&*store, keys.master(), &*entropy)).await?,
            parts.audit,
            Arc::clone(&clock),
            Arc::clone(&entropy),
        );
        let access_of_users = AccessOfUsers {
            sessions: store.clone(),
            access: store.clone(),
            logout_queued: Arc::clone(&logout.queued),
        };
        let passkeys =
            PasskeyVerifier::new(&settings.issuer, &settings.second_factor.related_origins)?;
        Ok(Self {
            settings,
            clients,
            resources,
            store,
            issuer,
            logout: Arc::new(logout),
            mail: Arc::new(mail),
            audit: Arc::new(audit),
            nonces: Nonces::new(&keys.derived_secret("dpop nonces")),
            families: keys.mac_key("families of refresh tokens"),
            devices: DeviceCookies::new(keys.mac_key("device cookies")),
            salt_of_strangers,
            browsers: RememberedBrowsers::new(keys.mac_key("browsers of the second factor")),
            passkeys,
            keys,
            passwords: parts.passwords,
            new_passwords,
            mail_queued,
            remote_keys: RemoteKeys::new(parts.jwks_source),
            keys_of_strangers: RemoteKeys::of_strangers(Arc::new(KeysOfStrangers(Arc::clone(
                &parts.documents,
            )))),
            client_documents: ClientDocuments::new(Arc::clone(&parts.documents), document_rules),
            documents: parts.documents,
            sectors: HostLimit::new(registration::MOST_SECTORS_PER_HOST),
            upstream_clients: parts.upstream_clients,
            directory_clients: parts.directory_clients,
            access_of_users,
            clock,
            entropy,
        })
    }

    /// The settings.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The key ring.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The trail of audit records.
    pub fn audit(&self) -> &AuditTrail {
        &self.audit
    }

    /// Runs a task whose events are recorded, as those of this request.
    pub async fn audited<F: Future>(&self, request: audit::Request, task: F) -> F::Output {
        let trail: Arc<dyn Trail> = self.audit.clone();
        audit::scope(trail, request, task).await
    }

    /// The resources.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The clients in use.
    pub fn clients(&self) -> &ClientRegistry {
        &self.clients
    }

    /// The timestamp of now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Rotates keys that are due and removes expired rows. Call it about every minute.
    pub async fn maintain(&self) -> Result<u64, KeyRingError> {
        // A request that arrives meanwhile waits for the batch before it: some milliseconds.
        const ROWS_AT_A_TIME: u32 = 200;
        self.forget_what_is_over();
        // A key that fails must not stop the sweep.
        let rotated = self.maintain_keys().await;
        self.store.check_clock(self.now()).await?;
        let mut removed = self.audit.sweep(self.now()).await?;
        loop {
            let batch = self.store.remove_expired(self.now(), ROWS_AT_A_TIME).await?;
            removed += batch;
            if batch < u64::from(ROWS_AT_A_TIME) {
                return rotated.map(|()| removed);
            }
        }
    }

    /// Drops what clients published and what is not usable any more.
    fn forget_what_is_over(&self) {
        let now = self.now();
        self.client_documents.sweep(now);
        self.remote_keys.sweep(now);
        self.keys_of_strangers.sweep(now);
    }

    /// Rotates keys that are due and takes over what other processes did. Call it every few seconds
    /// where there are others.
    pub async fn maintain_keys(&self) -> Result<(), KeyRingError> {
        self.store.check_clock(self.now()).await?;
        let rotation = self.keys.maintain(&*self.store, self.now(), &*self.entropy);
        self.audited(audit::Request::default(), rotation).await
    }

    /// Answers if the store does, and accepts writes.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    /// Answers if the store answers a query, whether or not it accepts writes.
    pub async fn answers_queries(&self) -> Result<(), StoreError> {
        self.store.answers_queries().await
    }

    /// Takes over the store's clients if they changed, and returns whether they did.
    pub async fn refresh_clients(&self) -> Result<bool, StoreError> {
        self.clients.refresh(&*self.store).await
    }

    /// Delivers at once what a change in the store has queued: logout tokens and mails.
    pub fn notice_changes(&self) {
        self.logout.queued.notify_waiters();
        self.mail_queued.notify_waiters();
    }

    /// Takes over changes of the clients until it is dropped.
    pub async fn watch_clients(self: Arc<Self>) {
        self.clients.watch(&*self.store).await;
    }

    /// Delivers logout tokens until it is dropped.
    pub async fn deliver_logout_tokens(self: Arc<Self>, channel: Arc<dyn BackChannel>) {
        let delivery = Arc::clone(&self.logout).run(channel);
        self.audited(audit::Request::default(), delivery).await;
    }

    /// Delivers mails until `stop` says so; what has begun by then is finished.
    pub async fn deliver_mails(
        self: Arc<Self>,
        channel: Arc<dyn MailChannel>,
        stop: watch::Receiver<bool>,
    ) {
        let delivery = Arc::clone(&self.mail);
        self.audited(audit::Request::default(), delivery.run(&*channel, stop)).await;
    }

    /// Writes and seals audit records until `stop` says so; what has happened by then is written.
    pub async fn keep_audit_records(self: Arc<Self>, stop: watch::Receiver<bool>) {
        Arc::clone(&self.audit).run(stop).await;
    }

    /// Delivers audit records until it is dropped.
    pub async fn deliver_audit_records(self: Arc<Self>, channel: Arc<dyn AuditChannel>) {
        self.audit.deliver(&*channel).await;
    }

    /// Tries some mails that are due, and returns how many.
    pub async fn deliver_due_mails(&self, channel: &dyn MailChannel) -> Result<usize, StoreError> {
        self.mail.deliver_due(channel).await
    }

    /// Whether the last attempt to deliver a mail failed, for a reason that is not the mail's own.
    pub fn mail_is_failing(&self) -> bool {
        self.mail.is_failing.load(Relaxed)
    }

    /// Whether a directory did not answer when it was asked last.
    pub fn is_a_directory_down(&self) -> bool {
        self.directory_clients.values().any(|client| !client.is_up())
    }

    /// How many mails wait.
    pub async fn waiting_mails(&self) -> Result<u64, StoreError> {
        self.store.outbox_depth(self.now()).await
    }

    /// Tries some logout tokens for one client that are due, and returns how many.
    pub async fn deliver_due(
        &self,
        client: &Client,
        channel: &dyn BackChannel,
    ) -> Result<usize, StoreError> {
        self.logout.deliver_due(client, channel).await
    }
}

/// What clients ask.
impl Provider {
    /// The client of an operator, if there is one and it is enabled.
    pub fn client(&self, client_id: &str) -> Option<Arc<Client>> {
        self.clients.get(client_id)
    }

    /// Whether a client or an API with this name can authenticate here.
    pub fn can_authenticate(&self, name: &str) -> bool {
        self.clients.get(name).is_some() || self.resources.authenticating_api(name).is_some()
    }

    /// Whether pages of this origin may read our answers: a client lists it, or clients may come
    /// whose pages can be anywhere.
    pub fn allows_cors_origin(&self, origin: &str) -> bool {
        self.settings.registration.takes_strangers() || self.clients.allow_cors_origin(origin)
    }

    /// The origins of clients' pages: those that responses are sent to, and those of their scripts.
    pub fn client_origins(&self) -> BTreeSet<String> {
        self.clients.origins()
    }

    /// The version of the clients in use. It changes with every change of them.
    pub fn clients_version(&self) -> i64 {
        self.clients.version()
    }

    /// The discovery document.
    pub fn metadata(&self) -> ProviderMetadata {
        let discovery = Discovery {
            settings: &self.settings,
            clients: &self.clients.snapshot(),
            resources: &self.resources,
            algorithms: self.keys.algorithms(),
        };
        discovery.metadata()
    }

    /// The nonce that proofs must carry now, for clients that need one.
    pub fn dpop_nonce(&self) -> String {
        self.proofs().nonce()
    }

    /// Authenticates a client at this endpoint. An assertion is consumed by it.
    pub async fn authenticate(
        &self,
        credentials: &ClientCredentials,
        endpoint: ClientEndpoint,
    ) -> Result<AuthenticatedClient, TokenError> {
        self.authenticator().authenticate(credentials, endpoint).await
    }

    /// Answers a token request. `proof` is the `DPoP` header; `address` is the peer's, for
    /// throttling and audit.
    pub async fn exchange(
        &self,
        client: &AuthenticatedClient,
        request: TokenRequest,
        proof: Option<&str>,
        address: &str,
    ) -> Result<TokenResponse, TokenError> {
        let endpoint = TokenEndpoint {
            codes: &*self.store,
            device_codes: &*self.store,
            grants: &*self.store,
            refresh_tokens: &*self.store,
            users: &*self.store,
            factors: &*self.store,
            issuer: &self.issuer,
            proofs: self.proofs(),
            passwords: self.password_check(),
            directories: self.directory_states(),
            families: &self.families,
            refresh_token_grace: self.settings.refresh_token_grace,
            require_second_factor: self.settings.second_factor.require,
            clock: &*self.clock,
            entropy: &*self.entropy,
        };
        let tokens = endpoint.exchange(client, request, proof, address).await?;
        self.note_use(client).await;
        Ok(tokens)
    }

    /// Checks a pushed authorization request and keeps it (RFC 9126). `proof` is the `DPoP` header.
    pub async fn push_authorization_request(
        &self,
        client: &AuthenticatedClient,
        params: &Params,
        proof: Option<&str>,
        address: &str,
    ) -> Result<PushedReference, PushError> {
        self.authorization().push(client, params, proof, address).await
    }

    /// Answers a device's request (RFC 8628 section 3.1).
    pub async fn authorize_device(
        &self,
        client: &AuthenticatedClient,
        params: &Params,
        address: &str,
    ) -> Result<DeviceAuthorization, TokenError> {
        self.device_flow().authorize(client, params, address).await
    }

    /// Authenticates the caller of the introspection endpoint: an API or a confidential client.
    pub async fn authenticate_introspector(
        &self,
        credentials: &ClientCredentials,
    ) -> Result<Introspector, TokenError> {
        self.introspection().authenticate(credentials).await
    }

    /// What a token says to this caller. `wants_signed`: whether the caller accepts a signed answer
    /// (RFC 9701 section 4).
    pub async fn introspect(
        &self,
        caller: &Introspector,
        token: &Secret,
        wants_signed: bool,
    ) -> Result<IntrospectionAnswer, TokenError> {
        self.introspection().answer(caller, token, wants_signed).await
    }

    /// Revokes a token of this client (RFC 7009).
    pub async fn revoke(
        &self,
        client: &AuthenticatedClient,
        token: &str,
        address: &str,
    ) -> Result<(), TokenError> {
        let revocation = TokenRevocation {
            refresh_tokens: &*self.store,
            reference_tokens: &*self.store,
            grants: &*self.store,
            single_uses: &*self.store,
            access_tokens: self.access_tokens(),
            clock: &*self.clock,
        };
        revocation.revoke(client, token, address).await
    }

    /// The claims about the user that an access token gives.
    pub async fn userinfo(
        &self,
        access_token: &Secret,
        presented: Presentation<'_>,
    ) -> Result<UserinfoAnswer, UserinfoError> {
        let userinfo = Userinfo {
            access_tokens: self.access_tokens(),
            resources: &self.resources,
            proofs: self.proofs(),
            keys: &self.keys,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        };
        userinfo.answer(access_token, presented).await
    }
}

/// What users do in their browsers.
impl Provider {
    /// Answers an authorization request. `encoded` is the query or the form body.
    pub async fn authorize(
        &self,
        encoded: &[u8],
        cookie: Option<&TokenHandle>,
        address: &str,
    ) -> Outcome {
        self.authorization().authorize(encoded, cookie, address).await
    }

    /// Answers an authorization request to which the user has just consented.
    pub async fn authorize_with_consent(
        &self,
        encoded: &[u8],
        cookie: Option<&TokenHandle>,
        given: ConsentGiven,
        address: &str,
    ) -> Outcome {
        self.authorization().authorize_with_consent(encoded, cookie, given, address).await
    }

    /// The answer for a user who cancelled the sign-in or, with a session to name, denied consent.
    pub async fn deny(&self, encoded: &[u8], session: Option<&Session>, address: &str) -> Outcome {
        self.authorization().deny(encoded, session, address).await
    }

    /// The request behind a sign-in or consent page, to show which client asks; `None` if the
    /// request is not valid.
    pub async fn authorize_request(&self, encoded: &[u8]) -> Option<AuthorizeRequest> {
        self.authorization().request(encoded).await
    }

    /// Checks a user name and password. Unknown users, wrong passwords and disabled users give the
    /// same answer after the same work; failures are counted for the account and for the address,
    /// or for the browser alone if `device`, its device cookie, shows that the user has signed in
    /// there before.
    pub async fn verify_password(
        &self,
        username: &str,
        password: Secret,
        origin: SignInOrigin<'_>,
    ) -> Result<VerifiedPassword, SignInError> {
        self.password_check().verify(username, password, origin).await
    }

    /// Starts a session under a new identifier; the browser's earlier one ends. The user is not
    /// told of it: [`Provider::begin_session`] does so.
    pub async fn start_session(
        &self,
        user: &User,
        sign_in: SignIn,
        remember: bool,
        device: Device,
        replaces: Option<&TokenHandle>,
    ) -> Result<StartedSession, SignInError> {
        let notices = AccountNotices::default();
        let beginning = Beginning { sign_in, remember, device, replaces, notices };
        self.sessions().start(user, beginning).await
    }

    /// The session that a browser's cookie names, if it lives and its user may still sign in.
    pub async fn session(
        &self,
        cookie: Option<&TokenHandle>,
    ) -> Result<Option<Session>, StoreError> {
        self.sessions().find(cookie).await
    }

    /// The name that the user with this `sub` signs in with; `None` if the user was removed.
    pub async fn username(&self, sub: &Sub) -> Result<Option<String>, StoreError> {
        Ok(self.store.user(sub).await?.map(|user| user.username))
    }

    /// Ends a browser's session, and notifies its clients.
    pub async fn end_session(
        &self,
        cookie: &TokenHandle,
        address: &str,
    ) -> Result<SignedOut, StoreError> {
        self.sessions().end(cookie, address).await
    }

    /// Checks a request to sign out against the browser's session.
    pub async fn parse_end_session(
        &self,
        params: &Params,
        session: Option<&Session>,
    ) -> Result<EndSessionRequest, EndSessionError> {
        let end_session =
            EndSession { clients: self.directory(), keys: &self.keys, issuer: self.issuer() };
        end_session.parse(params, session).await
    }

    /// Finds the device's request behind a user code. From then on only this user can answer it.
    pub async fn look_up_device(
        &self,
        typed: &str,
        session: &Session,
        address: &str,
    ) -> Result<(UserCode, PendingDevice), UserCodeError> {
        self.device_flow().look_up(typed, session, address).await
    }

    /// Takes the user's answer to a device's request. `scope` are the ticked scopes; `None`:
    /// denied. Returns whether the device was allowed.
    pub async fn answer_device(
        &self,
        typed: &str,
        session: &Session,
        scope: Option<Scope>,
        address: &str,
    ) -> Result<bool, UserCodeError> {
        self.device_flow().answer(typed, session, scope, address).await
    }

    /// A page of the clients that have access to a user's data, by their names, and after which
    /// one the next page begins.
    pub async fn clients_with_access(
        &self,
        sub: &Sub,
        after: Option<&ClientId>,
    ) -> Result<(Vec<ClientWithAccess>, Option<ClientId>), StoreError> {
        self.user_access().clients_with_access(sub, after).await
    }

    /// A page of the live sessions of a user, the latest first, and where the next page begins.
    pub async fn sessions_of(
        &self,
        sub: &Sub,
        after: Option<&SessionCursor>,
    ) -> Result<(Vec<Session>, Option<SessionCursor>), StoreError> {
        self.user_access().sessions_of(sub, after).await
    }

    /// Ends another session of this session's user, and notifies its clients.
    pub async fn end_other_session(
        &self,
        session: &Authentication,
        sid: &SessionId,
        address: &str,
    ) -> Result<(), StoreError> {
        self.user_access().end_other_session(session, sid, address).await
    }
}

/// What each use case gets.
impl Provider {
    fn access_tokens(&self) -> AccessTokens<'_> {
        AccessTokens {
            reference_tokens: &*self.store,
            grants: &*self.store,
            single_uses: &*self.store,
            keys: &self.keys,
            clients: self.directory(),
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    fn published_keys(&self) -> PublishedKeys<'_> {
        PublishedKeys { of_operators: &self.remote_keys, of_strangers: &self.keys_of_strangers }
    }

    fn authenticator(&self) -> ClientAuthenticator<'_> {
        ClientAuthenticator {
            single_uses: &*self.store,
            clients: self.directory(),
            published_keys: self.published_keys(),
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    fn authorization(&self) -> Authorization<'_> {
        Authorization {
            codes: &*self.store,
            consents: &*self.store,
            pushed_requests: &*self.store,
            clients: self.directory(),
            resources: &self.resources,
            keys: &self.keys,
            published_keys: self.published_keys(),
            single_uses: &*self.store,
            settings: &self.settings,
            sessions: self.sessions(),
            proofs: self.proofs(),
            families: &self.families,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    fn device_flow(&self) -> DeviceFlow<'_> {
        DeviceFlow {
            device_codes: &*self.store,
            failures: &*self.store,
            users: &*self.store,
            clients: self.directory(),
            resources: &self.resources,
            providers: &self.settings.identity_providers,
            issuer: &self.settings.issuer,
            most_waiting: self.settings.most_waiting_per_address,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    fn introspection(&self) -> TokenIntrospection<'_> {
        TokenIntrospection {
            refresh_tokens: &*self.store,
            access_tokens: self.access_tokens(),
            authenticator: self.authenticator(),
            resources: &self.resources,
            keys: &self.keys,
            access_token_signing_alg: self.settings.access_token_signing_alg,
        }
    }

    fn directories(&self) -> Directories<'_> {
        Directories { settings: &self.settings.directories, clients: &self.directory_clients }
    }

    fn directory_states(&self) -> DirectoryStates<'_> {
        DirectoryStates {
            directories: self.directories(),
            identities: &*self.store,
            access: &self.access_of_users,
            clock: &*self.clock,
        }
    }

    fn password_check(&self) -> PasswordCheck<'_> {
        PasswordCheck {
            users: &*self.store,
            identities: &*self.store,
            directories: self.directories(),
            asks_directories: true,
            failures: &*self.store,
            passwords: &self.passwords,
            devices: &self.devices,
            sign_in_with: self.settings.accounts.sign_in_with,
            most_wrong: self.settings.accounts.most_wrong_attempts,
            accounts: self.accounts(),
            outbox: &*self.store,
            clock: &*self.clock,
        }
    }

    fn proofs(&self) -> ProofVerifier<'_> {
        ProofVerifier {
            single_uses: &*self.store,
            nonces: &self.nonces,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    fn sessions(&self) -> Sessions<'_> {
        Sessions {
            table: &*self.store,
            users: &*self.store,
            clients: &self.clients,
            lifetimes: SessionLifetimes {
                plain: self.settings.session_lifetime,
                remembered: self.settings.remember_me_lifetime,
            },
            devices: &self.devices,
            directories: self.directory_states(),
            issuer: &self.settings.issuer,
            logout_queued: &self.logout.queued,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    fn user_access(&self) -> UserAccess<'_> {
        UserAccess {
            access: &*self.store,
            sessions: &*self.store,
            clients: self.directory(),
            resources: &self.resources,
            logout_queued: &self.logout.queued,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }
}

/// The clients of the configuration, checked by themselves and against the other parts.
fn configured_clients(parts: &ProviderParts) -> Result<Vec<StoredClient>, SettingsError> {
    let algorithms = parts.keys.algorithms();
    if !algorithms.contains(&parts.settings.access_token_signing_alg) {
        let value = parts.settings.access_token_signing_alg;
        let problem = "list this algorithm under signing_algorithms, too";
        return Err(SettingsError::new("access_token_signing_alg", value, problem));
    }
    parts.resources.check_algorithms(algorithms)?;
    let mut names = HashSet::new();
    let mut configured = Vec::new();
    for settings in &parts.clients {
        let client =
            Client::checked(settings.clone(), parts.plain_secrets, &parts.resources, algorithms)?;
        if !names.insert(client.client_id.clone()) {
            let problem = "this client is defined twice";
            return Err(SettingsError::new("client_id", client.client_id, problem));
        }
        configured.push(StoredClient::new(settings.clone(), true)?);
    }
    Ok(configured)
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Provider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

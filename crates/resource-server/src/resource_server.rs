//! A protected API as a whole: it reads credentials, verifies tokens and applies policies.

use std::sync::Arc;

use axum::response::Response;
use doorward_policy::{Decision, Need, Policy, decide_all_at};
use doorward_protocol::{challenge::Scheme, scope::Scope};
use http::{HeaderValue, request::Parts};

use crate::{
    AccessToken, Clock, IssuerUnavailable, ProofStore, Refusal, RefusalCause, RequestPolicy,
    ResourceMetadata, ResourceServerSettings, SettingsError, SystemClock, TokenError,
    TokenValidator, VerificationError,
    credentials::{Credentials, CredentialsError, credentials},
    meter,
    proof_memory::ProofMemory,
    proofs::ProofChecker,
    refusal::{Answering, Schemes},
    settings::{checked_nonces, origin_header},
};

/// A protected API. It is the router's state, or a part of it by `FromRef`. Clones share
/// everything.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use doorward_resource_server::{Authenticated, ResourceServer, ResourceServerSettings};
///
/// async fn hello(caller: Authenticated) -> String {
///     format!("Hello {}", caller.principal().sub())
/// }
///
/// let settings = ResourceServerSettings::new("https://id.example.com", "orders-api");
/// let server = ResourceServer::new(settings)?;
/// let app: Router = Router::new().route("/hello", get(hello)).with_state(server);
/// # Ok::<(), doorward_resource_server::SettingsError>(())
/// ```
#[derive(Clone)]
pub struct ResourceServer {
    shared: Arc<Shared>,
    /// `None` if the API's URL is not known: then no proof can be checked.
    proofs: Option<Arc<ProofChecker>>,
    request_policies: Vec<Arc<dyn RequestPolicy>>,
    answering: Arc<Answering>,
}

struct Shared {
    validator: TokenValidator,
    /// The identifiers of the issuers.
    issuers: Vec<String>,
    allowed_origins: Vec<HeaderValue>,
}

/// Request extension: the token that was verified for this request, and the server that did it.
#[derive(Clone)]
struct VerifiedToken {
    by: Arc<Shared>,
    token: Arc<AccessToken>,
}

impl ResourceServer {
    /// Checks the settings. Nothing is fetched yet, because the issuer may start later than the
    /// API.
    ///
    /// # Errors
    /// A setting can't be used; the error names it.
    pub fn new(settings: ResourceServerSettings) -> Result<Self, SettingsError> {
        Self::with_clock(settings, Arc::new(SystemClock::default()))
    }

    /// As [`ResourceServer::new`], with another clock.
    ///
    /// # Errors
    /// As [`ResourceServer::new`].
    pub fn with_clock(
        settings: ResourceServerSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let origins = settings.allowed_origins.iter();
        let allowed_origins =
            origins.map(|origin| origin_header(origin)).collect::<Result<_, _>>()?;
        let nonces = checked_nonces(&settings)?;
        let proofs = settings.url.as_deref().map(|url| {
            let memory = ProofMemory::new(settings.remembered_proofs, Arc::clone(&clock));
            let nonces = nonces.clone();
            ProofChecker::new(url, Arc::new(memory), nonces, Arc::clone(&clock)).map(Arc::new)
        });
        let proofs = proofs.transpose()?;
        let validator = TokenValidator::new(&settings, clock)?;
        let issuers = settings.issuers.iter().map(|own| own.issuer.clone()).collect();
        let first = settings.issuers.into_iter().next();
        let realm = first.and_then(|first| first.audiences.into_iter().next()).unwrap_or_default();
        let answering = Answering {
            realm,
            expired_status: settings.expired_status,
            hides_reasons: settings.hides_reasons,
            respond: None,
            metadata_url: None,
        };
        Ok(Self {
            shared: Arc::new(Shared { validator, issuers, allowed_origins }),
            proofs,
            request_policies: Vec::new(),
            answering: Arc::new(answering),
        })
    }

    /// The same API with one more rule for every request. The result shares keys and caches, so a
    /// part of the routes may have a rule that others don't have.
    #[must_use]
    pub fn with_request_policy(mut self, policy: impl RequestPolicy) -> Self {
        self.request_policies.push(Arc::new(policy));
        self
    }

    /// The same API with another memory of DPoP proofs. It needs
    /// [`ResourceServerSettings::url`](crate::ResourceServerSettings::url).
    #[must_use]
    pub fn with_proof_store(mut self, store: impl ProofStore) -> Self {
        let store = Arc::new(store);
        self.proofs = self.proofs.map(|proofs| Arc::new(proofs.with_store(store)));
        self
    }

    /// The same API with responses of your own to refused requests, from extractors and layers
    /// alike. [`Refusal::default_response`] is the usual one.
    ///
    /// ```
    /// use axum::response::{Html, IntoResponse};
    /// use doorward_resource_server::ResourceServer;
    ///
    /// fn with_pages(server: ResourceServer) -> ResourceServer {
    ///     server.with_refusal_response(|refusal| {
    ///         let page = Html(format!("<h1>{}</h1>", refusal.status()));
    ///         (refusal.status(), refusal.headers(), page).into_response()
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn with_refusal_response(
        mut self,
        respond: impl Fn(&Refusal) -> Response + Send + Sync + 'static,
    ) -> Self {
        let answering = Arc::make_mut(&mut self.answering);
        answering.respond = Some(Arc::new(respond));
        self
    }

    /// The same API with a document that tells clients which issuers it trusts and which scopes
    /// there are (RFC 9728). Every challenge then says where the document is. The routes that serve
    /// it come from [`ResourceMetadata::routes`].
    #[must_use]
    pub fn with_metadata(mut self, metadata: &ResourceMetadata) -> Self {
        Arc::make_mut(&mut self.answering).metadata_url = Some(metadata.url().to_owned());
        self
    }

    /// The identifiers of the issuers whose tokens are accepted.
    pub fn issuers(&self) -> &[String] {
        &self.shared.issuers
    }

    /// Whether tokens that are bound to a key are accepted.
    pub(crate) fn takes_proofs(&self) -> bool {
        self.proofs.is_some()
    }

    /// Verifies the request's access token and the proof of its key, and applies the policies. Each
    /// refusal is counted and logged here with its cause. The token is never logged.
    ///
    /// A DPoP proof counts once, so authorize a request once. The extractor and the layers of this
    /// crate leave the verified token in the request's extensions for each other.
    ///
    /// # Errors
    /// The caller is refused.
    pub async fn authorize(
        &self,
        request: &Parts,
        policies: &[Policy],
    ) -> Result<Arc<AccessToken>, Refusal> {
        let (scheme, verified) = match self.verified_before(request) {
            Some(token) => (scheme_of(&token), Ok(token)),
            None => self.verify(request).await,
        };
        let outcome = match verified {
            Ok(token) => self.decide(token, request, policies).await,
            Err(cause) => Err(cause),
        };
        outcome.map_err(|cause| self.refuse(cause, scheme, policies))
    }

    /// As [`ResourceServer::authorize`], and leaves the verified token in the request, so that the
    /// next extractor or layer does not verify it again.
    pub(crate) async fn authorize_once(
        &self,
        request: &mut Parts,
        policies: &[Policy],
    ) -> Result<Arc<AccessToken>, Refusal> {
        if self.verified_before(request).is_none() {
            let (scheme, verified) = self.verify(request).await;
            let token = verified.map_err(|cause| self.refuse(cause, scheme, policies))?;
            // Even if a policy refuses the caller: another extractor may ask for less.
            request.extensions.insert(VerifiedToken { by: Arc::clone(&self.shared), token });
        }
        self.authorize(request, policies).await
    }

    /// Whether tokens can be verified now; fetches keys if there are none. With several issuers,
    /// one is enough. It is for readiness checks, and to have the keys before the first request.
    ///
    /// # Errors
    /// No issuer can be reached.
    pub async fn ready(&self) -> Result<(), IssuerUnavailable> {
        self.shared.validator.ready().await
    }

    /// The origins whose pages may call, for [`crate::cors()`].
    pub fn allowed_origins(&self) -> &[HeaderValue] {
        &self.shared.allowed_origins
    }

    /// Whether the request has an access token, which may be good or not, or be sent by a scheme
    /// that this API does not accept.
    pub(crate) fn has_credentials(&self, request: &Parts) -> bool {
        self.verified_before(request).is_some()
            || !matches!(credentials(&request.headers), Err(CredentialsError::Missing))
    }

    /// A refusal of a caller whose token is good.
    pub(crate) fn refuse_verified(&self, cause: RefusalCause, token: &AccessToken) -> Refusal {
        self.refuse(cause, scheme_of(token), &[])
    }

    fn refuse(&self, cause: RefusalCause, tried: Scheme, policies: &[Policy]) -> Refusal {
        log(&cause);
        let schemes = Schemes { tried, takes_proofs: self.proofs.is_some() };
        let needs = Need::AllOf { of: policies.iter().map(Policy::needs).collect() };
        let scope: Option<Scope> = needs.missing_scope().join(" ").parse().ok();
        let answering = Arc::clone(&self.answering);
        let refusal = Refusal::new(cause, schemes, scope.unwrap_or_default(), answering);
        let error = match refusal.cause() {
            RefusalCause::NoCredentials => "unauthorized",
            _ => refusal.body().error.label(),
        };
        meter::refused(refusal.cause(), error);
        refusal
    }

    async fn decide(
        &self,
        token: Arc<AccessToken>,
        request: &Parts,
        policies: &[Policy],
    ) -> Result<Arc<AccessToken>, RefusalCause> {
        for policy in &self.request_policies {
            if let Decision::Denied(denial) = policy.decide(&token, request).await {
                return Err(RefusalCause::Denied(denial));
            }
        }
        match self.apply(policies, &token) {
            Decision::Allowed => Ok(token),
            Decision::Denied(denial) => Err(RefusalCause::Denied(denial)),
        }
    }

    /// Applies the policies to the caller, now.
    pub(crate) fn apply(&self, policies: &[Policy], token: &AccessToken) -> Decision {
        decide_all_at(policies, token.principal(), self.shared.validator.now())
    }

    /// The token that a layer or an extractor of this API has verified for the request.
    fn verified_before(&self, request: &Parts) -> Option<Arc<AccessToken>> {
        let before = request.extensions.get::<VerifiedToken>()?;
        Arc::ptr_eq(&before.by, &self.shared).then(|| Arc::clone(&before.token))
    }

    /// The credentials, if they are of a scheme that this API accepts.
    fn credentials<'a>(&self, request: &'a Parts) -> Result<Credentials<'a>, CredentialsError> {
        let credentials = credentials(&request.headers)?;
        if credentials.scheme == Scheme::Dpop && self.proofs.is_none() {
            return Err(CredentialsError::Missing);
        }
        Ok(credentials)
    }

    /// Verifies the token; also returns the scheme that it was sent by.
    async fn verify(&self, request: &Parts) -> (Scheme, Result<Arc<AccessToken>, RefusalCause>) {
        match self.credentials(request) {
            Err(error) => (Scheme::Bearer, Err(error.into())),
            Ok(Credentials { scheme, token }) => {
                let verified = self.verify_token(request, &scheme, token).await;
                (scheme, verified)
            }
        }
    }

    /// A token that is bound to a key must come with a proof by that key, and any other as a bearer
    /// token.
    async fn verify_token(
        &self,
        request: &Parts,
        scheme: &Scheme,
        token: &str,
    ) -> Result<Arc<AccessToken>, RefusalCause> {
        let verified = self.shared.validator.verify_except_binding(token).await;
        let verified = verified.map_err(|error| match error {
            VerificationError::Token(error) => RefusalCause::Token(error),
            VerificationError::Issuer(error) => RefusalCause::Unavailable(error),
        })?;
        match self.proofs.as_ref().filter(|_| *scheme == Scheme::Dpop) {
            Some(proofs) => proofs.check(request, token, &verified).await?,
            None if verified.claims().cnf.is_none() => (),
            None => return Err(RefusalCause::Token(TokenError::KeyBound)),
        }
        Ok(verified)
    }
}

/// The scheme by which a verified token was sent: only a bound token comes by `DPoP`.
fn scheme_of(token: &AccessToken) -> Scheme {
    if token.claims().cnf.is_some() { Scheme::Dpop } else { Scheme::Bearer }
}

/// What anyone can cause is logged at `debug`, so that nobody can fill the log.
fn log(cause: &RefusalCause) {
    match cause {
        RefusalCause::NoCredentials => tracing::debug!("refused: no credentials"),
        RefusalCause::MalformedCredentials => tracing::debug!("refused: malformed credentials"),
        RefusalCause::Token(error) if error.is_a_matter_of_settings() => {
            tracing::info!(cause = ?error, "refused: token not accepted");
        }
        RefusalCause::Token(error) => {
            tracing::debug!(cause = ?error, "refused: token not accepted");
        }
        RefusalCause::Proof(error) => {
            tracing::debug!(cause = ?error, "refused: proof not accepted");
        }
        RefusalCause::NonceNeeded { .. } => {
            tracing::debug!("refused: the proof must carry a nonce of this API");
        }
        RefusalCause::Denied(denial) => {
            tracing::info!(reasons = ?denial.reasons(), "refused: denied by policy");
        }
        RefusalCause::Unavailable(error) => {
            // Why is logged where it was asked in vain.
            tracing::debug!(%error, "refused: the issuer can't be asked");
        }
        // Logged where it happened.
        RefusalCause::ProofStoreUnavailable => (),
    }
}

//! A protected API as a whole: reads credentials, verifies tokens, asks policies.

use std::sync::Arc;

use doorward_policy::{Decision, Policy, decide_all};
use doorward_protocol::challenge::Scheme;
use http::{HeaderValue, request::Parts};

use crate::{
    AccessToken, Clock, ExpiredStatus, IssuerClient, KeyStore, KeysUnavailable, Refusal, RefusalCause,
    ResourceServerSettings, SettingsError, SystemClock, TokenError, TokenValidator, VerificationError,
    credentials::{Credentials, credentials},
    proofs::{ProofChecker, ProofRefusal},
    refusal::Schemes,
    settings::origin_header,
};

/// A protected API. Cheap to clone: it is the router's state, or a part of it by `FromRef`.
#[derive(Clone)]
pub struct ResourceServer(Arc<Inner>);

struct Inner {
    validator: TokenValidator,
    /// `None` where the API's origin is not known: then no proof can be checked.
    proofs: Option<ProofChecker>,
    realm: String,
    expired_status: ExpiredStatus,
    allowed_origins: Vec<HeaderValue>,
}

impl ResourceServer {
    /// Checks the settings. Nothing is fetched yet: the issuer may start later than the API.
    pub fn new(settings: ResourceServerSettings) -> Result<Self, SettingsError> {
        Self::with_clock(settings, Arc::new(SystemClock::default()))
    }

    /// The same by another clock.
    pub fn with_clock(settings: ResourceServerSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let origins = settings.allowed_origins.iter();
        let allowed_origins = origins.map(|origin| origin_header(origin)).collect::<Result<_, _>>()?;
        let origin = settings.origin.as_deref();
        let proofs = origin.map(|origin| ProofChecker::new(origin, Arc::clone(&clock))).transpose()?;
        let issuer = IssuerClient::new(settings.issuer.clone(), settings.allow_insecure_issuer)?;
        let keys = KeyStore::new(issuer, Arc::clone(&clock));
        let (audience, leeway) = (settings.audience.clone(), settings.leeway);
        let validator = TokenValidator::new(settings.issuer, audience, leeway, keys, clock)?;
        Ok(Self(Arc::new(Inner {
            validator,
            proofs,
            realm: settings.audience,
            expired_status: settings.expired_status,
            allowed_origins,
        })))
    }

    /// The one way to a caller: verifies the request's access token, the proof of its key where it is bound to one, and
    /// asks every policy. Each refusal is logged here, by its cause; the token never is.
    pub async fn authorize(&self, request: &Parts, policies: &[Policy]) -> Result<Arc<AccessToken>, Refusal> {
        let mut tried = Scheme::Bearer;
        let outcome = self.decide(request, policies, &mut tried).await;
        outcome.map_err(|cause| {
            log(&cause);
            let schemes = Schemes { tried, takes_proofs: self.0.proofs.is_some() };
            Refusal::new(cause, schemes, &self.0.realm, self.0.expired_status)
        })
    }

    /// Whether tokens can be verified now; fetches the issuer's keys if there are none yet. For readiness checks,
    /// and to have the keys at hand before the first request.
    pub async fn ready(&self) -> Result<(), KeysUnavailable> {
        self.0.validator.keys().keys().await.map(|_| ())
    }

    pub(crate) fn allowed_origins(&self) -> &[HeaderValue] {
        &self.0.allowed_origins
    }

    async fn decide(
        &self,
        request: &Parts,
        policies: &[Policy],
        tried: &mut Scheme,
    ) -> Result<Arc<AccessToken>, RefusalCause> {
        let Credentials { scheme, token } = credentials(&request.headers)?;
        if scheme == Scheme::Dpop && self.0.proofs.is_none() {
            return Err(RefusalCause::NoCredentials);
        }
        tried.clone_from(&scheme);
        let verified = self.0.validator.verify_apart_from_key(token).await.map_err(|error| match error {
            VerificationError::Token(error) => RefusalCause::Token(error),
            VerificationError::Keys(error) => RefusalCause::Unavailable(error),
        })?;
        self.check_key(request, &scheme, token, &verified)?;
        match decide_all(policies, verified.principal()) {
            Decision::Allowed => Ok(verified),
            Decision::Denied(denial) => Err(RefusalCause::Denied(denial)),
        }
    }

    /// A token that is bound to a key comes with a proof of that key, and any other as a bearer token.
    fn check_key(
        &self,
        request: &Parts,
        scheme: &Scheme,
        token: &str,
        verified: &AccessToken,
    ) -> Result<(), RefusalCause> {
        let confirmation = verified.claims().cnf.as_ref();
        let Some(proofs) = self.0.proofs.as_ref().filter(|_| *scheme == Scheme::Dpop) else {
            return if confirmation.is_none() { Ok(()) } else { Err(RefusalCause::Token(TokenError::KeyBound)) };
        };
        let confirmation = confirmation.ok_or(RefusalCause::Token(TokenError::NotKeyBound))?;
        // What else `cnf` may ask for, a client certificate for example, can't be shown here.
        let key = confirmation.sole_key().ok_or(RefusalCause::Token(TokenError::KeyBound))?;
        proofs.check(request, token, key).map_err(|refusal| match refusal {
            ProofRefusal::Proof(error) => RefusalCause::Proof(error),
            ProofRefusal::AnotherKey => RefusalCause::Token(TokenError::AnotherKey),
        })
    }
}

fn log(cause: &RefusalCause) {
    match cause {
        RefusalCause::NoCredentials => tracing::debug!("refused: no credentials"),
        RefusalCause::MalformedCredentials => tracing::info!("refused: malformed credentials"),
        RefusalCause::Token(error) => tracing::info!(cause = ?error, "refused: token not accepted"),
        RefusalCause::Proof(error) => tracing::info!(cause = ?error, "refused: proof not accepted"),
        RefusalCause::Denied(denial) => {
            tracing::info!(reasons = ?denial.reasons(), "refused: denied by policy");
        }
        RefusalCause::Unavailable(error) => tracing::warn!(%error, "refused: keys not available"),
    }
}

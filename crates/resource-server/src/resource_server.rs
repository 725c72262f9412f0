//! A protected API as a whole: reads credentials, verifies tokens, asks policies.

use std::sync::Arc;

use doorward_policy::{Decision, Policy, decide_all};
use doorward_protocol::challenge::Scheme;
use http::{HeaderValue, request::Parts};

use crate::{
    AccessToken, Clock, ExpiredStatus, IssuerUnavailable, Refusal, RefusalCause,
    ResourceServerSettings, SettingsError, SystemClock, TokenError, TokenValidator,
    VerificationError,
    credentials::{Credentials, credentials},
    meter,
    proofs::{ProofChecker, ProofRefusal},
    refusal::Schemes,
    settings::origin_header,
};

/// A protected API. Cheap to clone: it is the router's state, or a part of it by `FromRef`.
#[derive(Clone)]
pub struct ResourceServer(Arc<Inner>);

struct Inner {
    validator: TokenValidator,
    /// `None` where the API's URL is not known: then no proof can be checked.
    proofs: Option<ProofChecker>,
    realm: String,
    expired_status: ExpiredStatus,
    allowed_origins: Vec<HeaderValue>,
}

/// A token that was verified for the request in which this lies, by whom.
#[derive(Clone)]
pub(crate) struct VerifiedHere {
    by: ResourceServer,
    token: Arc<AccessToken>,
}

impl ResourceServer {
    /// Checks the settings. Nothing is fetched yet: the issuer may start later than the API.
    pub fn new(settings: ResourceServerSettings) -> Result<Self, SettingsError> {
        Self::with_clock(settings, Arc::new(SystemClock::default()))
    }

    /// The same by another clock.
    pub fn with_clock(
        settings: ResourceServerSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let origins = settings.allowed_origins.iter();
        let allowed_origins =
            origins.map(|origin| origin_header(origin)).collect::<Result<_, _>>()?;
        let url = settings.url.as_deref();
        let proofs = url.map(|url| ProofChecker::new(url, Arc::clone(&clock))).transpose()?;
        let validator = TokenValidator::new(&settings, clock)?;
        let first = settings.issuers.into_iter().next();
        let realm = first.map(|first| first.audience).unwrap_or_default();
        Ok(Self(Arc::new(Inner {
            validator,
            proofs,
            realm,
            expired_status: settings.expired_status,
            allowed_origins,
        })))
    }

    /// The one way to a caller: verifies the request's access token, the proof of its key where it
    /// is bound to one, and asks every policy. A token that a layer verified for this request is
    /// taken as it is, since a proof counts once. Each refusal is counted and logged here, by its
    /// cause; the token never is.
    pub async fn authorize(
        &self,
        request: &Parts,
        policies: &[Policy],
    ) -> Result<Arc<AccessToken>, Refusal> {
        let mut tried = Scheme::Bearer;
        let verified = match self.verified_before(request) {
            Some(token) => {
                // Only a bound token came by that scheme.
                if token.claims().cnf.is_some() {
                    tried = Scheme::Dpop;
                }
                Ok(token)
            }
            None => self.verify(request, &mut tried).await,
        };
        let outcome = verified.and_then(|token| match decide_all(policies, token.principal()) {
            Decision::Allowed => Ok(token),
            Decision::Denied(denial) => Err(RefusalCause::Denied(denial)),
        });
        outcome.map_err(|cause| {
            meter::refused(&cause);
            log(&cause);
            let schemes = Schemes { tried, takes_proofs: self.0.proofs.is_some() };
            Refusal::new(cause, schemes, &self.0.realm, self.0.expired_status)
        })
    }

    /// Whether tokens can be verified now; fetches keys if there are none yet. With several issuers
    /// one is enough. For readiness checks, and to have the keys at hand before the first request.
    pub async fn ready(&self) -> Result<(), IssuerUnavailable> {
        self.0.validator.ready().await
    }

    /// What a layer leaves in a request for the handler to find.
    pub(crate) fn verified(&self, token: Arc<AccessToken>) -> VerifiedHere {
        VerifiedHere { by: self.clone(), token }
    }

    /// What a layer of this very API left.
    fn verified_before(&self, request: &Parts) -> Option<Arc<AccessToken>> {
        let before = request.extensions.get::<VerifiedHere>()?;
        Arc::ptr_eq(&before.by.0, &self.0).then(|| Arc::clone(&before.token))
    }

    /// The origins whose pages may call, for [`crate::cors`].
    pub fn allowed_origins(&self) -> &[HeaderValue] {
        &self.0.allowed_origins
    }

    async fn verify(
        &self,
        request: &Parts,
        tried: &mut Scheme,
    ) -> Result<Arc<AccessToken>, RefusalCause> {
        let Credentials { scheme, token } = credentials(&request.headers)?;
        if scheme == Scheme::Dpop && self.0.proofs.is_none() {
            return Err(RefusalCause::NoCredentials);
        }
        tried.clone_from(&scheme);
        let verified =
            self.0.validator.verify_apart_from_key(token).await.map_err(|error| match error {
                VerificationError::Token(error) => RefusalCause::Token(error),
                VerificationError::Issuer(error) => RefusalCause::Unavailable(error),
            })?;
        self.check_key(request, &scheme, token, &verified)?;
        Ok(verified)
    }

    /// A token that is bound to a key comes with a proof of that key, and any other as a bearer
    /// token.
    fn check_key(
        &self,
        request: &Parts,
        scheme: &Scheme,
        token: &str,
        verified: &AccessToken,
    ) -> Result<(), RefusalCause> {
        let confirmation = verified.claims().cnf.as_ref();
        let Some(proofs) = self.0.proofs.as_ref().filter(|_| *scheme == Scheme::Dpop) else {
            return if confirmation.is_none() {
                Ok(())
            } else {
                Err(RefusalCause::Token(TokenError::KeyBound))
            };
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
        RefusalCause::Unavailable(error) => {
            tracing::warn!(%error, "refused: the issuer can't be asked")
        }
    }
}

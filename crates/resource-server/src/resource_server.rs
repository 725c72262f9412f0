//! A protected API as a whole: reads credentials, verifies tokens, asks policies.

use std::sync::Arc;

use doorward_policy::{Decision, Policy, decide_all};
use http::{HeaderMap, HeaderValue};

use crate::{
    AccessToken, Clock, ExpiredStatus, IssuerClient, KeyStore, KeysUnavailable, Refusal, RefusalCause,
    ResourceServerSettings, SettingsError, SystemClock, TokenValidator, VerificationError, credentials::bearer_token,
    settings::origin_header,
};

/// A protected API. Cheap to clone: it is the router's state, or a part of it by `FromRef`.
#[derive(Clone)]
pub struct ResourceServer(Arc<Inner>);

struct Inner {
    validator: TokenValidator,
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
        let issuer = IssuerClient::new(settings.issuer.clone(), settings.allow_insecure_issuer)?;
        let keys = KeyStore::new(issuer, Arc::clone(&clock));
        let (audience, leeway) = (settings.audience.clone(), settings.leeway);
        let validator = TokenValidator::new(settings.issuer, audience, leeway, keys, clock)?;
        Ok(Self(Arc::new(Inner {
            validator,
            realm: settings.audience,
            expired_status: settings.expired_status,
            allowed_origins,
        })))
    }

    /// The one way to a caller: verifies the request's bearer token and asks every policy. Each refusal is logged
    /// here, by its cause; the token never is.
    pub async fn authorize(&self, headers: &HeaderMap, policies: &[Policy]) -> Result<Arc<AccessToken>, Refusal> {
        let outcome = self.decide(headers, policies).await;
        outcome.map_err(|cause| {
            log(&cause);
            Refusal::new(cause, &self.0.realm, self.0.expired_status)
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

    async fn decide(&self, headers: &HeaderMap, policies: &[Policy]) -> Result<Arc<AccessToken>, RefusalCause> {
        let token = bearer_token(headers)?;
        let verified = self.0.validator.verify(token).await.map_err(|error| match error {
            VerificationError::Token(error) => RefusalCause::Token(error),
            VerificationError::Keys(error) => RefusalCause::Unavailable(error),
        })?;
        match decide_all(policies, verified.principal()) {
            Decision::Allowed => Ok(verified),
            Decision::Denied(denial) => Err(RefusalCause::Denied(denial)),
        }
    }
}

fn log(cause: &RefusalCause) {
    match cause {
        RefusalCause::NoCredentials => tracing::debug!("refused: no credentials"),
        RefusalCause::MalformedCredentials => tracing::info!("refused: malformed credentials"),
        RefusalCause::Token(error) => tracing::info!(cause = ?error, "refused: token not accepted"),
        RefusalCause::Denied(denial) => {
            tracing::info!(reasons = ?denial.reasons(), "refused: denied by policy");
        }
        RefusalCause::Unavailable(error) => tracing::warn!(%error, "refused: keys not available"),
    }
}

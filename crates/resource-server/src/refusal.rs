//! The answer to a refused request: status, challenge (RFC 6750 section 3, RFC 9470 section 3) and
//! body. Each cause is mapped to them in one place.

use std::{fmt, sync::Arc};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use doorward_policy::{Denial, Need};
use doorward_protocol::{
    challenge::{Challenge, Scheme},
    dpop::{NONCE_HEADER, ProofError},
    error::ErrorCode,
    scope::Scope,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

use crate::{ExpiredStatus, IssuerUnavailable, TokenError, credentials::CredentialsError};

/// Why a request was refused.
///
/// ```
/// use doorward_resource_server::{Denial, RefusalCause, TokenError};
///
/// assert_eq!(RefusalCause::Token(TokenError::Expired).name(), "expired");
/// assert_eq!(RefusalCause::Denied(Denial::because("an invoice")).name(), "denied");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalCause {
    /// No access token was sent.
    NoCredentials,
    /// The `Authorization` header was sent twice, or is not well-formed (RFC 6750 section 2.1).
    MalformedCredentials,
    /// The token is not accepted.
    Token(TokenError),
    /// The DPoP proof of a token that is bound to a key is not accepted (RFC 9449 section 7.1).
    Proof(ProofError),
    /// The DPoP proof must carry a nonce of this API, and has none or an old one (RFC 9449 section
    /// 9). Whoever has the token's key may repeat the request with this one.
    #[allow(missing_docs)]
    NonceNeeded { nonce: String },
    /// The caller does not meet a policy.
    Denied(Denial),
    /// The issuer can't be asked, so the token can't be verified.
    Unavailable(IssuerUnavailable),
    /// The memory of DPoP proofs can't be used, so it is not known whether the proof is new.
    ProofStoreUnavailable,
}

impl RefusalCause {
    /// A short name, one of a few: for metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::MalformedCredentials => "malformed_credentials",
            Self::Token(error) => error.name(),
            Self::Proof(_) => "invalid_proof",
            Self::NonceNeeded { .. } => "nonce_needed",
            Self::Denied(_) => "denied",
            Self::Unavailable(_) => "issuer_unavailable",
            Self::ProofStoreUnavailable => "proof_store_unavailable",
        }
    }
}

/// The schemes by which an access token was and may be sent.
#[derive(Debug, Clone)]
pub(crate) struct Schemes {
    /// `Bearer` or `DPoP`.
    pub(crate) tried: Scheme,
    /// Whether `DPoP` is accepted.
    pub(crate) takes_proofs: bool,
}

/// Makes the response to a refused request.
pub(crate) type Respond = dyn Fn(&Refusal) -> Response + Send + Sync;

/// How an API answers refused requests.
#[derive(Clone)]
pub(crate) struct Answering {
    pub(crate) realm: String,
    pub(crate) expired_status: ExpiredStatus,
    pub(crate) hides_reasons: bool,
    pub(crate) respond: Option<Arc<Respond>>,
    /// Where the document about this API is (RFC 9728), for challenges.
    pub(crate) metadata_url: Option<String>,
}

/// A refused request.
///
/// As a response it has the status, the challenges (RFC 6750 section 3) and a [`RefusalBody`] as
/// JSON, unless [`ResourceServer::with_refusal_response`](crate::ResourceServer) says otherwise.
/// The response's extensions hold the `Refusal`, so that a layer around the router can answer in
/// its own way, too:
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use doorward_resource_server::{Refusal, RefusalCause};
///
/// async fn in_plain_text(response: Response) -> Response {
///     match response.extensions().get::<Refusal>() {
///         Some(refusal) if matches!(refusal.cause(), RefusalCause::Denied(_)) => {
///             (refusal.status(), refusal.headers(), "You may not do this.").into_response()
///         }
///         _ => response,
///     }
/// }
/// # let router: axum::Router =
/// #     axum::Router::new().layer(axum::middleware::map_response(in_plain_text));
/// ```
#[derive(Clone)]
pub struct Refusal {
    cause: RefusalCause,
    schemes: Schemes,
    /// What the route needs, as far as it is scope.
    scope: Scope,
    answering: Arc<Answering>,
}

/// The body of a refusal: the members of RFC 6749 section 5.2, and the reasons of a denial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RefusalBody {
    /// The code: `unauthorized`, `invalid_request`, `invalid_token`, `invalid_dpop_proof`,
    /// `use_dpop_nonce`, `insufficient_user_authentication`, `insufficient_scope`, `access_denied`
    /// or `temporarily_unavailable`.
    pub error: ErrorCode,
    /// A sentence for a human.
    pub error_description: String,
    /// What the caller lacks, such as "needs department Sales"; only for a denial.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The same as data; only for a denial.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<Need>,
}

impl Refusal {
    pub(crate) fn new(
        cause: RefusalCause,
        schemes: Schemes,
        scope: Scope,
        answering: Arc<Answering>,
    ) -> Self {
        Self { cause, schemes, scope, answering }
    }

    /// Why the request was refused.
    pub fn cause(&self) -> &RefusalCause {
        &self.cause
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        match &self.cause {
            RefusalCause::MalformedCredentials => StatusCode::BAD_REQUEST,
            RefusalCause::Token(TokenError::Expired) => self.answering.expired_status.status_code(),
            RefusalCause::NoCredentials
            | RefusalCause::Token(_)
            | RefusalCause::Proof(_)
            | RefusalCause::NonceNeeded { .. } => StatusCode::UNAUTHORIZED,
            // As in RFC 9470 section 3, figures 2 and 3: another token would help.
            RefusalCause::Denied(denial) if denial.step_up().is_some() => StatusCode::UNAUTHORIZED,
            RefusalCause::Denied(_) => StatusCode::FORBIDDEN,
            RefusalCause::Unavailable(_) | RefusalCause::ProofStoreUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The body.
    pub fn body(&self) -> RefusalBody {
        let (error, description) = match &self.cause {
            RefusalCause::NoCredentials => (
                ErrorCode::Other("unauthorized".to_owned()),
                "Sign in first: this call needs an access token in the Authorization header."
                    .to_owned(),
            ),
            RefusalCause::MalformedCredentials => (
                ErrorCode::InvalidRequest,
                "Send one Authorization header of the form: Bearer TOKEN, or DPoP TOKEN."
                    .to_owned(),
            ),
            RefusalCause::Token(error) => (ErrorCode::InvalidToken, error.to_string()),
            RefusalCause::Proof(error) => {
                (ErrorCode::InvalidDpopProof, format!("The DPoP proof is not accepted: {error}."))
            }
            RefusalCause::NonceNeeded { .. } => (
                ErrorCode::UseDpopNonce,
                "The DPoP proof must carry the nonce of the DPoP-Nonce header.".to_owned(),
            ),
            RefusalCause::Denied(denial) => {
                return denied_body(denial, self.answering.hides_reasons);
            }
            RefusalCause::Unavailable(_) => (
                ErrorCode::TemporarilyUnavailable,
                "The sign-in service cannot be reached to check the access token. Try again \
                 shortly."
                    .to_owned(),
            ),
            RefusalCause::ProofStoreUnavailable => (
                ErrorCode::TemporarilyUnavailable,
                "The DPoP proof cannot be checked now. Try again shortly with a new one."
                    .to_owned(),
            ),
        };
        RefusalBody {
            error,
            error_description: description,
            reasons: Vec::new(),
            unmet: Vec::new(),
        }
    }

    /// The challenges. A request without credentials gets them without an error (RFC 6750 section
    /// 3.1). They name the scope that the route needs, so that the caller asks for it at once; so
    /// do those of a token that is not accepted, since another one is needed. A denial has one only
    /// if more scope or another sign-in would help; it names all that the call needs of them, not
    /// only what is missing. The first challenge is of the scheme that was tried, and has the
    /// error. A caller whose `Bearer` token is not accepted also gets one for `DPoP` (RFC 9449
    /// section 7.2). Each says where the document about this API is, if there is one (RFC 9728
    /// section 5.1).
    pub fn challenges(&self) -> Vec<Challenge> {
        let challenges = self.own_challenges();
        match &self.answering.metadata_url {
            Some(url) => {
                challenges.into_iter().map(|own| own.with_resource_metadata(url)).collect()
            }
            None => challenges,
        }
    }

    fn own_challenges(&self) -> Vec<Challenge> {
        let by_proof = Challenge::dpop(&self.answering.realm);
        let (tried, other) = match self.schemes.tried {
            Scheme::Dpop => (by_proof, None),
            _ => (
                Challenge::bearer(&self.answering.realm),
                self.schemes.takes_proofs.then_some(by_proof),
            ),
        };
        let with_scope = |challenge: Challenge| match &self.cause {
            RefusalCause::NoCredentials | RefusalCause::Token(_) if !self.scope.is_empty() => {
                challenge.with_scope(&self.scope)
            }
            _ => challenge,
        };
        let body = self.body();
        let with_error =
            |challenge: Challenge| challenge.with_error(&body.error, &body.error_description);
        let first = match &self.cause {
            RefusalCause::NoCredentials => Some(tried),
            RefusalCause::MalformedCredentials
            | RefusalCause::Token(_)
            | RefusalCause::Proof(_)
            | RefusalCause::NonceNeeded { .. } => Some(with_error(tried)),
            RefusalCause::Denied(denial) => {
                return denied_challenge(with_error(tried), denial).into_iter().collect();
            }
            RefusalCause::Unavailable(_) | RefusalCause::ProofStoreUnavailable => None,
        };
        let other = other.filter(|_| first.is_some());
        first.into_iter().chain(other).map(with_scope).collect()
    }

    /// The headers of the answer: the challenges, `DPoP-Nonce`, `Retry-After` and `Cache-Control`.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for challenge in self.challenges() {
            if let Ok(value) = HeaderValue::from_str(&challenge.to_string()) {
                headers.append(WWW_AUTHENTICATE, value);
            }
        }
        match &self.cause {
            RefusalCause::Unavailable(IssuerUnavailable { retry_after }) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            RefusalCause::NonceNeeded { nonce } => {
                if let Ok(nonce) = HeaderValue::from_str(nonce) {
                    headers.insert(NONCE_HEADER, nonce);
                }
            }
            RefusalCause::ProofStoreUnavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from(1));
            }
            _ => (),
        }
        headers
    }

    /// The usual response, for a response of your own that changes only some refusals.
    pub fn default_response(&self) -> Response {
        (self.status(), self.headers(), Json(self.body())).into_response()
    }
}

/// What another token must have, if another one would help: scope, or a sign-in, or both ("it MAY
/// include the scope attribute", RFC 9470 section 3).
fn denied_challenge(mut challenge: Challenge, denial: &Denial) -> Option<Challenge> {
    let (scope, step_up) = (required_scope(denial), denial.step_up());
    if scope.is_none() && step_up.is_none() {
        return None;
    }
    if let Some(step_up) = step_up {
        challenge = challenge.with_sign_in(&step_up.acr_values, step_up.max_age);
    }
    Some(match scope {
        Some(scope) => challenge.with_scope(&scope),
        None => challenge,
    })
}

fn denied_body(denial: &Denial, hides_reasons: bool) -> RefusalBody {
    let error = match (denial.step_up(), required_scope(denial)) {
        (Some(_), _) => ErrorCode::InsufficientUserAuthentication,
        (None, Some(_)) => ErrorCode::InsufficientScope,
        (None, None) => ErrorCode::AccessDenied,
    };
    let advice = match denial.step_up() {
        Some(_) => "Sign in again to call this",
        None => "You may not call this",
    };
    if hides_reasons {
        return RefusalBody {
            error,
            error_description: format!("{advice}."),
            reasons: Vec::new(),
            unmet: Vec::new(),
        };
    }
    let reasons = denial.reasons();
    RefusalBody {
        error,
        error_description: format!("{advice}: it {}.", reasons.join(", and it ")),
        reasons,
        unmet: denial.unmet().to_vec(),
    }
}

/// "The scope necessary to access the protected resource" (RFC 6750 section 3), if some is missing.
fn required_scope(denial: &Denial) -> Option<Scope> {
    let scope: Scope = denial.required_scope().join(" ").parse().ok()?;
    (!scope.is_empty()).then_some(scope)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = match &self.answering.respond {
            Some(respond) => respond(&self),
            None => self.default_response(),
        };
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Refusal").field("cause", &self.cause).finish_non_exhaustive()
    }
}

impl From<CredentialsError> for RefusalCause {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::Missing => Self::NoCredentials,
            CredentialsError::Repeated | CredentialsError::Malformed => Self::MalformedCredentials,
        }
    }
}

//! What is said to a caller who may not: status, challenge (RFC 6750 section 3) and body, each
//! cause mapped once.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use doorward_policy::{Denial, Need};
use doorward_protocol::{
    challenge::{Challenge, Scheme},
    dpop::ProofError,
    error::ErrorCode,
    scope::Scope,
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

use crate::{ExpiredStatus, IssuerUnavailable, TokenError, credentials::CredentialsError};

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalCause {
    /// No access token was sent.
    NoCredentials,
    /// The `Authorization` header stands there twice or is not written as RFC 6750 section 2.1 has
    /// it.
    MalformedCredentials,
    /// The token is not accepted.
    Token(TokenError),
    /// The proof that goes with a token bound to a key is not accepted (RFC 9449 section 7.1).
    Proof(ProofError),
    /// The policies say no.
    Denied(Denial),
    /// The issuer can't be asked, so that the token can't be verified.
    Unavailable(IssuerUnavailable),
}

impl RefusalCause {
    /// A short name, one of a few: for metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::MalformedCredentials => "malformed_credentials",
            Self::Token(error) => error.name(),
            Self::Proof(_) => "invalid_proof",
            Self::Denied(_) => "denied",
            Self::Unavailable(_) => "issuer_unavailable",
        }
    }
}

/// By which schemes an access token was and may be sent.
#[derive(Debug, Clone)]
pub(crate) struct Schemes {
    /// `Bearer` or `DPoP`.
    pub(crate) tried: Scheme,
    /// Whether `DPoP` is accepted.
    pub(crate) takes_proofs: bool,
}

/// A refused request, ready to be answered.
#[derive(Debug, Clone)]
pub struct Refusal {
    cause: RefusalCause,
    schemes: Schemes,
    realm: String,
    expired_status: ExpiredStatus,
}

/// The body of a refusal, in the members of RFC 6749 section 5.2 plus the reasons of a denial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusalBody {
    /// The code: `unauthorized`, `invalid_request`, `invalid_token`, `invalid_dpop_proof`,
    /// `insufficient_scope`, `access_denied` or `temporarily_unavailable`.
    pub error: ErrorCode,
    /// A sentence for a human.
    pub error_description: String,
    /// What the caller lacks, "needs department Sales" each; only for a denial.
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
        realm: &str,
        expired_status: ExpiredStatus,
    ) -> Self {
        Self { cause, schemes, realm: realm.to_owned(), expired_status }
    }

    /// Why.
    pub fn cause(&self) -> &RefusalCause {
        &self.cause
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        match &self.cause {
            RefusalCause::MalformedCredentials => StatusCode::BAD_REQUEST,
            RefusalCause::Token(TokenError::Expired) => self.expired_status.status_code(),
            RefusalCause::NoCredentials | RefusalCause::Token(_) | RefusalCause::Proof(_) => {
                StatusCode::UNAUTHORIZED
            }
            RefusalCause::Denied(_) => StatusCode::FORBIDDEN,
            RefusalCause::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The body.
    pub fn body(&self) -> RefusalBody {
        let (error, description) = match &self.cause {
            RefusalCause::NoCredentials => (
                ErrorCode::Other("unauthorized".to_owned()),
                "Sign in first: this call needs an access token in the Authorization header.".to_owned(),
            ),
            RefusalCause::MalformedCredentials => (
                ErrorCode::InvalidRequest,
                "Send one Authorization header of the form: Bearer TOKEN, or DPoP TOKEN.".to_owned(),
            ),
            RefusalCause::Token(error) => (ErrorCode::InvalidToken, error.to_string()),
            RefusalCause::Proof(error) => {
                (ErrorCode::InvalidDpopProof, format!("The DPoP proof is not accepted: {error}."))
            }
            RefusalCause::Denied(denial) => return denied_body(denial),
            RefusalCause::Unavailable(_) => (
                ErrorCode::TemporarilyUnavailable,
                "The sign-in service cannot be reached to check the access token. Try again shortly.".to_owned(),
            ),
        };
        RefusalBody {
            error,
            error_description: description,
            reasons: Vec::new(),
            unmet: Vec::new(),
        }
    }

    /// The challenges, where they belong. A request without credentials gets them without an error
    /// (RFC 6750 section 3.1); a denial only if more scope would help. The first is of the scheme
    /// that was tried, and tells the error; whoever tried `Bearer` learns of `DPoP`, too (RFC 9449
    /// section 7.2).
    pub fn challenges(&self) -> Vec<Challenge> {
        let by_proof = Challenge::dpop(&self.realm);
        let (tried, other) = match self.schemes.tried {
            Scheme::Dpop => (by_proof, None),
            _ => (Challenge::bearer(&self.realm), self.schemes.takes_proofs.then_some(by_proof)),
        };
        let body = self.body();
        let with_error =
            |challenge: Challenge| challenge.with_error(&body.error, &body.error_description);
        let first = match &self.cause {
            RefusalCause::NoCredentials => Some(tried),
            RefusalCause::MalformedCredentials
            | RefusalCause::Token(_)
            | RefusalCause::Proof(_) => Some(with_error(tried)),
            RefusalCause::Denied(denial) => {
                return missing_scope(denial)
                    .map(|scope| with_error(tried).with_scope(&scope))
                    .into_iter()
                    .collect();
            }
            RefusalCause::Unavailable(_) => None,
        };
        let other = other.filter(|_| first.is_some());
        first.into_iter().chain(other).collect()
    }
}

fn denied_body(denial: &Denial) -> RefusalBody {
    let error = match missing_scope(denial) {
        Some(_) => ErrorCode::InsufficientScope,
        None => ErrorCode::AccessDenied,
    };
    let reasons = denial.reasons();
    RefusalBody {
        error,
        error_description: format!("You may not call this: it {}.", reasons.join(", and it ")),
        reasons,
        unmet: denial.unmet().to_vec(),
    }
}

fn missing_scope(denial: &Denial) -> Option<Scope> {
    let scope: Scope = denial.missing_scope().join(" ").parse().ok()?;
    (!scope.is_empty()).then_some(scope)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = self.body();
        let error = if matches!(self.cause, RefusalCause::NoCredentials) {
            "unauthorized"
        } else {
            body.error.label()
        };
        metrics::counter!("doorward_refusals_total", "part" => "api", "error" => error)
            .increment(1);
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for challenge in self.challenges() {
            if let Ok(value) = HeaderValue::from_str(&challenge.to_string()) {
                headers.append(WWW_AUTHENTICATE, value);
            }
        }
        if let RefusalCause::Unavailable(IssuerUnavailable { retry_after }) = self.cause {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after));
        }
        response
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

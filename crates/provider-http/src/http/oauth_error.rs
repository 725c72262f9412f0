//! Errors of the endpoints that clients call directly, as JSON (RFC 6749 section 5.2, RFC 6750
//! section 3).

use axum::{
    Extension, Json,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{AppendHeaders, IntoResponse, Response},
};
use doorward_protocol::{
    challenge::Challenge,
    error::{ErrorCode, ErrorResponse},
};
use doorward_provider::use_case::error::TokenError;

use crate::http::{form::FormError, refusal::Refused};

/// The realm of the provider's challenges.
pub(crate) const REALM: &str = "doorward";

/// Keeps tokens and errors out of every cache (RFC 6749 section 5.1).
pub(crate) const NO_STORE: AppendHeaders<[(HeaderName, &str); 2]> =
    AppendHeaders([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")]);

/// Seconds after which a client may ask an unavailable provider again.
const RETRY_AFTER_SECONDS: u32 = 5;

/// An error response.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    body: ErrorResponse,
    challenges: Vec<Challenge>,
    /// Seconds after which the client may ask again.
    retry_after: Option<u32>,
}

impl OAuthError {
    /// An error with the status that belongs to its code.
    pub(crate) fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        let status = match code {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
            ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
            ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let challenges = match code {
            ErrorCode::InvalidClient => vec![Challenge::basic(REALM)],
            _ => Vec::new(),
        };
        let retry_after =
            (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self { status, body: ErrorResponse::new(code, description), challenges, retry_after }
    }

    /// The same error for a client that asked too often (RFC 6585 section 4).
    pub(crate) fn too_many_requests(self, retry_after: u32) -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, retry_after: Some(retry_after), ..self }
    }

    /// The same error with another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The error of a protected resource. A fault in the credentials is a 401, whatever its code.
    pub(crate) fn with_challenges(mut self, challenges: Vec<Challenge>) -> Self {
        if matches!(self.body.error, ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce) {
            self.status = StatusCode::UNAUTHORIZED;
        }
        self.challenges = challenges;
        self
    }
}

impl From<&TokenError> for OAuthError {
    fn from(error: &TokenError) -> Self {
        let answer = Self::new(error.code(), error.description());
        match error.retry_after() {
            Some(seconds) => answer.too_many_requests(seconds),
            None => answer,
        }
    }
}

impl From<FormError> for OAuthError {
    fn from(error: FormError) -> Self {
        let status = error.status();
        let description = match error {
            FormError::Params(error) => TokenError::Params(error).description(),
            other => other.to_string(),
        };
        Self { status, ..Self::new(ErrorCode::InvalidRequest, description) }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let refused = Extension(Refused(self.body.error.clone()));
        let mut response = (self.status, NO_STORE, refused, Json(self.body)).into_response();
        let headers = response.headers_mut();
        for challenge in self.challenges {
            if let Ok(value) = HeaderValue::from_str(&challenge.to_string()) {
                headers.append(WWW_AUTHENTICATE, value);
            }
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

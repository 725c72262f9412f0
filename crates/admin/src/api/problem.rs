//! What the API answers when it refuses: problem details (RFC 9457).

use std::fmt::Display;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use doorward_provider::store::StoreError;
use doorward_resource_server::Refusal;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, ETAG, RETRY_AFTER},
};
use serde::Serialize;

pub use crate::types::problem::{FieldError, ProblemDetails};

/// The media type (RFC 9457 section 3).
const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request is refused. As a response it is problem details, and names what is wrong.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Refused>);

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Refused {
    details: ProblemDetails,
    #[serde(skip)]
    headers: HeaderMap,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let details = ProblemDetails {
            kind: format!("urn:doorward:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            changed: Vec::new(),
            reasons: Vec::new(),
            unmet: Vec::new(),
        };
        Self(Box::new(Refused { details, headers: HeaderMap::new() }))
    }

    fn with_error(mut self, field: String, problem: String) -> Self {
        self.0.details.errors.push(FieldError { field, problem });
        self
    }

    /// A member of the request is wrong.
    pub fn invalid(field: impl Into<String>, problem: impl Display) -> Self {
        let (field, problem) = (field.into(), problem.to_string());
        let detail = format!("{field}: {problem}");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, "invalid", "A value is not valid", detail).with_error(field, problem)
    }

    /// The body can't be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request can't be read", detail)
    }

    /// A parameter of the query is wrong.
    pub fn query(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query", "The query can't be read", detail)
    }

    /// The body is of another kind.
    pub fn not_json() -> Self {
        let detail = "Send the body as JSON, with the header Content-Type: application/json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Not JSON", detail)
    }

    /// The body is too large.
    pub fn too_large(most: usize) -> Self {
        let detail = format!("A body has at most {most} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// There is no such object, or no more.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "missing", "Not there", detail)
    }

    /// The resource does not take this method.
    pub fn not_allowed() -> Self {
        let detail = "This resource does not take this method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "Another method", detail)
    }

    /// The request contradicts what is stored.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "This contradicts what is there", detail)
    }

    /// The configuration file defines the object.
    pub fn read_only(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "read-only", "Defined in the configuration", detail)
    }

    /// The caller may not do this to this object.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "rights", "The caller may not do this", detail)
    }

    /// The request does not say which state of the object it is about.
    pub fn no_precondition() -> Self {
        let detail = "Read the object first, and send its ETag in the header If-Match, so that \
                      nobody's change is lost.";
        let status = StatusCode::PRECONDITION_REQUIRED;
        Self::new(status, "precondition", "If-Match is missing", detail)
            .with_error("If-Match".to_owned(), "is missing".to_owned())
    }

    /// The object is not as the request says. `etag` is of what it is by now.
    pub fn stale(changed: Vec<String>, etag: Option<HeaderValue>) -> Self {
        let detail = if changed.is_empty() {
            "The object is not as the header If-Match says. Read it again.".to_owned()
        } else {
            format!("Somebody has changed {} meanwhile. Read it again.", changed.join(", "))
        };
        let status = StatusCode::PRECONDITION_FAILED;
        let mut problem = Self::new(status, "stale", "The object has changed", detail);
        if let Some(etag) = etag {
            problem.0.headers.insert(ETAG, etag);
        }
        problem.0.details.changed = changed;
        problem
    }

    /// Another request came under the same idempotency key.
    pub fn reused_key() -> Self {
        let detail = "This Idempotency-Key was sent with another request. Take a new one.";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, "idempotency-key", "The key belongs to another request", detail)
    }

    /// The first request under the same idempotency key is still being answered.
    pub fn still_running() -> Self {
        let detail = "The first request with this Idempotency-Key is not answered yet.";
        let status = StatusCode::CONFLICT;
        Self::new(status, "idempotency-running", "The first request runs", detail).retry_after(1)
    }

    /// The caller sends too many requests, or holds too many keys.
    pub fn too_many(detail: impl Into<String>, seconds: u32) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "rate", "Too many requests", detail).retry_after(seconds)
    }

    /// Something that is needed is not there now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "unavailable", "Not available now", detail).retry_after(5)
    }

    /// A mistake of the server, which is logged where it is noticed.
    pub fn internal() -> Self {
        let detail = "The server made a mistake; it is logged.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "A mistake of the server", detail)
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.0.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// The same problem of a member that is inside another one.
    #[must_use]
    pub fn below(mut self, outer: &str) -> Self {
        for error in &mut self.0.details.errors {
            error.field = format!("{outer}.{}", error.field);
        }
        if let [error] = self.0.details.errors.as_slice() {
            self.0.details.detail = format!("{}: {}", error.field, error.problem);
        }
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.details.status).unwrap_or_default()
    }

    /// Headers of the answer, beside those of its body.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// What is wrong, as a sentence.
    pub fn detail(&self) -> String {
        self.0.details.detail.clone()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(problem) => Self::conflict(problem),
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "the store can't be used");
                Self::unavailable("The database can't be used now. Try again shortly.")
            }
            StoreError::WrongClock(_) => {
                tracing::warn!(%error, "nothing is done that depends on the time");
                Self::unavailable("The server's clock differs from the database's.")
            }
            StoreError::Corrupt(_) => {
                tracing::error!(%error, "the store holds what can't be read");
                Self::internal()
            }
        }
    }
}

/// A refusal of `doorward-resource-server`: its status and challenges stay, the body is of this
/// kind.
pub fn of_refusal(refusal: &Refusal) -> Response {
    let body = refusal.body();
    let kind = body.error.label();
    let title = match refusal.status() {
        StatusCode::FORBIDDEN => "The caller may not do this",
        StatusCode::SERVICE_UNAVAILABLE => "Not available now",
        _ => "Another access token is needed",
    };
    let mut problem = Problem::new(refusal.status(), "token", title, body.error_description);
    problem.0.details.kind = format!("urn:doorward:problem:{}", kind.replace('_', "-"));
    problem.0.details.reasons = body.reasons;
    problem.0.details.unmet = body.unmet;
    problem.0.headers = refusal.headers();
    problem.into_response()
}

/// The kind of a problem, in the extensions of its response. It names no value of the request.
#[derive(Debug, Clone)]
pub struct ProblemKind(pub String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let headers = self.0.headers.clone();
        let details = self.0.details.clone();
        let kind = details.kind.rsplit(':').next().unwrap_or_default().to_owned();
        let mut response = (status, headers, Json(self)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.extensions_mut().insert(ProblemKind(kind));
        response.extensions_mut().insert(details);
        response
    }
}

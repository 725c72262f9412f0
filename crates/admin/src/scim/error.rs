//! What SCIM answers when it refuses (RFC 7644 section 3.12).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use doorward_provider::store::StoreError;
use doorward_resource_server::Refusal;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;

use crate::api::problem::{Problem, ProblemKind};

/// The media type of requests and answers (RFC 7644 section 3.1).
pub const MEDIA_TYPE: &str = "application/scim+json";
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The kinds of mistakes that clients can tell apart (RFC 7644 table 9), `scimType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorType {
    /// This is not a filter, or it can't be answered.
    InvalidFilter,
    /// The answer would be too long.
    TooMany,
    /// Somebody else has what only one can have.
    Uniqueness,
    /// What is to be changed can't be changed.
    Mutability,
    /// The body can't be read.
    InvalidSyntax,
    /// The path of a change is none.
    InvalidPath,
    /// There is nothing at the path of a change.
    NoTarget,
    /// A value is missing or can't be one.
    InvalidValue,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimError(Box<Details>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Details {
    status: StatusCode,
    kind: Option<ErrorType>,
    detail: String,
    headers: HeaderMap,
}

#[derive(Serialize)]
struct Body<'a> {
    schemas: [&'static str; 1],
    status: String,
    #[serde(rename = "scimType", skip_serializing_if = "Option::is_none")]
    kind: Option<ErrorType>,
    detail: &'a str,
}

impl ScimError {
    fn new(status: StatusCode, kind: Option<ErrorType>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self(Box::new(Details { status, kind, detail, headers: HeaderMap::new() }))
    }

    fn bad(kind: ErrorType, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some(kind), detail)
    }

    /// This is not a filter, or no index answers it.
    pub fn filter(detail: impl Into<String>) -> Self {
        Self::bad(ErrorType::InvalidFilter, detail)
    }

    /// The answer would be too long.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::bad(ErrorType::TooMany, detail)
    }

    /// What is to be changed can't be changed.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::bad(ErrorType::Mutability, detail)
    }

    /// The body can't be read.
    pub fn syntax(detail: impl Into<String>) -> Self {
        Self::bad(ErrorType::InvalidSyntax, detail)
    }

    /// The path of a change is none.
    pub fn path(detail: impl Into<String>) -> Self {
        Self::bad(ErrorType::InvalidPath, detail)
    }

    /// There is nothing at the path of a change.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::bad(ErrorType::NoTarget, detail)
    }

    /// A value can't be one.
    pub fn value(detail: impl Into<String>) -> Self {
        Self::bad(ErrorType::InvalidValue, detail)
    }

    /// Somebody else has what only one can have.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, Some(ErrorType::Uniqueness), detail)
    }

    /// Others were faster, again and again.
    pub fn busy() -> Self {
        let detail = "Others change the same resource all the time. Try again shortly.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, None, detail).retry_after(1)
    }

    /// There is no such resource.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, None, detail)
    }

    /// The endpoint does not take this method.
    pub fn not_allowed() -> Self {
        let detail = "This endpoint does not take this method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, None, detail)
    }

    /// The body is of another kind.
    pub fn not_json() -> Self {
        let detail = format!("Send the body with the header Content-Type: {MEDIA_TYPE}.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, detail)
    }

    /// The body is too large.
    pub fn too_large(most: usize) -> Self {
        let detail = format!("A body has at most {most} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, None, detail)
    }

    /// A mistake of the server, which is logged where it is noticed.
    pub fn internal() -> Self {
        Problem::internal().into()
    }

    /// What is asked for is not there.
    pub fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, None, detail)
    }

    /// The client may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, None, detail)
    }

    /// The client may not change this part.
    pub fn forbidden_mutability(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, Some(ErrorType::Mutability), detail)
    }

    /// The resource is not as the header `If-Match` says.
    pub fn stale() -> Self {
        let detail = "The resource has changed since it was read. Read it again.";
        Self::new(StatusCode::PRECONDITION_FAILED, None, detail)
    }

    /// The client sends too many requests.
    pub fn rate(most: u32, seconds: u32) -> Self {
        let detail = format!("A client may send {most} requests in a minute.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, None, detail).retry_after(seconds)
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.0.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// What is wrong, as a sentence.
    #[cfg(test)]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The kind of the mistake.
    #[cfg(test)]
    pub fn kind(&self) -> Option<ErrorType> {
        self.0.kind
    }
}

/// What the administration's own rules refuse, said in SCIM's words.
impl From<Problem> for ScimError {
    fn from(problem: Problem) -> Self {
        let (status, kind) = match problem.status() {
            StatusCode::UNPROCESSABLE_ENTITY => {
                (StatusCode::BAD_REQUEST, Some(ErrorType::InvalidValue))
            }
            StatusCode::BAD_REQUEST => (StatusCode::BAD_REQUEST, Some(ErrorType::InvalidSyntax)),
            StatusCode::CONFLICT => (StatusCode::CONFLICT, Some(ErrorType::Uniqueness)),
            other => (other, None),
        };
        let mut error = Self::new(status, kind, problem.detail());
        error.0.headers = problem.headers().clone();
        error
    }
}

impl From<StoreError> for ScimError {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

/// A refusal of `doorward-resource-server`: its status and challenges stay.
pub fn of_refusal(refusal: &Refusal) -> Response {
    let detail = refusal.body().error_description;
    let mut error = ScimError::new(refusal.status(), None, detail);
    error.0.headers = refusal.headers();
    error.into_response()
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        let Details { status, kind, detail, headers } = *self.0;
        let body =
            Body { schemas: [SCHEMA], status: status.as_u16().to_string(), kind, detail: &detail };
        let mut response = (status, headers, Json(body)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        let kind = kind.and_then(|kind| serde_json::to_value(kind).ok());
        if let Some(kind) = kind.as_ref().and_then(serde_json::Value::as_str) {
            response.extensions_mut().insert(ProblemKind(kind.to_owned()));
        }
        response
    }
}

//! Request bodies in `application/x-www-form-urlencoded`, read strictly.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header::CONTENT_TYPE},
};
use doorward_protocol::params::{Params, ParamsError};

use crate::oauth_error::OAuthError;

/// The bytes of a form body, its content type checked, nothing parsed.
#[derive(Debug)]
pub(crate) struct RawForm(pub(crate) Bytes);

/// A form body, each parameter once.
#[derive(Debug)]
pub(crate) struct Form(pub(crate) Params);

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormError {
    /// Another content type.
    #[error("Send the parameters as application/x-www-form-urlencoded.")]
    NotAForm,
    /// Over the limit, or cut off.
    #[error("The request body is too large or incomplete.")]
    Body(StatusCode),
    /// Repeated or unreadable parameters.
    #[error(transparent)]
    Params(#[from] ParamsError),
}

impl FormError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(status) => *status,
            Self::Params(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl RawForm {
    pub(crate) async fn read(request: Request) -> Result<Self, FormError> {
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(FormError::NotAForm);
        }
        let body = Bytes::from_request(request, &()).await;
        body.map(Self).map_err(|rejection| FormError::Body(rejection.status()))
    }
}

impl Form {
    pub(crate) async fn read(request: Request) -> Result<Self, FormError> {
        let RawForm(body) = RawForm::read(request).await?;
        // A client may send `resource` several times (RFC 8707 section 2).
        Ok(Self(Params::parse_with_repeatable(body, &["resource"])?))
    }
}

/// For the endpoints that clients call directly, which answer a body that can't be read as any
/// other error.
impl<S: Sync> FromRequest<S> for Form {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _: &S) -> Result<Self, OAuthError> {
        Ok(Self::read(request).await?)
    }
}

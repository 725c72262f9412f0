//! Form bodies and queries in `application/x-www-form-urlencoded`, parsed strictly.
//!
//! The endpoints that clients call take a [`Form`] and answer a bad one in JSON. The pages take a
//! [`PageForm`] or a [`PageQuery`] and answer a bad one with the error page.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts},
};
use doorward_protocol::params::{Params, ParamsError};

use crate::{AppState, http::oauth_error::OAuthError, page::error::PageError, texts::Localized};

/// The parameters that a client may repeat (RFC 8707 section 2).
const REPEATABLE_BY_CLIENTS: [&str; 1] = ["resource"];

/// The form fields that a page of ours repeats: one for each ticked scope.
const REPEATABLE_IN_PAGES: [&str; 1] = ["scope"];

/// The bytes of a form body. Its content type was checked; nothing was parsed.
#[derive(Debug)]
pub(crate) struct RawForm(pub(crate) Bytes);

/// The parameters of a request to an endpoint that clients call directly.
#[derive(Debug)]
pub(crate) struct Form(pub(crate) Params);

/// The fields of a form that was posted to a page.
#[derive(Debug)]
pub(crate) struct PageForm(pub(crate) Params);

/// The query of a page.
#[derive(Debug, Default)]
pub(crate) struct PageQuery(pub(crate) Params);

/// Why a form was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormError {
    /// The content type is another one.
    #[error("Send the parameters as application/x-www-form-urlencoded.")]
    NotAForm,
    /// The body is over the limit or was cut off.
    #[error("The request body is too large or incomplete.")]
    Body(StatusCode),
    /// The parameters are repeated or unreadable.
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
        if !is_form(request.headers()) {
            return Err(FormError::NotAForm);
        }
        let body = Bytes::from_request(request, &()).await;
        body.map(Self).map_err(|rejection| FormError::Body(rejection.status()))
    }

    fn parse(self, repeatable: &[&str]) -> Result<Params, FormError> {
        Ok(Params::parse_with_repeatable(self.0, repeatable)?)
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

impl Form {
    pub(crate) async fn read(request: Request) -> Result<Self, FormError> {
        Ok(Self(RawForm::read(request).await?.parse(&REPEATABLE_BY_CLIENTS)?))
    }
}

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _: &S) -> Result<Self, OAuthError> {
        Ok(Self::read(request).await?)
    }
}

impl FromRequest<AppState> for PageForm {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        let Localized(state) = Localized::of(&parts, state);
        let form = RawForm::read(Request::from_parts(parts, body)).await;
        form.and_then(|form| form.parse(&REPEATABLE_IN_PAGES))
            .map(Self)
            .map_err(|error| state.error(error))
    }
}

impl FromRequestParts<AppState> for PageQuery {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, PageError> {
        Params::parse(parts.uri.query().unwrap_or_default()).map(Self).map_err(|error| {
            let Localized(state) = Localized::of(parts, state);
            state.error(FormError::from(error))
        })
    }
}

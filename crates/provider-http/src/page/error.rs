//! The error page: what happened, what to do, and the code for the people who are asked for help.
//!
//! A handler of a page returns `Result<Response, PageError>`. [`PageErrorCause`] keeps the reason,
//! and this file maps it to a status, a code and a sentence.

use axum::{
    Extension,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use doorward_protocol::error::ErrorCode;
use doorward_provider::{
    store::StoreError,
    use_case::{authorize::UnsafeRequest, end_session::EndSessionError},
};
use leptos::prelude::*;

use crate::{
    AppState,
    http::{form::FormError, refusal::Refused, return_url::ForeignReturnUrl},
    page::{
        layout::{Layout, document},
        response::html,
    },
    texts::Texts,
};

/// Why the error page is shown, and in which language.
#[derive(Debug)]
pub(crate) struct PageError {
    state: AppState,
    cause: Box<PageErrorCause>,
}

/// Why a page can't be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageErrorCause {
    /// No page has this path.
    #[error("no page has this path")]
    NotFound,
    /// The parameters can't be read.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The page was opened with an address to return to that is not one of ours.
    #[error(transparent)]
    ForeignReturnUrl(#[from] ForeignReturnUrl),
    /// An authorization request can't be answered by a redirect.
    #[error(transparent)]
    Authorize(#[from] UnsafeRequest),
    /// A sign-out request contradicts itself.
    #[error(transparent)]
    EndSession(#[from] EndSessionError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PageErrorCause {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Form(error) => error.status(),
            Self::Authorize(UnsafeRequest::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(_)
            | Self::Authorize(UnsafeRequest::Unavailable)
            | Self::EndSession(EndSessionError::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::ForeignReturnUrl(_) | Self::Authorize(_) | Self::EndSession(_) => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound => "not_found".into(),
            Self::Authorize(request) => request.code(),
            Self::Store(_) | Self::EndSession(EndSessionError::Unavailable) => {
                ErrorCode::TemporarilyUnavailable
            }
            Self::Form(_) | Self::ForeignReturnUrl(_) | Self::EndSession(_) => {
                ErrorCode::InvalidRequest
            }
        }
    }

    fn message(&self, texts: &Texts) -> String {
        match self {
            Self::NotFound => texts.no_such_page.to_owned(),
            Self::Form(error) => (texts.form_refused)(error),
            Self::ForeignReturnUrl(_) => texts.foreign_return_url.to_owned(),
            Self::Authorize(request) => (texts.authorize_refused)(request),
            Self::EndSession(error) => (texts.end_session_refused)(*error),
            Self::Store(_) => texts.unavailable.to_owned(),
        }
    }

    fn log(&self) {
        match self {
            Self::Store(error) => tracing::error!(%error, "the store failed"),
            // The use case logs the cause of a refused authorization request.
            Self::Authorize(_)
            | Self::NotFound
            | Self::Form(_)
            | Self::ForeignReturnUrl(_)
            | Self::EndSession(_) => {}
        }
    }

    /// Only requests of clients are counted as refused.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Authorize(_))
    }
}

impl AppState {
    /// The error page for this cause, in the language of this state.
    pub(crate) fn error(&self, cause: impl Into<PageErrorCause>) -> PageError {
        PageError { state: self.clone(), cause: Box::new(cause.into()) }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let Self { state, cause } = self;
        cause.log();
        let code = cause.code();
        let markup = view(&state.layout(), code.as_str(), &cause.message(state.texts));
        let refused = cause.is_refusal().then_some(Extension(Refused(code)));
        (refused, html(cause.status(), markup)).into_response()
    }
}

pub(crate) fn view(layout: &Layout, code: &str, message: &str) -> String {
    let (code, message) = (code.to_owned(), message.to_owned());
    let t = layout.texts;
    document(layout, t.something_is_wrong, move || {
        view! {
            <h1>{t.did_not_work}</h1>
            <p class="alert alert-error" role="alert">{message}</p>
            <p class="muted">
                {t.go_back}
                " "
                <code class="mono">{code}</code>
            </p>
        }
    })
}

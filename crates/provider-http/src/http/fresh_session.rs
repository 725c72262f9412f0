//! The guard of pages on which a user changes how the account is reached: they need a sign-in that
//! is some minutes old at most, so that a browser that was left open is not enough.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
    response::{IntoResponse, Response},
};
use doorward_provider::model::{session::Session, time::Seconds};

use crate::{
    AppState,
    http::return_url::{AccountPage, ReturnUrl},
    page::error::{PageError, PageErrorCause},
    texts::Localized,
};

/// The session of the browser, whenever its user signed in. Every other request is led to the login
/// page, which returns to the page that was asked for.
#[derive(Debug)]
pub(crate) struct SignedIn(pub(crate) Session);

/// The session of the browser, whose user has signed in within the last minutes. Every other
/// request is led to the login page, which returns to the page that was asked for.
#[derive(Debug)]
pub(crate) struct FreshSession(pub(crate) Session);

/// Where a request without a fresh session is led.
#[derive(Debug)]
pub(crate) enum NotFresh {
    /// To the login page.
    SignIn(Box<Response>),
    /// To the error page.
    Failed(PageError),
}

impl IntoResponse for NotFresh {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(response) => *response,
            Self::Failed(error) => error.into_response(),
        }
    }
}

impl FromRequestParts<AppState> for FreshSession {
    type Rejection = NotFresh;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, NotFresh> {
        let Localized(state) = Localized::of(parts, state);
        let session = state.fresh_session(&parts.headers).await;
        or_sign_in(&state, parts, session).map(Self)
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = NotFresh;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, NotFresh> {
        let Localized(state) = Localized::of(parts, state);
        let session = state.session(&parts.headers).await;
        or_sign_in(&state, parts, session).map(Self)
    }
}

/// The session, or the way to the login page and back to the page of this request.
fn or_sign_in(
    state: &AppState,
    parts: &Parts,
    session: Result<Option<Session>, PageError>,
) -> Result<Session, NotFresh> {
    let page = AccountPage::of_path(parts.uri.path())
        .ok_or_else(|| NotFresh::Failed(state.error(PageErrorCause::NotFound)))?;
    let session = session.map_err(NotFresh::Failed)?;
    session.ok_or_else(|| NotFresh::SignIn(Box::new(state.to_login(&ReturnUrl::Account(page)))))
}

impl AppState {
    /// The session of the browser, if its user has signed in within the last minutes.
    pub(crate) async fn fresh_session(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<Session>, PageError> {
        let now = self.provider.now();
        let fresh_for = Seconds::new(self.provider.settings().accounts.fresh_sign_in);
        let session = self.session(headers).await?;
        let is_fresh = |own: &Session| own.authentication.is_within(fresh_for, now);
        let Some(session) = session.filter(is_fresh) else { return Ok(None) };
        // Where there are second factors, a password alone must not change them.
        let is_strong = self.provider.factors().is_strong_enough(&session.authentication).await;
        let is_strong = is_strong.map_err(|error| self.error(error))?;
        Ok(is_strong.then_some(session))
    }
}

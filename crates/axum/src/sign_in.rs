//! A sign-in that a handler begins.

use std::{fmt, sync::Arc};

use axum::{extract::FromRequestParts, response::Response};
use doorward_client::SigninRequestArgs;
use http::request::Parts;

use crate::{Problem, Refusal, ReturnTo, auth::redirect, layer::RequestSession, refusal::Asker};

/// Begins sign-ins from a handler or a server function. Whoever is signed in may begin another one,
/// for example with more scope.
///
/// A link to the route `/signin` does the same for what a stranger may ask for, too. Here the
/// application decides, so anything can be asked for: let no parameter of a request choose the
/// scope.
///
/// ```
/// use axum::response::Response;
/// use doorward_axum::{SignIn, SigninRequestArgs};
///
/// async fn connect_calendar(sign_in: SignIn) -> Response {
///     let args = SigninRequestArgs::default()
///         .scope("openid profile offline_access calendar")
///         .ui_locales("de")
///         .return_to("/calendar");
///     sign_in.redirect(args).await
/// }
/// ```
///
/// The cookies that belong to the sign-in go out with the answer to the request, which no cache
/// keeps. So begin it before the answer begins: what a streamed page does later sets no cookie.
pub struct SignIn {
    slot: Arc<RequestSession>,
    asker: Asker,
}

impl SignIn {
    /// Begins a sign-in. Returns the address at the provider, to which the browser must go next: a
    /// server function gives it to its page.
    ///
    /// Afterwards the browser is at the path in `return_to`, or at the start page if there is none,
    /// or if it is at another origin. The redirect URI and the response mode are those of the
    /// settings, and there is no `state` of the caller's: keep such a thing in the
    /// [`Session`](crate::Session).
    ///
    /// # Errors
    /// The provider can't be reached, or the store of sessions can't be used.
    pub async fn begin(&self, mut args: SigninRequestArgs) -> Result<String, Problem> {
        let return_to = ReturnTo::or_start(args.return_to.as_deref());
        // Responses are taken at one place and in one way.
        args.redirect_uri = None;
        args.response_mode = None;
        self.slot.auth.begin_sign_in(&self.slot, args, &return_to).await
    }

    /// Begins a sign-in, as the answer of a handler: it sends the browser to the provider, or says
    /// why that is not possible.
    pub async fn redirect(&self, args: SigninRequestArgs) -> Response {
        match self.begin(args).await {
            Ok(url) => redirect(&url, Vec::new()),
            Err(problem) => self.slot.auth.answer(&problem, &self.asker),
        }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignIn").finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match RequestSession::of(parts) {
            Ok(slot) => Ok(Self { slot, asker: Asker::of_parts(parts) }),
            Err(problem) => Err(Refusal::problem(parts, None, &problem)),
        }
    }
}

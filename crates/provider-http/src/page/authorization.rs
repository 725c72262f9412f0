//! What the authorization endpoint and the pages on its way answer: a response to the client, the
//! login page, the consent page or the error page.

use axum::{
    Extension,
    http::{HeaderMap, HeaderValue, StatusCode, header::REFERRER_POLICY},
    response::{IntoResponse as _, Response},
};
use doorward_provider::{
    model::paths,
    use_case::authorize::{AuthorizationResponse, Outcome, ResponseMode},
};

use crate::{
    AppState,
    http::{cookies::Cookie, refusal::Refused, return_url::ReturnUrl},
    page::{
        account_form::leading_on,
        consent,
        error::PageError,
        form_post, leaving,
        policy::PagePolicy,
        response::{html_with_policy, see_other, with_cookie},
    },
};

impl AppState {
    /// Answers a request with which the browser came, before its user has decided anything. An
    /// error that goes to a page for which nobody vouches is shown here first: otherwise anybody
    /// could make links to this provider that end there (RFC 9700 section 4.11.2). A frame shows no
    /// page of ours, and is not a place where people are led astray.
    pub(crate) async fn respond_to_arrival(
        &self,
        outcome: Outcome,
        headers: &HeaderMap,
    ) -> Result<Response, PageError> {
        if let Outcome::Respond(response) = &outcome
            && let (Some(host), Some(code)) = (response.unvouched_host(), response.error())
            && !is_in_frame(headers)
        {
            tracing::info!(host, error = %code, "the user is asked before an error goes there");
            return Ok(leaving::page(self, response, host, &code));
        }
        self.respond(outcome, headers).await
    }

    /// Answers what the authorization use case decided.
    pub(crate) async fn respond(
        &self,
        outcome: Outcome,
        headers: &HeaderMap,
    ) -> Result<Response, PageError> {
        match outcome {
            Outcome::Respond(response) => {
                let cookie = self.changed_check_value(headers, &response);
                Ok(with_cookie(self.respond_to_client(&response), cookie))
            }
            Outcome::SignIn(request) => {
                let return_url = ReturnUrl::to_request(&request.params);
                Ok(if request.prompt.create {
                    see_other(&leading_on(self, paths::REGISTER, Some(&return_url)))
                } else {
                    self.to_login(&return_url)
                })
            }
            Outcome::AskConsent(request, session) => {
                let state = self.clone().in_language(request.ui_locales.as_deref());
                consent::show(&state, headers, &request, &session).await
            }
            Outcome::Refuse(request) => Err(self.error(request)),
        }
    }

    /// A redirect to the login page, which returns to this address.
    pub(crate) fn to_login(&self, return_url: &ReturnUrl) -> Response {
        see_other(&leading_on(self, paths::LOGIN, Some(return_url)))
    }

    /// The cookie that makes the browser agree with the `session_state` of a response, for example
    /// when the session has expired. If the browser did not send its session cookie, it may have
    /// kept it back, and nothing is known of its session.
    fn changed_check_value(
        &self,
        headers: &HeaderMap,
        response: &AuthorizationResponse,
    ) -> Option<HeaderValue> {
        self.cookies.read(headers, Cookie::Session)?;
        let current = self.cookies.read(headers, Cookie::SessionCheck);
        match response.browser_state()?.check_value() {
            wanted if wanted == current.as_ref() => None,
            Some(value) => Some(self.cookies.set(Cookie::SessionCheck, value, None)),
            None => Some(self.cookies.remove(Cookie::SessionCheck)),
        }
    }

    fn respond_to_client(&self, response: &AuthorizationResponse) -> Response {
        let refused = response.error().map(|code| Extension(Refused(code)));
        if response.mode() != ResponseMode::FormPost {
            return (refused, see_other(&response.location())).into_response();
        }
        let markup = form_post::view(&self.layout(), response);
        let policy = PagePolicy::leading_to_client().with_script(form_post::script_hash());
        // With `same-origin`, the client would see `Origin: null`.
        let referrer = [(REFERRER_POLICY, "strict-origin")];
        (refused, referrer, html_with_policy(StatusCode::OK, markup, &policy)).into_response()
    }
}

/// Whether the browser opens the answer in a frame (Fetch Metadata section 2.1), as for a silent
/// renewal.
fn is_in_frame(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe" || dest == "frame")
}

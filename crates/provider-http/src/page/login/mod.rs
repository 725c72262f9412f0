//! `GET` and `POST /account/login`: the login page.

mod view;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{params::Params, secret::Secret};
use doorward_provider::{
    audit,
    model::{device_cookie, user::User},
    use_case::sign_in::{SignInError, SignInOrigin, StartedSession},
};

use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf::{self, FormToken},
        form::{PageForm, PageQuery},
        peer::Peer,
        return_url::ReturnUrl,
        user_agent,
    },
    page::{
        error::PageError,
        policy::PagePolicy,
        response::{html, html_with_policy, see_other, with_cookie, with_retry_after},
    },
    texts::Localized,
};

const PATH: &str = "/account/login";

/// Seconds after which a browser may try again when too many sign-ins wait.
const RETRY_WHEN_BUSY: u32 = 5;

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    let return_url = return_url(&state, &query)?;
    let state = state.in_language_of(return_url.as_ref()).await;
    let page = LoginPage { return_url, ..LoginPage::default() };
    Ok(page.show(&state, &headers, StatusCode::OK).await)
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let return_url = return_url(&state, &form)?;
    let state = state.in_language_of(return_url.as_ref()).await;
    let page = LoginPage {
        return_url,
        username: form.get("username").map(str::to_owned),
        remember: form.is_sent("remember_login"),
        problem: None,
    };
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        let page = page.with_problem(state.texts.form_expired);
        return Ok(page.show(&state, &headers, StatusCode::BAD_REQUEST).await);
    }
    if form.get("action") == Some("cancel") {
        return page.cancel(&state, &headers, &peer).await;
    }
    let (Some(username), Some(password)) = (page.username.clone(), form.get_secret("password"))
    else {
        let page = page.with_problem(state.texts.enter_both);
        return Ok(page.show(&state, &headers, StatusCode::BAD_REQUEST).await);
    };
    match sign_in(&state, &headers, &peer, &username, password, page.remember).await {
        Ok((user, session)) => {
            audit::Event {
                event: "signed_in",
                sub: Some(&user.sub),
                peer: Some(&peer.0),
                ..audit::Event::default()
            }
            .log();
            Ok(page.signed_in(&state, &session))
        }
        Err(error) => {
            audit::Event {
                event: "sign_in_refused",
                outcome: audit::Outcome::Refused,
                peer: Some(&peer.0),
                cause: Some(&error),
                ..audit::Event::default()
            }
            .log();
            page.refused(&state, &headers, error).await
        }
    }
}

/// The address to continue at; `None` if the user opened the login page directly.
fn return_url(state: &AppState, params: &Params) -> Result<Option<ReturnUrl>, PageError> {
    let return_url = params.get("return_url").map(ReturnUrl::parse).transpose();
    return_url.map_err(|error| state.error(error))
}

/// Verifies the password, then starts a session in place of the browser's earlier one.
async fn sign_in(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    username: &str,
    password: Secret,
    remember: bool,
) -> Result<(User, StartedSession), SignInError> {
    let known = state.cookies.read(headers, Cookie::Device);
    let origin = SignInOrigin::Browser { address: &peer.0, device: known.as_ref() };
    let user = state.provider.verify_password(username, password, origin).await?;
    let before = state.cookies.read(headers, Cookie::Session);
    let device = user_agent::device(headers, peer);
    let session = state.provider.start_session(&user, remember, device, before.as_ref()).await?;
    Ok((user, session))
}

/// The login page with what was entered so far.
#[derive(Debug, Default)]
struct LoginPage {
    return_url: Option<ReturnUrl>,
    username: Option<String>,
    remember: bool,
    problem: Option<String>,
}

impl LoginPage {
    fn with_problem(self, problem: impl Into<String>) -> Self {
        Self { problem: Some(problem.into()), ..self }
    }

    /// The query of the authorization request that waits for the sign-in, if one does.
    fn request_query(&self) -> Option<&str> {
        self.return_url.as_ref().and_then(ReturnUrl::request_query)
    }

    /// Tells the waiting client that the user did not sign in.
    async fn cancel(
        self,
        state: &AppState,
        headers: &HeaderMap,
        peer: &Peer,
    ) -> Result<Response, PageError> {
        match self.request_query() {
            Some(query) => {
                let outcome = state.provider.deny(query.as_bytes(), None, &peer.0).await;
                state.respond(outcome, headers).await
            }
            None => Ok(see_other(&state.base.join(PATH))),
        }
    }

    /// Continues where the user wanted to go, with the cookies of the new session.
    fn signed_in(self, state: &AppState, session: &StartedSession) -> Response {
        let location =
            self.return_url.map_or_else(|| "/".to_owned(), |url| url.after_sign_in().to_text());
        [
            (Cookie::Session, &session.cookie, session.max_age),
            (Cookie::SessionCheck, &session.cookie.check_value(), session.max_age),
            (Cookie::Device, &session.device_cookie, Some(device_cookie::LIFETIME)),
        ]
        .into_iter()
        .map(|(cookie, value, max_age)| state.cookies.set(cookie, value, max_age))
        .fold(see_other(&state.base.join(&location)), |response, cookie| {
            with_cookie(response, Some(cookie))
        })
    }

    /// The page again, with what went wrong.
    async fn refused(
        self,
        state: &AppState,
        headers: &HeaderMap,
        error: SignInError,
    ) -> Result<Response, PageError> {
        let (status, problem, retry_after) = match error {
            SignInError::WrongPassword => {
                (StatusCode::BAD_REQUEST, state.texts.wrong_password.to_owned(), None)
            }
            SignInError::Throttled(seconds) => {
                let problem = (state.texts.throttled)(seconds);
                (StatusCode::TOO_MANY_REQUESTS, problem, Some(seconds))
            }
            SignInError::Busy(_) => {
                let problem = state.texts.too_busy.to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, problem, Some(RETRY_WHEN_BUSY))
            }
            SignInError::Store(error) => return Err(state.error(error)),
        };
        let response = self.with_problem(problem).show(state, headers, status).await;
        Ok(match retry_after {
            Some(seconds) => with_retry_after(response, seconds),
            None => response,
        })
    }

    async fn show(self, state: &AppState, headers: &HeaderMap, status: StatusCode) -> Response {
        let token = FormToken::for_page(headers, &state.cookies);
        let request = match self.request_query() {
            Some(query) => state.provider.authorize_request(query.as_bytes()).await,
            None => None,
        };
        let leads_to_client = self.request_query().is_some();
        let login_hint = request.as_ref().and_then(|request| request.login_hint.clone());
        let login = view::Login {
            action: state.base.join(PATH),
            form_token: token.value,
            return_url: self.return_url.map(|url| url.to_text()),
            may_cancel: leads_to_client,
            client_name: request.map(|request| request.client.name.clone()),
            username: self.username.or(login_hint).unwrap_or_default(),
            remember: self.remember,
            problem: self.problem,
        };
        let markup = view::login(&state.layout(), login);
        let response = if leads_to_client {
            html_with_policy(status, markup, &PagePolicy::leading_to_client())
        } else {
            html(status, markup)
        };
        with_cookie(response, token.set_cookie)
    }
}

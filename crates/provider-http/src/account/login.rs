//! `GET` and `POST /account/login`: the login page.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use doorward_protocol::{error::ErrorCode, params::Params, secret::Secret};
use doorward_provider::{audit, use_case::sign_in::SignInError};

use crate::{
    AppState,
    cookies::Cookie,
    csrf::{self, FormToken},
    form::Form,
    page::{html, html_leading_to_client, see_other, with_cookie},
    pages,
    peer::Peer,
    return_url::{ForeignReturnUrl, ReturnUrl},
    texts::Localized,
    user_agent,
};

pub(crate) async fn get(Localized(state): Localized, request: Request) -> Response {
    let Ok(query) = Params::parse(request.uri().query().unwrap_or_default()) else {
        return state.foreign_return_url();
    };
    match return_url(&query) {
        Ok(return_url) => {
            let state = state.speaking_for(return_url.as_ref()).await;
            Attempt { return_url, ..Attempt::default() }
                .show(&state, request.headers(), StatusCode::OK)
                .await
        }
        Err(ForeignReturnUrl) => state.foreign_return_url(),
    }
}

pub(crate) async fn post(Localized(state): Localized, peer: Peer, request: Request) -> Response {
    let headers = request.headers().clone();
    let form = match Form::read(request).await {
        Ok(Form(form)) => form,
        Err(error) => {
            return state.error_page(
                error.status(),
                &ErrorCode::InvalidRequest,
                &error.to_string(),
            );
        }
    };
    let Ok(return_url) = return_url(&form) else { return state.foreign_return_url() };
    let state = state.speaking_for(return_url.as_ref()).await;
    let attempt = Attempt {
        return_url,
        username: form.get("username").map(str::to_owned),
        remember: form.is_sent("remember_login"),
        problem: None,
    };
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return attempt
            .failed(state.texts.form_expired)
            .show(&state, &headers, StatusCode::BAD_REQUEST)
            .await;
    }
    if form.get("action") == Some("cancel") {
        return match attempt.return_url.as_ref().and_then(ReturnUrl::request_query) {
            Some(query) => {
                state.respond(state.provider.deny(query.as_bytes(), None, &peer.0).await, &headers)
            }
            None => see_other(&state.base.join("/account/login")),
        };
    }
    match (attempt.username.clone(), form.get_secret("password")) {
        (Some(username), Some(password)) => {
            attempt.sign_in(&state, &headers, &peer, &username, password).await
        }
        _ => {
            attempt
                .failed(state.texts.enter_both)
                .show(&state, &headers, StatusCode::BAD_REQUEST)
                .await
        }
    }
}

/// The address to continue at; none when somebody opened the login page by themselves.
fn return_url(params: &Params) -> Result<Option<ReturnUrl>, ForeignReturnUrl> {
    params.get("return_url").map(ReturnUrl::parse).transpose()
}

/// An attempt to sign in, as the form shows it.
#[derive(Debug, Default)]
struct Attempt {
    return_url: Option<ReturnUrl>,
    username: Option<String>,
    remember: bool,
    problem: Option<String>,
}

impl Attempt {
    fn failed(self, problem: impl Into<String>) -> Self {
        Self { problem: Some(problem.into()), ..self }
    }

    async fn sign_in(
        self,
        state: &AppState,
        headers: &HeaderMap,
        peer: &Peer,
        username: &str,
        password: Secret,
    ) -> Response {
        let before = state.cookies.read(headers, Cookie::Session);
        let device = user_agent::device(headers, peer);
        let signed_in = async {
            let user = state.provider.verify_password(username, password, &peer.0).await?;
            let started =
                state.provider.start_session(&user, self.remember, device, before.as_ref()).await?;
            Ok::<_, SignInError>((user, started))
        };
        let (user, started) = match signed_in.await {
            Ok(signed_in) => signed_in,
            Err(error) => {
                audit::Event {
                    event: "sign_in_refused",
                    outcome: audit::Outcome::Refused,
                    peer: Some(&peer.0),
                    cause: Some(&error),
                    ..audit::Event::default()
                }
                .log();
                return self.refused(state, headers, error).await;
            }
        };
        audit::Event {
            event: "signed_in",
            sub: Some(&user.sub),
            peer: Some(&peer.0),
            ..audit::Event::default()
        }
        .log();
        let location =
            self.return_url.map_or_else(|| "/".to_owned(), |url| url.after_sign_in().to_text());
        let session = state.cookies.set(Cookie::Session, &started.cookie, started.max_age);
        let check =
            state.cookies.set(Cookie::SessionCheck, &started.cookie.check_value(), started.max_age);
        with_cookie(with_cookie(see_other(&state.base.join(&location)), Some(session)), Some(check))
    }

    async fn refused(self, state: &AppState, headers: &HeaderMap, error: SignInError) -> Response {
        match error {
            SignInError::WrongPassword => {
                self.failed(state.texts.wrong_password)
                    .show(state, headers, StatusCode::BAD_REQUEST)
                    .await
            }
            SignInError::Throttled(seconds) => {
                let problem = (state.texts.throttled)(seconds);
                let mut response =
                    self.failed(problem).show(state, headers, StatusCode::TOO_MANY_REQUESTS).await;
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                response
            }
            SignInError::Busy(_) => {
                let page = self.failed(state.texts.too_busy);
                let mut response = page.show(state, headers, StatusCode::SERVICE_UNAVAILABLE).await;
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
                response
            }
            SignInError::Store(error) => state.unavailable(&error),
        }
    }

    async fn show(self, state: &AppState, headers: &HeaderMap, status: StatusCode) -> Response {
        let token = FormToken::for_page(headers, &state.cookies);
        let query = self.return_url.as_ref().and_then(ReturnUrl::request_query);
        let request = match query {
            Some(query) => state.provider.authorize_request(query.as_bytes()).await,
            None => None,
        };
        let username = self
            .username
            .or_else(|| request.as_ref().and_then(|request| request.login_hint.clone()));
        let leads_to_client = query.is_some();
        let view = pages::login::Login {
            action: state.base.join("/account/login"),
            form_token: token.value,
            return_url: self.return_url.map(|url| url.to_text()),
            may_cancel: leads_to_client,
            client_name: request.map(|request| request.client.name.clone()),
            username: username.unwrap_or_default(),
            remember: self.remember,
            problem: self.problem,
        };
        let markup = pages::login::page(&state.frame(), view);
        let response = if leads_to_client {
            html_leading_to_client(status, markup)
        } else {
            html(status, markup)
        };
        with_cookie(response, token.set_cookie)
    }
}

//! `GET` and `POST /account/second-step`: after the password, a code of the authenticator app or a
//! recovery code; or the app is set up or a passkey added, where a second factor is required and
//! there is none.

mod view;

pub(crate) use self::view::{SecondStep, second_step as second_step_page};

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{
    params::{Params, encode},
    secret::Secret,
};
use doorward_provider::{
    audit,
    model::{device_cookie, factor::FEW_RECOVERY_CODES, paths, token_handle::TokenHandle},
    use_case::{
        passkeys::PasskeyError,
        second_step::{
            FinishedSignIn, LIFETIME, PasskeyStepError, SecondStepError, StepOrigin,
            UnfinishedSignIn,
        },
        sign_in::{SignInError, StartedSession},
    },
};

use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf::{self, FormToken},
        form::{PageForm, PageQuery},
        peer::Peer,
        return_url::{AccountPage, ReturnUrl},
        user_agent,
    },
    page::{
        account_form::{self, AskingBrowser, RETURN_URL, kept_return_url, leading_on},
        authenticator,
        error::PageError,
        login,
        policy::PagePolicy,
        recovery_codes,
        response::{html_with_policy, see_other, with_cookie, with_retry_after},
    },
    texts::Localized,
};

pub(crate) const PATH: &str = "/account/second-step";
const DAY: u32 = 86_400;

/// Leads to this page, with the sign-in that waits.
pub(crate) fn begin(
    state: &AppState,
    handle: &TokenHandle,
    return_url: Option<&ReturnUrl>,
) -> Response {
    let response = see_other(&address(state, return_url, false));
    with_cookie(response, Some(state.cookies.set(Cookie::SignIn, handle, Some(LIFETIME))))
}

/// The address of this page.
fn address(state: &AppState, return_url: Option<&ReturnUrl>, by_recovery_code: bool) -> String {
    let return_url = return_url.map(ReturnUrl::to_text);
    let with = by_recovery_code.then_some(("with", "recovery-code"));
    let pairs = return_url.iter().map(|url| (RETURN_URL, url.as_str())).chain(with);
    let query = encode(pairs);
    let mark = if query.is_empty() { "" } else { "?" };
    state.base.join(&format!("{PATH}{mark}{query}"))
}

/// What a request asks this page for.
struct Asked {
    handle: TokenHandle,
    return_url: Option<ReturnUrl>,
    by_recovery_code: bool,
    /// The encrypted secret of an app that is being set up.
    kept: Option<String>,
}

impl Asked {
    /// Reads the parameters; `None` if this browser has no sign-in that waits.
    fn of(
        state: &AppState,
        headers: &HeaderMap,
        params: &Params,
    ) -> Result<Option<Self>, PageError> {
        let return_url = account_form::return_url(state, params)?;
        let by_recovery_code = params.get("with") == Some("recovery-code");
        let handle = state.cookies.read(headers, Cookie::SignIn);
        let kept = params.get("secret").map(str::to_owned);
        Ok(handle.map(|handle| Self { handle, return_url, by_recovery_code, kept }))
    }
}

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    let Some(asked) = Asked::of(&state, &headers, &query)? else {
        return Ok(to_login(&state, &query));
    };
    // Whoever made the address may know the secret in it. Only our own form brings one along.
    let asked = Asked { kept: None, ..asked };
    let state = state.for_request_of(asked.return_url.as_ref()).await;
    match state.provider.second_steps().unfinished(&asked.handle).await {
        Ok(sign_in) => show(&state, &headers, &asked, &sign_in, StatusCode::OK, None),
        Err(SecondStepError::Store(error)) => Err(state.error(error)),
        Err(_) => Ok(to_login(&state, &query)),
    }
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(asked) = Asked::of(&state, &headers, &form)? else {
        return Ok(to_login(&state, &form));
    };
    let state = state.for_request_of(asked.return_url.as_ref()).await;
    let sign_in = match state.provider.second_steps().unfinished(&asked.handle).await {
        Ok(sign_in) => sign_in,
        Err(SecondStepError::Store(error)) => return Err(state.error(error)),
        Err(_) => return Ok(to_login(&state, &form)),
    };
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        let problem = Some(state.texts.form_expired.to_owned());
        return show(&state, &headers, &asked, &sign_in, StatusCode::BAD_REQUEST, problem);
    }
    // Filled in by the script, which presses no button.
    if form.get("credential").is_some_and(|answer| !answer.is_empty()) {
        if sign_in.set_up {
            return by_first_passkey(&state, &headers, &peer, &asked, &sign_in, &form).await;
        }
        return by_passkey(&state, &headers, &peer, &asked, &sign_in, &form).await;
    }
    let typed = form.get("code").unwrap_or_default();
    let kept = asked.kept.as_deref().unwrap_or_default();
    let device = state.cookies.read(&headers, Cookie::Device);
    let origin = StepOrigin { address: &peer.0, device: device.as_ref() };
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let finished = if sign_in.set_up {
        let finished = state
            .provider
            .second_steps()
            .finish_sign_in_by_setting_up(&asked.handle, kept, typed, origin, browser.asker())
            .await;
        finished.map(|(finished, codes)| (finished, Some(codes)))
    } else {
        let finished = state
            .provider
            .second_steps()
            .finish_sign_in(&asked.handle, typed, origin, browser.asker())
            .await;
        finished.map(|finished| (finished, None))
    };
    let (finished, codes) = match finished {
        Ok(finished) => finished,
        Err(error) => return refuse(&state, &headers, &peer, &asked, &sign_in, error),
    };
    let session = match start(&state, &headers, &peer, &finished).await {
        Ok(session) => session,
        Err(SignInError::Store(error)) => return Err(state.error(error)),
        // The user was changed between the code and the session.
        Err(_) => return Ok(to_login(&state, &form)),
    };
    let location = next(&state, &asked, &finished);
    let response = match codes {
        None => see_other(&location),
        Some(codes) => {
            let markup = recovery_codes::view::new_codes(&state.layout(), &codes, location);
            html_with_policy(StatusCode::OK, markup, &PagePolicy::default())
        }
    };
    let response = with_session(&state, response, &session);
    let response = with_cookie(response, Some(state.cookies.remove(Cookie::SignIn)));
    // A recovery code is for this sign-in only.
    let by_app = finished.recovery_codes_left.is_none();
    if !by_app || !form.is_sent("remember_browser") {
        return Ok(response);
    }
    let remembered = state.provider.second_steps().remember_browser(&finished.user).await;
    let remembered = remembered.map_err(|error| state.error(error))?;
    let cookie = remembered
        .map(|(cookie, lifetime)| state.cookies.set(Cookie::Remembered, &cookie, Some(lifetime)));
    Ok(with_cookie(response, cookie))
}

/// Finishes the sign-in by the answer of a passkey, which the script has put into the form.
async fn by_passkey(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    asked: &Asked,
    waiting: &UnfinishedSignIn,
    form: &Params,
) -> Result<Response, PageError> {
    let ticket = Secret::new(form.get("ticket").unwrap_or_default());
    let answer = form.get("credential").unwrap_or_default();
    let finished = state
        .provider
        .second_steps()
        .finish_sign_in_by_passkey(&asked.handle, &ticket, answer, &peer.0)
        .await;
    let (user, sign_in, remember) = match finished {
        Ok(finished) => finished,
        Err(error) => return refuse_passkey(state, headers, peer, asked, waiting, error),
    };
    let session = match state.begin_session(headers, peer, &user, sign_in, remember).await {
        Ok(session) => session,
        Err(SignInError::Store(error)) => return Err(state.error(error)),
        Err(_) => return Ok(to_login(state, form)),
    };
    let path = asked.return_url.as_ref().map(|url| url.after_sign_in().to_text());
    let location = state.base.join(path.as_deref().unwrap_or("/"));
    let response = with_session(state, see_other(&location), &session);
    Ok(with_cookie(response, Some(state.cookies.remove(Cookie::SignIn))))
}

/// Finishes the sign-in by a passkey that the script has had made, and shows recovery codes for the
/// day on which it is lost.
async fn by_first_passkey(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    asked: &Asked,
    waiting: &UnfinishedSignIn,
    form: &Params,
) -> Result<Response, PageError> {
    let ticket = TokenHandle::parse(form.get("ticket").unwrap_or_default());
    let answer = form.get("credential").unwrap_or_default();
    let name = form.get("name").unwrap_or_default();
    let browser = AskingBrowser::new(state, headers, peer);
    let finished = state
        .provider
        .second_steps()
        .finish_sign_in_by_first_passkey(&asked.handle, &ticket, answer, name, browser.asker())
        .await;
    let finished = match finished {
        Ok(finished) => finished,
        Err(error) => return refuse_passkey(state, headers, peer, asked, waiting, error),
    };
    let session = match start(state, headers, peer, &finished).await {
        Ok(session) => session,
        Err(SignInError::Store(error)) => return Err(state.error(error)),
        Err(_) => return Ok(to_login(state, form)),
    };
    let own = state.provider.sessions().find(Some(&session.cookie)).await;
    let codes = match own.map_err(|error| state.error(error))? {
        Some(own) => {
            state.provider.factors().new_recovery_codes(&own.authentication, browser.asker()).await
        }
        None => Ok(Vec::new()),
    };
    let codes = codes.map_err(|error| state.error(error))?;
    let location = next(state, asked, &finished);
    let markup = recovery_codes::view::new_codes(&state.layout(), &codes, location);
    let response = html_with_policy(StatusCode::OK, markup, &PagePolicy::default());
    let response = with_session(state, response, &session);
    Ok(with_cookie(response, Some(state.cookies.remove(Cookie::SignIn))))
}

/// The page again, with what was wrong with the passkey.
fn refuse_passkey(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    asked: &Asked,
    waiting: &UnfinishedSignIn,
    error: PasskeyStepError,
) -> Result<Response, PageError> {
    let error = match error {
        PasskeyStepError::Step(SecondStepError::WrongCode) => {
            let problem = Some(state.texts.factors.passkey_of_another.to_owned());
            return show(state, headers, asked, waiting, StatusCode::BAD_REQUEST, problem);
        }
        PasskeyStepError::Step(error) => {
            return refuse(state, headers, peer, asked, waiting, error);
        }
        PasskeyStepError::Passkey(PasskeyError::Store(error)) => return Err(state.error(error)),
        PasskeyStepError::Passkey(PasskeyError::Throttled(seconds)) => {
            let error = SecondStepError::Throttled(seconds);
            return refuse(state, headers, peer, asked, waiting, error);
        }
        PasskeyStepError::Passkey(error) => error,
    };
    let sub = &waiting.user.sub;
    audit::Event::SecondStepRefused { sub, peer: &peer.0, cause: &error }.log();
    let f = &state.texts.factors;
    let problem = match error {
        PasskeyError::Unknown => f.unknown_passkey,
        PasskeyError::Expired => f.passkey_expired,
        _ => f.passkey_failed,
    };
    show(state, headers, asked, waiting, StatusCode::BAD_REQUEST, Some(problem.to_owned()))
}

/// Where a finished sign-in leads: to the page of the recovery codes if few are left, or else where
/// the user wanted to go.
fn next(state: &AppState, asked: &Asked, finished: &FinishedSignIn) -> String {
    let few = finished.recovery_codes_left.is_some_and(|left| left <= FEW_RECOVERY_CODES);
    let path = match &asked.return_url {
        Some(url) => url.after_sign_in().to_text(),
        None if few => AccountPage::RecoveryCodes.path().to_owned(),
        None => "/".to_owned(),
    };
    state.base.join(&path)
}

/// Starts the session in place of the browser's earlier one.
async fn start(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    finished: &FinishedSignIn,
) -> Result<StartedSession, SignInError> {
    let FinishedSignIn { user, sign_in, remember, .. } = finished;
    let session = state.begin_session(headers, peer, user, sign_in.clone(), *remember).await?;
    if let Some(count) = finished.recovery_codes_left {
        audit::Event::RecoveryCodeUsed { sub: &user.sub, peer: &peer.0, count }.log();
    }
    Ok(session)
}

/// A response with the cookies of a new session.
pub(crate) fn with_session(
    state: &AppState,
    response: Response,
    session: &StartedSession,
) -> Response {
    [
        (Cookie::Session, &session.cookie, session.max_age),
        (Cookie::SessionCheck, &session.cookie.check_value(), session.max_age),
        (Cookie::Device, &session.device_cookie, Some(device_cookie::LIFETIME)),
    ]
    .into_iter()
    .map(|(cookie, value, max_age)| state.cookies.set(cookie, value, max_age))
    .fold(response, |response, cookie| with_cookie(response, Some(cookie)))
}

/// The page again, with what went wrong; or the login page, if the sign-in must begin again.
fn refuse(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    asked: &Asked,
    sign_in: &UnfinishedSignIn,
    error: SecondStepError,
) -> Result<Response, PageError> {
    let sub = &sign_in.user.sub;
    audit::Event::SecondStepRefused { sub, peer: &peer.0, cause: &error }.log();
    let f = &state.texts.factors;
    let (status, problem, retry_after) = match error {
        SecondStepError::Store(error) => return Err(state.error(error)),
        SecondStepError::Expired => {
            let login = login_address(state, asked.return_url.as_ref());
            let removed = state.cookies.remove(Cookie::SignIn);
            return Ok(with_cookie(see_other(&login), Some(removed)));
        }
        SecondStepError::WrongCode if sign_in.set_up => {
            (StatusCode::BAD_REQUEST, f.wrong_code_set_up.to_owned(), None)
        }
        SecondStepError::WrongCode if !sign_in.takes_recovery_codes() => {
            (StatusCode::BAD_REQUEST, f.wrong_code_after_code.to_owned(), None)
        }
        SecondStepError::WrongCode if asked.by_recovery_code => {
            (StatusCode::BAD_REQUEST, f.wrong_recovery_code.to_owned(), None)
        }
        SecondStepError::WrongCode => (StatusCode::BAD_REQUEST, f.wrong_code.to_owned(), None),
        SecondStepError::Throttled(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, f.codes_throttled.of(seconds), Some(seconds))
        }
        SecondStepError::Locked => (StatusCode::FORBIDDEN, f.codes_locked.to_owned(), None),
    };
    let response = show(state, headers, asked, sign_in, status, Some(problem))?;
    Ok(match retry_after {
        Some(seconds) => with_retry_after(response, seconds),
        None => response,
    })
}

/// The login page, which returns to the same address.
fn to_login(state: &AppState, params: &Params) -> Response {
    let return_url = kept_return_url(params.get(RETURN_URL));
    see_other(&login_address(state, return_url.as_ref()))
}

fn login_address(state: &AppState, return_url: Option<&ReturnUrl>) -> String {
    leading_on(state, paths::LOGIN, return_url)
}

fn show(
    state: &AppState,
    headers: &HeaderMap,
    asked: &Asked,
    sign_in: &UnfinishedSignIn,
    status: StatusCode,
    problem: Option<String>,
) -> Result<Response, PageError> {
    let token = FormToken::for_page(headers, &state.cookies);
    let return_url = asked.return_url.as_ref();
    let markup = if sign_in.set_up {
        let kept = asked.kept.as_deref();
        let secret = state.provider.factors().totp_being_set_up(&sign_in.user.sub, kept);
        let (secret, kept) = secret.map_err(|error| state.error(error))?;
        let f = &state.texts.factors;
        let passkey =
            state.provider.factors().offers_passkeys().then(|| authenticator::view::NewPasskey {
                needs: login::Passkeys::of(state),
                name: user_agent::browser(headers).unwrap_or_default(),
            });
        let form = authenticator::view::SetUp {
            action: state.base.join(PATH),
            form_token: token.value,
            return_url: return_url.map(ReturnUrl::to_text),
            kept,
            secret: secret.shown(),
            uri: authenticator::uri(state, &secret, &sign_in.user.username),
            lead: if passkey.is_some() { f.must_set_up_either } else { f.must_set_up },
            effect: Some(f.first_factor_effect),
            cancel: Some(login_address(state, return_url)),
            problem,
            passkey,
        };
        authenticator::view::set_up(&state.layout(), form)
    } else {
        let has_app = sign_in.factors.totp_since.is_some();
        let has_passkey =
            sign_in.factors.passkeys > 0 && state.provider.factors().offers_passkeys();
        let takes_codes = sign_in.takes_recovery_codes();
        let by_recovery_code = takes_codes && (asked.by_recovery_code || !has_app);
        let has_both = takes_codes && has_app && sign_in.factors.recovery_codes > 0;
        let step = view::SecondStep {
            action: state.base.join(PATH),
            form_token: token.value,
            return_url: return_url.map(ReturnUrl::to_text),
            username: sign_in.user.username.clone(),
            by_recovery_code,
            after_recovery_code: !takes_codes,
            other_way: has_both.then(|| address(state, return_url, !by_recovery_code)),
            remember_days: state.provider.settings().second_factor.remember.get() / DAY,
            login: login_address(state, return_url),
            passkey: has_passkey.then(|| login::Passkeys::of(state)),
            has_app,
            problem,
        };
        view::second_step(&state.layout(), step)
    };
    // A finished sign-in leads on to the client, by a redirect after the form.
    let has_script = sign_in.set_up || sign_in.factors.passkeys > 0;
    let policy = PagePolicy::leading_to_client()
        .with_passkeys(has_script && state.provider.factors().offers_passkeys());
    let response = html_with_policy(status, markup, &policy);
    Ok(with_cookie(response, token.set_cookie))
}

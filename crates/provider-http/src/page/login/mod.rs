//! `GET` and `POST /account/login`: the login page.

mod new_password;
mod view;

pub(crate) use self::view::{Login, Passkeys, login as login_page, passkey_button};

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{params::Params, secret::Secret};
use doorward_provider::{
    audit,
    model::{acr::AcrLevel, factor::RecoveryCode, paths, token_handle::TokenHandle, user::User},
    store::StoreError,
    use_case::{
        authorize::AuthorizeRequest,
        directory::DirectorySignIn,
        passkeys::PasskeyError,
        second_step::{AfterPassword, AfterRecoveryCode, SignInRequest},
        sign_in::{SignIn, SignInError, SignInOrigin, StartedSession, VerifiedPassword},
    },
};

use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf::{self, FormToken},
        form::{PageForm, PageQuery},
        peer::Peer,
        return_url::ReturnUrl,
    },
    page::{
        account_form::{AskingBrowser, leading_on, return_url},
        error::{PageError, PageErrorCause},
        policy::PagePolicy,
        response::{html_with_policy, see_other, with_cookie, with_retry_after},
        second_step,
        upstream::{self, Admission, NewSignIn},
    },
    texts::Localized,
};

const PATH: &str = paths::LOGIN;

/// Seconds after which a browser may try again when too many sign-ins wait.
const RETRY_WHEN_BUSY: u32 = 5;
/// Seconds after which a browser may try again when a directory does not answer.
const RETRY_WITHOUT_DIRECTORY: u32 = 60;

pub(crate) async fn get(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    let return_url = return_url(&state, &query)?;
    let state = state.for_request_of(return_url.as_ref()).await;
    let page = LoginPage { return_url, ..LoginPage::default() };
    let vouching = state.provider.vouching();
    if !query.is_sent(upstream::CHOOSE) && !vouching.providers().is_empty() {
        let request = page.request(&state).await;
        if let Some(provider) = upstream::straight(&vouching, request.as_ref()) {
            let new = NewSignIn { return_url: page.return_url, ..NewSignIn::default() };
            return upstream::begin(&state, &headers, &peer, &provider, new).await;
        }
    }
    Ok(page.show(&state, &headers, StatusCode::OK).await)
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let return_url = return_url(&state, &form)?;
    let state = state.for_request_of(return_url.as_ref()).await;
    let page = LoginPage {
        return_url,
        username: form.get("username").map(str::to_owned),
        remember: form.is_sent("remember_login"),
        ..LoginPage::default()
    };
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        let page = page.with_problem(state.texts.form_expired);
        return Ok(page.show(&state, &headers, StatusCode::BAD_REQUEST).await);
    }
    if form.get("action") == Some("cancel") {
        return page.cancel(&state, &headers, &peer).await;
    }
    // Filled in by the script, which presses no button.
    if form.get("credential").is_some_and(|answer| !answer.is_empty()) {
        return page.by_passkey(&state, &headers, &peer, &form).await;
    }
    if let Some(username) = &page.username {
        let request = page.request(&state).await;
        let vouching = state.provider.vouching();
        if let Some(provider) = upstream::home_of(&vouching, request.as_ref(), username) {
            let new = NewSignIn {
                typed: page.username,
                return_url: page.return_url,
                remember: page.remember,
                ..NewSignIn::default()
            };
            return upstream::begin(&state, &headers, &peer, &provider, new).await;
        }
    }
    if !page.takes_passwords(&state).await {
        let page = page.with_problem(state.texts.factors.passkey_only);
        return Ok(page.show(&state, &headers, StatusCode::BAD_REQUEST).await);
    }
    if form.get("action") == Some(new_password::ACTION) {
        return page.new_password(&state, &headers, &peer, &form).await;
    }
    let (Some(username), Some(password)) = (page.username.clone(), form.get_secret("password"))
    else {
        let page = page.with_problem(state.texts.enter_both);
        return Ok(page.show(&state, &headers, StatusCode::BAD_REQUEST).await);
    };
    page.by_password(&state, &headers, &peer, &username, password).await
}

/// What a sign-in is for.
#[derive(Clone, Copy)]
struct Asked {
    remember: bool,
    /// The waiting request needs two factors.
    two_factors: bool,
    /// The second factor is wanted of whoever has one.
    strongest: bool,
}

/// How far a sign-in has come by the password.
enum Progress {
    SignedIn(StartedSession),
    SecondStep(TokenHandle),
    /// A directory has verified the password. Whose account it is, is looked at next.
    ByDirectory(Box<DirectorySignIn>),
    /// What was typed is not a password, and may be a recovery code. The request needs two factors,
    /// which a sign-in that begins with such a code never has.
    CodeIsOneFactor,
}

/// Verifies the password. Then it starts a session in place of the browser's earlier one, unless
/// the sign-in has a second step. It always has one if the waiting request needs two factors.
async fn sign_in(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    username: &str,
    password: Secret,
    Asked { remember, two_factors, strongest }: Asked,
) -> Result<Progress, SignInError> {
    let known = state.cookies.read(headers, Cookie::Device);
    let origin = SignInOrigin::Browser { address: &peer.0, device: known.as_ref() };
    let verified = state.provider.passwords().verify(username, password.clone(), origin).await;
    let user = match verified {
        Ok(VerifiedPassword::Local(user)) => user,
        Ok(VerifiedPassword::Directory(vouched)) => return Ok(Progress::ByDirectory(vouched)),
        Err(SignInError::WrongPassword) => {
            let code = &password;
            // Decided by what was typed alone, so that nobody learns who has codes, and before a
            // code is used up: with it the request would ask for a sign-in again, without end.
            if two_factors && RecoveryCode::typed(code.expose()).is_some() {
                return Ok(Progress::CodeIsOneFactor);
            }
            return by_recovery_code(state, headers, peer, username, code, remember).await;
        }
        Err(error) => return Err(error),
    };
    let two_factors =
        two_factors || (strongest && state.provider.factors().of(&user.sub).await?.is_strong());
    let remembered = state.cookies.read(headers, Cookie::Remembered);
    let request = SignInRequest { two_factors, remember, browser: remembered.as_ref() };
    let after = state.provider.second_steps().after_password(&user, request).await?;
    if let AfterPassword::SecondStep(handle) = after {
        return Ok(Progress::SecondStep(handle));
    }
    let sign_in = SignIn::by_password(&user).ok_or(SignInError::WrongPassword)?;
    let session = state.begin_session(headers, peer, &user, sign_in, remember).await?;
    Ok(Progress::SignedIn(session))
}

/// What was typed is not a password. It may be a recovery code of a user who has none.
async fn by_recovery_code(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    username: &str,
    typed: &Secret,
    remember: bool,
) -> Result<Progress, SignInError> {
    let browser = AskingBrowser::new(state, headers, peer);
    let found = state
        .provider
        .second_steps()
        .sign_in_by_recovery_code(username, typed, remember, browser.asker())
        .await?;
    let (user, after) = found.ok_or(SignInError::WrongPassword)?;
    let sign_in = match after {
        AfterRecoveryCode::SignedIn(sign_in) => sign_in,
        AfterRecoveryCode::SecondStep(handle) => return Ok(Progress::SecondStep(handle)),
    };
    let session = state.begin_session(headers, peer, &user, sign_in, remember).await?;
    Ok(Progress::SignedIn(session))
}

/// Continues where the user wanted to go, with the cookies of the new session.
pub(crate) fn signed_in(
    state: &AppState,
    return_url: Option<&ReturnUrl>,
    session: &StartedSession,
) -> Response {
    let location = return_url.map_or_else(|| "/".to_owned(), |url| url.after_sign_in().to_text());
    second_step::with_session(state, see_other(&state.base.join(&location)), session)
}

/// The page of a form that was open too long.
pub(crate) async fn form_expired(
    state: &AppState,
    headers: &HeaderMap,
    return_url: Option<ReturnUrl>,
) -> Response {
    let page = LoginPage { return_url, ..LoginPage::default() };
    let page = page.with_problem(state.texts.form_expired);
    page.show(state, headers, StatusCode::BAD_REQUEST).await
}

/// Whether a sign-in of this user needs two factors: the waiting request does, or the page of the
/// account to which it returns, which wants the second factor of whoever has one.
pub(crate) async fn needs_two_factors(
    state: &AppState,
    user: &User,
    return_url: Option<&ReturnUrl>,
) -> Result<bool, StoreError> {
    if matches!(return_url, Some(ReturnUrl::Account(_))) {
        return Ok(state.provider.factors().of(&user.sub).await?.is_strong());
    }
    let request = upstream::waiting_request(state, return_url).await;
    Ok(request.and_then(|request| request.required_acr()) == Some(AcrLevel::Two))
}

/// The login page with what was entered so far.
#[derive(Debug, Default)]
struct LoginPage {
    return_url: Option<ReturnUrl>,
    username: Option<String>,
    remember: bool,
    problem: Option<String>,
    /// Whether somebody has just tried to sign in by a passkey.
    passkey_refused: bool,
}

impl LoginPage {
    fn with_problem(self, problem: impl Into<String>) -> Self {
        Self { problem: Some(problem.into()), ..self }
    }

    /// The query of the authorization request that waits for the sign-in, if one does.
    fn request_query(&self) -> Option<&str> {
        self.return_url.as_ref().and_then(ReturnUrl::request_query)
    }

    /// The authorization request that waits for the sign-in, if one does.
    async fn request(&self, state: &AppState) -> Option<AuthorizeRequest> {
        upstream::waiting_request(state, self.return_url.as_ref()).await
    }

    /// Whether the waiting request asks for a sign-in by two factors.
    async fn needs_two_factors(&self, state: &AppState) -> bool {
        let request = self.request(state).await;
        request.and_then(|request| request.required_acr()) == Some(AcrLevel::Two)
    }

    /// Whether the waiting client takes sign-ins by password.
    async fn takes_passwords(&self, state: &AppState) -> bool {
        self.request(state).await.is_none_or(|request| request.client.enable_local_login)
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
                let outcome =
                    state.provider.authorization().deny(query.as_bytes(), None, &peer.0).await;
                state.respond(outcome, headers).await
            }
            None => Ok(see_other(&state.base.join(PATH))),
        }
    }

    /// Signs in by what was typed.
    async fn by_password(
        self,
        state: &AppState,
        headers: &HeaderMap,
        peer: &Peer,
        username: &str,
        password: Secret,
    ) -> Result<Response, PageError> {
        let two_factors = self.needs_two_factors(state).await;
        let asked = Asked {
            remember: self.remember,
            two_factors,
            // The pages of the account want the second factor of whoever has one.
            strongest: matches!(self.return_url, Some(ReturnUrl::Account(_))),
        };
        match sign_in(state, headers, peer, username, password, asked).await {
            Ok(Progress::SecondStep(handle)) => {
                Ok(second_step::begin(state, &handle, self.return_url.as_ref()))
            }
            Ok(Progress::SignedIn(session)) => {
                Ok(signed_in(state, self.return_url.as_ref(), &session))
            }
            Ok(Progress::ByDirectory(vouched)) => {
                self.by_directory(state, headers, peer, *vouched).await
            }
            Ok(Progress::CodeIsOneFactor) => {
                let cause = &SignInError::WrongPassword;
                audit::Event::SignInRefused { peer: &peer.0, cause }.log();
                let page = self.with_problem(state.texts.factors.recovery_code_is_one_factor);
                Ok(page.show(state, headers, StatusCode::BAD_REQUEST).await)
            }
            Err(error) => {
                audit::Event::SignInRefused { peer: &peer.0, cause: &error }.log();
                self.refused(state, headers, error).await
            }
        }
    }

    /// Goes on with somebody whose password a directory has verified.
    async fn by_directory(
        self,
        state: &AppState,
        headers: &HeaderMap,
        peer: &Peer,
        vouched: DirectorySignIn,
    ) -> Result<Response, PageError> {
        let vouching = state.provider.vouching();
        let provider = vouching.named(&vouched.directory);
        let provider = provider.ok_or_else(|| state.error(PageErrorCause::NotFound))?;
        let admission = Admission {
            provider,
            user: &vouched.user,
            invitation: None,
            return_url: self.return_url.as_ref(),
            remember: self.remember,
        };
        let browser = AskingBrowser::new(state, headers, peer);
        admission.admit(state, headers, peer, &browser).await
    }

    /// Signs in by the answer of a passkey, which the script has put into the form.
    async fn by_passkey(
        mut self,
        state: &AppState,
        headers: &HeaderMap,
        peer: &Peer,
        form: &Params,
    ) -> Result<Response, PageError> {
        let ticket = Secret::new(form.get("ticket").unwrap_or_default());
        let answer = form.get("credential").unwrap_or_default();
        // If the page comes back, whatever the reason.
        self.passkey_refused = true;
        let error = match state.provider.passkeys().sign_in(&ticket, answer, &peer.0).await {
            Ok((user, sign_in)) => {
                let session = state.begin_session(headers, peer, &user, sign_in, self.remember);
                return match session.await {
                    Ok(session) => Ok(signed_in(state, self.return_url.as_ref(), &session)),
                    Err(error) => self.refused(state, headers, error).await,
                };
            }
            Err(PasskeyError::Store(error)) => return Err(state.error(error)),
            Err(error) => error,
        };
        audit::Event::SignInRefused { peer: &peer.0, cause: &error }.log();
        let f = &state.texts.factors;
        match error {
            PasskeyError::Throttled(seconds) => {
                self.refused(state, headers, SignInError::Throttled(seconds)).await
            }
            error => {
                let problem = match error {
                    PasskeyError::Unknown => f.unknown_passkey,
                    PasskeyError::Expired => f.passkey_expired,
                    _ => f.passkey_failed,
                };
                let page = self.with_problem(problem);
                Ok(page.show(state, headers, StatusCode::BAD_REQUEST).await)
            }
        }
    }

    /// The page again, with what went wrong.
    async fn refused(
        self,
        state: &AppState,
        headers: &HeaderMap,
        error: SignInError,
    ) -> Result<Response, PageError> {
        if let (SignInError::Account(problem), Some(username)) = (&error, &self.username)
            && state.provider.passwords().may_change_password_first(username, *problem)
        {
            return Ok(self.show_new_password(state, headers, StatusCode::FORBIDDEN, None));
        }
        self.told(state, headers, error).await
    }

    /// The page again, with what went wrong, whatever the user could do about it.
    async fn told(
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
                let problem = state.texts.throttled.of(seconds);
                (StatusCode::TOO_MANY_REQUESTS, problem, Some(seconds))
            }
            SignInError::Busy(_) => {
                let problem = state.texts.too_busy.to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, problem, Some(RETRY_WHEN_BUSY))
            }
            SignInError::Account(problem) => {
                let problem = state.texts.directory.account(problem).to_owned();
                (StatusCode::FORBIDDEN, problem, None)
            }
            SignInError::DirectoryUnavailable => {
                let problem = state.texts.directory.unavailable.to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, problem, Some(RETRY_WITHOUT_DIRECTORY))
            }
            SignInError::Store(error) => return Err(state.error(error)),
        };
        let response = self.with_problem(problem).show(state, headers, status).await;
        Ok(match retry_after {
            Some(seconds) => with_retry_after(response, seconds),
            None => response,
        })
    }

    /// What to say to a user who is signed in, and is not the one whom the application expects.
    async fn another_user(
        &self,
        state: &AppState,
        headers: &HeaderMap,
        request: Option<&AuthorizeRequest>,
    ) -> Option<String> {
        let request = request.filter(|request| !request.expected_subjects.is_empty())?;
        let session = state.session(headers).await.ok().flatten()?;
        if !request.expects_another(&session.authentication.sub) {
            return None;
        }
        let username = state.username(&session).await.ok()?;
        Some(state.texts.another_user_expected.with(&username))
    }

    /// The policy of a page whose form goes on with the sign-in. The waiting client and other
    /// providers are at addresses that are not known here.
    fn policy(&self, state: &AppState) -> PagePolicy {
        if self.request_query().is_some()
            || !state.provider.settings().identity_providers.is_empty()
        {
            PagePolicy::leading_to_client()
        } else {
            PagePolicy::default()
        }
    }

    async fn show(self, state: &AppState, headers: &HeaderMap, status: StatusCode) -> Response {
        let token = FormToken::for_page(headers, &state.cookies);
        let request = self.request(state).await;
        let others = upstream::buttons(state, headers, request.as_ref());
        let another = self.another_user(state, headers, request.as_ref()).await;
        // Nor is the passkey asked for again of a user who is signed in and is not the right one.
        let passkeys_offered = !self.passkey_refused && another.is_none();
        let policy = self.policy(state);
        let login_hint = request.as_ref().and_then(|request| request.login_hint.clone());
        let accounts = &state.provider.settings().accounts;
        let link = |offered: bool, path| {
            offered.then(|| leading_on(state, path, self.return_url.as_ref()))
        };
        let login = view::Login {
            forgot_password: link(accounts.offers_password_reset(), paths::FORGOT_PASSWORD),
            create_account: link(accounts.offers_registration(), paths::REGISTER),
            signs_in_with: accounts.sign_in_with,
            action: state.base.join(PATH),
            form_token: token.value,
            return_url: self.return_url.as_ref().map(ReturnUrl::to_text),
            may_cancel: self.request_query().is_some(),
            takes_passwords: request.as_ref().is_none_or(|own| own.client.enable_local_login),
            client_name: request.map(|request| request.client.name.clone()),
            username: self.username.or(login_hint).unwrap_or_default(),
            remember: self.remember,
            problem: self.problem.or(another),
            passkeys: state.provider.factors().offers_passkeys().then(|| view::Passkeys::of(state)),
            passkeys_offered,
            password_can_wait: state
                .provider
                .vouching()
                .providers()
                .iter()
                .any(|own| !own.email_domains.is_empty()),
            others,
        };
        let has_passkeys = state.provider.factors().offers_passkeys();
        let markup = view::login(&state.layout(), login);
        let response = html_with_policy(status, markup, &policy.with_passkeys(has_passkeys));
        with_cookie(response, token.set_cookie)
    }
}

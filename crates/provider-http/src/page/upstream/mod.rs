//! `POST /account/external/{name}`: signs in at another provider. `GET` and
//! `POST /account/external/{name}/callback`: its response.

pub(crate) mod view;

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::params::encode;
use doorward_provider::{
    audit,
    model::{
        external_identity::{LinkIntent, UpstreamUser},
        identity_provider::{IdentityProvider, IdentityProviderName, ProviderKind},
        paths, provider_choice,
        session::SignInProof,
        time::Seconds,
        token_handle::TokenHandle,
        user::User,
        vouching::Vouching,
    },
    use_case::{
        authorize::AuthorizeRequest,
        external_sign_in::{ExternalLink, ExternalSignIn, ExternalVisit},
        second_step::{AfterPassword, SignInRequest},
        sign_in::{SignIn, SignInError},
        upstream::{AnsweredSignIn, Kept, Purpose, UpstreamError, UpstreamRequest},
    },
};

use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf,
        form::{PageForm, PageQuery},
        peer::Peer,
        return_url::{AccountPage, ReturnUrl},
    },
    page::{
        account_form::{AskingBrowser, RETURN_URL, TOKEN, Told, return_url},
        error::{PageError, PageErrorCause},
        external, login,
        response::{see_other, with_cookie, with_retry_after},
        second_step,
    },
    texts::Localized,
};

/// The parameter by which the login page shows all ways to sign in, instead of going straight to a
/// provider: for users who come back from there.
pub(crate) const CHOOSE: &str = "choose";

/// How long a browser knows by which provider somebody signed in last.
const LAST_PROVIDER_LIFETIME: Seconds = Seconds::new(31_536_000);
/// The longest name that is passed on, in bytes.
const LONGEST_HINT: usize = 255;

/// A sign-in elsewhere that is to begin.
#[derive(Debug, Default)]
pub(crate) struct NewSignIn {
    pub(crate) return_url: Option<ReturnUrl>,
    pub(crate) purpose: Purpose,
    pub(crate) remember: bool,
    /// What was typed as a name.
    pub(crate) typed: Option<String>,
}

pub(crate) async fn post(
    Localized(state): Localized,
    Path(name): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let return_url = return_url(&state, &form)?;
    let state = state.for_request_of(return_url.as_ref()).await;
    let Some(provider) = provider(&state, &name) else {
        return Ok(not_offered(&state, &name, return_url.as_ref()));
    };
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return Ok(login::form_expired(&state, &headers, return_url).await);
    }
    let purpose = match form.get("purpose") {
        None => Purpose::SignIn,
        Some("invitation") => {
            let token = form.get_secret(TOKEN);
            Purpose::Invitation(token.ok_or_else(|| state.error(PageErrorCause::NotFound))?)
        }
        Some("link") => match state.fresh_session(&headers).await? {
            Some(session) => Purpose::Link(LinkIntent::of(&session.authentication)),
            None => return Ok(state.to_login(&ReturnUrl::Account(AccountPage::Identities))),
        },
        Some(_) => return Err(state.error(PageErrorCause::NotFound)),
    };
    let remember = form.is_sent("remember_login");
    let typed = form.get("username").map(str::to_owned);
    let new = NewSignIn { return_url, purpose, remember, typed };
    begin(&state, &headers, &peer, &provider, new).await
}

/// The provider of this name, if users may sign in by it.
fn provider(state: &AppState, name: &str) -> Option<IdentityProvider> {
    state.provider.vouching().provider(name).cloned()
}

/// That nobody signs in by this provider any more, or ever did, with a way back. It may have been
/// removed while a page with its button was open, or while the user was there.
fn not_offered(state: &AppState, name: &str, return_url: Option<&ReturnUrl>) -> Response {
    if let Ok(name) = IdentityProviderName::parse(name) {
        tracing::info!(provider = %name, "nobody signs in by this provider: it is not offered");
    }
    let text = state.texts.upstream.not_offered.to_owned();
    told(state, return_url, text).show(state, StatusCode::NOT_FOUND)
}

/// Sends the browser to another provider.
pub(crate) async fn begin(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    provider: &IdentityProvider,
    new: NewSignIn,
) -> Result<Response, PageError> {
    let NewSignIn { return_url, purpose, remember, typed } = new;
    let request = waiting_request(state, return_url.as_ref()).await;
    if request.as_ref().is_some_and(|request| !request.client.takes_provider(&provider.name)) {
        return Err(state.error(PageErrorCause::NotFound));
    }
    let mut asked = request.map_or_else(UpstreamRequest::default, |request| {
        UpstreamRequest::passing_on(&request, provider)
    });
    asked.again |= match return_url {
        Some(ReturnUrl::Account(page)) => page.needs_fresh_sign_in(),
        _ => false,
    };
    let typed = typed.filter(|typed| !typed.is_empty() && typed.len() <= LONGEST_HINT);
    asked.login_hint = typed.or(asked.login_hint);
    asked.ui_locales.get_or_insert_with(|| state.texts.lang.to_owned());
    let kept = Kept { purpose, return_url: return_url.as_ref().map(ReturnUrl::to_text), remember };
    match state.provider.upstream().begin(provider, asked, kept).await {
        Ok(begun) => {
            let removed = state.cookies.make_room(headers).into_iter();
            let cookie = state.cookies.upstream(&begun.state);
            let set = cookie.map(|cookie| state.cookies.set_upstream(&cookie, &begun.sealed));
            let add = |response, cookie| with_cookie(response, Some(cookie));
            Ok(removed.chain(set).fold(see_other(&begun.url), add))
        }
        Err(error) => refuse(state, peer, provider, return_url.as_ref(), error),
    }
}

/// The authorization request that waits for a sign-in, if one does.
pub(crate) async fn waiting_request(
    state: &AppState,
    return_url: Option<&ReturnUrl>,
) -> Option<AuthorizeRequest> {
    let query = return_url.and_then(ReturnUrl::request_query)?;
    state.provider.authorization().request(query.as_bytes()).await
}

pub(crate) async fn callback(
    Localized(state): Localized,
    Path(name): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    // What was drawn ends before the semicolon.
    let drawn = query.get("state").unwrap_or_default().split(';').next().unwrap_or_default();
    let cookie = state.cookies.upstream(drawn);
    let kept = cookie.and_then(|cookie| {
        let sealed = cookie.read(&headers)?;
        Some((cookie, sealed))
    });
    let Some(provider) = provider(&state, &name) else {
        let kept = kept.and_then(|(_, own)| state.provider.upstream().abandoned(drawn, &own));
        let back = kept.and_then(|kept| ReturnUrl::parse(&kept.return_url?).ok());
        let state = state.for_request_of(back.as_ref()).await;
        return Ok(not_offered(&state, &name, back.as_ref()));
    };
    let provider = &provider;
    let Some((cookie, sealed)) = kept else {
        return not_awaited(&state, &headers, &peer, provider).await;
    };
    let path = paths::external_callback(&provider.name);
    let url = format!("{}{path}?{}", state.provider.issuer(), query.encode());
    let answered = state.provider.upstream().finish(provider, drawn, &sealed, url, &peer.0).await;
    let answered = match answered {
        Ok(answered) => answered,
        Err(UpstreamError::NotAwaited) => {
            return not_awaited(&state, &headers, &peer, provider).await;
        }
        Err(error) => return refuse(&state, &peer, provider, None, error),
    };
    // The settings of now count: they may have changed while the provider was waited for.
    let issuer = answered.user.as_ref().map(|user| user.issuer.clone());
    let is_still = |own: &IdentityProvider| issuer.map_or(true, |issuer| own.issues_as(&issuer));
    let Some(provider) = self::provider(&state, &name).filter(is_still) else {
        let back = answered.kept.return_url.and_then(|text| ReturnUrl::parse(&text).ok());
        return Ok(not_offered(&state, &name, back.as_ref()));
    };
    let response = answer(&state, &headers, &peer, &provider, answered).await?;
    Ok(with_cookie(response, Some(state.cookies.remove_upstream(&cookie))))
}

/// A response that was posted (`form_post`). A browser sends no `SameSite=Lax` cookies with it, so
/// it comes once more by `GET`.
pub(crate) async fn posted_callback(
    Localized(state): Localized,
    Path(name): Path<String>,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    const RESPONSE: [&str; 5] = ["state", "code", "iss", "error", "error_description"];
    let Some(provider) = provider(&state, &name) else {
        return Ok(not_offered(&state, &name, None));
    };
    let query = form.filtered(|name| RESPONSE.contains(&name)).encode();
    let path = paths::external_callback(&provider.name);
    Ok(see_other(&state.base.join(&format!("{path}?{query}"))))
}

/// What comes of a response.
async fn answer(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    provider: &IdentityProvider,
    answered: AnsweredSignIn,
) -> Result<Response, PageError> {
    let AnsweredSignIn { kept: Kept { purpose, return_url, remember }, user, .. } = answered;
    let return_url = return_url.and_then(|text| ReturnUrl::parse(&text).ok());
    let state = &state.clone().for_request_of(return_url.as_ref()).await;
    let user = match user {
        Ok(user) => user,
        Err(error) => return refuse(state, peer, provider, return_url.as_ref(), error),
    };
    let browser = AskingBrowser::new(state, headers, peer);
    let invitation = match purpose {
        Purpose::SignIn => None,
        Purpose::Link(intent) => return link(state, headers, peer, provider, &user, &intent).await,
        Purpose::Invitation(token) => Some(TokenHandle::parse(token.expose())),
    };
    let admission = Admission {
        provider,
        user: &user,
        invitation: invitation.as_ref(),
        return_url: return_url.as_ref(),
        remember,
    };
    admission.admit(state, headers, peer, &browser).await
}

/// Somebody for whom a provider, or a directory, vouches, on the way in.
pub(crate) struct Admission<'a> {
    pub(crate) provider: &'a IdentityProvider,
    pub(crate) user: &'a UpstreamUser,
    pub(crate) invitation: Option<&'a TokenHandle>,
    pub(crate) return_url: Option<&'a ReturnUrl>,
    pub(crate) remember: bool,
}

impl Admission<'_> {
    /// Signs the user in, or asks what becomes of somebody who is new here.
    pub(crate) async fn admit(
        self,
        state: &AppState,
        headers: &HeaderMap,
        peer: &Peer,
        browser: &AskingBrowser<'_>,
    ) -> Result<Response, PageError> {
        let Self { provider, user, invitation, return_url, remember } = self;
        let text = return_url.map(ReturnUrl::to_text);
        let asker = browser.asker();
        let visit = ExternalVisit { asker, invitation, return_url: text.as_deref(), remember };
        let signed_in = state.provider.external_sign_ins().sign_in(provider, user, visit).await;
        match signed_in.map_err(|error| state.error(error))? {
            ExternalSignIn::SignedIn { user, sign_in } => {
                let done = FirstStepDone { user: &user, sign_in, remember };
                start(state, headers, peer, done, return_url).await
            }
            ExternalSignIn::Ask(handle) => Ok(external::begin(state, &handle)),
            ExternalSignIn::Refused(refusal) => {
                let back = way_back(state, return_url);
                Ok(external::refused(state, peer, &provider.title, refusal, back))
            }
        }
    }
}

/// Links the identity with the account of the session in which that began.
async fn link(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    provider: &IdentityProvider,
    user: &UpstreamUser,
    intent: &LinkIntent,
) -> Result<Response, PageError> {
    let session = state.session(headers).await?;
    let browser = AskingBrowser::new(state, headers, peer);
    let linked = state
        .provider
        .external_sign_ins()
        .link(session.as_ref(), intent, provider, user, browser.asker())
        .await;
    let identities = state.base.join(AccountPage::Identities.path());
    match linked.map_err(|error| state.error(error))? {
        ExternalLink::Linked | ExternalLink::WasLinked => Ok(see_other(&identities)),
        ExternalLink::Refused(refusal) => {
            Ok(external::refused(state, peer, &provider.title, refusal, identities))
        }
    }
}

/// A user who has signed in elsewhere.
pub(crate) struct FirstStepDone<'a> {
    pub(crate) user: &'a User,
    pub(crate) sign_in: SignIn,
    pub(crate) remember: bool,
}

/// Starts a session in place of the browser's earlier one, or leads to the second step, by the
/// rules that hold after a password.
pub(crate) async fn start(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    FirstStepDone { user, sign_in, remember }: FirstStepDone<'_>,
    return_url: Option<&ReturnUrl>,
) -> Result<Response, PageError> {
    let SignInProof::External(session) = &sign_in.proof else {
        return Err(state.error(PageErrorCause::NotFound));
    };
    let vouching = state.provider.vouching();
    let provider = vouching.issuing(&session.id.issuer);
    let provider = provider.ok_or_else(|| state.error(PageErrorCause::NotFound))?;
    let failed = |error: SignInError| match error {
        SignInError::Store(error) => Err(state.error(error)),
        // The user or the link was changed meanwhile.
        _ => refuse(state, peer, provider, return_url, UpstreamError::NotAwaited),
    };
    let two_factors = login::needs_two_factors(state, user, return_url).await;
    let two_factors = two_factors.map_err(|error| state.error(error))?;
    let remembered = state.cookies.read(headers, Cookie::Remembered);
    let request = SignInRequest { two_factors, remember, browser: remembered.as_ref() };
    let after =
        state.provider.second_steps().after_sign_in_elsewhere(user, &sign_in, request).await;
    let response = match after {
        Err(error) => return failed(error),
        Ok(AfterPassword::SecondStep(handle)) => second_step::begin(state, &handle, return_url),
        Ok(AfterPassword::SignedIn) => {
            let session = match state.begin_session(headers, peer, user, sign_in, remember).await {
                Ok(session) => session,
                Err(error) => return failed(error),
            };
            login::signed_in(state, return_url, &session)
        }
    };
    if provider.kind == ProviderKind::Directory {
        return Ok(response);
    }
    let last = TokenHandle::parse(&provider.name);
    let last = state.cookies.set(Cookie::LastProvider, &last, Some(LAST_PROVIDER_LIFETIME));
    Ok(with_cookie(response, Some(last)))
}

/// The response belongs to no request of this browser. Whoever is signed in came here by Back or
/// Reload.
async fn not_awaited(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    provider: &IdentityProvider,
) -> Result<Response, PageError> {
    match state.session(headers).await? {
        Some(_) => Ok(see_other(&state.base.join("/"))),
        None => refuse(state, peer, provider, None, UpstreamError::NotAwaited),
    }
}

/// A page that says what went wrong, with a way back. The cause is logged.
fn refuse(
    state: &AppState,
    peer: &Peer,
    provider: &IdentityProvider,
    return_url: Option<&ReturnUrl>,
    error: UpstreamError,
) -> Result<Response, PageError> {
    let name = &*provider.name;
    match &error {
        UpstreamError::Denied(_) | UpstreamError::NotAwaited | UpstreamError::TooOld(_) => {
            tracing::info!(provider = name, cause = %error, "a sign-in elsewhere did not succeed");
        }
        _ => tracing::warn!(provider = name, cause = %error, "a sign-in elsewhere failed"),
    }
    audit::Event::SignInRefused { peer: &peer.0, cause: &error }.log();
    let t = state.texts.upstream;
    let is_too_old = matches!(error, UpstreamError::TooOld(_));
    let (status, text) = match error {
        UpstreamError::Throttled(seconds) => {
            let told = told(state, return_url, state.texts.throttled.of(seconds));
            let response = told.show(state, StatusCode::TOO_MANY_REQUESTS);
            return Ok(with_retry_after(response, seconds));
        }
        UpstreamError::Store(error) => return Err(state.error(error)),
        UpstreamError::Denied(_) => (StatusCode::FORBIDDEN, t.denied),
        UpstreamError::TooOld(_) => (StatusCode::FORBIDDEN, t.too_old),
        UpstreamError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, t.unavailable),
        UpstreamError::NotAccepted(_) => (StatusCode::BAD_GATEWAY, t.not_accepted),
        UpstreamError::NotAwaited => (StatusCode::BAD_REQUEST, t.not_awaited),
        UpstreamError::TooLong(_) => (StatusCode::BAD_REQUEST, t.too_long),
    };
    let told = told(state, return_url, text.with(&provider.title));
    if !is_too_old || !state.provider.settings().accounts.mail {
        return Ok(told.show(state, status));
    }
    let told = Told { hint: Some(t.too_old_hint), ..told };
    let confirm = state.base.join(AccountPage::ConfirmEmail.path());
    Ok(told.show_with(state, status, Some((state.texts.own_page.confirm_email.0, confirm))))
}

/// That nobody is signed in, with a way back.
fn told(state: &AppState, return_url: Option<&ReturnUrl>, text: String) -> Told {
    let link = Some((state.texts.accounts.back_to_sign_in, way_back(state, return_url)));
    Told { title: state.texts.did_not_work, text, hint: None, link }
}

/// The login page with all ways to sign in.
pub(crate) fn way_back(state: &AppState, return_url: Option<&ReturnUrl>) -> String {
    let text = return_url.map(ReturnUrl::to_text);
    let pairs = text.iter().map(|text| (RETURN_URL, text.as_str())).chain([(CHOOSE, "true")]);
    state.base.join(&format!("{}?{}", paths::LOGIN, encode(pairs)))
}

/// The provider to which the login page leads without a question, if any.
pub(crate) fn straight(
    vouching: &Vouching,
    request: Option<&AuthorizeRequest>,
) -> Option<IdentityProvider> {
    let client = request.map(|request| &*request.client);
    let offered = provider_choice::offered(vouching.providers(), client);
    let named = request.and_then(|request| request.identity_provider.as_deref());
    let hint = request.and_then(|request| request.login_hint.as_deref());
    provider_choice::straight(&offered, named, hint, client).cloned()
}

/// The provider that is home to the typed address, if it is one.
pub(crate) fn home_of(
    vouching: &Vouching,
    request: Option<&AuthorizeRequest>,
    typed: &str,
) -> Option<IdentityProvider> {
    let client = request.map(|request| &*request.client);
    let offered = provider_choice::offered(vouching.providers(), client);
    provider_choice::home_of(&offered, typed).cloned()
}

/// The buttons of a page, the one that was used last first.
pub(crate) fn buttons(
    state: &AppState,
    headers: &HeaderMap,
    request: Option<&AuthorizeRequest>,
) -> Vec<view::ProviderButton> {
    let client = request.map(|request| &*request.client);
    let vouching = state.provider.vouching();
    let offered = provider_choice::offered(vouching.providers(), client);
    let last = state.cookies.read(headers, Cookie::LastProvider);
    let is_last =
        |own: &IdentityProvider| last.as_ref().is_some_and(|last| last.expose() == &*own.name);
    let mut buttons: Vec<_> = offered
        .into_iter()
        .map(|own| view::ProviderButton {
            title: own.title.clone(),
            mark: own.mark,
            action: state.base.join(&paths::external(&own.name)),
            is_last: is_last(own),
        })
        .collect();
    buttons.sort_by_key(|button| !button.is_last);
    buttons
}

//! `GET` and `POST /account/external`: somebody who signed in by another provider, and is new here,
//! makes an account, or links the two that they have.

mod view;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::{
    audit,
    model::{
        identity_provider::IdentityProvider, paths, session::Session, token_handle::TokenHandle,
    },
    use_case::external_sign_in::{
        ExternalLink, ExternalRefusal, ExternalSignIn, LIFETIME, PendingIdentity,
    },
};

use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf::{self, FormToken},
        form::PageForm,
        peer::Peer,
        return_url::{AccountPage, ReturnUrl},
    },
    page::{
        account_form::{AskingBrowser, Told, kept_return_url, leading_on},
        error::PageError,
        policy::PagePolicy,
        response::{html_with_policy, see_other, with_cookie},
        upstream::{self, FirstStepDone},
    },
    texts::Localized,
};

/// Leads to this page, with the handle of what waits.
pub(crate) fn begin(state: &AppState, handle: &TokenHandle) -> Response {
    let response = see_other(&state.base.join(paths::EXTERNAL));
    with_cookie(response, Some(state.cookies.set(Cookie::ExternalIdentity, handle, Some(LIFETIME))))
}

/// A page that says why nobody is signed in, or why nothing is linked, with a way back. The cause
/// is an audit event.
pub(crate) fn refused(
    state: &AppState,
    peer: &Peer,
    title: &str,
    refusal: ExternalRefusal,
    back: String,
) -> Response {
    audit::Event::SignInRefused { peer: &peer.0, cause: &refusal }.log();
    let status = match refusal {
        ExternalRefusal::NoIdentity => StatusCode::BAD_GATEWAY,
        ExternalRefusal::TooOften => StatusCode::TOO_MANY_REQUESTS,
        ExternalRefusal::OfAnother | ExternalRefusal::TooMany | ExternalRefusal::OtherSession => {
            StatusCode::CONFLICT
        }
        ExternalRefusal::Expired => StatusCode::BAD_REQUEST,
        ExternalRefusal::Disabled | ExternalRefusal::NoAccount | ExternalRefusal::NoInvitation => {
            StatusCode::FORBIDDEN
        }
    };
    let told = Told {
        title: state.texts.did_not_work,
        text: (state.texts.external.refused)(refusal, title),
        hint: None,
        link: Some((state.texts.back, back)),
    };
    told.show(state, status)
}

/// What waits in this browser.
struct Waiting {
    handle: TokenHandle,
    pending: PendingIdentity,
}

impl Waiting {
    async fn of(state: &AppState, headers: &HeaderMap) -> Result<Option<Self>, PageError> {
        let Some(handle) = state.cookies.read(headers, Cookie::ExternalIdentity) else {
            return Ok(None);
        };
        let pending = state.provider.external_sign_ins().pending(&handle).await;
        let pending = pending.map_err(|error| state.error(error))?;
        Ok(pending.map(|pending| Self { handle, pending }))
    }

    fn return_url(&self) -> Option<ReturnUrl> {
        kept_return_url(self.pending.return_url.as_deref())
    }
}

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(waiting) = Waiting::of(&state, &headers).await? else { return Ok(to_login(&state)) };
    let state = state.for_request_of(waiting.return_url().as_ref()).await;
    show(&state, &headers, &waiting, None).await
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(waiting) = Waiting::of(&state, &headers).await? else { return Ok(to_login(&state)) };
    let state = state.for_request_of(waiting.return_url().as_ref()).await;
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return show(&state, &headers, &waiting, Some(state.texts.form_expired)).await;
    }
    let vouching = state.provider.vouching();
    let Some(provider) = vouching.named(&waiting.pending.provider) else {
        return Ok(to_login(&state));
    };
    match form.get("action") {
        Some("create") => create(&state, &headers, &peer, provider, &waiting).await,
        Some("link") => link(&state, &headers, &peer, provider, &waiting).await,
        _ => show(&state, &headers, &waiting, None).await,
    }
}

async fn create(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    provider: &IdentityProvider,
    waiting: &Waiting,
) -> Result<Response, PageError> {
    let browser = AskingBrowser::new(state, headers, peer);
    let made =
        state.provider.external_sign_ins().create_pending(&waiting.handle, browser.asker()).await;
    let return_url = waiting.return_url();
    let (return_url, remember) = (return_url.as_ref(), waiting.pending.remember);
    let response = match made.map_err(|error| state.error(error))? {
        ExternalSignIn::SignedIn { user, sign_in } => {
            let done = FirstStepDone { user: &user, sign_in, remember };
            upstream::start(state, headers, peer, done, return_url).await?
        }
        // By now an account has the address.
        ExternalSignIn::Ask(handle) => return Ok(begin(state, &handle)),
        ExternalSignIn::Refused(refusal) => {
            refused(state, peer, &provider.title, refusal, upstream::way_back(state, return_url))
        }
    };
    Ok(with_cookie(response, Some(state.cookies.remove(Cookie::ExternalIdentity))))
}

/// Links the identity with the account of whoever is signed in, which needs a sign-in of the last
/// minutes.
async fn link(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    provider: &IdentityProvider,
    waiting: &Waiting,
) -> Result<Response, PageError> {
    let Some(session) = state.fresh_session(headers).await? else {
        return Ok(see_other(&sign_in_first(state)));
    };
    let (own, browser) = (&session.authentication, AskingBrowser::new(state, headers, peer));
    let linked = state
        .provider
        .external_sign_ins()
        .link_pending(own, &waiting.handle, browser.asker())
        .await;
    let response = match linked.map_err(|error| state.error(error))? {
        ExternalLink::Linked | ExternalLink::WasLinked => {
            let identities = || AccountPage::Identities.path().to_owned();
            let next = waiting.return_url().map(|url| url.after_sign_in().to_text());
            see_other(&state.base.join(&next.unwrap_or_else(identities)))
        }
        ExternalLink::Refused(refusal) => {
            let back = state.base.join(AccountPage::Identities.path());
            refused(state, peer, &provider.title, refusal, back)
        }
    };
    Ok(with_cookie(response, Some(state.cookies.remove(Cookie::ExternalIdentity))))
}

/// There is nothing to decide: it was decided, or took too long.
fn to_login(state: &AppState) -> Response {
    let removed = state.cookies.remove(Cookie::ExternalIdentity);
    with_cookie(see_other(&state.base.join(paths::LOGIN)), Some(removed))
}

/// The login page, which returns to this one.
fn sign_in_first(state: &AppState) -> String {
    leading_on(state, paths::LOGIN, Some(&ReturnUrl::Account(AccountPage::External)))
}

async fn show(
    state: &AppState,
    headers: &HeaderMap,
    waiting: &Waiting,
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let token = FormToken::for_page(headers, &state.cookies);
    let fresh: Option<Session> = state.fresh_session(headers).await?;
    let username = match &fresh {
        Some(session) => Some(state.username(session).await?),
        None => None,
    };
    let PendingIdentity { title, shown, may_create, .. } = &waiting.pending;
    let page = view::Decision {
        action: state.base.join(paths::EXTERNAL),
        form_token: token.value,
        title: title.clone(),
        shown: shown.clone(),
        may_create: *may_create,
        username,
        sign_in: sign_in_first(state),
        back: upstream::way_back(state, waiting.return_url().as_ref()),
        problem,
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let markup = view::decision(&state.layout(), page);
    // The forms lead on to the client that waits.
    let response = html_with_policy(status, markup, &PagePolicy::leading_to_client());
    Ok(with_cookie(response, token.set_cookie))
}

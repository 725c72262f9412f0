//! `GET` and `POST /account/passkeys`: the user's passkeys are listed, added, renamed and removed.

pub(crate) mod view;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::base64url;
use doorward_provider::{
    model::{session::Session, token_handle::TokenHandle},
    use_case::passkeys::PasskeyError,
};

use crate::{
    AppState,
    http::{
        csrf::{self, FormToken},
        form::PageForm,
        fresh_session::FreshSession,
        peer::Peer,
        return_url::AccountPage,
        user_agent,
    },
    page::{
        account_form::AskingBrowser,
        error::{PageError, PageErrorCause},
        policy::PagePolicy,
        response::{html_with_policy, see_other, with_cookie},
    },
    texts::Localized,
};

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
) -> Result<Response, PageError> {
    if !state.provider.factors().offers_passkeys() {
        return Err(state.error(PageErrorCause::NotFound));
    }
    show(&state, &headers, &session, None).await
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let own = &session.authentication;
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        let problem = Some(state.texts.form_expired);
        return show(&state, &headers, &session, problem).await;
    }
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let here = see_other(&state.base.join(AccountPage::Passkeys.path()));
    if let Some(id) = form.get("remove") {
        let id = base64url::decode(id).unwrap_or_default();
        let removed = state.provider.factors().remove_passkey(own, &id, browser.asker()).await;
        if removed.map_err(|error| state.error(error))? {
            return Ok(here);
        }
        let problem = Some(state.texts.factors.last_way_in);
        return show(&state, &headers, &session, problem).await;
    }
    if let Some(id) = form.get("rename") {
        let id = base64url::decode(id).unwrap_or_default();
        let name = form.get("name").unwrap_or_default();
        let renamed = state.provider.factors().rename_passkey(own, &id, name).await;
        return renamed.map(|()| here).map_err(|error| state.error(error));
    }
    let ticket = TokenHandle::parse(form.get("ticket").unwrap_or_default());
    let answer = form.get("credential").unwrap_or_default();
    let name = form.get("name").unwrap_or_default();
    match state
        .provider
        .factors()
        .register_passkey(own, &ticket, answer, name, browser.asker())
        .await
    {
        Ok(()) => Ok(here),
        Err(PasskeyError::Store(error)) => Err(state.error(error)),
        Err(error) => {
            let f = &state.texts.factors;
            let problem = match error {
                PasskeyError::Taken => f.passkey_is_known,
                PasskeyError::TooMany => f.too_many_passkeys,
                _ => f.passkey_failed,
            };
            show(&state, &headers, &session, Some(problem)).await
        }
    }
}

async fn show(
    state: &AppState,
    headers: &HeaderMap,
    session: &Session,
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let sub = &session.authentication.sub;
    let own = state.provider.factors().passkeys(sub).await.map_err(|error| state.error(error))?;
    let factors = state.provider.factors().of(sub).await.map_err(|error| state.error(error))?;
    let token = FormToken::for_page(headers, &state.cookies);
    // What the browser runs on is a good first name for the passkey that it makes.
    let name = user_agent::browser(headers).unwrap_or_default();
    let page = view::Passkeys {
        action: state.base.join(AccountPage::Passkeys.path()),
        options: state.base.join("/account/passkey-options"),
        script: state.base.join(&state.assets.passkeys_path()),
        form_token: token.value,
        back: state.base.join("/"),
        own,
        is_first: !factors.is_strong(),
        name,
        problem,
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let policy = PagePolicy::default().with_passkeys(true);
    let response = html_with_policy(status, view::passkeys(&state.layout(), page), &policy);
    Ok(with_cookie(response, token.set_cookie))
}

//! `GET` and `POST /account/recovery-codes`: how many are left, and new ones, which are shown once.

pub(crate) mod view;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use crate::{
    http::{
        csrf::{self, FormToken},
        form::PageForm,
        fresh_session::FreshSession,
        peer::Peer,
        return_url::AccountPage,
    },
    page::{
        account_form::AskingBrowser,
        error::PageError,
        response::{html, see_other, with_cookie},
    },
    texts::Localized,
};

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
) -> Result<Response, PageError> {
    let factors = state.provider.factors().of(&session.authentication.sub).await;
    let factors = factors.map_err(|error| state.error(error))?;
    if !factors.is_strong() {
        return Ok(see_other(&state.base.join(AccountPage::Authenticator.path())));
    }
    let token = FormToken::for_page(&headers, &state.cookies);
    let overview = view::Overview {
        action: state.base.join(AccountPage::RecoveryCodes.path()),
        form_token: token.value,
        back: state.base.join("/"),
        left: factors.recovery_codes,
    };
    let page = html(StatusCode::OK, view::overview(&state.layout(), overview));
    Ok(with_cookie(page, token.set_cookie))
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let session = &session.authentication;
    let factors = state.provider.factors().of(&session.sub).await;
    let factors = factors.map_err(|error| state.error(error))?;
    if !factors.is_strong() || !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return Ok(see_other(&state.base.join(AccountPage::RecoveryCodes.path())));
    }
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let codes = state.provider.factors().new_recovery_codes(session, browser.asker()).await;
    let codes = codes.map_err(|error| state.error(error))?;
    if codes.is_empty() {
        // The last factor was removed meanwhile.
        return Ok(see_other(&state.base.join(AccountPage::RecoveryCodes.path())));
    }
    let next = state.base.join("/");
    Ok(html(StatusCode::OK, view::new_codes(&state.layout(), &codes, next)))
}

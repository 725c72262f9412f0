//! `GET` and `POST /account/authenticator`: the user's authenticator app is set up or removed.

pub(crate) mod view;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::model::{session::Session, totp::TotpSecret};

use crate::{
    AppState,
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
        recovery_codes,
        response::{html, see_other, with_cookie},
    },
    texts::Localized,
};

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
) -> Result<Response, PageError> {
    show(&state, &headers, &session).await
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return show(&state, &headers, &session).await;
    }
    let browser = AskingBrowser::new(&state, &headers, &peer);
    match form.get("action") {
        Some("set-up") => set_up(&state, &headers, &session, None, None).await,
        Some("confirm") => {
            let typed = form.get("code").unwrap_or_default();
            let kept = form.get("secret");
            let codes = state
                .provider
                .factors()
                .confirm_totp(
                    &session.authentication,
                    kept.unwrap_or_default(),
                    typed,
                    browser.asker(),
                )
                .await;
            let Some(codes) = codes.map_err(|error| state.error(error))? else {
                let problem = Some(state.texts.factors.wrong_code_set_up);
                return set_up(&state, &headers, &session, kept, problem).await;
            };
            let next = state.base.join(AccountPage::Authenticator.path());
            let markup = recovery_codes::view::new_codes(&state.layout(), &codes, next);
            Ok(html(StatusCode::OK, markup))
        }
        Some("remove") => {
            let removed = state
                .provider
                .factors()
                .remove_totp(&session.authentication, browser.asker())
                .await;
            removed.map_err(|error| state.error(error))?;
            Ok(see_other(&state.base.join(AccountPage::Authenticator.path())))
        }
        _ => show(&state, &headers, &session).await,
    }
}

/// The page: the app in use, or the first step to one.
async fn show(
    state: &AppState,
    headers: &HeaderMap,
    session: &Session,
) -> Result<Response, PageError> {
    let factors = state.provider.factors().of(&session.authentication.sub).await;
    let factors = factors.map_err(|error| state.error(error))?;
    let token = FormToken::for_page(headers, &state.cookies);
    let overview = view::Overview {
        action: state.base.join(AccountPage::Authenticator.path()),
        form_token: token.value,
        recovery_codes: state.base.join(AccountPage::RecoveryCodes.path()),
        back: state.base.join("/"),
        since: factors.totp_since,
        codes_left: factors.recovery_codes,
    };
    let page = html(StatusCode::OK, view::overview(&state.layout(), overview));
    Ok(with_cookie(page, token.set_cookie))
}

/// The QR code and the field for the first code.
async fn set_up(
    state: &AppState,
    headers: &HeaderMap,
    session: &Session,
    kept: Option<&str>,
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let secret = state.provider.factors().totp_being_set_up(&session.authentication.sub, kept);
    let (secret, kept) = secret.map_err(|error| state.error(error))?;
    let account = state.username(session).await?;
    let factors = state.provider.factors().of(&session.authentication.sub).await;
    let is_first = !factors.map_err(|error| state.error(error))?.is_strong();
    let token = FormToken::for_page(headers, &state.cookies);
    let form = view::SetUp {
        action: state.base.join(AccountPage::Authenticator.path()),
        form_token: token.value,
        return_url: None,
        kept,
        secret: secret.shown(),
        uri: uri(state, &secret, &account),
        lead: state.texts.factors.set_up_lead,
        effect: is_first.then_some(state.texts.factors.first_factor_effect),
        cancel: Some(state.base.join(AccountPage::Authenticator.path())),
        problem: problem.map(str::to_owned),
        passkey: None,
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = html(status, view::set_up(&state.layout(), form));
    Ok(with_cookie(page, token.set_cookie))
}

/// What the QR code tells the app: the host of the provider and the user's name.
pub(crate) fn uri(state: &AppState, secret: &TotpSecret, account: &str) -> String {
    let issuer = url::Url::parse(state.provider.issuer()).ok();
    let host = issuer.as_ref().and_then(url::Url::host_str).unwrap_or("Doorward");
    secret.uri(host, account)
}

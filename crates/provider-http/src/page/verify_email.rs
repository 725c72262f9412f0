//! `GET` and `POST /account/verify-email`: where a link leads that shows whose an address is. For
//! somebody who registers it is the second page of the registration; for a user it confirms the
//! address of the account. Only the `POST` uses the link up.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::params::Params;
use doorward_provider::{
    model::{paths, token_handle::TokenHandle},
    use_case::accounts::{AccountError, PendingAddress, RegistrationLink},
};
use leptos::prelude::*;

use super::{
    account_form::{AskingBrowser, TOKEN, Told, exists_if, token},
    registration,
};
use crate::{
    AppState,
    http::{
        csrf::{self, FormToken},
        form::{PageForm, PageQuery},
        peer::Peer,
    },
    page::{
        error::PageError,
        layout::{Layout, document, hidden},
        response::{html, with_cookie},
    },
    texts::Localized,
};

const LINK: RegistrationLink = RegistrationLink::Own;

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    offered(&state)?;
    let token = token(&query);
    match registration::show(&state, &headers, LINK, &token).await? {
        Some(page) => Ok(page),
        None => question(&state, &headers, &token).await,
    }
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    offered(&state)?;
    match registration::take(&state, &headers, &peer, LINK, &form).await? {
        Some(page) => Ok(page),
        None => confirm(&state, &headers, &peer, &form).await,
    }
}

/// Without mail there is no such page.
fn offered(state: &AppState) -> Result<(), PageError> {
    exists_if(state.provider.settings().accounts.mail, state)
}

/// The address behind a link, if its user is signed in; otherwise the page to show.
async fn pending(
    state: &AppState,
    headers: &HeaderMap,
    token: &TokenHandle,
) -> Result<Result<PendingAddress, Response>, PageError> {
    let pending = match state.provider.accounts().pending_address(token).await {
        Ok(pending) => pending,
        Err(AccountError::Store(error)) => return Err(state.error(error)),
        Err(_) => return Ok(Err(used(state))),
    };
    let session = state.session(headers).await?;
    if session.is_some_and(|session| session.authentication.sub == pending.sub) {
        return Ok(Ok(pending));
    }
    let t = &state.texts.accounts;
    let told = Told {
        title: t.confirm_address,
        text: t.sign_in_to_confirm.with(&pending.username),
        hint: None,
        link: Some((state.texts.sign_in, state.base.join(paths::LOGIN))),
    };
    Ok(Err(told.show(state, StatusCode::OK)))
}

/// A link that does not work. A user asks for another one on the page of the account.
fn used(state: &AppState) -> Response {
    let is_open = state.provider.settings().accounts.offers_registration();
    Told::link_is_used(state, if is_open { paths::REGISTER } else { paths::LOGIN })
}

async fn question(
    state: &AppState,
    headers: &HeaderMap,
    token: &TokenHandle,
) -> Result<Response, PageError> {
    let pending = match pending(state, headers, token).await? {
        Ok(pending) => pending,
        Err(page) => return Ok(page),
    };
    let form_token = FormToken::for_page(headers, &state.cookies);
    let question = Question {
        action: state.base.join(paths::VERIFY_EMAIL),
        form_token: form_token.value,
        token: token.expose().to_owned(),
        email: pending.email.as_str().to_owned(),
        username: pending.username,
    };
    let page = html(StatusCode::OK, view(&state.layout(), question));
    Ok(with_cookie(page, form_token.set_cookie))
}

async fn confirm(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    form: &Params,
) -> Result<Response, PageError> {
    let token = token(form);
    if !csrf::is_genuine(&state.provider, &state.cookies, headers, form) {
        return question(state, headers, &token).await;
    }
    if let Err(page) = pending(state, headers, &token).await? {
        return Ok(page);
    }
    let browser = AskingBrowser::new(state, headers, peer);
    match state.provider.accounts().take_address(&token, browser.asker()).await {
        Ok(confirmed) => {
            let (title, text) = state.texts.accounts.address_was_confirmed;
            let link = Some((state.texts.go_on, state.base.join("/")));
            let told = Told { title, text: text.to_owned(), hint: None, link };
            let set_password =
                (state.texts.own_page.password_by_mail, state.base.join(paths::FORGOT_PASSWORD));
            let further = confirmed.lacks_password.then_some(set_password);
            Ok(told.show_with(state, StatusCode::OK, further))
        }
        Err(AccountError::Store(error)) => Err(state.error(error)),
        Err(_) => Ok(used(state)),
    }
}

/// What the page asks.
struct Question {
    action: String,
    form_token: String,
    token: String,
    email: String,
    username: String,
}

fn view(layout: &Layout, question: Question) -> String {
    let t = &layout.texts.accounts;
    let names = [("email", &*question.email), ("username", &*question.username)];
    let asked = t.confirm_address_of.with_all(&names);
    document(layout, t.confirm_address, move || {
        view! {
            <div class="stack-tight">
                <h1>{t.confirm_address}</h1>
                <p>{asked}</p>
            </div>
            <form class="stack" method="post" action=question.action>
                {hidden(csrf::FIELD, question.form_token)}
                {hidden(TOKEN, question.token)}
                <button class="btn btn-primary btn-block">{t.confirm}</button>
            </form>
        }
    })
}

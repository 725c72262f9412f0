//! `GET` and `POST /account/delete`: the user removes the account. There is such a page only where
//! the operator allows it.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::{store::StoreError, use_case::accounts::AccountError};
use leptos::prelude::*;

use super::{
    PATH,
    view::{self, Told},
};
use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf::{self, FormToken},
        form::PageForm,
        fresh_session::FreshSession,
        peer::Peer,
        return_url::AccountPage,
    },
    page::{
        account_form::AskingBrowser,
        error::{PageError, PageErrorCause},
        layout::{document, hidden},
        response::{html, with_cookie},
    },
    texts::Localized,
};

const OWN_PATH: &str = AccountPage::Delete.path();

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(_): FreshSession,
) -> Result<Response, PageError> {
    refuse_unless_allowed(&state)?;
    Ok(show(&state, &headers, None))
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    refuse_unless_allowed(&state)?;
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return Ok(show(&state, &headers, Some(state.texts.form_expired)));
    }
    if !form.is_sent("sure") {
        return Ok(show(&state, &headers, Some(state.texts.own_page.tick_the_box)));
    }
    let user = state.own_user(&session).await?;
    match state
        .provider
        .accounts()
        .delete_account(&user, AskingBrowser::new(&state, &headers, &peer).asker())
        .await
    {
        Ok(()) => Ok(gone(&state)),
        // The store keeps the last owner of the administration.
        Err(AccountError::Store(StoreError::Conflict(_))) => {
            Ok(show(&state, &headers, Some(state.texts.own_page.last_owner)))
        }
        Err(AccountError::Store(error)) => Err(state.error(error)),
        Err(_) => Err(state.error(PageErrorCause::NotFound)),
    }
}

fn refuse_unless_allowed(state: &AppState) -> Result<(), PageError> {
    let is_allowed = state.provider.settings().accounts.allow_deletion;
    if is_allowed { Ok(()) } else { Err(state.error(PageErrorCause::NotFound)) }
}

fn show(state: &AppState, headers: &HeaderMap, problem: Option<&'static str>) -> Response {
    let t = state.texts;
    let token = FormToken::for_page(headers, &state.cookies);
    let action = state.base.join(OWN_PATH);
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let told = problem.map(|problem| Told::Problem(problem.to_owned()));
    let (layout, own_page) = (state.layout(), state.base.join(PATH));
    let markup = view::section(&layout, t.own_page.delete, told, own_page, move || {
        view! {
            <p>{t.own_page.delete_explanation}</p>
            <form class="stack" method="post" action=action>
                {hidden(csrf::FIELD, token.value)}
                <label class="checkbox">
                    <input type="checkbox" name="sure" value="true" required=true/>
                    {t.own_page.delete_sure}
                </label>
                <button class="btn btn-danger btn-block">{t.own_page.delete_account}</button>
            </form>
        }
    });
    with_cookie(html(status, markup), token.set_cookie)
}

/// The last page that the user sees; the cookies of the session go with it.
fn gone(state: &AppState) -> Response {
    let (title, text) = state.texts.own_page.deleted;
    let markup = document(&state.layout(), title, move || {
        view! {
            <h1>{title}</h1>
            <p role="status">{text}</p>
        }
    });
    [Cookie::Session, Cookie::SessionCheck, Cookie::Device]
        .into_iter()
        .map(|cookie| state.cookies.remove(cookie))
        .fold(html(StatusCode::OK, markup), |response, cookie| with_cookie(response, Some(cookie)))
}

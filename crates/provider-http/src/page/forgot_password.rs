//! `GET` and `POST /account/forgot-password`: the user asks for a link to set another password.

use axum::{http::HeaderMap, response::Response};
use doorward_provider::model::paths;

use super::{
    account_form::{AskingBrowser, Problem, Told, exists_if, leading_on, return_url, to_keep},
    link_request::LinkRequest,
};
use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf,
        even_time::in_even_time,
        form::{PageForm, PageQuery},
        peer::Peer,
        return_url::ReturnUrl,
    },
    page::error::PageError,
    texts::Localized,
};

/// The longest user name or address in bytes.
const LONGEST_TYPED: usize = 255;

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    let return_url = return_url(&state, &query)?;
    let state = state.for_request_of(return_url.as_ref()).await;
    offered(&state)?;
    Ok(show(&state, &headers, return_url.as_ref(), "", None))
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let return_url = return_url(&state, &form)?;
    let state = state.for_request_of(return_url.as_ref()).await;
    offered(&state)?;
    let typed = form.get("account").unwrap_or_default().trim();
    let refuse =
        |problem: Problem| Ok(show(&state, &headers, return_url.as_ref(), typed, Some(&problem)));
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return refuse(Problem::new(state.texts.form_expired));
    }
    if typed.is_empty() || typed.len() > LONGEST_TYPED {
        return refuse(Problem::new(state.texts.accounts.enter_name_or_address));
    }
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let kept = to_keep(return_url.as_ref());
    let device = state.cookies.read(&headers, Cookie::Device);
    let accounts = state.provider.accounts();
    let asked = accounts.forgot_password(typed, kept, device.as_ref(), browser.asker());
    match in_even_time(state.settings.answer_step, asked).await {
        Ok(()) => {
            let back = leading_on(&state, paths::LOGIN, return_url.as_ref());
            Ok(Told::mail_sent(&state, state.texts.accounts.reset_link_sent, back))
        }
        Err(error) => refuse(Problem::of(&state, error)?),
    }
}

/// Without mail there is no such page.
fn offered(state: &AppState) -> Result<(), PageError> {
    exists_if(state.provider.settings().accounts.offers_password_reset(), state)
}

fn show(
    state: &AppState,
    headers: &HeaderMap,
    return_url: Option<&ReturnUrl>,
    typed: &str,
    problem: Option<&Problem>,
) -> Response {
    let t = &state.texts.accounts;
    let form = LinkRequest {
        title: t.forgot_password,
        lead: t.forgot_password_lead,
        path: paths::FORGOT_PASSWORD,
        name: "account",
        label: t.name_or_address,
        kind: "text",
        autocomplete: "username",
        longest: LONGEST_TYPED,
        before_back: None,
        back: (t.back_to_sign_in, leading_on(state, paths::LOGIN, return_url)),
    };
    form.show(state, headers, return_url, typed, problem)
}

//! `GET` and `POST /account/register`: the user gives an address, to which a link is sent.

use axum::{http::HeaderMap, response::Response};
use doorward_provider::model::paths;

use super::{
    account_form::{AskingBrowser, Problem, Told, exists_if, leading_on, return_url, to_keep},
    link_request::LinkRequest,
};
use crate::{
    AppState,
    http::{
        csrf,
        even_time::in_even_time,
        form::{PageForm, PageQuery},
        peer::Peer,
        return_url::ReturnUrl,
    },
    page::error::PageError,
    texts::Localized,
};

/// The longest address in bytes (RFC 5321 section 4.5.3.1.3).
const LONGEST_ADDRESS: usize = 254;

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    let return_url = return_url(&state, &query)?;
    let state = state.for_request_of(return_url.as_ref()).await;
    offered(&state)?;
    let hint = match return_url.as_ref().and_then(ReturnUrl::request_query) {
        Some(query) => state.provider.authorization().request(query.as_bytes()).await,
        None => None,
    };
    let hint = hint.and_then(|request| request.login_hint).filter(|hint| hint.contains('@'));
    let typed = hint.unwrap_or_default();
    Ok(show(&state, &headers, return_url.as_ref(), &typed, None))
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
    let typed = form.get("email").unwrap_or_default();
    let refuse =
        |problem: Problem| Ok(show(&state, &headers, return_url.as_ref(), typed, Some(&problem)));
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return refuse(Problem::new(state.texts.form_expired));
    }
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let kept = to_keep(return_url.as_ref());
    let accounts = state.provider.accounts();
    let asked = accounts.register(typed, kept, browser.asker());
    match in_even_time(state.settings.answer_step, asked).await {
        Ok(()) => {
            let back = leading_on(&state, paths::LOGIN, return_url.as_ref());
            Ok(Told::mail_sent(&state, state.texts.accounts.register_link_sent, back))
        }
        Err(error) => refuse(Problem::of(&state, error)?),
    }
}

/// Where nobody may register, there is no such page.
fn offered(state: &AppState) -> Result<(), PageError> {
    exists_if(state.provider.settings().accounts.offers_registration(), state)
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
        title: t.create_account,
        lead: t.create_account_lead,
        path: paths::REGISTER,
        name: "email",
        label: t.email,
        kind: "email",
        autocomplete: "email",
        longest: LONGEST_ADDRESS,
        before_back: Some(t.have_an_account),
        back: (state.texts.sign_in, leading_on(state, paths::LOGIN, return_url)),
    };
    form.show(state, headers, return_url, typed, problem)
}

//! `GET` and `POST /account/data`: the user downloads what is stored about them. The file comes by
//! POST, so that no link of a stranger starts a download.

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use leptos::prelude::*;

use super::{PATH, view};
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
        layout::hidden,
        response::{html, with_cookie},
    },
    texts::Localized,
};

const OWN_PATH: &str = AccountPage::Data.path();

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(_): FreshSession,
) -> Response {
    show(&state, &headers)
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return Ok(show(&state, &headers));
    }
    let user = state.own_user(&session).await?;
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let data = state
        .provider
        .user_data()
        .data_of(&user, browser.asker())
        .await
        .map_err(|error| state.error(error))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"account.json\"")),
    ];
    Ok((StatusCode::OK, headers, format!("{data:#}\n")).into_response())
}

fn show(state: &AppState, headers: &HeaderMap) -> Response {
    let t = state.texts;
    let token = FormToken::for_page(headers, &state.cookies);
    let action = state.base.join(OWN_PATH);
    let (layout, own_page) = (state.layout(), state.base.join(PATH));
    let markup = view::section(&layout, t.own_page.data, None, own_page, move || {
        view! {
            <p>{t.own_page.data_explanation}</p>
            <form method="post" action=action>
                {hidden(csrf::FIELD, token.value)}
                <button class="btn btn-primary btn-block">{t.own_page.download}</button>
            </form>
        }
    });
    with_cookie(html(StatusCode::OK, markup), token.set_cookie)
}

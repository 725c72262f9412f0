//! `GET` and `POST /account/confirm-email`: the user has a link sent to the address that the
//! account has. It needs no fresh sign-in. Who comes by a provider that never asks again, as Google
//! and GitHub, has none: they get a password by the confirmed address, and by it a fresh sign-in.
//! The link proves the mailbox and nothing else. It works in a session of this user, it changes no
//! address, and it makes no sign-in fresh.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::model::{paths, user::User};
use leptos::prelude::*;

use super::{
    PATH,
    view::{self, Told},
};
use crate::{
    AppState,
    http::{
        csrf::{self, FormToken},
        even_time::in_even_time,
        form::PageForm,
        fresh_session::SignedIn,
        peer::Peer,
        return_url::AccountPage,
    },
    page::{
        account_form::{AskingBrowser, Problem, exists_if},
        error::PageError,
        layout::hidden,
        response::{html, with_cookie},
    },
    texts::Localized,
};

const OWN_PATH: &str = AccountPage::ConfirmEmail.path();

/// Whether the user has an address that is not confirmed.
pub(super) fn waits(user: &User) -> bool {
    user.email().is_some() && user.verified_email().is_none()
}

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    let user = state.own_user(&session).await?;
    show(&state, &headers, StatusCode::OK, &user, None).await
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    SignedIn(session): SignedIn,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    exists_if(state.provider.settings().accounts.mail, &state)?;
    let user = state.own_user(&session).await?;
    let t = state.texts;
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        let told = Told::Problem(t.form_expired.to_owned());
        return show(&state, &headers, StatusCode::BAD_REQUEST, &user, Some(told)).await;
    }
    let Some(address) = user.email().filter(|_| waits(&user)) else {
        return show(&state, &headers, StatusCode::OK, &user, None).await;
    };
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let accounts = state.provider.accounts();
    let asked = accounts.confirm_address(&user, &address, browser.asker());
    match in_even_time(state.settings.answer_step, asked).await {
        Ok(()) => {
            let told = Told::Done(t.own_page.confirmation_sent.with(address.as_str()));
            show(&state, &headers, StatusCode::OK, &user, Some(told)).await
        }
        Err(error) => {
            let problem = Problem::of(&state, error)?;
            let told = Some(Told::Problem(problem.text.clone()));
            let status = Problem::status(Some(&problem));
            let page = show(&state, &headers, status, &user, told).await?;
            Ok(Problem::retry(Some(&problem), page))
        }
    }
}

async fn show(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    user: &User,
    told: Option<Told>,
) -> Result<Response, PageError> {
    exists_if(state.provider.settings().accounts.mail, state)?;
    let (texts, t) = (state.texts, &state.texts.own_page);
    let token = FormToken::for_page(headers, &state.cookies);
    let (present, waits) = (user.email(), waits(user));
    let directory = state.provider.directories().directory_of(&user.sub).await;
    let is_elsewhere = directory.map_err(|error| state.error(error))?.is_some();
    let action = state.base.join(OWN_PATH);
    let forgotten = state.base.join(paths::FORGOT_PASSWORD);
    let (layout, own_page) = (state.layout(), state.base.join(PATH));
    let markup = view::section(&layout, t.confirm_email, told, own_page, move || {
        let next = match (&present, waits) {
            (None, _) => view! { <p>{t.nothing_to_edit}</p> }.into_any(),
            (Some(_), true) => view! {
                {(!is_elsewhere).then(|| view! { <p>{t.confirmation_effect}</p> })}
                <form class="stack" method="post" action=action>
                    {hidden(csrf::FIELD, token.value)}
                    <button class="btn btn-primary btn-block">{t.send_link}</button>
                </form>
            }
            .into_any(),
            (Some(_), false) if is_elsewhere => ().into_any(),
            (Some(_), false) => view! {
                <a class="btn btn-block" href=forgotten>{t.password_by_mail}</a>
            }
            .into_any(),
        };
        view! {
            {view::present_email(texts, present, !waits)}
            {next}
        }
    });
    Ok(with_cookie(html(status, markup), token.set_cookie))
}

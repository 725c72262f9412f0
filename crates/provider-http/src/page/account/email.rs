//! `GET` and `POST /account/email`: the user asks for another e-mail address. The link in the
//! message leads to `/account/verify-email`, where it takes the place of the one before.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::model::{email::EmailAddress, user::User};
use leptos::prelude::*;

use super::{
    PATH,
    view::{self, Field, Told},
};
use crate::{
    AppState,
    http::{
        csrf::{self, FormToken},
        even_time::in_even_time,
        form::PageForm,
        fresh_session::FreshSession,
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

const OWN_PATH: &str = AccountPage::Email.path();

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
) -> Result<Response, PageError> {
    let user = state.own_user(&session).await?;
    show(&state, &headers, StatusCode::OK, &user, None)
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    exists_if(state.provider.settings().accounts.mail, &state)?;
    let user = state.own_user(&session).await?;
    let t = state.texts;
    let refused = |status: StatusCode, problem: &str| {
        show(&state, &headers, status, &user, Some(Told::Problem(problem.to_owned())))
    };
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return refused(StatusCode::BAD_REQUEST, t.form_expired);
    }
    let Ok(address) = EmailAddress::parse(form.get("email").unwrap_or_default()) else {
        return refused(StatusCode::BAD_REQUEST, t.accounts.not_an_address);
    };
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let accounts = state.provider.accounts();
    let asked = accounts.confirm_address(&user, &address, browser.asker());
    match in_even_time(state.settings.answer_step, asked).await {
        Ok(()) => {
            let told = Told::Done(t.own_page.link_sent.with(address.as_str()));
            show(&state, &headers, StatusCode::OK, &user, Some(told))
        }
        Err(error) => {
            let problem = Problem::of(&state, error)?;
            let told = Some(Told::Problem(problem.text.clone()));
            let page = show(&state, &headers, Problem::status(Some(&problem)), &user, told)?;
            Ok(Problem::retry(Some(&problem), page))
        }
    }
}

fn show(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    user: &User,
    told: Option<Told>,
) -> Result<Response, PageError> {
    exists_if(state.provider.settings().accounts.mail, state)?;
    let t = state.texts;
    let token = FormToken::for_page(headers, &state.cookies);
    let action = state.base.join(OWN_PATH);
    let refused = matches!(told, Some(Told::Problem(_)));
    let (present, is_confirmed) = (user.email(), user.verified_email().is_some());
    let (layout, own_page) = (state.layout(), state.base.join(PATH));
    let markup = view::section(&layout, t.own_page.email, told, own_page, move || {
        let present = view::present_email(t, present, is_confirmed);
        let field = view::field(Field {
            name: "email",
            label: t.own_page.new_email,
            kind: "email",
            value: String::new(),
            autocomplete: "email",
            hint: None,
            required: true,
            refused,
        });
        view! {
            {present}
            <form class="stack" method="post" action=action>
                {hidden(csrf::FIELD, token.value)}
                {field}
                <button class="btn btn-primary btn-block">{t.own_page.send_link}</button>
            </form>
        }
    });
    Ok(with_cookie(html(status, markup), token.set_cookie))
}

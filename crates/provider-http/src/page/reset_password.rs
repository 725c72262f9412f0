//! `GET` and `POST /account/reset-password`: the link of a mail leads here, and the user sets
//! another password. Only the `POST` uses the link up.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{ids::Sub, params::Params};
use doorward_provider::{
    model::{device_cookie, paths, token_handle::TokenHandle},
    store::StoreError,
    use_case::accounts::AccountError,
};
use leptos::prelude::*;

use super::account_form::{
    ASKED, AskingBrowser, Problem, TOKEN, Told, TypedPassword, alert, elsewhere, exists_if,
    kept_return_url, leading_on, password_fields, token, warning,
};
use crate::{
    AppState,
    http::{
        cookies::Cookie,
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

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    PageQuery(query): PageQuery,
) -> Result<Response, PageError> {
    offered(&state)?;
    show(&state, &headers, &token(&query), None).await
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    offered(&state)?;
    let token = token(&form);
    match set(&state, &headers, &peer, &token, &form).await {
        Ok(page) => Ok(page),
        Err(Refused::Form(problem)) => show(&state, &headers, &token, Some(&problem)).await,
        Err(Refused::Account(AccountError::NoLink)) => Ok(used(&state)),
        Err(Refused::Account(error)) => {
            let problem = Problem::of(&state, error)?;
            show(&state, &headers, &token, Some(&problem)).await
        }
    }
}

/// Why no password was set.
enum Refused {
    Form(Problem),
    Account(AccountError),
}

async fn set(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    token: &TokenHandle,
    form: &Params,
) -> Result<Response, Refused> {
    if !csrf::is_genuine(&state.provider, &state.cookies, headers, form) {
        return Err(Refused::Form(Problem::new(state.texts.form_expired)));
    }
    let t = &state.texts.accounts;
    let TypedPassword::Password(password) = TypedPassword::read(form) else {
        return Err(Refused::Form(Problem::new(t.passwords_differ)));
    };
    let link = state.provider.accounts().reset_link(token).await.map_err(Refused::Account)?;
    if elsewhere(state, headers, link.asked_in.as_ref()).is_some() && !form.is_sent(ASKED) {
        return Err(Refused::Form(Problem::new(t.say_that_you_asked)));
    }
    let browser = AskingBrowser::new(state, headers, peer);
    let set = state.provider.accounts().reset_password(token, password, browser.asker()).await;
    let set = set.map_err(Refused::Account)?;
    let return_url = kept_return_url(set.return_url.as_deref());
    let sign_in = leading_on(state, paths::LOGIN, return_url.as_ref());
    let ways_in = other_ways_in(state, &set.sub).await;
    let ways_in = ways_in.map_err(|error| Refused::Account(error.into()))?;
    let page = html(StatusCode::OK, done(&state.layout(), ways_in, sign_in));
    // Guesses of strangers do not keep the owner waiting who comes back by the mailbox.
    let device = state.provider.accounts().device_cookie(&set.sub).await;
    let device = device.map_err(|error| Refused::Account(error.into()))?;
    let device = device
        .map(|value| state.cookies.set(Cookie::Device, &value, Some(device_cookie::LIFETIME)));
    Ok(with_cookie(page, device))
}

/// By what the user can sign in beside the password, in words.
async fn other_ways_in(state: &AppState, sub: &Sub) -> Result<Vec<String>, StoreError> {
    let keys = state.provider.factors().passkeys(sub).await?;
    let factors = state.provider.factors().of(sub).await?;
    let identities = state.provider.external_sign_ins().external_identities(sub).await?;
    let vouching = state.provider.vouching();
    let usable = identities.iter().filter(|identity| vouching.is_way_in(identity));
    let t = &state.texts.factors;
    Ok(keys
        .into_iter()
        .map(|key| format!("{} “{}”", t.passkey, key.name))
        .chain(factors.totp_since.map(|_| t.authenticator_app.to_owned()))
        .chain(usable.map(|identity| vouching.called(identity)))
        .collect())
}

/// The password is set. Whoever took the account over may have left a way in: so those that are
/// there are shown.
fn done(layout: &Layout, ways_in: Vec<String>, sign_in: String) -> String {
    let texts = layout.texts;
    let t = &texts.accounts;
    let (title, text) = t.password_was_set;
    document(layout, title, move || {
        let left = (!ways_in.is_empty()).then(|| {
            let items = ways_in.into_iter().map(|name| view! { <li>{name}</li> }).collect_view();
            view! {
                <p>{t.these_stay}</p>
                <ul id="ways-in">{items}</ul>
                <p class="muted">{t.remove_what_is_not_yours}</p>
            }
        });
        view! {
            <div class="stack-tight">
                <h1>{title}</h1>
                <p role="status">{text}</p>
            </div>
            {left}
            <a class="btn btn-primary btn-block" href=sign_in>{texts.sign_in}</a>
        }
    })
}

fn offered(state: &AppState) -> Result<(), PageError> {
    exists_if(state.provider.settings().accounts.offers_password_reset(), state)
}

fn used(state: &AppState) -> Response {
    Told::link_is_used(state, paths::FORGOT_PASSWORD)
}

async fn show(
    state: &AppState,
    headers: &HeaderMap,
    token: &TokenHandle,
    problem: Option<&Problem>,
) -> Result<Response, PageError> {
    let link = match state.provider.accounts().reset_link(token).await {
        Ok(link) => link,
        Err(AccountError::Store(error)) => return Err(state.error(error)),
        Err(_) => return Ok(used(state)),
    };
    let form_token = FormToken::for_page(headers, &state.cookies);
    let shown = Shown {
        action: state.base.join(paths::RESET_PASSWORD),
        form_token: form_token.value,
        token: token.expose().to_owned(),
        elsewhere: elsewhere(state, headers, link.asked_in.as_ref()),
        username: link.username,
        least: state.provider.settings().accounts.min_password_length,
        problem: problem.map(|problem| problem.text.clone()),
    };
    let page = html(Problem::status(problem), view(&state.layout(), shown));
    Ok(with_cookie(Problem::retry(problem, page), form_token.set_cookie))
}

/// What the page shows.
struct Shown {
    action: String,
    form_token: String,
    token: String,
    /// What to say if the link was asked for in another browser.
    elsewhere: Option<String>,
    username: String,
    least: u32,
    problem: Option<String>,
}

fn view(layout: &Layout, form: Shown) -> String {
    let texts = layout.texts;
    let t = &texts.accounts;
    document(layout, t.set_new_password, move || {
        let failed = form.problem.is_some();
        view! {
            <h1>{t.set_new_password}</h1>
            {alert(form.problem)}
            <form class="stack" method="post" action=form.action>
                {hidden(csrf::FIELD, form.form_token)}
                {hidden(TOKEN, form.token)}
                <div class="field">
                    <label for="username">{texts.user_name}</label>
                    <input
                        id="username"
                        name="username"
                        type="text"
                        value=form.username
                        autocomplete="username"
                        readonly=true
                    />
                </div>
                {password_fields(texts, form.least, failed)}
                {warning(texts, form.elsewhere)}
                <button class="btn btn-primary btn-block">{t.save_password}</button>
            </form>
        }
    })
}

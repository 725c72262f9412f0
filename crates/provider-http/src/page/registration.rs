//! The second page of a registration, behind the link of a mail or an invitation: user name, full
//! name and password. `/account/verify-email` and `/account/invitation` show it.

use axum::{http::HeaderMap, response::Response};
use doorward_protocol::params::Params;
use doorward_provider::{
    audit,
    model::{paths, token_handle::TokenHandle},
    use_case::{
        accounts::{AccountError, PendingRegistration, RegistrationForm, RegistrationLink},
        second_step::{AfterPassword, SignInRequest},
        sign_in::SignIn,
    },
};
use leptos::prelude::*;

use super::account_form::{
    ASKED, AskingBrowser, Problem, TOKEN, Told, TypedPassword, alert, elsewhere, kept_return_url,
    leading_on, password_fields, warning,
};
use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf::{self, FormToken},
        peer::Peer,
        return_url::ReturnUrl,
        user_agent,
    },
    page::{
        error::PageError,
        layout::{Layout, document, hidden},
        login,
        policy::PagePolicy,
        response::{html, html_with_policy, see_other, with_cookie},
        second_step, upstream,
    },
    texts::Texts,
};

/// Shows the form behind a link; `None` if the link does not work.
pub(crate) async fn show(
    state: &AppState,
    headers: &HeaderMap,
    link: RegistrationLink,
    token: &TokenHandle,
) -> Result<Option<Response>, PageError> {
    match state.provider.accounts().pending_registration(link, token).await {
        Ok(pending) => {
            Ok(Some(form(state, headers, link, token, &pending, &Typed::default(), None)))
        }
        Err(AccountError::Store(error)) => Err(state.error(error)),
        Err(_) => Ok(None),
    }
}

/// Takes the form; `None` if the link does not work.
pub(crate) async fn take(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    link: RegistrationLink,
    fields: &Params,
) -> Result<Option<Response>, PageError> {
    let token = super::account_form::token(fields);
    let pending = match state.provider.accounts().pending_registration(link, &token).await {
        Ok(pending) => pending,
        Err(AccountError::Store(error)) => return Err(state.error(error)),
        Err(_) => return Ok(None),
    };
    let typed = Typed::read(fields);
    let problem = match finish(state, headers, peer, link, &token, &typed, fields).await {
        Ok(response) => return Ok(Some(response)),
        Err(Refused::Form(problem)) => problem,
        Err(Refused::Account(AccountError::NoLink)) => return Ok(None),
        Err(Refused::Account(error)) => Problem::of(state, error)?,
    };
    Ok(Some(form(state, headers, link, &token, &pending, &typed, Some(&problem))))
}

/// What was typed so far.
#[derive(Debug, Default)]
struct Typed {
    username: Option<String>,
    name: Option<String>,
}

impl Typed {
    fn read(fields: &Params) -> Self {
        let text = |name| fields.get(name).map(str::to_owned);
        Self { username: text("username"), name: text("name") }
    }
}

/// Why nobody was added.
enum Refused {
    Form(Problem),
    Account(AccountError),
}

impl From<AccountError> for Refused {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

/// Adds the user, who is then signed in and goes on to where they wanted to go.
async fn finish(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    link: RegistrationLink,
    token: &TokenHandle,
    typed: &Typed,
    fields: &Params,
) -> Result<Response, Refused> {
    if !csrf::is_genuine(&state.provider, &state.cookies, headers, fields) {
        return Err(Refused::Form(Problem::new(state.texts.form_expired)));
    }
    let TypedPassword::Password(password) = TypedPassword::read(fields) else {
        return Err(Refused::Form(Problem::new(state.texts.accounts.passwords_differ)));
    };
    let pending = state.provider.accounts().pending_registration(link, token).await?;
    if elsewhere(state, headers, pending.asked_in.as_ref()).is_some() && !fields.is_sent(ASKED) {
        return Err(Refused::Form(Problem::new(state.texts.accounts.say_that_you_asked)));
    }
    let form =
        RegistrationForm { username: typed.username.clone(), name: typed.name.clone(), password };
    let browser = AskingBrowser::new(state, headers, peer);
    let user =
        state.provider.accounts().finish_registration(link, token, form, browser.asker()).await?;
    let return_url = kept_return_url(pending.return_url.as_deref());
    let before = state.cookies.read(headers, Cookie::Session);
    let device = user_agent::device(headers, peer);
    let remembered = state.cookies.read(headers, Cookie::Remembered);
    let request = SignInRequest { browser: remembered.as_ref(), ..SignInRequest::default() };
    let after = state.provider.second_steps().after_password(&user, request).await;
    let started = match (after, SignIn::by_password(&user)) {
        (Ok(AfterPassword::SecondStep(handle)), _) => {
            return Ok(second_step::begin(state, &handle, return_url.as_ref()));
        }
        (Ok(AfterPassword::SignedIn), Some(sign_in)) => {
            let provider = &state.provider;
            provider
                .sessions()
                .start_session(&user, sign_in, false, device, before.as_ref())
                .await
                .ok()
        }
        _ => None,
    };
    let Some(session) = started else {
        // The account is there; the user can sign in.
        let sign_in = leading_on(state, paths::LOGIN, return_url.as_ref());
        return Ok(see_other(&sign_in));
    };
    audit::Event::SignedIn { sub: &user.sub, peer: &peer.0 }.log();
    Ok(login::signed_in(state, return_url.as_ref(), &session))
}

fn form(
    state: &AppState,
    headers: &HeaderMap,
    link: RegistrationLink,
    token: &TokenHandle,
    pending: &PendingRegistration,
    typed: &Typed,
    problem: Option<&Problem>,
) -> Response {
    let form_token = FormToken::for_page(headers, &state.cookies);
    let return_url = kept_return_url(pending.return_url.as_deref());
    let leads_to_client = return_url.as_ref().and_then(ReturnUrl::request_query).is_some();
    let action = match link {
        RegistrationLink::Own => paths::VERIFY_EMAIL,
        RegistrationLink::Invitation => paths::INVITATION,
    };
    // By an invitation somebody may come from another provider, too. The link of a mail that
    // somebody asked for shows the address, and the form behind it is the rest.
    let others = match link {
        RegistrationLink::Own => Vec::new(),
        RegistrationLink::Invitation => upstream::buttons(state, headers, None),
    };
    let leads_elsewhere = leads_to_client || !others.is_empty();
    let shown = Shown {
        others,
        action: state.base.join(action),
        form_token: form_token.value,
        token: token.expose().to_owned(),
        is_invitation: link == RegistrationLink::Invitation,
        email: pending.email.as_str().to_owned(),
        username: pending.asks_username.then(|| typed.username.clone().unwrap_or_default()),
        name: typed.name.clone().or_else(|| pending.name.clone()).unwrap_or_default(),
        elsewhere: elsewhere(state, headers, pending.asked_in.as_ref()),
        least: state.provider.settings().accounts.min_password_length,
        problem: problem.map(|problem| problem.text.clone()),
    };
    let (status, markup) = (Problem::status(problem), view(&state.layout(), shown));
    let page = if leads_elsewhere {
        html_with_policy(status, markup, &PagePolicy::leading_to_client())
    } else {
        html(status, markup)
    };
    with_cookie(Problem::retry(problem, page), form_token.set_cookie)
}

/// The page of a link that does not work.
pub(crate) fn used(state: &AppState, link: RegistrationLink) -> Response {
    match link {
        RegistrationLink::Own => Told::link_is_used(state, paths::REGISTER),
        RegistrationLink::Invitation => Told::invitation_is_used(state),
    }
}

/// What the page shows.
struct Shown {
    action: String,
    form_token: String,
    token: String,
    is_invitation: bool,
    /// The buttons of other providers.
    others: Vec<upstream::view::ProviderButton>,
    email: String,
    /// `None`: the address is the user name.
    username: Option<String>,
    name: String,
    /// What to say if the link was asked for in another browser.
    elsewhere: Option<String>,
    least: u32,
    problem: Option<String>,
}

fn view(layout: &Layout, form: Shown) -> String {
    let texts = layout.texts;
    let t = &texts.accounts;
    let (title, lead) = if form.is_invitation {
        (t.you_are_invited, t.invited_as.with(&form.email))
    } else {
        (t.finish_account, t.address_is_confirmed.with(&form.email))
    };
    document(layout, title, move || {
        let failed = form.problem.is_some();
        let others = (!form.others.is_empty()).then(|| {
            view! {
                {upstream::view::or(texts)}
                <form class="stack" method="post">
                    {hidden(csrf::FIELD, form.form_token.clone())}
                    {hidden(TOKEN, form.token.clone())}
                    {hidden("purpose", "invitation".to_owned())}
                    {upstream::view::buttons(texts, form.others)}
                </form>
            }
        });
        let username = match form.username {
            Some(username) => username_field(texts, username).into_any(),
            // For password managers.
            None => view! {
                <div class="field">
                    <label for="email">{t.email}</label>
                    <input
                        id="email"
                        name="email"
                        type="email"
                        value=form.email
                        autocomplete="username"
                        readonly=true
                    />
                </div>
            }
            .into_any(),
        };
        view! {
            <div class="stack-tight">
                <h1>{title}</h1>
                <p class="muted">{lead}</p>
            </div>
            {alert(form.problem)}
            <form class="stack" method="post" action=form.action>
                {hidden(csrf::FIELD, form.form_token)}
                {hidden(TOKEN, form.token)}
                <div class="field">
                    <label for="name">{t.full_name}" ("{t.optional}")"</label>
                    <input
                        id="name"
                        name="name"
                        type="text"
                        value=form.name
                        autocomplete="name"
                        maxlength="200"
                    />
                </div>
                {username}
                {password_fields(texts, form.least, failed)}
                {warning(texts, form.elsewhere)}
                <button class="btn btn-primary btn-block">{t.create_account}</button>
            </form>
            {others}
        }
    })
}

fn username_field(texts: &'static Texts, username: String) -> impl IntoView {
    view! {
        <div class="field">
            <label for="username">{texts.user_name}</label>
            <input
                id="username"
                name="username"
                type="text"
                value=username
                autocomplete="username"
                autocapitalize="none"
                spellcheck="false"
                maxlength="255"
                required=true
            />
        </div>
    }
}

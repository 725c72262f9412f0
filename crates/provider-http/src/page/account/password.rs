//! `GET` and `POST /account/password`: the user sets another password, or takes it away.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{params::Params, secret::Secret};
use doorward_provider::{
    model::{directory::Directory, paths, user::User},
    use_case::{accounts::AccountError, directory::PasswordChangeError, sign_in::SignInError},
};
use leptos::prelude::*;

use super::{
    PATH,
    view::{self, Field, Told},
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
        user_agent,
    },
    page::{
        account_form::{self, AskingBrowser, Problem, TypedPassword, password_fields},
        error::{PageError, PageErrorCause},
        layout::hidden,
        response::{html, with_cookie, with_retry_after},
        second_step,
    },
    texts::Localized,
};

const OWN_PATH: &str = AccountPage::Password.path();

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
) -> Result<Response, PageError> {
    let user = state.own_user(&session).await?;
    show(&state, &headers, StatusCode::OK, &user, None).await
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let user = state.own_user(&session).await?;
    let t = state.texts;
    let refused = |status: StatusCode, problem: String| {
        show(&state, &headers, status, &user, Some(Told::Problem(problem)))
    };
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return refused(StatusCode::BAD_REQUEST, t.form_expired.to_owned()).await;
    }
    if state.directory_of(&user).await?.is_some() {
        return change_in_directory(&state, &headers, &peer, &user, &form).await;
    }
    if form.get("action") == Some("remove") {
        return remove(&state, &headers, &peer, &user).await;
    }
    let device = state.cookies.read(&headers, Cookie::Device);
    let present = form.get_secret("present");
    let verified = state
        .provider
        .passwords()
        .verify_own_password(&user, present, &peer.0, device.as_ref())
        .await;
    match verified {
        Ok(()) => {}
        Err(SignInError::Throttled(seconds)) => {
            let page = refused(StatusCode::TOO_MANY_REQUESTS, t.throttled.of(seconds)).await;
            return page.map(|page| with_retry_after(page, seconds));
        }
        Err(SignInError::Busy(_)) => {
            return refused(StatusCode::SERVICE_UNAVAILABLE, t.too_busy.to_owned()).await;
        }
        Err(SignInError::Store(error)) => return Err(state.error(error)),
        Err(_) => {
            let problem = t.own_page.present_password_wrong.to_owned();
            return refused(StatusCode::BAD_REQUEST, problem).await;
        }
    }
    let TypedPassword::Password(new) = TypedPassword::read(&form) else {
        return refused(StatusCode::BAD_REQUEST, t.accounts.passwords_differ.to_owned()).await;
    };
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let user = match state.provider.accounts().change_password(&user, new, browser.asker()).await {
        Ok(user) => user,
        Err(error) => {
            let problem = Problem::of(&state, error)?;
            let told = Some(Told::Problem(problem.text.clone()));
            let page = show(&state, &headers, Problem::status(Some(&problem)), &user, told).await?;
            return Ok(Problem::retry(Some(&problem), page));
        }
    };
    // All sessions have ended; this browser goes on in a new one.
    let device = user_agent::device(&headers, &peer);
    let started = state.provider.sign_ins().go_on_signed_in(&user, &session, device).await;
    let told = Told::Done(t.own_page.password_changed.to_owned());
    let page = show(&state, &headers, StatusCode::OK, &user, Some(told)).await?;
    match started {
        Ok(started) => Ok(second_step::with_session(&state, page, &started)),
        Err(SignInError::Store(error)) => Err(state.error(error)),
        Err(_) => Ok(page),
    }
}

impl AppState {
    /// The directory that has the user's password, if one has.
    async fn directory_of(&self, user: &User) -> Result<Option<&Directory>, PageError> {
        self.provider.directories().directory_of(&user.sub).await.map_err(|error| self.error(error))
    }
}

/// Changes the password where it is. Every session ends with it.
async fn change_in_directory(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    user: &User,
    form: &Params,
) -> Result<Response, PageError> {
    let t = state.texts;
    let refused = |status: StatusCode, problem: String| {
        show(state, headers, status, user, Some(Told::Problem(problem)))
    };
    let TypedPassword::Password(new) = TypedPassword::read(form) else {
        return refused(StatusCode::BAD_REQUEST, t.accounts.passwords_differ.to_owned()).await;
    };
    let present = form.get_secret("present").unwrap_or_else(|| Secret::new(""));
    let device = state.cookies.read(headers, Cookie::Device);
    let browser = AskingBrowser::new(state, headers, peer);
    let changed = state
        .provider
        .passwords()
        .change_directory_password(user, &present, &new, device.as_ref(), browser.asker())
        .await;
    match changed {
        Ok(Some(Ok(()))) => {}
        Ok(Some(Err(PasswordChangeError::WrongPassword))) => {
            let problem = t.own_page.present_password_wrong.to_owned();
            return refused(StatusCode::BAD_REQUEST, problem).await;
        }
        Ok(Some(Err(error @ PasswordChangeError::Refused(_)))) => {
            tracing::info!(cause = %error, "a directory has not taken a new password");
            let problem = t.directory.password_refused.to_owned();
            return refused(StatusCode::BAD_REQUEST, problem).await;
        }
        Ok(Some(Err(PasswordChangeError::Unavailable(_)))) => {
            let problem = t.directory.unavailable.to_owned();
            return refused(StatusCode::SERVICE_UNAVAILABLE, problem).await;
        }
        // The page has no form then.
        Ok(None) => return show(state, headers, StatusCode::BAD_REQUEST, user, None).await,
        Err(SignInError::Throttled(seconds)) => {
            let page = refused(StatusCode::TOO_MANY_REQUESTS, t.throttled.of(seconds)).await;
            return page.map(|page| with_retry_after(page, seconds));
        }
        Err(SignInError::Store(error)) => return Err(state.error(error)),
        Err(_) => return Err(state.error(PageErrorCause::NotFound)),
    }
    let (title, text) = t.directory.password_changed;
    Ok(signed_out(state, title, text))
}

/// A page for somebody whose sessions have ended.
fn signed_out(state: &AppState, title: &'static str, text: &str) -> Response {
    let link = Some((state.texts.sign_in, state.base.join(paths::LOGIN)));
    let page = account_form::Told { title, text: text.to_owned(), hint: None, link };
    let page = page.show(state, StatusCode::OK);
    [Cookie::Session, Cookie::SessionCheck]
        .into_iter()
        .map(|cookie| state.cookies.remove(cookie))
        .fold(page, |page, cookie| with_cookie(page, Some(cookie)))
}

/// Takes the password away. Every session ends with it, so the user signs in by the passkey: if
/// that does not work, it shows at once.
async fn remove(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    user: &User,
) -> Result<Response, PageError> {
    let t = state.texts;
    let browser = AskingBrowser::new(state, headers, peer);
    match state.provider.factors().remove_password(user, browser.asker()).await {
        Ok(true) => {}
        Ok(false) => {
            let told = Some(Told::Problem(t.own_page.password_is_needed.to_owned()));
            return show(state, headers, StatusCode::BAD_REQUEST, user, told).await;
        }
        Err(AccountError::Store(error)) => return Err(state.error(error)),
        Err(_) => return Err(state.error(PageErrorCause::NotFound)),
    }
    let (title, text) = t.own_page.password_removed;
    Ok(signed_out(state, title, text))
}

async fn show(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    user: &User,
    told: Option<Told>,
) -> Result<Response, PageError> {
    let t = state.texts;
    let directory = state.directory_of(user).await?;
    if let Some(directory) = directory.filter(|own| !own.changes_passwords) {
        let (layout, own_page) = (state.layout(), state.base.join(PATH));
        let text = t.directory.password_is_there.with(&directory.provider.title);
        let content = move || view! { <p class="muted" id="password-is-there">{text}</p> };
        let markup = view::section(&layout, t.own_page.password, told, own_page, content);
        return Ok(html(status, markup));
    }
    let factors =
        state.provider.factors().of(&user.sub).await.map_err(|error| state.error(error))?;
    let is_own = directory.is_none();
    let may_go = is_own && user.password_hash.is_some() && factors.replace_a_password();
    let token = FormToken::for_page(headers, &state.cookies);
    let action = state.base.join(OWN_PATH);
    let remove = (action.clone(), token.value.clone());
    let refused = matches!(told, Some(Told::Problem(_)));
    let least = state.provider.settings().accounts.min_password_length;
    let has_password = !is_own || user.password_hash.is_some();
    let username = user.username.clone();
    let (layout, own_page) = (state.layout(), state.base.join(PATH));
    let markup = view::section(&layout, t.own_page.password, told, own_page, move || {
        let present = has_password.then(|| {
            view::field(Field {
                name: "present",
                label: t.own_page.present_password,
                kind: "password",
                value: String::new(),
                autocomplete: "current-password",
                hint: None,
                required: true,
                refused,
            })
        });
        view! {
            <form class="stack" method="post" action=action>
                {hidden(csrf::FIELD, token.value)}
                // For password managers, which look for the name beside the password.
                <input
                    type="text"
                    name="username"
                    value=username
                    autocomplete="username"
                    class="visually-hidden"
                    tabindex="-1"
                    aria-hidden="true"
                    readonly=true
                />
                {present}
                {password_fields(t, least, refused)}
                <p class="muted">{t.own_page.password_effect}</p>
                <button class="btn btn-primary btn-block">{t.own_page.change_password}</button>
            </form>
            {may_go.then(move || {
                let (action, form_token) = remove;
                view! {
                    <form class="stack-tight" method="post" action=action>
                        {hidden(csrf::FIELD, form_token)}
                        <p class="muted">{t.own_page.remove_password_effect}</p>
                        <button class="btn btn-danger btn-block" name="action" value="remove">
                            {t.own_page.remove_password}
                        </button>
                    </form>
                }
            })}
        }
    });
    Ok(with_cookie(html(status, markup), token.set_cookie))
}

//! What the pages of registration, invitations and forgotten passwords have in common.

use std::sync::Arc;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{
    base64url,
    params::{Params, encode},
    secret::Secret,
};
use doorward_provider::{
    model::{client::Client, paths, session::Device, token_handle::TokenHandle},
    use_case::accounts::{AccountError, AskedIn, Asker, LONGEST_RETURN_URL},
};
use leptos::prelude::*;

use crate::{
    AppState,
    http::{cookies::Cookie, peer::Peer, return_url::ReturnUrl, user_agent},
    page::{
        error::{PageError, PageErrorCause},
        layout::document,
        response::{html, with_retry_after},
    },
    texts::Texts,
};

/// The field with the handle of a link.
pub(crate) const TOKEN: &str = "token";
/// The field with where the user wanted to go.
pub(crate) const RETURN_URL: &str = "return_url";

/// Seconds after which a browser may try again when too many passwords wait.
const RETRY_WHEN_BUSY: u32 = 5;

/// The browser that asks for something.
pub(crate) struct AskingBrowser<'a> {
    address: &'a str,
    device: Device,
    language: &'static str,
    mark: Option<String>,
    client: Option<Arc<Client>>,
}

impl<'a> AskingBrowser<'a> {
    pub(crate) fn new(state: &AppState, headers: &HeaderMap, peer: &'a Peer) -> Self {
        let device = user_agent::device(headers, peer);
        let (language, mark) = (state.texts.lang, browser_mark(state, headers));
        Self { address: &peer.0, device, language, mark, client: state.client.clone() }
    }

    pub(crate) fn asker(&self) -> Asker<'_> {
        Asker {
            address: self.address,
            browser: self.device.browser.as_deref(),
            language: self.language,
            mark: self.mark.as_deref(),
            client_id: self.client.as_deref().map(|client| &client.client_id),
        }
    }
}

/// What a link knows the browser by in which it was asked for: the hash of its form token.
fn browser_mark(state: &AppState, headers: &HeaderMap) -> Option<String> {
    let token = state.cookies.read(headers, Cookie::FormToken)?;
    Some(base64url::encode(token.hash().as_bytes()))
}

/// The field by which somebody says that a link that was opened elsewhere is theirs.
pub(super) const ASKED: &str = "asked";

/// What to say about a link that was asked for in another browser than this one.
pub(super) fn elsewhere(
    state: &AppState,
    headers: &HeaderMap,
    asked_in: Option<&AskedIn>,
) -> Option<String> {
    let asked_in = asked_in?;
    let is_here = browser_mark(state, headers).as_deref() == Some(asked_in.mark.as_str());
    (!is_here).then(|| (state.texts.accounts.asked_elsewhere)(asked_in.browser.as_deref()))
}

/// The warning, and the box to tick.
pub(super) fn warning(texts: &'static Texts, elsewhere: Option<String>) -> impl IntoView {
    elsewhere.map(|warning| {
        view! {
            <p class="alert alert-info" id="elsewhere">{warning}</p>
            <label class="checkbox">
                <input type="checkbox" name=ASKED value="true" required=true/>
                {texts.accounts.i_asked}
            </label>
        }
    })
}

/// A page that needs what is turned off is not there.
pub(super) fn exists_if(is_offered: bool, state: &AppState) -> Result<(), PageError> {
    if is_offered { Ok(()) } else { Err(state.error(PageErrorCause::NotFound)) }
}

/// The handle of the link that was followed.
pub(crate) fn token(params: &Params) -> TokenHandle {
    let text = params.get_secret(TOKEN);
    TokenHandle::parse(text.as_ref().map_or("", Secret::expose))
}

/// Where the user wanted to go.
pub(crate) fn return_url(
    state: &AppState,
    params: &Params,
) -> Result<Option<ReturnUrl>, PageError> {
    let return_url = params.get(RETURN_URL).map(ReturnUrl::parse).transpose();
    return_url.map_err(|error| state.error(error))
}

/// Where the user wanted to go, for a ticket to keep. Only requests of clients are kept: whoever
/// asks for a mail to somebody else must not lead them to a device of theirs.
pub(crate) fn to_keep(return_url: Option<&ReturnUrl>) -> Option<String> {
    let text = return_url.filter(|url| url.request_query().is_some())?.to_text();
    (text.len() <= LONGEST_RETURN_URL).then_some(text)
}

/// Where the user wanted to go, as a ticket kept it.
pub(crate) fn kept_return_url(text: Option<&str>) -> Option<ReturnUrl> {
    text.and_then(|text| ReturnUrl::parse(text).ok())
}

/// The address of a page of this provider that goes on to where the user wanted to go.
pub(crate) fn leading_on(state: &AppState, path: &str, return_url: Option<&ReturnUrl>) -> String {
    let query = return_url.map(|url| encode([(RETURN_URL, url.to_text().as_str())]));
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    state.base.join(&format!("{path}{query}"))
}

/// The new password of a form.
pub(crate) enum TypedPassword {
    /// It was typed twice alike.
    Password(Secret),
    /// A field is empty, or the two differ.
    Differ,
}

impl TypedPassword {
    pub(crate) fn read(form: &Params) -> Self {
        match (form.get_secret("password"), form.get_secret("repeated")) {
            (Some(one), Some(other)) if one == other => Self::Password(one),
            _ => Self::Differ,
        }
    }
}

/// What is wrong with a form, to be shown above it.
pub(crate) struct Problem {
    status: StatusCode,
    pub(crate) text: String,
    retry_after: Option<u32>,
}

impl Problem {
    pub(crate) fn new(text: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text: text.to_owned(), retry_after: None }
    }

    /// The problem that an error is to the user. `Err` is for those that need another page.
    pub(crate) fn of(state: &AppState, error: AccountError) -> Result<Self, PageError> {
        let t = &state.texts.accounts;
        let simple = |text: &str| Ok(Self::new(text));
        match error {
            AccountError::NotAnAddress => simple(t.not_an_address),
            AccountError::ForeignDomain => simple(t.foreign_domain),
            AccountError::UnusableName => simple(t.unusable_name),
            AccountError::NameTaken => simple(t.name_taken),
            AccountError::Password(problem) => simple(&(t.password_problem)(problem)),
            AccountError::Throttled(seconds) => Ok(Self {
                status: StatusCode::TOO_MANY_REQUESTS,
                text: t.links_throttled.of(seconds),
                retry_after: Some(seconds),
            }),
            AccountError::Busy(_) => Ok(Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                text: state.texts.too_busy.to_owned(),
                retry_after: Some(RETRY_WHEN_BUSY),
            }),
            AccountError::NoLink => Err(state.error(PageErrorCause::NotFound)),
            AccountError::Store(error) => Err(state.error(error)),
        }
    }

    pub(crate) fn status(problem: Option<&Self>) -> StatusCode {
        problem.map_or(StatusCode::OK, |problem| problem.status)
    }

    /// Tells when to try again, if that is known.
    pub(crate) fn retry(problem: Option<&Self>, response: Response) -> Response {
        match problem.and_then(|problem| problem.retry_after) {
            Some(seconds) => with_retry_after(response, seconds),
            None => response,
        }
    }
}

/// The problem above a form.
pub(crate) fn alert(problem: Option<String>) -> impl IntoView {
    problem.map(|problem| {
        view! { <p class="alert alert-error" role="alert" id="problem">{problem}</p> }
    })
}

/// The two fields of a new password, of at least this many characters.
pub(crate) fn password_fields(
    texts: &'static Texts,
    least: u32,
    failed: bool,
) -> impl IntoView + use<> {
    let t = &texts.accounts;
    let described = if failed { "problem password-hint" } else { "password-hint" };
    view! {
        <div class="field">
            <label for="password">{t.new_password}</label>
            <input
                id="password"
                name="password"
                type="password"
                autocomplete="new-password"
                maxlength="1024"
                required=true
                aria-invalid=failed.then_some("true")
                aria-describedby=described
            />
            <p class="field-hint" id="password-hint">{t.password_hint.with(&least.to_string())}</p>
        </div>
        <div class="field">
            <label for="repeated">{t.repeat_password}</label>
            <input
                id="repeated"
                name="repeated"
                type="password"
                autocomplete="new-password"
                maxlength="1024"
                required=true
            />
        </div>
    }
}

/// A page that tells something, with a link to go on.
pub(crate) struct Told {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) hint: Option<&'static str>,
    /// The label of the link, and where it leads.
    pub(crate) link: Option<(&'static str, String)>,
}

impl Told {
    pub(crate) fn show(self, state: &AppState, status: StatusCode) -> Response {
        self.show_with(state, status, None)
    }

    /// The same with a link to something else that helps.
    pub(crate) fn show_with(
        self,
        state: &AppState,
        status: StatusCode,
        further: Option<(&'static str, String)>,
    ) -> Response {
        let Self { title, text, hint, link } = self;
        let markup = document(&state.layout(), title, move || {
            view! {
                <div class="stack-tight">
                    <h1>{title}</h1>
                    <p role="status">{text}</p>
                    {hint.map(|hint| view! { <p class="muted">{hint}</p> })}
                </div>
                {link.into_iter().chain(further).map(|(label, href)| view! {
                    <a class="btn btn-block" href=href>{label}</a>
                }).collect_view()}
            }
        });
        html(status, markup)
    }

    /// The mail is on its way, if there is somebody to get it.
    pub(crate) fn mail_sent(state: &AppState, text: &str, back: String) -> Response {
        let t = &state.texts.accounts;
        let told = Self {
            title: t.check_your_mail,
            text: text.to_owned(),
            hint: Some(t.no_mail_hint),
            link: Some((t.back_to_sign_in, back)),
        };
        told.show(state, StatusCode::OK)
    }

    /// The link works no longer.
    pub(crate) fn link_is_used(state: &AppState, again: &str) -> Response {
        let t = &state.texts.accounts;
        let (title, text) = t.link_is_used;
        let link = Some((t.ask_for_new_link, state.base.join(again)));
        let told = Self { title, text: text.to_owned(), hint: None, link };
        told.show(state, StatusCode::NOT_FOUND)
    }

    /// The invitation works no longer.
    pub(crate) fn invitation_is_used(state: &AppState) -> Response {
        let t = &state.texts.accounts;
        let link = Some((t.back_to_sign_in, state.base.join(paths::LOGIN)));
        let told = Self {
            title: t.link_is_used.0,
            text: t.invitation_is_used.to_owned(),
            hint: None,
            link,
        };
        told.show(state, StatusCode::NOT_FOUND)
    }
}

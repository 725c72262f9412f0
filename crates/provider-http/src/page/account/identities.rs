//! `GET` and `POST /account/identities`: the accounts at other providers by which the user signs
//! in, each with a button that removes it, and buttons that link more.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::{
    model::{
        directory::is_directory,
        external_identity::{ExternalId, MOST_IDENTITIES, StoredIdentity},
        paths,
        session::Session,
    },
    store::RemovedIdentity,
};
use leptos::prelude::*;

use super::{
    PATH,
    view::{self, Told},
};
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
        policy::PagePolicy,
        response::{html_with_policy, see_other, with_cookie},
        utc_time::utc_time,
    },
    texts::Localized,
};

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
) -> Result<Response, PageError> {
    show(&state, &headers, &session, None).await
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    FreshSession(session): FreshSession,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return show(&state, &headers, &session, Some(state.texts.form_expired)).await;
    }
    let here = see_other(&state.base.join(AccountPage::Identities.path()));
    let named = form.get("issuer").zip(form.get("subject"));
    let id = named.and_then(|(issuer, subject)| ExternalId::parse(issuer, subject).ok());
    let Some(id) = id else { return Ok(here) };
    let browser = AskingBrowser::new(&state, &headers, &peer);
    let own = &session.authentication;
    let removed = state.provider.external_sign_ins().unlink(own, &id, browser.asker()).await;
    match removed.map_err(|error| state.error(error))? {
        RemovedIdentity::LastWayIn => {
            show(&state, &headers, &session, Some(state.texts.external.last_way_in)).await
        }
        RemovedIdentity::Removed | RemovedIdentity::Unknown => Ok(here),
    }
}

async fn show(
    state: &AppState,
    headers: &HeaderMap,
    session: &Session,
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let own =
        state.provider.external_sign_ins().external_identities(&session.authentication.sub).await;
    let own = own.map_err(|error| state.error(error))?;
    let token = FormToken::for_page(headers, &state.cookies);
    let vouching = state.provider.vouching();
    let linked = |identity: StoredIdentity| Linked {
        title: vouching.title(&identity).to_owned(),
        is_way_in: vouching.is_way_in(&identity),
        identity,
    };
    let is_full = own.len() >= MOST_IDENTITIES as usize;
    let others = vouching.providers().iter().filter(|_| !is_full).map(|provider| Other {
        title: provider.title.clone(),
        action: state.base.join(&paths::external(&provider.name)),
    });
    let page = Page {
        action: state.base.join(AccountPage::Identities.path()),
        form_token: token.value,
        own: own.into_iter().map(linked).collect(),
        others: others.collect(),
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let told = problem.map(|problem| Told::Problem(problem.to_owned()));
    let (layout, back) = (state.layout(), state.base.join(PATH));
    let texts = state.texts;
    let content = move || page.view(texts);
    let markup = view::section(&layout, texts.external.section, told, back, content);
    // The buttons lead to another provider, by a redirect after the form.
    let response = html_with_policy(status, markup, &PagePolicy::leading_to_client());
    Ok(with_cookie(response, token.set_cookie))
}

/// A provider of which an account can be linked.
struct Other {
    title: String,
    /// Where its form goes.
    action: String,
}

/// An account that is linked.
struct Linked {
    /// What people call its provider.
    title: String,
    /// Whether the user can sign in by it now.
    is_way_in: bool,
    identity: StoredIdentity,
}

/// What the page shows.
struct Page {
    action: String,
    form_token: String,
    own: Vec<Linked>,
    others: Vec<Other>,
}

impl Page {
    fn view(self, texts: &'static crate::texts::Texts) -> impl IntoView {
        let t = &texts.external;
        let Self { action, form_token, own, others } = self;
        let content = if own.is_empty() {
            view! { <p class="muted">{t.none}</p> }.into_any()
        } else {
            let items = own.into_iter().map(|Linked { title, is_way_in, identity }| {
                let used = match identity.used_at {
                    Some(used) => view! { ", "{texts.last_used}" "{utc_time(used)} }.into_any(),
                    None => view! { ", "{t.never_used} }.into_any(),
                };
                let button = view! {
                    <button class="btn btn-danger btn-small" aria-label=t.remove_one.with(&title)>
                        {t.remove}
                    </button>
                };
                // That of a directory stays: it decides who may sign in.
                let button = (!is_directory(&identity.id.issuer)).then_some(button);
                let shown =
                    identity.shown.map(|shown| view! { <p class="break-words">{shown}</p> });
                let gone = (!is_way_in).then(|| view! { <p>{t.not_offered}</p> });
                view! {
                    <li class="stack-tight">
                        <div class="row row-spread">
                            <strong>{title}</strong>
                            <form method="post" action=action.clone()>
                                {hidden(csrf::FIELD, form_token.clone())}
                                {hidden("issuer", identity.id.issuer.to_string())}
                                {hidden("subject", identity.id.subject.to_string())}
                                {button}
                            </form>
                        </div>
                        {shown}
                        {gone}
                        <p class="muted">
                            {texts.since}" "{utc_time(identity.created_at)}{used}"."
                        </p>
                    </li>
                }
            });
            view! {
                <ul class="scope-list" id="identities">{items.collect_view()}</ul>
                <p class="muted">{t.removal_effect}</p>
            }
            .into_any()
        };
        let others = others.into_iter().map(|other| {
            view! {
                <form method="post" action=other.action>
                    {hidden(csrf::FIELD, form_token.clone())}
                    {hidden("purpose", "link".to_owned())}
                    <button class="btn btn-block">{t.link.with(&other.title)}</button>
                </form>
            }
        });
        view! {
            {content}
            {others.collect_view()}
        }
    }
}

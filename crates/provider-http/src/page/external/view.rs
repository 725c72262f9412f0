//! The view of the question what becomes of an identity that is new here.

use leptos::prelude::*;

use crate::{
    http::csrf,
    page::layout::{Layout, document, hidden},
};

/// What the page shows.
pub(crate) struct Decision {
    pub(crate) action: String,
    pub(crate) form_token: String,
    /// What people call the provider.
    pub(crate) title: String,
    /// What the provider calls the user.
    pub(crate) shown: Option<String>,
    pub(crate) may_create: bool,
    /// Who is signed in here since some minutes.
    pub(crate) username: Option<String>,
    /// The login page, which returns to this one.
    pub(crate) sign_in: String,
    /// The login page with all ways to sign in.
    pub(crate) back: String,
    pub(crate) problem: Option<&'static str>,
}

pub(crate) fn decision(layout: &Layout, page: Decision) -> String {
    let (t, e) = (layout.texts, layout.texts.external);
    let title = e.new_here.with(&page.title);
    document(layout, &title.clone(), move || {
        let problem = page
            .problem
            .map(|problem| view! { <p class="alert alert-error" role="alert">{problem}</p> });
        let lead = if page.may_create { e.create_or_link } else { e.address_is_known };
        let link = match &page.username {
            Some(username) => {
                let label = e.link_with.with_all(&[("title", &page.title), ("username", username)]);
                button(&page, "link", label, "btn btn-primary btn-block").into_any()
            }
            None => view! {
                <a class="btn btn-block" href=page.sign_in.clone()>{e.sign_in_to_link}</a>
            }
            .into_any(),
        };
        let create =
            page.may_create.then(|| button(&page, "create", e.create.to_owned(), "btn btn-block"));
        view! {
            <div class="stack-tight">
                <h1>{title}</h1>
                <p>{(e.signed_in_there)(page.shown.as_deref(), &page.title)}</p>
                <p class="muted">{lead}</p>
            </div>
            {problem}
            {link}
            {create}
            <a class="btn btn-quiet btn-block" href=page.back>{t.cancel}</a>
        }
    })
}

/// A form of one button.
fn button(
    page: &Decision,
    decision: &'static str,
    label: String,
    class: &'static str,
) -> impl IntoView + use<> {
    view! {
        <form method="post" action=page.action.clone()>
            {hidden(csrf::FIELD, page.form_token.clone())}
            {hidden("action", decision.to_owned())}
            <button class=class>{label}</button>
        </form>
    }
}

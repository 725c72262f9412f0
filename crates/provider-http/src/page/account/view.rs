//! What the views of the user's own page share, and the index.

use doorward_provider::model::email::EmailAddress;
use leptos::prelude::*;

use crate::{
    page::layout::{Layout, document},
    texts::Texts,
};

/// A section, as the index shows it.
pub(crate) struct Entry {
    pub(crate) href: String,
    pub(crate) title: &'static str,
    /// What it is about.
    pub(crate) text: &'static str,
}

/// What the index shows.
pub(crate) struct Index {
    pub(crate) username: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) logout: String,
}

pub(crate) fn index(layout: &Layout, index: Index) -> String {
    let t = layout.texts;
    document(layout, t.own_page.title, move || {
        let entries = index.entries.into_iter().map(|entry| {
            view! {
                <li class="stack-tight">
                    <a class="row-link" href=entry.href><strong>{entry.title}</strong></a>
                    <p class="muted">{entry.text}</p>
                </li>
            }
        });
        view! {
            <div class="stack-tight">
                <h1>{t.own_page.title}</h1>
                <p>{t.own_page.account_of}" "<strong>{index.username}</strong>"."</p>
            </div>
            <ul class="scope-list">{entries.collect_view()}</ul>
            <a class="btn btn-block" href=index.logout>{t.sign_out}</a>
        }
    })
}

/// How a change went.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// As it was asked for.
    Done(String),
    /// Not; this is why.
    Problem(String),
}

/// A page of one section: title, what it is about, how the last change went, content, way back.
pub(crate) fn section<V: IntoView + 'static>(
    layout: &Layout,
    (title, about): (&'static str, &'static str),
    told: Option<Told>,
    back: String,
    content: impl FnOnce() -> V,
) -> String {
    let t = layout.texts;
    document(layout, title, move || {
        let told = told.map(|told| match told {
            Told::Done(text) => {
                view! { <p class="alert alert-ok" role="status">{text}</p> }.into_any()
            }
            Told::Problem(text) => view! {
                <p class="alert alert-error" role="alert" id="problem">{text}</p>
            }
            .into_any(),
        });
        view! {
            <div class="stack-tight">
                <h1>{title}</h1>
                <p class="muted">{about}</p>
            </div>
            {told}
            {content()}
            <a class="btn btn-quiet btn-block" href=back>{t.own_page.back}</a>
        }
    })
}

/// The address of the account, and whether it is confirmed.
pub(crate) fn present_email(
    texts: &'static Texts,
    present: Option<EmailAddress>,
    is_confirmed: bool,
) -> impl IntoView {
    let t = &texts.own_page;
    let Some(address) = present else { return view! { <p>{t.no_email}</p> }.into_any() };
    let (badge, text) = if is_confirmed {
        ("badge badge-ok", t.confirmed)
    } else {
        ("badge badge-no", t.not_confirmed)
    };
    view! {
        <p class="row">
            {t.present_email}": "<strong>{address.as_str().to_owned()}</strong>
            <span class=badge>{text}</span>
        </p>
    }
    .into_any()
}

/// A field of a form with its label, and words below it.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) autocomplete: &'static str,
    pub(crate) hint: Option<String>,
    pub(crate) required: bool,
    /// Whether the problem above is about this field.
    pub(crate) refused: bool,
}

pub(crate) fn field(field: Field) -> impl IntoView {
    let Field { name, label, kind, value, autocomplete, hint, required, refused } = field;
    let hint_id = format!("{name}-hint");
    let described = match (refused, hint.is_some()) {
        (true, true) => Some(format!("problem {hint_id}")),
        (true, false) => Some("problem".to_owned()),
        (false, true) => Some(hint_id.clone()),
        (false, false) => None,
    };
    let hint = hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> });
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                id=name
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                maxlength="1024"
                required=required
                aria-invalid=refused.then_some("true")
                aria-describedby=described
            />
            {hint}
        </div>
    }
}

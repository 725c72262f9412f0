//! All identity providers: those of the store, and those of the configuration.

use doorward_admin::{Operation, types::identity_providers::IdentityProviderRow};
use leptos::prelude::*;

use crate::{
    api::Call,
    route::Route,
    session::Session,
    setting_texts::provider::PROVIDER,
    ui::{self, alert, badge, link, list::List, mono, nothing, or_dash},
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let list = List::<IdentityProviderRow>::new(session, || {
        Call::new(Operation::ListIdentityProviders, &[])
    });
    let (columns, none) = (t.identity_provider_columns, t.no_identity_providers);
    let table = list.table(t.identity_providers, columns, none, move |row| {
        let kind = PROVIDER.choice_name(t, "preset", &row.preset).unwrap_or(&row.preset).to_owned();
        let state = state(session, &row);
        let name = row.name;
        vec![
            link(session, Route::IdentityProvider(name.clone()), "strong-link", name),
            or_dash(row.title),
            view! { <span class="whole-words">{kind}</span> }.into_any(),
            row.issuer.map_or_else(|| or_dash(None), mono),
            state,
        ]
    });
    let actions = move || {
        session.offers(Operation::CreateIdentityProvider).then(|| {
            let add = t.add_identity_provider;
            link(session, Route::NewIdentityProvider, "btn btn-primary", add)
        })
    };
    view! {
        {ui::heading(t.identity_providers, actions.into_any())}
        <section class="card stack admin-card">{table}</section>
    }
    .into_any()
}

/// Where it is defined, and whether users sign in by it, or why not.
fn state(session: Session, row: &IdentityProviderRow) -> AnyView {
    let t = session.texts;
    let file = row.configured.then(|| badge("", t.from_file));
    let state = match (&row.problem, row.enabled) {
        (Some(_), _) => badge("badge-no", t.provider_unused),
        (None, Some(false)) => badge("badge-no", t.provider_disabled),
        (None, _) => badge("badge-ok", t.provider_enabled),
    };
    let problem = row.problem.clone().map(|problem| view! { <p class="field-error">{problem}</p> });
    view! {
        <span class="row">{file} {state}</span>
        {problem}
    }
    .into_any()
}

/// Why nobody signs in by a provider, above its settings.
pub fn problem(problem: Option<String>) -> AnyView {
    problem.map_or_else(nothing, |problem| alert("alert-error", problem))
}

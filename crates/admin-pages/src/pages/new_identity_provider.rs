//! An identity provider to add.

use doorward_admin::{
    Operation,
    types::{
        identity_provider_settings::with_defaults,
        identity_providers::{IdentityProviderView, NewIdentityProvider},
        pages::NAME_PLACE,
    },
};
use doorward_protocol::ids::is_identity_provider_name;
use leptos::prelude::*;
use serde_json::Map;

use super::identity_provider::{fields, registration};
use crate::{
    api::{Answer, Call},
    route::Route,
    session::Session,
    ui::{
        self,
        form::{Field, Form, after_sign_in, form},
        link,
    },
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let form = after_sign_in(session, Operation::CreateIdentityProvider, move || add(session));
    view! {
        {link(session, Route::IdentityProviders, "back-link", t.identity_providers)}
        {ui::heading(t.add_identity_provider, ui::nothing())}
        <section class="card admin-card admin-form">{form}</section>
    }
    .into_any()
}

fn add(session: Session) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let name = RwSignal::new(String::new());
    let before = with_defaults(Map::new());
    let fields = fields::fields(session, state, &before, None);
    let (fields, view) = (StoredValue::new(fields.said), fields.view);
    let create = move || {
        state.clear();
        let name = name.get_untracked().trim().to_owned();
        if !is_identity_provider_name(&name) {
            state.refuse("name", t.provider_name_rule);
        }
        let Some(said) = fields.with_value(|said| said()) else { return };
        let new = NewIdentityProvider {
            name,
            settings: said.settings,
            client_secret: said.client_secret,
            client_key: said.client_key,
        };
        let call = Call::new(Operation::CreateIdentityProvider, &[]).body(&new);
        let done = move |answer: Answer| {
            if let Ok(provider) = answer.read::<IdentityProviderView>() {
                session.go(Route::IdentityProvider(provider.name));
                session.done(t.provider_added);
            }
        };
        let operation = Operation::CreateIdentityProvider;
        session.begin(operation, "", || state.send(call, done, |_| false));
    };
    let registered = move || {
        let name = name.with(|name| name.trim().to_owned());
        is_identity_provider_name(&name)
            .then(|| registration::facts(session, named(session, &name)))
    };
    let cancel = link(session, Route::IdentityProviders, "btn btn-quiet", t.cancel);
    let content = view! {
        {Field::text("provider-name", "name", t.provider_name)
            .hint(t.provider_name_rule)
            .view(state, name)}
        <div class="inner stack">
            <p class="field-hint">{t.registration_hint}</p>
            {registered}
        </div>
        {view}
        {state.end(ui::nothing(), t.add_identity_provider, cancel)}
    };
    form(create, content.into_any())
}

/// What to enter at the provider that will have this name.
fn named(session: Session, name: &str) -> Vec<(String, String)> {
    let config = session.config.get().and_then(Result::ok);
    let templates = config.into_iter().flat_map(|config| config.registration);
    templates.map(|(kind, url)| (kind, url.replace(NAME_PLACE, name))).collect()
}

//! The form to change a provider. It sends what is different.

use doorward_admin::{
    Operation,
    types::{
        identity_provider_settings::{SETTINGS, with_defaults},
        identity_providers::{IdentityProviderChanges, IdentityProviderView},
    },
};
use leptos::prelude::*;

use super::{Provider, fields::fields};
use crate::{
    api::{Answer, Call, Failure},
    session::Session,
    setting_texts::provider::PROVIDER,
    ui::{
        button, card,
        form::{Form, form},
        nothing,
        object::Read,
        overtaken::Overtaken,
        settings::difference,
    },
};

/// The form.
pub fn edit(
    session: Session,
    provider: Provider,
    read: Read<IdentityProviderView>,
    editing: RwSignal<bool>,
) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let overtaken = Overtaken::new(session, read.clone());
    let IdentityProviderView { name, settings, credential, .. } = read.value;
    let has = credential.unwrap_or_default();
    let fields = fields(session, state, &with_defaults(settings), Some(&has));
    let (said, view) = (StoredValue::new(fields.said), fields.view);
    let name = StoredValue::new(name);
    let save = move || {
        state.clear();
        let Some(said) = said.with_value(|said| said()) else { return };
        let changes = IdentityProviderChanges {
            settings: said.settings,
            client_secret: said.client_secret,
            client_key: said.client_key,
        };
        let call = Call::new(Operation::ChangeIdentityProvider, &[&name.get_value()])
            .if_match(overtaken.etag())
            .body(&changes);
        let done = move |answer: Answer| {
            editing.set(false);
            provider.set(&answer);
            session.done(t.saved);
        };
        let failed = move |failure: &Failure| {
            let read = Call::new(Operation::ReadIdentityProvider, &[&name.get_value()]);
            overtaken.takes(failure, read)
        };
        let operation = Operation::ChangeIdentityProvider;
        session.begin(operation, "edit-provider", || state.send(call, done, failed));
    };
    let leave = move || {
        editing.set(false);
        provider.reload();
    };
    let difference = move |before: &IdentityProviderView, present: &IdentityProviderView| {
        let all = SETTINGS.iter().map(|setting| PROVIDER.describe(setting));
        let whole = |view: &IdentityProviderView| with_defaults(view.settings.clone());
        difference(session, all, &whole(before), &whole(present))
    };
    let conflict = overtaken.view(difference, leave);
    let cancel = button(t.cancel, "btn btn-quiet", move || editing.set(false));
    let content = view! { {view} {state.end(conflict, t.save, cancel)} };
    card(t.settings, nothing(), form(save, content.into_any()))
}

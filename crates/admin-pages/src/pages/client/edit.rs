//! The form to change the settings of a client. It is made from the table of settings, and sends
//! what is different.

use doorward_admin::{
    Operation,
    types::{
        client_settings::SETTINGS,
        clients::{ClientChanges, ClientView},
    },
};
use leptos::prelude::*;
use serde_json::Value;

use super::{Client, groups};
use crate::{
    api::{Answer, Call, Failure},
    session::Session,
    setting_texts::client::CLIENT,
    ui::{
        button, card,
        form::{Form, form},
        nothing,
        object::Read,
        overtaken::Overtaken,
        settings::{changes, control, difference, sections},
    },
};

/// The form.
pub fn edit(
    session: Session,
    client: Client,
    read: Read<ClientView>,
    editing: RwSignal<bool>,
) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let overtaken = Overtaken::new(session, read.clone());
    let ClientView { client_id, settings: before, .. } = read.value;
    let (sections, controls) = sections(state, groups(t), |setting| {
        let value = before.get(setting.name).unwrap_or(&Value::Null);
        control(session, state, setting, value)
    });
    let (before, controls) = (StoredValue::new(before), StoredValue::new(controls));
    let client_id = StoredValue::new(client_id);
    let save = move || {
        state.clear();
        let said = before.with_value(|before| controls.with_value(|own| changes(before, own)));
        let Some(settings) = said else { return };
        let call = Call::new(Operation::ChangeClient, &[&client_id.get_value()])
            .if_match(overtaken.etag())
            .body(&ClientChanges { settings });
        let done = move |answer: Answer| {
            editing.set(false);
            client.set(&answer);
            session.done(t.saved);
        };
        let failed = move |failure: &Failure| {
            let read = Call::new(Operation::ReadClient, &[&client_id.get_value()]);
            overtaken.takes(failure, read)
        };
        session.begin(Operation::ChangeClient, "edit-client", || state.send(call, done, failed));
    };
    let leave = move || {
        editing.set(false);
        client.reload();
    };
    let difference = move |before: &ClientView, present: &ClientView| {
        let all = SETTINGS.iter().map(|setting| CLIENT.describe(setting));
        difference(session, all, &before.settings, &present.settings)
    };
    let conflict = overtaken.view(difference, leave);
    let cancel = button(t.cancel, "btn btn-quiet", move || editing.set(false));
    let content = view! { {sections} {state.end(conflict, t.save, cancel)} };
    card(t.settings, nothing(), form(save, content.into_any()))
}

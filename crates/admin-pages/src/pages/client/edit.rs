//! The form to change the settings of a client. It is made from the table of settings, and sends
//! what is different.

use doorward_admin::{
    Operation,
    types::{
        client_settings::{SETTINGS, Section, Setting},
        clients::{ClientChanges, ClientView},
    },
};
use doorward_leptos::boxed_effect;
use leptos::{html, prelude::*};
use serde_json::{Map, Value};

use super::{
    Client,
    controls::{control, field_name},
    settings::FIRST,
};
use crate::{
    api::{Answer, Call, Failure},
    session::Session,
    setting_texts::{label, section_name},
    ui::{
        button, card,
        form::{Form, Said, form},
        json, nothing,
        object::Read,
        overtaken::{Difference, Overtaken, different},
    },
};

/// What each control says.
type Controls = Vec<(&'static Setting, Said)>;

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
    let mut controls = Controls::new();
    let sections = Section::ALL
        .map(|section| part(session, state, section, &before, &mut controls))
        .into_iter()
        .collect_view();
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
    let difference =
        move |before: &ClientView, present: &ClientView| difference(session, before, present);
    let conflict = overtaken.view(difference, leave);
    let content = view! {
        <div>{sections}</div>
        <div class="form-end">
            {conflict} {state.failure()}
            <div class="row">
                {state.submit(t.save)}
                {button(t.cancel, "btn btn-quiet", move || editing.set(false))}
            </div>
        </div>
    };
    card(t.settings, nothing(), form(save, content.into_any()))
}

/// What is different in a client that was changed by somebody else: as it was, and as it is.
fn difference(session: Session, before: &ClientView, present: &ClientView) -> Vec<Difference> {
    let shown = |client: &ClientView, name: &str| {
        client.settings.get(name).map(json::shown).unwrap_or_default()
    };
    different(SETTINGS.iter().map(|setting| {
        let name = label(session.texts, setting.name).to_owned();
        (name, shown(before, setting.name), shown(present, setting.name))
    }))
}

/// A section with its controls. It opens where something in it is wrong.
fn part(
    session: Session,
    state: Form,
    section: Section,
    before: &Map<String, Value>,
    controls: &mut Controls,
) -> AnyView {
    let views = section.settings().map(|setting| {
        let value = before.get(setting.name).unwrap_or(&Value::Null);
        let part = control(session, state, setting, value);
        controls.push((setting, part.said));
        part.view
    });
    let views = views.collect_view();
    let node = NodeRef::<html::Details>::new();
    let is_wrong = Memo::new(move |_| {
        section.settings().any(|setting| state.error_of(&field_name(setting)).is_some())
    });
    boxed_effect(move || {
        if let (true, Some(details)) = (is_wrong.get(), node.get()) {
            details.set_open(true);
        }
    });
    view! {
        <details class="fold" open=FIRST.contains(&section) node_ref=node>
            <summary>{section_name(session.texts, section)}</summary>
            <div class="stack">{views}</div>
        </details>
    }
    .into_any()
}

/// What is different. `None`: a control has told what is wrong.
fn changes(before: &Map<String, Value>, controls: &Controls) -> Option<Map<String, Value>> {
    // All are asked, so that all mistakes are told at once.
    let said = controls.iter().map(|(setting, said)| (setting.name, said()));
    let said: Vec<_> = said.collect();
    let mut changes = Map::new();
    for (name, value) in said {
        let value = value?;
        if before.get(name).unwrap_or(&Value::Null) != &value {
            changes.insert(name.to_owned(), value);
        }
    }
    Some(changes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_different_is_sent() {
        let said = |index: usize, value: Option<Value>| {
            (&SETTINGS[index], Box::new(move || value.clone()) as Said)
        };
        let before = json!({SETTINGS[0].name: true, SETTINGS[1].name: "Shop"});
        let before = before.as_object().cloned().unwrap_or_default();
        let controls = vec![
            said(0, Some(json!(true))),
            said(1, Some(Value::Null)),
            said(2, Some(Value::Null)),
        ];
        let expected = json!({SETTINGS[1].name: null}).as_object().cloned();
        assert_eq!(changes(&before, &controls), expected);
        assert_eq!(changes(&before, &vec![said(0, None), said(1, None)]), None);
    }
}

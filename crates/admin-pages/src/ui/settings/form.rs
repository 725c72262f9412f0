//! The sections of a form for settings, and what it sends.

use doorward_leptos::boxed_effect;
use leptos::{html, prelude::*};
use serde_json::{Map, Value};

use crate::{
    session::Session,
    setting_texts::Described,
    ui::{
        form::{Form, Part, Said},
        json, nothing,
        overtaken::{Difference, different},
    },
};

/// What each control says, by the name of its setting.
pub type Controls = Vec<(&'static str, Said)>;

/// A section.
pub struct Group {
    /// What it is called.
    pub title: &'static str,
    /// Whether it is open at first.
    pub is_open: bool,
    /// Its settings, in their order.
    pub settings: Vec<Described>,
    /// What else is in it.
    pub more: AnyView,
    /// The fields of that.
    more_fields: &'static [&'static str],
}

impl Group {
    /// A section of settings alone.
    pub fn new(
        title: &'static str,
        is_open: bool,
        settings: impl Iterator<Item = Described>,
    ) -> Self {
        Self { title, is_open, settings: settings.collect(), more: nothing(), more_fields: &[] }
    }

    /// With this at its end, which has these fields in a form.
    pub fn with(self, more: AnyView, more_fields: &'static [&'static str]) -> Self {
        Self { more, more_fields, ..self }
    }
}

/// The sections with their controls, each of which `control` makes.
pub fn sections(
    state: Form,
    groups: Vec<Group>,
    mut control: impl FnMut(Described) -> Part,
) -> (AnyView, Controls) {
    let mut controls = Controls::new();
    let sections =
        groups.into_iter().map(|group| section(state, group, &mut control, &mut controls));
    let sections: Vec<AnyView> = sections.collect();
    (view! { <div>{sections}</div> }.into_any(), controls)
}

/// A section with its controls. It opens where something in it is wrong.
fn section(
    state: Form,
    group: Group,
    control: &mut impl FnMut(Described) -> Part,
    controls: &mut Controls,
) -> AnyView {
    let Group { title, is_open, settings, more, more_fields } = group;
    let views = settings.iter().map(|setting| {
        let part = control(*setting);
        controls.push((setting.name, part.said));
        part.view
    });
    let views: Vec<AnyView> = views.collect();
    let fields: Vec<String> = settings
        .iter()
        .map(|setting| setting.field_name())
        .chain(more_fields.iter().map(|field| (*field).to_owned()))
        .collect();
    let node = NodeRef::<html::Details>::new();
    let is_wrong = Memo::new(move |_| fields.iter().any(|field| state.error_of(field).is_some()));
    boxed_effect(move || {
        if let (true, Some(details)) = (is_wrong.get(), node.get()) {
            details.set_open(true);
        }
    });
    view! {
        <details class="fold" open=is_open node_ref=node>
            <summary>{title}</summary>
            <div class="stack">{views} {more}</div>
        </details>
    }
    .into_any()
}

/// What all controls say. `None`: one has told what is wrong.
pub fn said(controls: &Controls) -> Option<Map<String, Value>> {
    // All are asked, so that all mistakes are told at once.
    let said = controls.iter().map(|(name, said)| ((*name).to_owned(), said()));
    let said: Vec<_> = said.collect();
    said.into_iter().map(|(name, value)| Some((name, value?))).collect()
}

/// What is different. `None`: a control has told what is wrong.
pub fn changes(before: &Map<String, Value>, controls: &Controls) -> Option<Map<String, Value>> {
    let is_other =
        |name: &String, value: &mut Value| before.get(name).unwrap_or(&Value::Null) != value;
    let mut said = said(controls)?;
    said.retain(is_other);
    Some(said)
}

/// What is different in settings that were changed by somebody else: as it was, and as it is.
pub fn difference(
    session: Session,
    settings: impl Iterator<Item = Described>,
    before: &Map<String, Value>,
    present: &Map<String, Value>,
) -> Vec<Difference> {
    let shown = |settings: &Map<String, Value>, name: &str| {
        settings.get(name).map(json::shown).unwrap_or_default()
    };
    different(settings.map(|setting| {
        let name = setting.label(session.texts).to_owned();
        (name, shown(before, setting.name), shown(present, setting.name))
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_different_is_sent() {
        let saying = |name: &'static str, value: Option<Value>| {
            (name, Box::new(move || value.clone()) as Said)
        };
        let before = json!({"enabled": true, "title": "Shop"});
        let before = before.as_object().cloned().unwrap_or_default();
        let controls = vec![
            saying("enabled", Some(json!(true))),
            saying("title", Some(Value::Null)),
            saying("issuer", Some(Value::Null)),
        ];
        assert_eq!(changes(&before, &controls), json!({"title": null}).as_object().cloned());
        assert_eq!(said(&controls).map(|all| all.len()), Some(3));
        let wrong = vec![saying("enabled", None), saying("title", Some(Value::Null))];
        assert_eq!(changes(&before, &wrong), None);
    }
}

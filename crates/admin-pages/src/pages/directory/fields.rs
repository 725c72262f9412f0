//! The fields of an entry's attributes. Which ones there are, the settings of the directory say.

use std::collections::BTreeMap;

use doorward_admin::{
    Operation,
    types::{directories::DirectoryRow, page::Page},
};
use leptos::prelude::*;

use crate::{
    api::Call,
    session::Session,
    ui::{
        form::{Form, lines},
        object::Object,
    },
};

/// The values of attributes, as the API has them.
pub type Attributes = BTreeMap<String, Vec<String>>;

/// The directories that are managed.
pub fn directories(session: Session) -> Object<Page<DirectoryRow>> {
    Object::new(session, Call::new(Operation::ListDirectories, &[]))
}

/// The attributes of a directory that may be edited.
pub fn editable(directories: &Page<DirectoryRow>, name: &str) -> Vec<String> {
    let found = directories.items.iter().find(|directory| directory.name == name);
    found.map(|directory| directory.editable_attributes.clone()).unwrap_or_default()
}

/// A field for each attribute, with a value in each line.
#[derive(Clone)]
pub struct Fields(Vec<(String, RwSignal<String>)>);

impl Fields {
    /// With these values.
    pub fn new(names: Vec<String>, values: &Attributes) -> Self {
        let own = |name: String| {
            let text = values.get(&name).map(|values| values.join("\n")).unwrap_or_default();
            (name, RwSignal::new(text))
        };
        Self(names.into_iter().map(own).collect())
    }

    /// What was typed. An attribute without a value has an empty list.
    pub fn typed(&self) -> Attributes {
        let own = |(name, text): &(String, RwSignal<String>)| {
            (name.clone(), lines(&text.get_untracked()))
        };
        self.0.iter().map(own).collect()
    }

    /// What is different from these values.
    pub fn changes(&self, before: &Attributes) -> Attributes {
        let mut typed = self.typed();
        typed.retain(|name, values| {
            let mut sorted = values.clone();
            sorted.sort();
            sorted != before.get(name).cloned().unwrap_or_default()
        });
        typed
    }

    /// The fields.
    pub fn view(&self, session: Session, form: Form) -> AnyView {
        let fields = self.0.iter().cloned();
        fields.map(|(name, value)| field(session, form, &name, value)).collect_view().into_any()
    }
}

fn field(session: Session, form: Form, name: &str, value: RwSignal<String>) -> AnyView {
    let (id, of) = (format!("attribute-{name}"), format!("attributes.{name}"));
    let (error_id, hint_id) = (format!("{id}-error"), format!("{id}-hint"));
    let error = Memo::new(move |_| form.error_of(&of));
    let described = format!("{error_id} {hint_id}");
    let invalid = move || error.with(Option::is_some).then_some("true");
    let shown = move || {
        let id = error_id.clone();
        error.get().map(|error| view! { <p class="field-error" id=id>{error}</p> })
    };
    view! {
        <div class="field">
            <label for=id.clone()>{name.to_owned()}</label>
            <textarea
                id=id
                rows="1"
                spellcheck="false"
                aria-describedby=described
                aria-invalid=invalid
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
            {shown}
            <p class="field-hint" id=hint_id>{session.texts.one_a_line}</p>
        </div>
    }
    .into_any()
}

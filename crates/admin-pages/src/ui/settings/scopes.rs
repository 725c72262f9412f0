//! The scopes that a client may ask for: a box for each that the provider knows.

use doorward_admin::{Operation, types::resources::ResourcesView};
use leptos::prelude::*;
use serde_json::Value;

use crate::{
    api::Call,
    session::Session,
    ui::{
        form::{Field, Form, Part},
        object::Object,
    },
};

/// The scopes that are chosen, in their order.
pub type Chosen = RwSignal<Vec<String>>;

/// The boxes. They say an array of names.
pub fn scopes(session: Session, form: Form, field: Field, chosen: Chosen) -> Part {
    let t = session.texts;
    let id = field.id.clone();
    let inner = field.name.clone();
    let resources = Object::<ResourcesView>::new(session, Call::new(Operation::ListResources, &[]));
    let boxes = resources.view(move |read| {
        let view = read.value;
        let known = view.identity_resources.into_iter().map(|own| (own.name, own.display_name));
        let of_apis = view.api_scopes.into_iter().map(|own| (own.name, own.display_name));
        let mut all: Vec<_> = known.chain(of_apis).collect();
        // What the provider does not know any more can be taken away.
        let gone = chosen.get_untracked().into_iter();
        let gone = gone.filter(|name| all.iter().all(|(own, _)| own != name));
        let gone = gone.map(|name| (name, String::new())).collect::<Vec<_>>();
        all.extend(gone);
        let boxes = all.into_iter().map(|(name, title)| scope(&id, name, title, chosen));
        view! { <div class="choices">{boxes.collect_view()}</div> }.into_any()
    });
    let wrong = move || {
        // By its place in what was sent.
        chosen.with(|chosen| {
            let told = chosen.iter().enumerate().filter_map(|(index, name)| {
                let problem = form.error_at(&format!("{inner}[{index}]"))?;
                Some(view! { <p class="field-error">{format!("{name}: {problem}")}</p> })
            });
            told.collect_view()
        })
    };
    let hint = if field.hint.is_empty() { t.scopes_hint } else { field.hint };
    let view = field.hint(hint).group(form, view! { {boxes} {wrong} }.into_any());
    Part::new(view, move || {
        Some(chosen.with_untracked(|chosen| chosen.iter().cloned().map(Value::String).collect()))
    })
}

fn scope(id: &str, name: String, title: String, chosen: Chosen) -> AnyView {
    let id = format!("{id}-{name}");
    let of = id.clone();
    let own = StoredValue::new(name.clone());
    let is_chosen =
        move || own.with_value(|name| chosen.with(|chosen| chosen.iter().any(|it| it == name)));
    let choose = move |event| {
        let is_chosen = event_target_checked(&event);
        own.with_value(|name| {
            chosen.update(|chosen| {
                chosen.retain(|it| it != name);
                if is_chosen {
                    chosen.push(name.clone());
                }
            });
        });
    };
    let title =
        (title != name && !title.is_empty()).then(|| view! { <span class="muted">{title}</span> });
    view! {
        <label class="checkbox" for=of>
            <input id=id type="checkbox" prop:checked=is_chosen on:change=choose />
            <span class="choice-name"><span class="mono">{name}</span> {title}</span>
        </label>
    }
    .into_any()
}

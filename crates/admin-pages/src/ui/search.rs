//! The field in which the beginning is typed of what is looked for.

use std::time::Duration;

use leptos::prelude::*;

/// How long to wait after a key before the API is asked.
const PAUSE: Duration = Duration::from_millis(150);

/// A field that is a search by itself, and a landmark.
pub fn search(id: &'static str, label: &'static str, prefix: RwSignal<String>) -> AnyView {
    view! { <div role="search">{search_field(id, label, None, prefix)}</div> }.into_any()
}

/// A field that is a part of something else, with a hint below it if there is one.
pub fn search_field(
    id: &'static str,
    label: &'static str,
    hint: Option<&'static str>,
    prefix: RwSignal<String>,
) -> AnyView {
    let mut search = debounce(PAUSE, move |text: String| prefix.set(text));
    let hint_id = format!("{id}-hint");
    let described_by = hint.map(|_| hint_id.clone());
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                type="search"
                autocomplete="off"
                spellcheck="false"
                maxlength="255"
                aria-describedby=described_by
                on:input=move |event| search(event_target_value(&event))
            />
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
    .into_any()
}

//! A button.

use leptos::prelude::*;

use super::icons::Icon;
use crate::derived::{aria, derived};

/// A button. While it is busy, it keeps the focus but does nothing; the action itself refuses to
/// run twice.
#[component]
pub fn Button(
    /// The id of the element.
    id: &'static str,
    /// The label.
    label: &'static str,
    /// Classes in addition to `btn`.
    #[prop(default = "")]
    look: &'static str,
    /// The icon's outline (SVG path data).
    #[prop(optional)]
    icon: Option<&'static str>,
    /// Whether it is disabled.
    #[prop(optional)]
    disabled: Option<Memo<bool>>,
    /// Whether its action is running.
    #[prop(optional)]
    busy: Option<Memo<bool>>,
    /// What to do when the action is likely to follow: the pointer or the focus is on the button.
    #[prop(optional)]
    prepare: Option<Callback<()>>,
    /// The action.
    #[prop(into)]
    press: Callback<()>,
) -> impl IntoView {
    let is = |state: Option<Memo<bool>>| state.is_some_and(|state| state.get());
    let disabled = derived(move || is(disabled));
    let busy = derived(move || aria(is(busy)));
    let likely = move || {
        if let Some(prepare) = prepare {
            prepare.run(());
        }
    };
    view! {
        <button
            id=id
            type="button"
            class=format!("btn {look}")
            disabled=disabled
            aria-disabled=busy
            on:pointerenter=move |_| likely()
            on:focus=move |_| likely()
            on:click=move |_| press.run(())
        >
            {icon.map(|path| view! { <Icon path/> })}
            {label}
        </button>
    }
}

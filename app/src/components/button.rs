//! A button of the page.

use leptos::prelude::*;

use super::icons::Icon;
use crate::derived::{aria, derived};

/// A button. While it is busy it keeps the focus and stays silent; the action itself refuses to run
/// twice.
#[component]
pub fn Button(
    /// Its id in the document.
    id: &'static str,
    /// What it says.
    label: &'static str,
    /// Classes besides `btn`.
    #[prop(default = "")]
    look: &'static str,
    /// Outline of its icon (SVG path data).
    #[prop(optional)]
    icon: Option<&'static str>,
    /// Whether there is nothing to press for.
    #[prop(optional)]
    disabled: Option<Memo<bool>>,
    /// Whether its action is under way.
    #[prop(optional)]
    busy: Option<Memo<bool>>,
    /// What it does.
    #[prop(into)]
    press: Callback<()>,
) -> impl IntoView {
    let is = |state: Option<Memo<bool>>| state.is_some_and(|state| state.get());
    let disabled = derived(move || is(disabled));
    let busy = derived(move || aria(is(busy)));
    view! {
        <button
            id=id
            type="button"
            class=format!("btn {look}")
            disabled=disabled
            aria-disabled=busy
            on:click=move |_| press.run(())
        >
            {icon.map(|path| view! { <Icon path/> })}
            {label}
        </button>
    }
}

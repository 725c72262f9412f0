//! The last failure, and what to do next.

use leptos::prelude::*;

use super::Button;
use crate::{auth::use_page_auth, derived::derived};

/// The last problem as an alert, which screen readers announce at once, until it is dismissed. The
/// element stays in the page while hidden, because screen readers may miss a region that is
/// inserted together with its text.
#[component]
pub fn ErrorAlert(
    /// Repeats the call of the API at this path.
    #[prop(into)]
    on_call: Callback<String>,
) -> impl IntoView {
    let page = use_page_auth();
    let none = derived(move || page.problem().is_none());
    let title = derived(move || page.problem().map_or("", |problem| problem.title));
    let message =
        derived(move || page.problem().map(|problem| problem.message).unwrap_or_default());
    let step = derived(move || {
        page.problem().and_then(|problem| problem.next.label()).unwrap_or_default()
    });
    let no_step = derived(move || step.get().is_empty());
    let take = move |_| {
        let next = untrack(|| page.problem()).map(|problem| problem.next);
        if let Some(path) = next.and_then(|next| page.take(next)) {
            on_call.run(path);
        }
    };
    view! {
        <div id="error" class="alert alert-error" role="alert" hidden=none>
            <p class="alert-title">{title}</p>
            <p>{message}</p>
            <div class="row">
                <button id="error_next" type="button" class="btn" hidden=no_step on:click=take>
                    {step}
                </button>
                <Button
                    id="error_dismiss"
                    label="Dismiss"
                    look="btn-quiet"
                    press=move |()| page.dismiss()
                />
            </div>
        </div>
    }
}

//! What went wrong and what to do about it.

use leptos::prelude::*;

use super::Button;
use crate::{auth::use_page_auth, derived::derived, problem::Problem};

/// The last problem, until it is dismissed, as an alert that screen readers read at once. The element with the role
/// stays in the page, hidden, since readers may miss a region that is inserted together with its text.
#[component]
pub fn ErrorAlert(
    /// Calls the API again at this path.
    #[prop(into)]
    on_call: Callback<String>,
) -> impl IntoView {
    let page = use_page_auth();
    let none = derived(move || page.problem().is_none());
    let message = move || {
        let problem = page.problem()?;
        Some(view! { <Message problem on_call/> })
    };
    view! {
        <div id="error" class="alert alert-error" role="alert" hidden=none>
            {message}
        </div>
    }
}

#[component]
fn Message(problem: Problem, on_call: Callback<String>) -> impl IntoView {
    let page = use_page_auth();
    let next = problem.next;
    let step = next.label().map(|label| {
        let take = move |()| {
            if let Some(path) = page.take(next.clone()) {
                on_call.run(path);
            }
        };
        view! { <Button id="error_next" label press=take/> }
    });
    view! {
        <p class="alert-title">{problem.title}</p>
        <p>{problem.message}</p>
        <div class="row">
            {step}
            <Button id="error_dismiss" label="Dismiss" look="btn-quiet" press=move |()| page.dismiss()/>
        </div>
    }
}

//! The last event in full.

use doorward_leptos::{AuthStatus, use_auth};
use leptos::prelude::*;

use crate::{derived::derived, outcome::ResultContent};

/// The block `results`: the user object, the response of the API, or a failure. A short form is
/// announced to screen readers.
#[component]
pub fn ResultBlock(
    /// The last event.
    outcome: Memo<ResultContent>,
) -> impl IntoView {
    let auth = use_auth();
    let text = derived(move || outcome.with(ResultContent::text));
    let announcement = derived(move || {
        let of_outcome = outcome.with(ResultContent::announcement);
        match auth.status() {
            _ if !of_outcome.is_empty() => of_outcome,
            AuthStatus::SignedIn(user) => format!("You are signed in as {}.", user.sub()),
            AuthStatus::SignedOut => "You are signed out.".to_owned(),
            AuthStatus::Expired(_) => "Your session has ended.".to_owned(),
            _ => String::new(),
        }
    });
    let class = derived(move || {
        outcome.with(|outcome| match outcome {
            ResultContent::Answered(answer) if answer.is_success() => "code mono result result-ok",
            ResultContent::Answered(_) | ResultContent::Failed(_) => "code mono result result-no",
            _ => "code mono result",
        })
    });
    view! {
        <section class="card stack" aria-labelledby="result-title">
            <h2 id="result-title">"Result:"</h2>
            // The block scrolls, so the keyboard must be able to reach it.
            <pre id="results" class=class tabindex="0" role="group" aria-labelledby="result-title">
                {text}
            </pre>
            <p class="visually-hidden" role="status" aria-live="polite">{announcement}</p>
        </section>
    }
}

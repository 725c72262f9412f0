//! The page for all other paths. The server renders it, without a program.

use leptos::prelude::*;

/// No page has this path.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <section class="card stack" aria-labelledby="not-found">
            <div class="stack stack-tight">
                <p class="badge">"404"</p>
                <h1 id="not-found">"There is no door here"</h1>
                <p class="muted">"No page has this address. It may have been mistyped, or the page \
                    has moved."</p>
            </div>
            <p>
                <a class="btn btn-primary" href="/">"Go to the sign-in page"</a>
            </p>
        </section>
    }
}

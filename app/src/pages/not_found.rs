//! What stands at every other address: a page of the server's, without a program.

use leptos::prelude::*;

/// No page has this address.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <section class="card stack" aria-labelledby="not-found">
            <div class="stack stack-tight">
                <p class="badge">"404"</p>
                <h1 id="not-found">"There is no door here"</h1>
                <p class="muted">"No page has this address. It may have been mistyped, or the page has moved."</p>
            </div>
            <p>
                <a class="btn btn-primary" href="/">"Go to the sign-in page"</a>
            </p>
        </section>
    }
}

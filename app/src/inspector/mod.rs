//! The inspector: the sign-in as it happened, message by message and check by check, from what the
//! client tells (`doorward_client::Trace`).
//!
//! [`Record`] keeps the steps and is part of the page. All else is for the opened panel: [`story`]
//! makes cards of the steps, [`words`] explains what stands in them, [`html`] and [`lifetimes`]
//! write them. With the feature `split` the browser loads that when the panel is
//! opened, and not before.

pub mod html;
pub mod lifetimes;
#[cfg(target_arch = "wasm32")]
mod panel;
mod record;
pub mod story;
#[cfg(test)]
mod tests;
pub mod words;

use doorward_leptos::Auth;
use leptos::{prelude::*, task::spawn_local};

pub use record::{Record, follow_store};

use crate::{
    auth::use_page_auth,
    browser,
    components::Toggle,
    derived::{derived, follow},
};

/// Id of the element that the panel fills.
const PANEL: &str = "inspector_panel";
/// Where in session storage it stands that the panel is open: the sign-in leaves the page and comes
/// back.
const OPEN: &str = "doorward.inspector.open";

/// What is done by the part that is loaded on demand.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
enum Task {
    /// Filling the panel.
    Fill(Record, Auth),
    /// Showing a token's header and claims in the element with this id.
    TakeApart(String, String),
}

/// Why that can't be done: its file did not arrive.
struct NotLoaded;

#[cfg(all(feature = "split", target_arch = "wasm32"))]
impl From<leptos::wasm_split::SplitLoaderError> for NotLoaded {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}

/// Loads the part, if it was not loaded before, and does the task.
#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[leptos::wasm_split::wasm_split(inspector, wasm_split_path = leptos::wasm_split, fallible)]
fn load(task: Task) -> Result<(), NotLoaded> {
    panel::run(task);
    Ok(())
}

/// Does the task; what does so is part of the page.
#[cfg(all(not(feature = "split"), target_arch = "wasm32"))]
#[allow(clippy::unused_async)] // As its other form.
async fn load(task: Task) -> Result<(), NotLoaded> {
    panel::run(task);
    Ok(())
}

/// On the server nobody opens anything.
#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::unused_async)]
async fn load(_: Task) -> Result<(), NotLoaded> {
    Err(NotLoaded)
}

/// Shows a token's header and claims, each explained, in the element with this id.
pub async fn take_apart(id: String, token: String) {
    // Where the file does not arrive the element stays empty; the button can be pressed again.
    let _ = load(Task::TakeApart(id, token)).await;
}

/// The section with the panel.
#[component]
pub fn Inspector() -> impl IntoView {
    let page = use_page_auth();
    let open = RwSignal::new(false);
    let failed = RwSignal::new(false);
    let closed = derived(move || !open.get());
    let well = derived(move || !failed.get());
    let mut first = true;
    let mut filled = false;
    follow(move || {
        if first {
            first = false;
            open.set(!browser::kept(OPEN).is_empty());
        }
        let now = open.get();
        browser::keep(OPEN, if now { "yes" } else { "" });
        if now && (!filled || failed.get_untracked()) {
            filled = true;
            failed.set(false);
            spawn_local(async move {
                if load(Task::Fill(page.record, page.auth)).await.is_err() {
                    failed.set(true);
                }
            });
        }
    });
    view! {
        <section id="inspector" class="card stack" aria-labelledby="inspector-title">
            <div class="stack stack-tight">
                <h2 id="inspector-title">"Inspector"</h2>
                <p class="muted">"The sign-in as it happened: each message, each check, how long the tokens live."</p>
                <Toggle on=open controls=PANEL.to_owned() say=("Show the steps", "Hide the steps") name=""/>
            </div>
            <p class="alert alert-error" role="alert" hidden=well>
                "The steps could not be loaded. Hide and show them to try again."
            </p>
            <div id=PANEL hidden=closed></div>
        </section>
    }
}

//! The inspector: the sign-in message by message and check by check, from the client's events
//! (`doorward_client::Trace`).
//!
//! [`Record`] stores the steps and is part of the page. The rest is for the open panel: [`story`]
//! turns the steps into cards, [`words`] explains their parts, [`html`] and [`lifetimes`] write
//! them. With the feature `split`, the browser loads that part when the panel is opened.

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
    derived::{boxed_effect, derived},
};

/// The id of the element that contains the panel.
const PANEL: &str = "inspector_panel";
/// The key in session storage that says that the panel is open, because sign-in leaves the page.
const OPEN: &str = "doorward.inspector.open";

/// A task of the part that is loaded on demand.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
enum PanelTask {
    /// Fill the panel.
    Fill(Record, Auth),
    /// Show a token's header and claims in the element with this id.
    TakeApart(String, String),
}

/// The file of that part could not be loaded.
struct NotLoaded;

#[cfg(all(feature = "split", target_arch = "wasm32"))]
impl From<leptos::wasm_split::SplitLoaderError> for NotLoaded {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}

/// Loads the part if necessary, and runs the task.
#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[allow(clippy::unnecessary_wraps)] // The macro wants a result.
#[leptos::wasm_split::wasm_split(inspector, wasm_split_path = leptos::wasm_split, fallible)]
fn load(task: PanelTask) -> Result<(), NotLoaded> {
    panel::run(task);
    Ok(())
}

/// Runs the task. Its code is part of the page.
#[cfg(all(not(feature = "split"), target_arch = "wasm32"))]
#[allow(clippy::unused_async)] // As its other form.
async fn load(task: PanelTask) -> Result<(), NotLoaded> {
    panel::run(task);
    Ok(())
}

/// Nothing is opened on the server.
#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::unused_async)]
async fn load(_: PanelTask) -> Result<(), NotLoaded> {
    Err(NotLoaded)
}

/// Shows a token's header and claims, each explained, in the element with this id.
pub async fn take_apart(id: String, token: String) {
    // If the file cannot be loaded, the element stays empty, and the button can be pressed again.
    let _ = load(PanelTask::TakeApart(id, token)).await;
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
    boxed_effect(move || {
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
                if load(PanelTask::Fill(page.record, page.auth)).await.is_err() {
                    failed.set(true);
                }
            });
        }
    });
    view! {
        <section id="inspector" class="card stack" aria-labelledby="inspector-title">
            <div class="stack stack-tight">
                <h2 id="inspector-title">"Inspector"</h2>
                <p class="muted">"The sign-in step by step: each message, each check, and the \
                    lifetimes of the tokens."</p>
                <Toggle
                    on=open
                    controls=PANEL.to_owned()
                    say=("Show the steps", "Hide the steps")
                    name=""
                />
            </div>
            <p class="alert alert-error" role="alert" hidden=well>
                "The steps could not be loaded. Hide and show them to try again."
            </p>
            <div id=PANEL hidden=closed></div>
        </section>
    }
}

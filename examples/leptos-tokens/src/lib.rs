//! A Leptos application whose tokens are in the browser. Its server functions know the user by the
//! access token that each call carries. `docs/guides/leptos.md` explains it.

// The component macro generates a struct for the properties of each component.
#![allow(clippy::must_use_candidate, missing_docs)]

mod app;
#[cfg(feature = "ssr")]
pub mod server;

pub use app::App;

/// Brings the page that the server rendered to life. A code in its address is on its way to the
/// provider before.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    doorward_leptos::callback_first(app::settings(), || leptos::mount::hydrate_body(App));
}

//! A Leptos application that the server renders. Tokens stay on the server, the browser has a
//! cookie, and the first HTML has the user. `docs/guides/leptos.md` explains it.

// The component macro generates a struct for the properties of each component.
#![allow(clippy::must_use_candidate, missing_docs)]

mod app;
mod orders;
#[cfg(feature = "ssr")]
pub mod server;

pub use app::App;

/// Brings the page that the server rendered to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_body(App);
}

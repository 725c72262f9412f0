//! Where the browser enters: `hydrate` brings the server's page to life (built by cargo-leptos),
//! `csr` draws the page without a server (built by trunk). What the application does stands in
//! `doorward-app`.

/// Brings the page that the server rendered to life. Called by the page's hydration script.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    doorward_app::start(|| leptos::mount::hydrate_body(doorward_app::App));
}

/// Draws the page. Called when the module is loaded.
#[cfg(all(feature = "csr", not(feature = "hydrate")))]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    doorward_app::start(|| leptos::mount::mount_to_body(doorward_app::App));
}

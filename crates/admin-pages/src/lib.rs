//! The pages for administrators at `/admin`: a program of its own, drawn in the browser. They sign
//! in at Doorward by `doorward-leptos` like any application, and call the admin API with the token.
//!
//! - [`route`] has the paths, [`pages`] a file for each page.
//! - [`session`] has what every page needs: who is signed in, what they may do, and the calls.
//! - [`ui`] has the parts that pages are made of, [`texts`] all words in each language,
//!   [`setting_texts`] those of settings, and [`names`] what the API's own names are
//!   called.
//!
//! Whatever the API answers is shown as text. Nothing is ever parsed as HTML.

// The component macro generates a struct for the properties of each component.
#![allow(clippy::must_use_candidate)]
// The state of a page is handles, which are copied like references.
#![allow(clippy::large_types_passed_by_value)]
// Of two views to choose from neither is the exception.
#![allow(clippy::single_match_else)]
// The type of a view is nested as deeply as its elements.
#![recursion_limit = "256"]
// Outside a browser only the tests of the rules run.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod api;
mod browser;
mod names;
mod pages;
mod route;
mod session;
mod setting_texts;
mod texts;
mod ui;

/// Draws the pages. Called once the program is loaded.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn start() {
    leptos::mount::mount_to_body(pages::App);
}

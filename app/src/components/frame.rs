//! The header and the footer of every page.

use doorward_leptos::{AuthStatus, use_auth};
use leptos::prelude::*;

use super::icons::BrandMark;
use crate::{auth::use_page_auth, derived::derived};

/// The name of the application, and whether a user is signed in.
#[component]
pub fn PageHeader() -> impl IntoView {
    let auth = use_auth();
    let class = derived(move || match auth.status() {
        AuthStatus::Loading | AuthStatus::SignedOut => "badge",
        AuthStatus::SignedIn(_) => "badge badge-ok",
        _ => "badge badge-no",
    });
    let text = derived(move || match auth.status() {
        AuthStatus::Loading => "Checking",
        AuthStatus::Unavailable => "Not set up",
        AuthStatus::SignedOut => "Signed out",
        AuthStatus::SignedIn(_) => "Signed in",
        AuthStatus::Expired(_) => "Session ended",
        _ => "Unknown",
    });
    view! {
        <header class="shell-header">
            <a class="brand" href="/">
                <BrandMark/>
                "Doorward"
            </a>
            <span class=class>{text}</span>
        </header>
    }
}

/// The provider that the page signs in with.
#[component]
pub fn PageFooter() -> impl IntoView {
    let page = use_page_auth();
    let provider = derived(move || {
        let config = page.config();
        let words = |config: crate::config::AppConfig| {
            format!("Signs in at {} as client {}.", config.authority, config.client_id)
        };
        config.map(words).unwrap_or_default()
    });
    view! {
        <footer class="shell-footer">
            <p>{provider}</p>
        </footer>
    }
}

//! The single-page application: sign in at an OpenID provider, look at the tokens, call the
//! protected API, sign out.
//!
//! It is built in three ways from one source: `ssr` renders the page on the server, `hydrate`
//! starts it in the browser, and `csr` does without a server. Its configuration is read from
//! [`config::CONFIG_PATH`] at start.
//!
//! Other applications can use the sign-in alone: it is in `doorward-leptos`.

// The type of a view is nested as deeply as its elements.
#![recursion_limit = "256"]
// The component macro generates a struct for the properties of each component.
#![allow(clippy::must_use_candidate)]

pub mod auth;
mod browser;
mod components;
pub mod config;
pub mod decode;
mod derived;
pub mod inspector;
pub mod outcome;
mod pages;
pub mod problem;
pub mod routes;
#[cfg(feature = "ssr")]
mod shell;
pub mod time;

use leptos::prelude::*;

#[cfg(feature = "ssr")]
pub use components::icons::BrandMark;
#[cfg(feature = "ssr")]
pub use shell::{not_found, shell};

use crate::{
    auth::provide_page_auth,
    components::{PageFooter, PageHeader},
    config::CONFIG_PATH,
    derived::boxed_effect,
    pages::Home,
};

/// The paths of the page: its home, its redirect URI, and where others may begin a sign-in. Beside
/// that, only the server decides by path, so the browser's program needs no router.
pub const PAGE_PATHS: [&str; 3] = ["/", "/OpenId/Login/JS", INITIATE_LOGIN_PATH];

/// The page's `initiate_login_uri` (OIDC Core section 4).
pub const INITIATE_LOGIN_PATH: &str = "/initiate-login";

/// Begins with the provider's response in the page's address, if there is one, and brings the page
/// to life by `mount`.
pub fn start(mount: impl FnOnce() + 'static) {
    doorward_leptos::callback_first(auth::early_settings(CONFIG_PATH), mount);
}

/// The application, the content of `<body>`.
#[component]
pub fn App() -> impl IntoView {
    let auth = provide_page_auth(CONFIG_PATH).auth;
    boxed_effect(move || {
        browser::mark("data-hydrated", "true");
        browser::mark("data-auth", auth.status().as_str());
    });
    view! {
        <div class="shell">
            <PageHeader/>
            <main class="stack">
                <Home/>
            </main>
            <PageFooter/>
        </div>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    /// The page as the server sends it.
    fn page() -> String {
        Owner::new().with(|| App().to_html())
    }

    /// The opening tag of the element with this id.
    fn tag(html: &str, id: &str) -> String {
        let tags: Vec<&str> =
            html.split('<').filter(|tag| tag.contains(&format!(" id=\"{id}\""))).collect();
        assert_eq!(tags.len(), 1, "{id}");
        tags[0].to_owned()
    }

    #[test]
    fn each_element_is_there_once() {
        let html = page();
        for id in [
            "welcome_msg",
            "signin_msg",
            "uid",
            "login",
            "logout",
            "api",
            "id_token",
            "access_token",
            "refresh_token",
            "expires_at",
            "results",
            "api_route",
            "error",
        ] {
            tag(&html, id);
        }
        assert_eq!(html.matches("<h1").count(), 1);
        assert_eq!(html.matches("<option").count(), 19);
    }

    #[test]
    fn before_hydration_the_page_is_neutral() {
        let html = page();
        assert!(tag(&html, "login").contains(" disabled"));
        for id in ["signin_msg", "welcome_msg", "error"] {
            assert!(tag(&html, id).contains(" hidden"), "{id}");
        }
        let options = LeptosOptions::builder().output_name("doorward").build();
        assert!(Owner::new().with(|| shell(options).to_html()).contains("<noscript>"));
    }

    #[test]
    fn other_addresses_say_so() {
        let html = Owner::new()
            .with(|| not_found(LeptosOptions::builder().output_name("doorward").build()).to_html());
        assert!(html.contains("No page has this address"));
        assert!(!html.contains("import("), "nothing is hydrated there");
    }
}

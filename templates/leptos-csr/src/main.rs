//! A Leptos page that signs in, and nothing else. The guide `docs/guides/leptos.md` explains it.

use doorward_leptos::{RequireAuth, Settings, provide_auth_with};
use leptos::prelude::*;

fn main() {
    mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    let auth = provide_auth_with(|| async {
        let here = location().origin().ok()? + "/";
        let settings = Settings::new(meta("issuer")?, meta("client-id")?, here.clone());
        Some(settings.scope("openid profile offline_access").post_logout_redirect_uri(here))
    });
    let sign_in = move || view! { <button on:click=move |_| auth.sign_in()>"Sign in"</button> };
    view! {
        <RequireAuth fallback=sign_in>
            <p>"Welcome, " {move || auth.user_name()}</p>
            <button on:click=move |_| auth.sign_out()>"Sign out"</button>
        </RequireAuth>
        <p role="alert">{move || auth.failure().map(|failure| failure.error.user_message())}</p>
    }
}

/// What `index.html` says in the `meta` element of this name.
fn meta(name: &str) -> Option<String> {
    let element = document().query_selector(&format!("meta[name={name}]")).ok()??;
    element.get_attribute("content")
}

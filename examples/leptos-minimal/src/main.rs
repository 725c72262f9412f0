//! A Leptos page that signs in, and nothing else. The guide `docs/guides/leptos.md` explains it.

use doorward_leptos::{RequireAuth, Settings, provide_auth};
use leptos::prelude::*;

fn main() {
    mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    let here = location().origin().unwrap_or_default() + "/";
    let auth = provide_auth(Settings {
        scope: "openid profile offline_access".to_owned(),
        post_logout_redirect_uri: Some(here.clone()),
        ..Settings::new("http://localhost:6001", "my-page", here)
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

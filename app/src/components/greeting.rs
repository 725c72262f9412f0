//! The greeting, with the main actions of the page.

use doorward_leptos::{Arrival, AuthStatus, use_auth};
use leptos::prelude::*;

use super::{
    Button,
    icons::{ENTER, SEND},
};
use crate::{
    auth::use_page_auth,
    browser,
    derived::{boxed_effect, derived},
    pages::ApiCalls,
};

/// "Welcome! Please [Sign In] first." or "Welcome! NAME [Sign Out] [Test secured API]".
#[component]
pub fn Greeting(
    /// The calls that the button starts.
    calls: ApiCalls,
) -> impl IntoView {
    let page = use_page_auth();
    let auth = page.auth;
    let loading = derived(move || auth.status() == AuthStatus::Loading);
    let known = derived(move || !loading.get());
    let cannot =
        derived(move || matches!(auth.status(), AuthStatus::Loading | AuthStatus::Unavailable));
    let signed_out = derived(move || !auth.is_signed_in());
    let no_sign_in = derived(move || loading.get() || !signed_out.get());
    let leaving = derived(move || auth.is_leaving());
    let waiting = derived(move || calls.is_waiting());
    let name = derived(move || auth.user_name().unwrap_or_default());
    follow_with_focus();
    view! {
        <section class="card hero stack" aria-labelledby="page-title">
            <div class="stack stack-tight">
                <h1 id="page-title">"Sign in, then try the door"</h1>
                <p class="muted lead">
                    "OpenID Connect with PKCE, step by step: sign in at the provider, look at the \
                        tokens that come back, and call an API that decides by policy."
                </p>
            </div>
            <p id="loading_msg" class="greeting" hidden=known>
                <span class="spinner" aria-hidden="true"></span>
                "Welcome! Looking for your session…"
            </p>
            <p id="signin_msg" class="greeting" tabindex="-1" hidden=no_sign_in>
                <span>"Welcome! Please "</span>
                <Button
                    id="login"
                    label="Sign In"
                    look="btn-primary"
                    icon=ENTER
                    disabled=cannot
                    busy=leaving
                    prepare=Callback::new(move |()| page.prepare())
                    press=move |()| page.sign_in()
                />
                <span>" first."</span>
            </p>
            <p id="welcome_msg" class="greeting" tabindex="-1" hidden=signed_out>
                <span>"Welcome! " <strong id="uid">{name}</strong> " "</span>
                <Button id="logout" label="Sign Out" busy=leaving press=move |()| page.sign_out()/>
                " "
                <Button
                    id="api"
                    label="Test secured API"
                    look="btn-primary"
                    icon=SEND
                    busy=waiting
                    press=move |()| calls.call_chosen()
                />
            </p>
        </section>
    }
}

/// Moves the focus to the greeting when the browser returns from the provider, and when the focused
/// button disappeared because the user changed.
fn follow_with_focus() {
    let auth = use_auth();
    let signed_in = derived(move || auth.is_signed_in());
    let mut before = None;
    boxed_effect(move || {
        let now = signed_in.get();
        let arrived = match auth.arrival() {
            Some(Arrival::SignIn) => now,
            Some(Arrival::SignOut) => !now,
            _ => false,
        };
        let changed = before.replace(now).is_some_and(|before| before != now);
        if arrived || changed {
            // The element must be visible first.
            request_animation_frame(move || {
                if browser::focus_is_lost() {
                    browser::focus(if now { "welcome_msg" } else { "signin_msg" });
                }
            });
        }
    });
}

//! What the Leptos layer can do beside the usual, each on a button: several sign-ins in one page,
//! responses that are left to another program, and calls of any kind. For the tests in `end2end`.
//!
//! The settings are in `meta` elements of the page, as JSON: `page`, and `shop` and `bank` for more
//! sign-ins beside it.

mod calls;

use doorward_leptos::{
    Auth, AuthLoading, AuthOptions, Settings, SignedIn, SignedOut, use_auth, use_auth_of,
};
use leptos::prelude::*;

use crate::calls::Calls;

/// Responses at this path are left to another program.
const CALENDAR_PATH: &str = "/calendar";

/// The sign-in at the shop.
struct Shop;

/// The sign-in at the bank.
struct Bank;

fn main() {
    mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    AuthOptions::load(|| async { settings("page") })
        .skip_callback(|url| url.contains(CALENDAR_PATH))
        .provide();
    let shop = settings("shop").map(|shop| {
        AuthOptions::new(shop).provide_as::<Shop>();
        view! { <AtTheShop/> }
    });
    let bank = settings("bank").map(|bank| {
        AuthOptions::new(bank).provide_as::<Bank>();
        view! { <AtTheBank/> }
    });
    view! {
        <Place name="page" auth=use_auth()/>
        {shop}
        {bank}
        <Calls/>
    }
}

#[component]
fn AtTheShop() -> impl IntoView {
    let auth = use_auth_of::<Shop>();
    view! { <Place name="shop" auth/> }
}

#[component]
fn AtTheBank() -> impl IntoView {
    let auth = use_auth_of::<Bank>();
    view! { <Place name="bank" auth/> }
}

/// One of the sign-ins.
#[component]
fn Place(
    /// The identifier of its element.
    name: &'static str,
    auth: Auth,
) -> impl IntoView {
    let problem = move || auth.failure().map(|failure| failure.error.user_message());
    view! {
        <section id=name>
            <h2>{name}</h2>
            <AuthLoading auth>"One moment …"</AuthLoading>
            <SignedIn auth>
                <strong>{move || auth.user_name()}</strong>
                <button on:click=move |_| auth.sign_out()>"Sign out"</button>
                <button on:click=move |_| auth.sign_out_here()>"Sign out here"</button>
            </SignedIn>
            <SignedOut auth>
                <button on:click=move |_| auth.sign_in()>"Sign in"</button>
            </SignedOut>
            <p role="alert">{problem}</p>
        </section>
    }
}

/// The settings in the `meta` element of this name.
fn settings(name: &str) -> Option<Settings> {
    let element = document().query_selector(&format!("meta[name={name}]")).ok()??;
    serde_json::from_str(&element.get_attribute("content")?).ok()
}

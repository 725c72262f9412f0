//! The page, on the server and in the browser.

use doorward_leptos::{NotAuthorized, Settings, SignedIn, SignedOut, WithToken, provide_auth_with};
#[cfg(feature = "ssr")]
use doorward_leptos::{Policy, RequiredPolicy};
use leptos::prelude::*;
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

/// Who may close orders. The server asks.
#[cfg(feature = "ssr")]
pub struct Sales;

#[cfg(feature = "ssr")]
impl RequiredPolicy for Sales {
    fn policies() -> &'static [Policy] {
        static POLICIES: std::sync::LazyLock<[Policy; 1]> =
            std::sync::LazyLock::new(|| [Policy::require_claim("department", "Sales")]);
        &*POLICIES
    }
}

/// Closes an order.
#[server(endpoint = "orders/close", client = WithToken)]
pub async fn close_order(order: u64) -> Result<String, NotAuthorized> {
    let user = doorward_leptos::authorized::<Sales>().await?;
    let name = user.profile.get("name").and_then(|name| name.as_str()).unwrap_or("Somebody");
    Ok(format!("{name} closed order {order}."))
}

/// The settings of the client, which exists in the browser only.
pub async fn settings() -> Option<Settings> {
    let here = location().origin().ok()? + "/";
    let settings = Settings::new(meta("issuer")?, meta("client-id")?, here.clone());
    Some(settings.scope("openid profile orders offline_access").post_logout_redirect_uri(here))
}

/// What the document says in the `meta` element of this name.
fn meta(name: &str) -> Option<String> {
    let element = document().query_selector(&format!("meta[name={name}]")).ok()??;
    element.get_attribute("content")
}

#[component]
pub fn App() -> impl IntoView {
    let auth = provide_auth_with(settings);
    view! {
        <SignedIn>
            "Signed in as "
            <strong id="user">{move || auth.user_name()}</strong>
            " "
            <button id="signout" on:click=move |_| auth.sign_out()>"Sign out"</button>
        </SignedIn>
        <SignedOut>
            <button id="signin" on:click=move |_| auth.sign_in()>"Sign in"</button>
        </SignedOut>
        <p role="alert">{move || auth.failure().map(|failure| failure.error.user_message())}</p>
        <Router>
            <Routes fallback=|| "No page has this address.">
                <Route path=path!("/") view=Orders/>
            </Routes>
        </Router>
    }
}

#[component]
fn Orders() -> impl IntoView {
    let close = ServerAction::<CloseOrder>::new();
    let outcome = move || {
        close.value().get().map(|result| match result {
            Ok(done) => done,
            Err(error) => format!("This did not work: {error}."),
        })
    };
    view! {
        <button
            id="close"
            on:click=move |_| {
                close.dispatch(CloseOrder { order: 7 });
            }
        >
            "Close order 7"
        </button>
        <p role="status" id="outcome">{outcome}</p>
    }
}

//! The orders, which only some users may close. Page and server ask the same policy.

use std::sync::LazyLock;

use doorward_leptos::{NotAuthorized, Policy, RequirePolicy, RequiredPolicy, use_auth};
use leptos::prelude::*;

/// Who may close orders.
pub struct Sales;

impl RequiredPolicy for Sales {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_claim("department", "Sales")]);
        &*POLICIES
    }
}

/// Closes an order, and remembers it in the session.
#[server(endpoint = "orders/close")]
pub async fn close_order(order: u64) -> Result<String, NotAuthorized> {
    let user = doorward_leptos::authorized::<Sales>().await?;
    if let Ok(session) = leptos_axum::extract::<doorward_axum::Session>().await {
        let _ = session.insert(LAST_ORDER, &order).await;
    }
    let name = user.profile.get("name").and_then(|name| name.as_str()).unwrap_or("Somebody");
    Ok(format!("{name} closed order {order}."))
}

/// The name of the last order in the session.
#[cfg(feature = "ssr")]
const LAST_ORDER: &str = "last_order";

/// The order that this session closed last.
#[server(endpoint = "orders/last")]
pub async fn last_order() -> Result<Option<u64>, ServerFnError> {
    let session: Option<doorward_axum::Session> = leptos_axum::extract().await?;
    Ok(session.map(|session| session.get(LAST_ORDER)).transpose()?.flatten())
}

/// Ends the session. The answer takes the cookie away, and says where the browser has to go: to the
/// page of the provider that ends the session there.
#[server(endpoint = "orders/done")]
pub async fn done() -> Result<String, ServerFnError> {
    let session: doorward_axum::Session = leptos_axum::extract().await?;
    Ok(session.sign_out().await?)
}

#[component]
pub fn Orders() -> impl IntoView {
    let auth = use_auth();
    let close = ServerAction::<CloseOrder>::new();
    let last = Resource::new(move || close.version().get(), |_| last_order());
    let done = ServerAction::<Done>::new();
    Effect::new(move || {
        if let Some(Ok(next)) = done.value().get() {
            let _ = location().assign(&next);
        }
    });
    // The session may have ended since the page was loaded.
    Effect::new(move || {
        let refused = close.value().with(|result| result.as_ref()?.as_ref().err().cloned());
        if let Some(args) = refused.and_then(|refused| refused.sign_in_args()) {
            auth.sign_in_with(args);
        }
    });
    let outcome = move || {
        close.value().get().map(|result| match result {
            Ok(done) => done,
            Err(error) => format!("This did not work: {error}"),
        })
    };
    view! {
        <h1>"Orders"</h1>
        <RequirePolicy policy=Sales::policies()[0].clone() fallback=|| "Only sales closes orders.">
            <button
                id="close"
                on:click=move |_| {
                    close.dispatch(CloseOrder { order: 7 });
                }
            >
                "Close order 7"
            </button>
        </RequirePolicy>
        <button
            id="done"
            on:click=move |_| {
                done.dispatch(Done {});
            }
        >
            "Done for today"
        </button>
        <p role="status" id="outcome">{outcome}</p>
        <p id="last">
            <Suspense>
                {move || match last.get() {
                    Some(Ok(Some(order))) => format!("The last one was order {order}."),
                    _ => String::new(),
                }}
            </Suspense>
        </p>
    }
}

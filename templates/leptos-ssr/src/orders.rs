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

/// Closes an order.
#[server(endpoint = "orders/close")]
pub async fn close_order(order: u64) -> Result<String, NotAuthorized> {
    let user = doorward_leptos::authorized::<Sales>().await?;
    let name = user.profile.get("name").and_then(|name| name.as_str()).unwrap_or("Somebody");
    Ok(format!("{name} closed order {order}."))
}

#[component]
pub fn Orders() -> impl IntoView {
    let auth = use_auth();
    let close = ServerAction::<CloseOrder>::new();
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
        <p role="status" id="outcome">{outcome}</p>
    }
}

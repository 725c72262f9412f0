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
    let session = session().await?.ok_or(NotAuthorized::SignedOut)?;
    session.insert(LAST_ORDER, &order).await.map_err(failed)?;
    let name = user.profile.get("name").and_then(|name| name.as_str()).unwrap_or("Somebody");
    Ok(format!("{name} closed order {order}."))
}

/// The name of the last order in the session.
#[cfg(feature = "ssr")]
const LAST_ORDER: &str = "last_order";

/// The order that this session closed last.
#[server(endpoint = "orders/last")]
pub async fn last_order() -> Result<Option<u64>, NotAuthorized> {
    let session = session().await?.ok_or(NotAuthorized::SignedOut)?;
    session.get(LAST_ORDER).map_err(failed)
}

/// Ends the session. The answer takes the cookie away, and says where the browser has to go: to the
/// page of the provider that ends the session there.
#[server(endpoint = "orders/done")]
pub async fn done() -> Result<String, NotAuthorized> {
    let session = session().await?.ok_or(NotAuthorized::SignedOut)?;
    session.sign_out().await.map_err(failed)
}

/// The session of the request. `None` if nobody is signed in.
#[cfg(feature = "ssr")]
async fn session() -> Result<Option<doorward_axum::Session>, NotAuthorized> {
    // The text of this error is a whole answer, which is not for the browser. The cause is logged.
    leptos_axum::extract().await.map_err(|_| {
        NotAuthorized::Failed("the session can't be read now, try again shortly".to_owned())
    })
}

/// What the page is told when the session can't be used.
#[cfg(feature = "ssr")]
fn failed(error: doorward_axum::SessionError) -> NotAuthorized {
    match error {
        doorward_axum::SessionError::Ended => NotAuthorized::SignedOut,
        // The store's own words are for the log.
        error => {
            leptos::logging::error!("a session can't be used: {error}");
            NotAuthorized::Failed("the session can't be used now, try again shortly".to_owned())
        }
    }
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
    let did_not_work = |error: NotAuthorized| format!("This did not work: {error}.");
    let outcome = move || close.value().get().map(|result| result.unwrap_or_else(did_not_work));
    let not_left = move || done.value().get().and_then(Result::err).map(did_not_work);
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
        <p role="alert">{not_left}</p>
        <p id="last">
            <Suspense>
                {move || match last.get() {
                    Some(Ok(Some(order))) => format!("The last one was order {order}."),
                    Some(Err(error)) => format!("The last order is not known: {error}."),
                    _ => String::new(),
                }}
            </Suspense>
        </p>
    }
}

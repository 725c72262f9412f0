//! Components that show their children only to some users. They are a matter of presentation: an
//! API has to protect what must not be seen.

use leptos::prelude::*;

use crate::{Arrival, AuthStatus, boxed_effect, use_auth};

/// Shows its children to a signed-in user, and the fallback to everyone else. Until it is known who
/// is signed in, and on the server, it shows `loading`.
///
/// ```no_run
/// use doorward_leptos::RequireAuth;
/// use leptos::prelude::*;
///
/// # fn view() -> impl IntoView {
/// view! {
///     // Whoever is not signed in is sent to the provider, and comes back to this page.
///     <RequireAuth redirect=true loading=|| "One moment …" fallback=|| "Please sign in.">
///         <p>"Your orders"</p>
///     </RequireAuth>
/// }
/// # }
/// ```
#[component]
pub fn RequireAuth(
    /// What a signed-in user sees.
    children: ChildrenFn,
    /// What everyone else sees.
    #[prop(optional, into)]
    fallback: ViewFn,
    /// What is shown until it is known who is signed in. Nothing by default.
    #[prop(optional, into)]
    loading: ViewFn,
    /// Whether to go to the provider's sign-in page if nobody is signed in, and to come back to the
    /// present path. After a failure and after a sign-out the fallback is shown instead.
    #[prop(optional)]
    redirect: bool,
) -> impl IntoView {
    let auth = use_auth();
    let status = Memo::new(move |_| auth.as_condition());
    let goes_away = Memo::new(move |_| {
        redirect
            && status.get() == Some(false)
            && auth.failure().is_none()
            && auth.arrival() != Some(Arrival::SignOut)
            && auth.status() != AuthStatus::Unavailable
    });
    boxed_effect(move || {
        if goes_away.get() {
            auth.sign_in_and_return();
        }
    });
    move || match status.get() {
        Some(true) => children().into_any(),
        Some(false) if !goes_away.get() => fallback.run(),
        _ => loading.run(),
    }
}

/// Shows its children to a signed-in user who meets the policy, and the fallback to everyone else
/// who is signed in or not. Until that is known, and on the server, it shows `loading`.
///
/// ```no_run
/// use doorward_leptos::{Policy, RequirePolicy};
/// use leptos::prelude::*;
///
/// # fn view() -> impl IntoView {
/// view! {
///     <RequirePolicy policy=Policy::require_role("admin") fallback=|| "Administrators only.">
///         <p>"All orders"</p>
///     </RequirePolicy>
/// }
/// # }
/// ```
#[cfg(feature = "policy")]
#[component]
pub fn RequirePolicy(
    /// What the user has to meet. The API can use the same policy.
    policy: doorward_policy::Policy,
    /// What a user sees who meets it.
    children: ChildrenFn,
    /// What everyone else sees.
    #[prop(optional, into)]
    fallback: ViewFn,
    /// What is shown until it is known who is signed in. Nothing by default.
    #[prop(optional, into)]
    loading: ViewFn,
) -> impl IntoView {
    let auth = use_auth();
    let allowed = Memo::new(move |_| {
        auth.as_condition().map(|signed_in| {
            signed_in
                && auth.principal().is_some_and(|principal| policy.decide(&principal).is_allowed())
        })
    });
    move || match allowed.get() {
        Some(true) => children().into_any(),
        Some(false) => fallback.run(),
        None => loading.run(),
    }
}

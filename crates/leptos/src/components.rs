//! Components that show their children only to some users. They are a matter of presentation: an
//! API has to protect what must not be seen.

use leptos::prelude::*;

use crate::{Arrival, Auth, AuthStatus, boxed_effect, use_auth};

/// Shows its children to a signed-in user, and the fallback to everyone else. Until it is known who
/// is signed in, it shows `loading`.
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
    /// Whether to go to the provider's sign-in page if nobody is signed in when the page is loaded,
    /// and to come back to the present path. If the session ends later (a sign-out here or in
    /// another tab, or a token that can't be renewed), the page stays and shows the fallback, and
    /// so it does after a failure, and if the tab has left twice within a minute.
    #[prop(optional)]
    redirect: bool,
    /// The sign-in that is meant, if there are several. Default: that of [`use_auth`].
    #[prop(optional, into)]
    auth: Option<Auth>,
) -> impl IntoView {
    let auth = auth.unwrap_or_else(use_auth);
    let status = Memo::new(move |_| auth.as_condition());
    let goes_away = Memo::new(move |_| {
        redirect
            && status.get() == Some(false)
            && !auth.waits.get()
            && auth.failure().is_none()
            && auth.arrival() != Some(Arrival::SignOut)
            && auth.status() != AuthStatus::Unavailable
    });
    boxed_effect(move || {
        if goes_away.get() {
            auth.sign_in_by_itself();
        }
    });
    move || match status.get() {
        Some(true) => children().into_any(),
        Some(false) if !goes_away.get() => fallback.run(),
        _ => loading.run(),
    }
}

/// Shows its children to a signed-in user, and nothing to everyone else.
///
/// ```no_run
/// use doorward_leptos::{AuthLoading, SignedIn, SignedOut, use_auth};
/// use leptos::prelude::*;
///
/// # fn view() -> impl IntoView {
/// let auth = use_auth();
/// view! {
///     <AuthLoading>"One moment …"</AuthLoading>
///     <SignedIn>"Welcome, " {move || auth.user_name()}</SignedIn>
///     <SignedOut>
///         <button on:click=move |_| auth.sign_in()>"Sign in"</button>
///     </SignedOut>
/// }
/// # }
/// ```
#[component]
pub fn SignedIn(
    /// What a signed-in user sees.
    children: ChildrenFn,
    /// The sign-in that is meant, if there are several. Default: that of [`use_auth`].
    #[prop(optional, into)]
    auth: Option<Auth>,
) -> impl IntoView {
    shown_at(Some(true), children, auth)
}

/// Shows its children if nobody is signed in, or if the access token has expired for good, and
/// nothing otherwise. See [`SignedIn`].
#[component]
pub fn SignedOut(
    /// What is shown if nobody is signed in.
    children: ChildrenFn,
    /// The sign-in that is meant, if there are several. Default: that of [`use_auth`].
    #[prop(optional, into)]
    auth: Option<Auth>,
) -> impl IntoView {
    shown_at(Some(false), children, auth)
}

/// Shows its children until it is known who is signed in. See [`SignedIn`].
#[component]
pub fn AuthLoading(
    /// What is shown meanwhile.
    children: ChildrenFn,
    /// The sign-in that is meant, if there are several. Default: that of [`use_auth`].
    #[prop(optional, into)]
    auth: Option<Auth>,
) -> impl IntoView {
    shown_at(None, children, auth)
}

fn shown_at(condition: Option<bool>, children: ChildrenFn, auth: Option<Auth>) -> impl IntoView {
    let auth = auth.unwrap_or_else(use_auth);
    let is_shown = Memo::new(move |_| auth.as_condition() == condition);
    move || is_shown.get().then(|| children())
}

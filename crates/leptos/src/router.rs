//! Routes for signed-in users, for `leptos_router`.

use leptos::prelude::*;
use leptos_router::{MatchNestedRoutes, NestedRoute, PossibleRouteMatch, SsrMode};

use crate::{Auth, RequireAuth};

/// A route for signed-in users. Whoever is not signed in is sent to the provider, and comes back to
/// the same path with its parameters. After a failure and after a sign-out, the fallback is shown
/// instead, so that nobody is sent around in a circle.
///
/// ```no_run
/// use doorward_leptos::ProtectedRoute;
/// use leptos::prelude::*;
/// use leptos_router::{
///     components::{Route, Router, Routes},
///     path,
/// };
///
/// # fn view() -> impl IntoView {
/// view! {
///     <Router>
///         <Routes fallback=|| "Not found">
///             <Route path=path!("/") view=|| "Home"/>
///             <ProtectedRoute
///                 path=path!("/orders/:id")
///                 view=|| "Your order"
///                 loading=|| "One moment …"
///                 fallback=|| "Please sign in."
///             />
///         </Routes>
///     </Router>
/// }
/// # }
/// ```
#[component(transparent)]
pub fn ProtectedRoute<Segments, View, Shown>(
    /// The path, by `leptos_router::path!`.
    path: Segments,
    /// What a signed-in user sees.
    view: View,
    /// What everyone else sees, if they are not sent to the provider.
    #[prop(optional, into)]
    fallback: ViewFn,
    /// What is shown until it is known who is signed in. Nothing by default.
    #[prop(optional, into)]
    loading: ViewFn,
    /// Whether everyone else stays here and sees the fallback.
    #[prop(optional)]
    stay: bool,
    /// The sign-in that is meant, if there are several. Default: that of
    /// [`use_auth`](crate::use_auth).
    #[prop(optional, into)]
    auth: Option<Auth>,
    /// How the server renders the route.
    #[prop(optional)]
    ssr: SsrMode,
) -> impl MatchNestedRoutes + Send + Clone + 'static
where
    Segments: PossibleRouteMatch + std::fmt::Debug + Clone + Send + Sync + 'static,
    View: Fn() -> Shown + Send + Sync + Clone + 'static,
    Shown: IntoView + 'static,
{
    let shown = move || {
        let (view, fallback, loading) = (view.clone(), fallback.clone(), loading.clone());
        let auth = auth.unwrap_or_else(crate::use_auth);
        view! {
            <RequireAuth auth redirect=!stay fallback loading>
                {view()}
            </RequireAuth>
        }
        .into_any()
    };
    NestedRoute::new(path, shown).ssr_mode(ssr).into_maybe_erased()
}

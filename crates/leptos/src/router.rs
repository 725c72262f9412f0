//! Routes for signed-in users, for `leptos_router`.

use leptos::prelude::*;
use leptos_router::{MatchNestedRoutes, NestedRoute, PossibleRouteMatch, SsrMode};

use crate::{Auth, RequireAuth};

/// A route for signed-in users. Whoever is not signed in is sent to the provider, and comes back to
/// the same path with its parameters. If the session ended while the page lived, and after a
/// failure, the fallback is shown instead: no sign-out is undone, no page is left in the middle of
/// something, and nobody is sent around in a circle.
///
/// A server that knows the user by its session
/// ([`provide_session_auth`](crate::provide_session_auth)) answers with a redirect (302) to its
/// sign-in route: there is no page to be shown first.
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
        #[cfg(not(target_arch = "wasm32"))]
        if !stay {
            on_server::send_to_sign_in(auth);
        }
        view! {
            <RequireAuth auth redirect=!stay fallback loading>
                {view()}
            </RequireAuth>
        }
        .into_any()
    };
    NestedRoute::new(path, shown).ssr_mode(ssr).into_maybe_erased()
}

/// The way to the sign-in, in place of a page.
#[cfg(not(target_arch = "wasm32"))]
mod on_server {
    use leptos::prelude::*;
    use leptos_router::{components::Redirect, location::RequestUrl};

    use crate::{Auth, SigninRequestArgs, session::sign_in_url};

    /// Redirects a visitor of whom the server knows that they are not signed in.
    pub(super) fn send_to_sign_in(auth: Auth) {
        if untrack(|| auth.as_condition()) != Some(false) {
            return;
        }
        let requested = use_context::<RequestUrl>();
        let path = requested.as_ref().map_or("/", |url| path_of(url.as_ref()));
        let args = SigninRequestArgs::default().return_to(path);
        let _ = view! { <Redirect path=sign_in_url(auth.routes.sign_in, &args)/> };
    }

    /// The path of a URL with its query.
    fn path_of(url: &str) -> &str {
        let host = url.split_once("://").filter(|_| !url.starts_with('/'));
        let rest = host.map_or(url, |(_, rest)| rest);
        rest.find('/').map_or("/", |start| &rest[start..])
    }

    #[test]
    fn the_path_is_what_follows_the_host() {
        for (url, path) in [
            ("http://leptos.dev/orders?page=2", "/orders?page=2"),
            ("http://leptos.dev", "/"),
            ("/orders?to=https://a.example/b", "/orders?to=https://a.example/b"),
        ] {
            assert_eq!(path_of(url), path);
        }
    }
}

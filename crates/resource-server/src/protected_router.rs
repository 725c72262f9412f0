//! A router on which no route can be without a policy.

use axum::{
    Router,
    extract::FromRef,
    routing::{MethodRouter, Route},
};
use doorward_policy::{Policy, PolicyDescription, RequiredPolicy};
use tower::layer::layer_fn;

use crate::{ResourceServer, require::require_all};

/// A router whose every route names who may call it. There is no way to add one that doesn't:
///
/// ```compile_fail
/// # use axum::routing::get;
/// # fn open(router: doorward_resource_server::ProtectedRouter<doorward_resource_server::ResourceServer>) {
/// router.route("/open", get(|| async { "whoever you are" }));
/// # }
/// ```
///
/// For callers who only need to be signed in there is [`crate::Anyone`]:
///
/// ```
/// # use axum::routing::get;
/// # use doorward_resource_server::{Anyone, ProtectedRouter, ResourceServer};
/// # fn protected(server: ResourceServer) -> axum::Router {
/// ProtectedRouter::new(server).route::<Anyone>("/hello", get(|| async { "Hello" })).into_router()
/// # }
/// ```
///
/// The state is, or holds by `FromRef`, the [`ResourceServer`] that protects them all.
pub struct ProtectedRouter<S> {
    router: Router<S>,
    routes: Vec<ProtectedRoute>,
    server: ResourceServer,
    state: S,
}

/// A row of the table of routes.
#[derive(Debug, Clone)]
pub struct ProtectedRoute {
    path: String,
    policies: &'static [Policy],
}

impl ProtectedRoute {
    /// The path as it was given, with its placeholders.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Every policy that a caller must meet; none: any authenticated caller.
    pub fn policies(&self) -> &'static [Policy] {
        self.policies
    }

    /// The policies, ready to be shown and serialised.
    pub fn describe(&self) -> Vec<PolicyDescription> {
        self.policies.iter().map(Policy::describe).collect()
    }
}

impl<S> ProtectedRouter<S>
where
    S: Clone + Send + Sync + 'static,
    ResourceServer: FromRef<S>,
{
    /// A router without routes.
    pub fn new(state: S) -> Self {
        Self {
            router: Router::new(),
            routes: Vec::new(),
            server: ResourceServer::from_ref(&state),
            state,
        }
    }

    /// Adds a route for callers who meet the policies of `P`, whatever their method: a fallback of
    /// `methods` (`any` is one) and the 405 are theirs only, too.
    ///
    /// # Panics
    /// As `Router::route`: when the path can't be one, or stands there already; and where `methods`
    /// names no method.
    #[must_use]
    pub fn route<P: RequiredPolicy>(self, path: &str, methods: MethodRouter<S>) -> Self {
        self.route_for(path, P::policies(), methods)
    }

    /// The same for policies that are known as values.
    ///
    /// # Panics
    /// As [`ProtectedRouter::route`].
    #[must_use]
    pub fn route_for(
        mut self,
        path: &str,
        policies: &'static [Policy],
        methods: MethodRouter<S>,
    ) -> Self {
        // This changes nothing: it is here for its panic where no method is named.
        let methods = methods.route_layer(layer_fn(|route: Route| route));
        // `route_layer` would leave the fallback open.
        let methods = methods.layer(require_all(&self.server, policies));
        self.router = self.router.route(path, methods);
        self.routes.push(ProtectedRoute { path: path.to_owned(), policies });
        self
    }

    /// The table of routes, in the order in which they were added.
    pub fn routes(&self) -> &[ProtectedRoute] {
        &self.routes
    }

    /// The router, ready to be served or merged with others.
    pub fn into_router(self) -> Router {
        self.router.with_state(self.state)
    }
}

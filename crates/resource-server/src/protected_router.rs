//! A router on which every route has a policy.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    extract::{FromRef, Request},
    handler::Handler,
    response::IntoResponse,
    routing::{MethodRouter, Route, any},
};
use doorward_policy::{Policy, PolicyDescription, RequiredPolicy};
use tower::{Layer, Service, layer::layer_fn};

use crate::{ResourceServer, require::require_all};

/// A router on which every route names who may call it. There is no way to add a route without a
/// policy:
///
/// ```compile_fail
/// # use axum::routing::get;
/// # use doorward_resource_server::{ProtectedRouter, ResourceServer};
/// # fn open(router: ProtectedRouter<ResourceServer>) {
/// router.route("/open", get(|| async { "anyone" }));
/// # }
/// ```
///
/// For callers who only need to be signed in there is [`crate::Anyone`]:
///
/// ```
/// # use axum::routing::get;
/// # use doorward_resource_server::{Anyone, ProtectedRouter, ResourceServer};
/// # fn protected(server: ResourceServer) -> axum::Router {
/// let orders = ProtectedRouter::new(server.clone())
///     .route::<Anyone>("/", get(|| async { "all orders" }))
///     .route::<Anyone>("/{id}", get(|| async { "one order" }));
/// ProtectedRouter::new(server)
///     .nest("/orders", orders)
///     .fallback::<Anyone, _, _>(|| async { "there is nothing here" })
///     .into_router()
/// # }
/// ```
///
/// The state is the [`ResourceServer`] that protects the routes, or gives it by `FromRef`.
pub struct ProtectedRouter<S> {
    router: Router<S>,
    routes: Vec<ProtectedRoute>,
    server: ResourceServer,
    state: S,
}

/// A row of the table of routes.
///
/// ```
/// # use axum::routing::get;
/// # use doorward_resource_server::{
/// #     Policy, ProtectedRouter, RequiredPolicy, ResourceServer, ResourceServerSettings,
/// # };
/// # struct Admin;
/// # impl RequiredPolicy for Admin {
/// #     fn policies() -> &'static [Policy] {
/// #         static POLICIES: std::sync::LazyLock<[Policy; 1]> =
/// #             std::sync::LazyLock::new(|| [Policy::require_role("admin").named("Admin")]);
/// #         &*POLICIES
/// #     }
/// # }
/// # let settings = ResourceServerSettings::new("https://id.example.com", "orders-api");
/// # let server = ResourceServer::new(settings)?;
/// let router = ProtectedRouter::new(server).route::<Admin>("/orders", get(|| async { "orders" }));
/// let route = &router.routes()[0];
/// assert_eq!(route.path(), "/orders");
/// assert_eq!(route.describe()[0].name.as_deref(), Some("Admin"));
/// # Ok::<(), doorward_resource_server::SettingsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ProtectedRoute {
    path: String,
    policies: Arc<[Policy]>,
}

impl ProtectedRoute {
    /// The path with its placeholders, from the root of the router.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The policies that a caller must meet. If empty, any authenticated caller may call.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
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

    /// Adds a route for callers who meet the policies of `P`. They hold for every method: for a
    /// fallback of `methods` (`any` is one) and for the answer 405, too.
    ///
    /// # Panics
    /// As `Router::route`: if the path is not well-formed or was added already. Also if `methods`
    /// names no method.
    #[must_use]
    pub fn route<P: RequiredPolicy>(self, path: &str, methods: MethodRouter<S>) -> Self {
        self.route_for(path, P::policies(), methods)
    }

    /// As [`ProtectedRouter::route`], for policies that are values.
    ///
    /// # Panics
    /// As [`ProtectedRouter::route`].
    #[must_use]
    pub fn route_for(
        mut self,
        path: &str,
        policies: impl AsRef<[Policy]>,
        methods: MethodRouter<S>,
    ) -> Self {
        // This layer changes nothing. It panics if `methods` names no method.
        let methods = methods.route_layer(layer_fn(|route: Route| route));
        // `route_layer` would leave the fallback open.
        let methods = methods.layer(require_all(&self.server, policies.as_ref()));
        self.router = self.router.route(path, methods);
        let policies = policies.as_ref().into();
        self.routes.push(ProtectedRoute { path: path.to_owned(), policies });
        self
    }

    /// Answers requests for which there is no route, for callers who meet the policies of `P`.
    /// Without it, axum answers them by 404 to everybody.
    #[must_use]
    pub fn fallback<P, H, T>(mut self, handler: H) -> Self
    where
        P: RequiredPolicy,
        H: Handler<T, S>,
        T: 'static,
    {
        let methods = any(handler).layer(require_all(&self.server, P::policies()));
        self.router = self.router.fallback_service(methods.with_state(self.state.clone()));
        self
    }

    /// Adds the routes of another router below a path. Each keeps its policies.
    ///
    /// # Panics
    /// As `Router::nest`.
    #[must_use]
    pub fn nest(mut self, path: &str, other: Self) -> Self {
        let below = path.trim_end_matches('/');
        self.routes.extend(other.routes.into_iter().map(|route| ProtectedRoute {
            path: if route.path == "/" {
                path.to_owned()
            } else {
                format!("{below}{}", route.path)
            },
            policies: route.policies,
        }));
        self.router = self.router.nest(path, other.router);
        self
    }

    /// Adds the routes of another router. Each keeps its policies.
    ///
    /// # Panics
    /// As `Router::merge`.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self.router = self.router.merge(other.router);
        self
    }

    /// Adds a layer around the routes that were added before. It runs outside their policies, so it
    /// sees refused requests, too.
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
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

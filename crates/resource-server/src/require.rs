//! A layer that admits only callers who meet policies, for routes whose handlers need not know the
//! caller.
//!
//! # Example
//!
//! ```
//! use std::sync::LazyLock;
//!
//! use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
//! use doorward_resource_server::{
//!     Policy, RequiredPolicy, ResourceServer, ResourceServerSettings, require::require,
//! };
//! use tower::ServiceExt as _;
//!
//! struct Admin;
//!
//! impl RequiredPolicy for Admin {
//!     fn policies() -> &'static [Policy] {
//!         static POLICIES: LazyLock<[Policy; 1]> =
//!             LazyLock::new(|| [Policy::require_role("admin")]);
//!         &*POLICIES
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = ResourceServerSettings::new("https://id.example.com", "orders-api");
//! let server = ResourceServer::new(settings)?;
//! let app: Router = Router::new()
//!     .route("/orders", get(|| async { "all orders" }))
//!     .route_layer(require::<Admin>(&server));
//!
//! let response = app.oneshot(Request::get("/orders").body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="orders-api""#);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to put it
//!
//! `Router::route_layer` protects the routes that were added before. For a single `MethodRouter`
//! use `layer`: its `route_layer` would leave its fallback open. [`crate::ProtectedRouter`] does
//! both for every route.
//!
//! A handler below the layer may extract the caller by [`crate::Authorized`] of the same API. The
//! token is verified once.

use std::{
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use doorward_policy::{Policy, RequiredPolicy};
use tower::{Layer, Service};

use crate::ResourceServer;

/// Requires the policies of `P`. See the [module](self) for an example.
pub fn require<P: RequiredPolicy>(server: &ResourceServer) -> RequireLayer {
    require_all(server, P::policies())
}

/// Requires these policies, all of them. They may come from a configuration file, for example.
pub fn require_all(server: &ResourceServer, policies: impl AsRef<[Policy]>) -> RequireLayer {
    RequireLayer { server: server.clone(), policies: policies.as_ref().into() }
}

/// The layer that [`require`] and [`require_all`] make. See the [module](self) for an example.
#[derive(Clone)]
pub struct RequireLayer {
    server: ResourceServer,
    policies: Arc<[Policy]>,
}

/// The service that [`RequireLayer`] makes.
#[derive(Clone)]
pub struct Require<S> {
    inner: S,
    layer: RequireLayer,
}

impl fmt::Debug for RequireLayer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RequireLayer")
            .field("policies", &self.policies)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require { inner, layer: self.clone() }
    }
}

impl<S> Service<Request> for Require<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // Only the instance that was polled is ready, so it moves into the future.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let RequireLayer { server, policies } = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match server.authorize_once(&mut parts, &policies).await {
                Ok(_) => inner.call(Request::from_parts(parts, body)).await,
                Err(refusal) => Ok(refusal.into_response()),
            }
        })
    }
}

//! A layer that lets only callers through who meet a policy, for routes whose handlers need not
//! know the caller.

use std::{
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use doorward_policy::{Policy, RequiredPolicy};
use tower::{Layer, Service};

use crate::ResourceServer;

/// The layer for the policies of `P`, for `Router::route_layer` or the `layer` of a single
/// `MethodRouter`, whose `route_layer` would leave its fallback open. A handler under it may ask
/// for the caller by [`crate::Authorized`] of the same API; the token is verified once.
pub fn require<P: RequiredPolicy>(server: &ResourceServer) -> RequireLayer {
    require_all(server, P::policies())
}

/// The same for policies that are known as values.
pub fn require_all(server: &ResourceServer, policies: &'static [Policy]) -> RequireLayer {
    RequireLayer { server: server.clone(), policies }
}

/// See [`require`].
#[derive(Clone)]
pub struct RequireLayer {
    server: ResourceServer,
    policies: &'static [Policy],
}

/// What [`RequireLayer`] makes of a service.
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
        // The one that was polled ready goes along; its clone stays.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let RequireLayer { server, policies } = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match server.authorize(&parts, policies).await {
                Ok(token) => {
                    parts.extensions.insert(server.verified(token));
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(refusal) => Ok(refusal.into_response()),
            }
        })
    }
}

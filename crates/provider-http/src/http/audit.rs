//! The layer that ties what happens in a request to the request: its identifier, its address and
//! its `User-Agent` go into the audit records.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::header::USER_AGENT,
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use doorward_provider::{Provider, audit};

use super::peer::{Network, address_of};

/// Extension of a request: the identifier under which the log and the audit records speak of it.
/// Whoever serves the router sets it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Answers a request, and records its events as its own.
pub(crate) async fn record(
    State(provider): State<Arc<Provider>>,
    request: Request,
    next: Next,
) -> Response {
    // The provider's own events have their address already.
    let context = context(&request, None);
    provider.audit().audited(context, next.run(request)).await
}

/// Another router that is served beside the provider's, and whose records are those of its
/// requests. The address of one is that which these proxies report.
pub fn recorded(router: Router, provider: Arc<Provider>, trusted_proxies: Vec<Network>) -> Router {
    let state: (Arc<Provider>, Arc<[Network]>) = (provider, trusted_proxies.into());
    router.layer(from_fn_with_state(state, record_with_address))
}

async fn record_with_address(
    State((provider, trusted)): State<(Arc<Provider>, Arc<[Network]>)>,
    request: Request,
    next: Next,
) -> Response {
    let address = address_of(request.headers(), request.extensions(), &trusted);
    let context = context(&request, address.map(|address| address.to_string()));
    provider.audit().audited(context, next.run(request)).await
}

fn context(request: &Request, address: Option<String>) -> audit::Request {
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    audit::Request {
        id: request.extensions().get::<RequestId>().map(|id| id.0.clone()),
        address,
        user_agent: user_agent.map(str::to_owned),
    }
}

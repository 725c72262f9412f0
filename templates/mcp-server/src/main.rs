//! Tools for agents, whose users sign in at Doorward.

mod notes;

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use doorward_policy::Policy;
use doorward_resource_server::{ResourceMetadata, ResourceServer, ResourceServerSettings};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};

use crate::notes::Notes;

/// Every call needs a token for this scope. A client without one is told so.
static MAY_CALL: LazyLock<[Policy; 1]> = LazyLock::new(|| [Policy::require_scope("notes")]);

/// Admits callers with a good token, and hands the token on to the tools.
async fn admit(State(server): State<ResourceServer>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match server.authorize(&parts, &*MAY_CALL).await {
        Ok(token) => {
            parts.extensions.insert(token);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// The server of the tools. `resource` is its URL, which is the audience of its tokens, too.
fn app(issuer: &str, resource: &str) -> Result<Router, Box<dyn std::error::Error>> {
    let metadata = ResourceMetadata::new(resource)?.with_scopes(["notes"]).with_name("Notes");
    let settings = ResourceServerSettings::new(issuer, resource);
    let server = ResourceServer::new(settings)?.with_metadata(&metadata);
    let notes = Arc::new(Notes::default());
    let tools = StreamableHttpService::new(
        move || Ok(notes::Tools::new(Arc::clone(&notes))),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let protected =
        Router::new().route_service("/mcp", tools).layer(from_fn_with_state(server.clone(), admit));
    Ok(protected.merge(metadata.routes(&server)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let issuer = setting("ISSUER", "http://localhost:6001");
    let resource = setting("RESOURCE", "http://localhost:7002/mcp");
    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:7002")).await?;
    axum::serve(listener, app(&issuer, &resource)?).await?;
    Ok(())
}

//! The endpoint for other systems' users and groups, as this process runs it.

use std::sync::Arc;

use axum::Router;
use doorward_admin::scim::{self, ScimParts};
use doorward_provider::model::time::SystemEntropy;
use doorward_provider_http::recorded;
use doorward_resource_server::ResourceServer;

use crate::{
    config::{ScimConfig, SettingSources},
    error::StartError,
    provider::RunningProvider,
};

/// The router of the endpoint. `trusted` are certification authorities (DER) for requests to the
/// issuer.
pub fn start(
    mut config: ScimConfig,
    running: &RunningProvider,
    trusted: &[Vec<u8>],
    sources: &SettingSources,
) -> Result<Router, StartError> {
    config.resource_server.trusted_roots = trusted.to_vec();
    let resource_server = ResourceServer::new(config.resource_server)
        .map_err(|error| StartError::Refused(format!("{}: scim: {error}", sources.file())))?;
    let parts = ScimParts {
        provider: Arc::clone(&running.provider),
        store: running.store(),
        resource_server,
        entropy: Arc::new(SystemEntropy),
        settings: config.settings,
    };
    let proxies = running.trusted_proxies.clone();
    Ok(recorded(scim::router(parts), Arc::clone(&running.provider), proxies))
}

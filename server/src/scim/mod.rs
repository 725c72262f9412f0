//! The endpoint for other systems' users and groups, as this process runs it.

use std::{fmt, sync::Arc};

use axum::Router;
use doorward_admin::scim::{self, AUDIENCE, ScimParts};
use doorward_protocol::secret::Secret;
use doorward_provider::{Provider, model::time::SystemEntropy};
use doorward_provider_http::recorded;
use doorward_resource_server::{IntrospectionSettings, ResourceServer, TokenAnswer, TokenSource};
use serde_json::Value;

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
    for issuer in &mut config.resource_server.issuers {
        let source = OwnTokens(Arc::clone(&running.provider));
        issuer.introspection = Some(IntrospectionSettings::within(source));
    }
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

/// The provider, which answers about its own opaque tokens.
struct OwnTokens(Arc<Provider>);

impl fmt::Debug for OwnTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OwnTokens")
    }
}

impl TokenSource for OwnTokens {
    fn introspect<'a>(&'a self, token: &'a str) -> TokenAnswer<'a> {
        Box::pin(async move {
            let answer = self.0.introspection().for_api(AUDIENCE, &Secret::new(token)).await;
            let answer = answer.map_err(|error| tracing::warn!(%error, "a token can't be read"));
            match serde_json::to_value(answer.ok()?) {
                Ok(Value::Object(members)) => Some(members),
                _ => None,
            }
        })
    }
}

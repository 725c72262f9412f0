//! The API for operators and its pages, as this process runs them.

mod pages;

use std::sync::Arc;

use axum::Router;
use doorward_admin::{
    FreshSignIn,
    api::{self, AdminParts, AdminSettings, SharedConfiguration},
};
use doorward_provider::model::{acr::AcrLevel, time::SystemEntropy};
use doorward_provider_http::recorded;
use doorward_resource_server::ResourceServer;

use crate::{
    app::EmbeddedSite,
    config::{AdminConfig, SettingSources},
    error::StartError,
    provider::RunningProvider,
};

/// The router of the API and its pages, which show `configuration`. `trusted` are certification
/// authorities (DER) for requests to the issuer. `site` has the files of the pages.
pub fn start(
    mut config: AdminConfig,
    running: &RunningProvider,
    configuration: SharedConfiguration,
    trusted: &[Vec<u8>],
    sources: &SettingSources,
    site: &'static EmbeddedSite,
) -> Result<Router, StartError> {
    config.settings.trusted_roots = trusted.to_vec();
    let resource_server = ResourceServer::new(config.settings)
        .map_err(|error| StartError::Refused(format!("{}: admin: {error}", sources.file())))?;
    let origins = std::mem::take(&mut config.page_origins);
    let scope = std::mem::take(&mut config.pages_scope);
    let acr = running.provider.settings().acr.name(AcrLevel::Two).to_owned();
    let fresh_sign_in = FreshSignIn { acr, max_age: config.fresh_sign_in };
    let pages = (!origins.is_empty()).then(|| {
        let issuer = running.provider.issuer();
        pages::router(issuer, origins, scope, fresh_sign_in.clone(), site)
    });
    let branding = running.branding.clone();
    let parts = AdminParts {
        provider: Arc::clone(&running.provider),
        store: running.store(),
        resource_server,
        entropy: Arc::new(SystemEntropy),
        branding_files: Arc::new(move || branding.current().files()),
        settings: AdminSettings {
            fresh_sign_in,
            requests_per_minute: config.requests_per_minute,
            configuration,
            configuration_file: sources.file().to_owned(),
        },
    };
    let proxies = running.trusted_proxies.clone();
    let api = recorded(api::router(parts), Arc::clone(&running.provider), proxies);
    Ok(match pages {
        Some(pages) => api.merge(pages),
        None => api,
    })
}

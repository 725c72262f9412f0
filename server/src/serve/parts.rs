//! The parts that this process runs, started, and the router of each listener.

use std::sync::Arc;

use axum::Router;
use doorward_admin::api::SharedConfiguration;
use doorward_demo::api::Description;
use doorward_resource_server::ResourceServer;

use super::listeners::Purpose;
use crate::{
    admin, api,
    app::{self, EmbeddedSite, Site},
    config::{ApiSettings, AppSettings, Config, Role, SettingSources},
    error::StartError,
    net::{self, Draining, Metrics, Readiness},
    provider::{ProviderSetup, Reloading, RunningProvider},
    scim,
};

/// The started parts.
pub struct RunningParts {
    provider: Option<RunningProvider>,
    /// The API for operators, and whether it has a listener of its own.
    admin: Option<(Router, bool)>,
    /// The configuration that it shows.
    configuration: SharedConfiguration,
    /// The endpoint for other systems' users and groups.
    scim: Option<Router>,
    api: Option<ResourceServer>,
    api_description: Description,
    app: AppSettings,
    /// The application's files, if it runs here.
    site: Option<Site>,
    metrics: Option<Metrics>,
    /// Whether the API trusts the provider of this process.
    is_own_issuer: bool,
    draining: Draining,
}

impl RunningParts {
    /// Starts these parts. `embedded` has the files of the pages for administrators. `trusted` are
    /// certification authorities (DER) for requests.
    pub async fn start(
        config: Config,
        roles: &[Role],
        site: Option<Site>,
        embedded: &'static EmbeddedSite,
        trusted: &[Vec<u8>],
        draining: Draining,
    ) -> Result<Self, StartError> {
        // Metrics come first, so that they cover the start, too.
        let metrics = config.management.as_ref().map(|_| Metrics::install()).transpose();
        let metrics = metrics.map_err(StartError::Metrics)?;
        let issuer = config.provider.settings.issuer.clone();
        let described = crate::config::show(&config).unwrap_or_default();
        let configuration = SharedConfiguration::new(described);
        let provider = if roles.contains(&Role::Provider) {
            let setup = ProviderSetup {
                config: config.provider,
                store: &config.store,
                mail: config.mail.as_ref(),
                branding: config.branding,
                audit: config.audit,
                demo: config.demo,
                trusted,
                sources: &config.sources,
            };
            Some(Box::pin(setup.start()).await?)
        } else {
            None
        };
        let admin = match (config.admin, &provider) {
            (Some(admin), Some(provider)) => {
                let has_listener = admin.listen.is_some();
                let sources = &config.sources;
                let shown = configuration.clone();
                let router = admin::start(admin, provider, shown, trusted, sources, embedded)?;
                Some((router, has_listener))
            }
            _ => None,
        };
        let scim = match (config.scim, &provider) {
            (Some(scim), Some(provider)) => {
                Some(scim::start(scim, provider, trusted, &config.sources)?)
            }
            _ => None,
        };
        let trusts_issuer = config.api.settings.issuers.iter().any(|one| one.issuer == issuer);
        let api_description = Description::from(&config.api.settings);
        let api = if roles.contains(&Role::Api) {
            Some(start_api(config.api, trusted, &config.sources)?)
        } else {
            None
        };
        Ok(Self {
            is_own_issuer: provider.is_some() && trusts_issuer,
            provider,
            admin,
            configuration,
            scim,
            api,
            api_description,
            app: config.app,
            site,
            metrics,
            draining,
        })
    }

    /// The configuration that operators are shown.
    pub fn configuration(&self) -> SharedConfiguration {
        self.configuration.clone()
    }

    /// What takes over clients and users at SIGHUP, if the provider runs here.
    pub fn reloading(&self) -> Option<Reloading> {
        self.provider.as_ref().map(RunningProvider::reloading)
    }

    /// The router of a listener.
    pub fn router(&self, purpose: &Purpose) -> Router {
        match purpose {
            Purpose::Parts(roles) => self.router_of_parts(roles),
            Purpose::Admin => {
                let health = net::health(self.readiness(&[Role::Provider]));
                match &self.admin {
                    Some((admin, _)) => health.merge(admin.clone()),
                    None => health,
                }
            }
            Purpose::Management => {
                let readiness = self.readiness(&Role::ALL);
                match &self.metrics {
                    Some(metrics) => net::management(metrics.clone(), readiness),
                    None => net::health(readiness),
                }
            }
        }
    }

    /// Parts that do not run in this process are left out.
    fn router_of_parts(&self, roles: &[Role]) -> Router {
        let mut router = net::health(self.readiness(roles));
        if let Some(provider) = self.provider.as_ref().filter(|_| roles.contains(&Role::Provider)) {
            router = router.merge(provider.router.clone());
            if let Some((admin, false)) = &self.admin {
                router = router.merge(admin.clone());
            }
            if let Some(scim) = &self.scim {
                router = router.merge(scim.clone());
            }
        }
        if let Some(api) = self.api.clone().filter(|_| roles.contains(&Role::Api)) {
            router = router.merge(api::router(api, &self.api_description, &self.app.url));
        }
        if let Some(site) = self.site.as_ref().filter(|_| roles.contains(&Role::App)) {
            router = router.merge(app::router(&self.app, site));
        }
        // The application and the provider have "not found" pages of their own.
        if roles == [Role::Api] { router.fallback(api::not_found) } else { router }
    }

    /// What a listener of these parts needs to be ready.
    fn readiness(&self, roles: &[Role]) -> Readiness {
        let provider = self.provider.as_ref().filter(|_| roles.contains(&Role::Provider));
        let site = self.site.as_ref().filter(|_| roles.contains(&Role::App));
        Readiness {
            provider: provider.map(|running| running.provider.clone()),
            api: self.api.clone().filter(|_| roles.contains(&Role::Api)),
            is_own_issuer: self.is_own_issuer,
            writable: provider.map(|running| running.writable.clone()),
            has_site: site.map(Site::is_built),
            draining: self.draining.clone(),
            was_ready: Arc::default(),
        }
    }

    /// Stops what runs beside the requests. Call this when no request is being answered.
    pub async fn stop(self) {
        if let Some(provider) = self.provider {
            provider.stop().await;
        }
    }
}

fn start_api(
    mut config: ApiSettings,
    trusted: &[Vec<u8>],
    sources: &SettingSources,
) -> Result<ResourceServer, StartError> {
    config.settings.trusted_roots = trusted.to_vec();
    ResourceServer::new(config.settings)
        .map_err(|error| StartError::Refused(format!("{}: api: {error}", sources.file())))
}

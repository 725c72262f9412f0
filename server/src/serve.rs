//! `doorward serve`: puts the parts together that this process is to run, and runs them until it is
//! told to stop.

use std::time::Duration;

use doorward_resource_server::ResourceServer;

use crate::{
    StartError, api, app,
    cli::ServeArguments,
    config::{self, Config, ListenAddress},
    logging,
    net::{self, Draining, Listener, Metrics, Observer, Part, Readiness},
    provider::{self, RunningProvider},
    role::Role,
    stop::{HangUps, StopSignals},
    telemetry::Traces,
    tls::{Tls, TlsServer},
    welcome,
};

/// How often the files of the certificate are looked at: who renews them, cert-manager for example,
/// may not know this process.
const LOOK_AT_CERTIFICATE: Duration = Duration::from_secs(30);

/// Serves until a signal comes. What is wrong is found before the first request is accepted.
pub fn run(arguments: &ServeArguments) -> Result<(), StartError> {
    let config = arguments.load()?;
    let failed =
        |error: std::io::Error| StartError::Failed(format!("the process can't be set up: {error}"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let traces = config
        .traces
        .as_ref()
        .map(|collector| Traces::start(collector, runtime.handle().clone()))
        .transpose();
    let traces =
        traces.map_err(|error| StartError::Failed(format!("traces can't be sent: {error}")))?;
    logging::start(&config.log, traces.as_ref());
    let served = runtime.block_on(async {
        let signals = StopSignals::listen().map_err(failed)?;
        serve(config, &arguments.roles, signals).await
    });
    if let Some(traces) = traces {
        traces.stop();
    }
    served
}

async fn serve(config: Config, roles: &[Role], signals: StopSignals) -> Result<(), StartError> {
    // Ports first: a start that finds one taken has changed nothing.
    let mut listeners = Vec::new();
    for Place { key, listen, purpose } in places(&config, roles) {
        let listener = net::bind(&listen)
            .await
            .map_err(|error| config.places.refuse(key, &listen, error.advice()))?;
        listeners.push((listener, purpose));
    }
    let bound: Vec<_> = listeners
        .iter()
        .map(|(listener, purpose)| (purpose.clone(), listener.to_string()))
        .collect();
    let tls = Tls::open(&config.tls, &config.places)?;
    let welcome_text = welcome::text(&config, &bound, tls.advice.as_deref());
    let (stop, draining) = (config.stop, Draining::default());
    if let Some(server) = tls.server.clone() {
        follow_certificate(server)?;
    }
    let (parts, running) = assemble(config, listeners, tls, &draining).await?;
    welcome::print(&welcome_text);
    net::serve(parts, signals, stop, draining).await;
    if let Some(provider) = running {
        provider.stop();
    }
    Ok(())
}

/// Reads the certificate anew when its files have changed, and whenever the process is told to by
/// SIGHUP.
fn follow_certificate(server: TlsServer) -> Result<(), StartError> {
    let mut signals = HangUps::listen()
        .map_err(|error| StartError::Failed(format!("the process can't be set up: {error}")))?;
    let mut looks = tokio::time::interval(LOOK_AT_CERTIFICATE);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = signals.next() => server.reload(),
                _ = looks.tick() => server.reload_if_changed(),
            }
        }
    });
    Ok(())
}

/// What a listener is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Parts of Doorward that share it.
    Parts(Vec<Role>),
    /// Metrics and health, for operators.
    Management,
}

impl Purpose {
    fn has(&self, role: Role) -> bool {
        matches!(self, Self::Parts(roles) if roles.contains(&role))
    }

    /// The listener's name in metrics: that of its first part.
    fn label(&self) -> &'static str {
        match self {
            Self::Parts(roles) => roles.first().map_or("none", |role| role.label()),
            Self::Management => "management",
        }
    }
}

/// A listener to be.
struct Place {
    /// The key of its address.
    key: &'static str,
    listen: ListenAddress,
    purpose: Purpose,
}

fn places(config: &Config, roles: &[Role]) -> Vec<Place> {
    let all = [
        (Role::Provider, "provider.listen", &config.provider.listen),
        (Role::App, "app.listen", &config.app.listen),
        (Role::Api, "api.listen", &config.api.listen),
    ];
    let mut places: Vec<Place> = Vec::new();
    for (role, key, listen) in all.into_iter().filter(|(role, ..)| roles.contains(role)) {
        // Which parts may share a listener the configuration has checked.
        let shared = places.iter_mut().find(|place| place.listen == *listen);
        match shared.map(|place| &mut place.purpose) {
            Some(Purpose::Parts(roles)) => roles.push(role),
            _ => places.push(Place {
                key,
                listen: listen.clone(),
                purpose: Purpose::Parts(vec![role]),
            }),
        }
    }
    let management = config.management.iter().cloned();
    places.extend(management.map(|listen| Place {
        key: "management.listen",
        listen,
        purpose: Purpose::Management,
    }));
    places
}

/// Makes each listener's router.
async fn assemble(
    config: Config,
    listeners: Vec<(Listener, Purpose)>,
    tls: Tls,
    draining: &Draining,
) -> Result<(Vec<Part>, Option<RunningProvider>), StartError> {
    let Config { places, demo, provider: provider_config, app, mut api, store, management, .. } =
        config;
    let proxies = provider_config.trusted_proxies.clone();
    let own_issuer = provider_config.settings.issuer.clone();
    let mut urls = vec![(Role::Provider, own_issuer.clone()), (Role::App, app.url.clone())];
    urls.extend(api.settings.url.clone().map(|url| (Role::Api, url)));
    let serves = |role| listeners.iter().any(|(_, purpose)| purpose.has(role));
    // First of all, so that the start is measured, too.
    let metrics = management.map(|_| Metrics::install()).transpose();
    let metrics = metrics
        .map_err(|error| StartError::Failed(format!("metrics can't be counted: {error}")))?;
    let running = if serves(Role::Provider) {
        Some(provider::start(provider_config, &store, demo, &tls.trusted, &places).await?)
    } else {
        None
    };
    let mut issuers = api.settings.issuers.iter();
    let is_own_issuer = running.is_some() && issuers.any(|trusted| trusted.issuer == own_issuer);
    api.settings.trusted_roots.clone_from(&tls.trusted);
    let resource_server = serves(Role::Api).then(|| ResourceServer::new(api.settings)).transpose();
    let resource_server = resource_server
        .map_err(|error| StartError::Failed(format!("{}: api: {error}", places.file())))?;
    let readiness = |purpose: &Purpose| {
        let all = *purpose == Purpose::Management;
        let provider = running.as_ref().filter(|_| all || purpose.has(Role::Provider));
        Readiness {
            provider: provider.map(|running| running.provider.clone()),
            api: resource_server.clone().filter(|_| all || purpose.has(Role::Api)),
            is_own_issuer,
            draining: draining.clone(),
        }
    };
    let mut parts = Vec::new();
    for (listener, purpose) in listeners {
        let router = match (&purpose, &metrics) {
            (Purpose::Management, Some(metrics)) => {
                net::management(metrics.clone(), readiness(&purpose))
            }
            _ => net::health(readiness(&purpose)),
        };
        let router = match &running {
            Some(running) if purpose.has(Role::Provider) => router.merge(running.router.clone()),
            _ => router,
        };
        let router = match &resource_server {
            Some(resource_server) if purpose.has(Role::Api) => {
                router.merge(api::router(resource_server.clone(), &app.url))
            }
            _ => router,
        };
        let router = if purpose.has(Role::App) {
            router.merge(app::router(&app))
        } else if purpose.has(Role::Provider) {
            // It has a page of its own for whatever is not there.
            router
        } else {
            router.fallback(api::not_found)
        };
        let hsts = wants_hsts(&purpose, &urls);
        let observer = Observer::new(purpose.label(), proxies.clone());
        parts.push(Part {
            listener,
            router: net::with_layers(router, observer, hsts),
            tls: tls.server.clone().filter(|_| purpose != Purpose::Management),
        });
    }
    Ok((parts, running))
}

/// Whether browsers may be told to come back to a listener by https only. The API's URL may be
/// another host's where it shares the application's listener, which then speaks for both.
fn wants_hsts(purpose: &Purpose, urls: &[(Role, String)]) -> bool {
    let counts = |role: Role| match purpose {
        Purpose::Parts(roles) if role == Role::Api => *roles == [Role::Api],
        _ => purpose.has(role),
    };
    urls.iter().any(|(role, url)| counts(*role) && config::wants_hsts(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listener_sends_hsts_by_its_own_urls() {
        let sent = |purpose: &Purpose, api: &str| {
            let urls =
                [(Role::App, "https://localhost:5001".to_owned()), (Role::Api, api.to_owned())];
            wants_hsts(purpose, &urls)
        };
        let alone = Purpose::Parts(vec![Role::Api]);
        assert!(sent(&alone, "https://api.example.com"));
        assert!(!sent(&alone, "https://localhost:5002") && !sent(&alone, "http://localhost:5002"));
        assert!(!sent(&Purpose::Parts(vec![Role::App, Role::Api]), "https://api.example.com"));
        assert!(!sent(&Purpose::Management, "https://api.example.com"));
    }
}

//! `doorward serve`: puts the parts together that this process is to run, and runs them until it is told to stop.

use axum::Router;

use crate::{
    StartError, api, app,
    cli::{Role, ServeArguments},
    config::{Config, ListenAddress},
    logging,
    net::{self, Listener, Readiness},
    provider::{self, RunningProvider},
    stop::StopSignals,
    welcome,
};

/// Serves until a signal comes. What is wrong is found before the first request is accepted.
pub fn run(arguments: &ServeArguments) -> Result<(), StartError> {
    let config = arguments.config.load()?;
    logging::start(&config.log);
    let failed = |error: std::io::Error| StartError::Failed(format!("the process can't be set up: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let signals = StopSignals::listen().map_err(failed)?;
        serve(config, &arguments.roles, signals).await
    })
}

async fn serve(config: Config, roles: &[Role], signals: StopSignals) -> Result<(), StartError> {
    // Ports first: a start that finds one taken has changed nothing.
    let mut listeners = Vec::new();
    for Place { key, listen, roles } in places(&config, roles) {
        let listener = net::bind(&listen).await.map_err(|error| config.places.refuse(key, &listen, error.advice()))?;
        listeners.push((listener, roles));
    }
    let bound: Vec<_> = listeners.iter().map(|(listener, roles)| (roles.clone(), listener.to_string())).collect();
    let welcome_text = welcome::text(&config, &bound);
    let (parts, provider) = assemble(config, listeners).await?;
    welcome::print(&welcome_text);
    net::serve(parts, signals).await;
    if let Some(provider) = provider {
        provider.stop();
    }
    Ok(())
}

/// A listener to be, with the parts that share it.
struct Place {
    /// The key of its address.
    key: &'static str,
    listen: ListenAddress,
    roles: Vec<Role>,
}

fn places(config: &Config, roles: &[Role]) -> Vec<Place> {
    let one = |role, key, listen: &ListenAddress| {
        roles.contains(&role).then(|| Place { key, listen: listen.clone(), roles: vec![role] })
    };
    let mut places: Vec<Place> = [
        one(Role::Provider, "provider.listen", &config.provider.listen),
        one(Role::App, "app.listen", &config.app.listen),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(api) = one(Role::Api, "api.listen", &config.api.listen) {
        let shared = |place: &&mut Place| place.roles.contains(&Role::App) && place.listen == api.listen;
        match places.iter_mut().find(shared) {
            Some(place) => place.roles.push(Role::Api),
            None => places.push(api),
        }
    }
    places
}

/// Makes each listener's router.
async fn assemble(
    config: Config,
    listeners: Vec<(Listener, Vec<Role>)>,
) -> Result<(Vec<(Listener, Router)>, Option<RunningProvider>), StartError> {
    let Config { places, demo, provider: provider_config, app, api, store, log: _ } = config;
    let mut running = None;
    if listeners.iter().any(|(_, roles)| roles.contains(&Role::Provider)) {
        running = Some(provider::start(provider_config, &store, demo, &places).await?);
    }
    let mut parts = Vec::new();
    for (listener, roles) in listeners {
        let router = match &running {
            Some(running) if roles.contains(&Role::Provider) => {
                let readiness = Readiness::Provider(running.provider.clone());
                running.router.clone().merge(net::health(readiness))
            }
            _ => {
                let mut router = net::health(Readiness::Alone);
                if roles.contains(&Role::Api) {
                    let api = api::router(&api)
                        .map_err(|error| StartError::Failed(format!("{}: api: {error}", places.file())))?;
                    router = router.merge(api);
                }
                if roles.contains(&Role::App) {
                    router.merge(app::router(&app))
                } else {
                    router.fallback(api::not_found)
                }
            }
        };
        parts.push((listener, net::with_layers(router)));
    }
    Ok((parts, running))
}

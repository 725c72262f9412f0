//! `doorward serve`: starts the parts that this process runs, and runs them until a signal stops
//! it.

mod banner;
mod listeners;
mod parts;

use std::time::Duration;

use self::{
    listeners::{ListenerPlan, Purpose},
    parts::RunningParts,
};
use crate::{
    config::{Config, Role, ServeArguments},
    error::StartError,
    net::{self, Draining, Listener, Observer, Part},
    output::print,
    process::{
        log,
        signals::{ReloadSignals, StopSignals},
        traces::Traces,
    },
    tls::{Tls, TlsServer},
};

/// How often the certificate's files are checked for changes. The tool that renews them, such as
/// cert-manager, may not know this process.
const CERTIFICATE_CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Serves until a signal comes. Whatever is wrong is found before the first request is accepted.
pub fn run(arguments: &ServeArguments) -> Result<(), StartError> {
    let config = arguments.load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let collector = config.traces.as_ref();
    let traces = collector
        .map(|collector| Traces::start(collector, runtime.handle().clone()))
        .transpose()
        .map_err(|error| StartError::Traces(error.to_string()))?;
    log::start(&config.log, traces.as_ref());
    let served = runtime.block_on(async {
        let signals = StopSignals::listen()?;
        serve(config, &arguments.roles, signals).await
    });
    if let Some(traces) = traces {
        traces.stop();
    }
    served
}

async fn serve(config: Config, roles: &[Role], signals: StopSignals) -> Result<(), StartError> {
    // Ports come first: a start that finds one taken has changed nothing.
    let listeners = bind(&config, roles).await?;
    let tls = Tls::open(&config.tls, &config.sources)?;
    let banner = banner::text(&config, &addresses(&listeners), tls.advice.as_deref());
    let (stop, draining) = (config.stop, Draining::default());
    if let Some(server) = tls.server.clone() {
        follow_certificate(server)?;
    }
    let urls = listeners::public_urls(&config);
    let proxies = config.provider.trusted_proxies.clone();
    let running = RunningParts::start(config, roles, &tls.trusted, draining.clone()).await?;
    let parts = listeners.into_iter().map(|(listener, purpose)| {
        let observer = Observer::new(purpose.label(), proxies.clone());
        let hsts = listeners::wants_hsts(&purpose, &urls);
        Part {
            listener,
            router: net::with_layers(running.router(&purpose), observer, hsts),
            tls: tls.server.clone().filter(|_| purpose != Purpose::Management),
        }
    });
    let parts = parts.collect();
    print(&banner);
    net::serve(parts, signals, stop, draining).await;
    running.stop();
    Ok(())
}

async fn bind(config: &Config, roles: &[Role]) -> Result<Vec<(Listener, Purpose)>, StartError> {
    let mut bound = Vec::new();
    for ListenerPlan { key, listen, purpose } in listeners::plan(config, roles) {
        let listener = net::bind(&listen)
            .await
            .map_err(|error| config.sources.refuse(key, &listen, error.advice()))?;
        bound.push((listener, purpose));
    }
    Ok(bound)
}

/// What each listener serves, and the addresses that it has.
fn addresses(listeners: &[(Listener, Purpose)]) -> Vec<(Purpose, String)> {
    listeners.iter().map(|(listener, purpose)| (purpose.clone(), listener.to_string())).collect()
}

/// Reads the certificate again when its files have changed, and on SIGHUP.
fn follow_certificate(server: TlsServer) -> Result<(), StartError> {
    let mut signals = ReloadSignals::listen()?;
    let mut checks = tokio::time::interval(CERTIFICATE_CHECK_INTERVAL);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = signals.next() => server.reload(),
                _ = checks.tick() => server.reload_if_changed(),
            }
        }
    });
    Ok(())
}

//! `doorward serve`: starts the parts that this process runs, and runs them until a signal stops
//! it.

mod banner;
pub mod listeners;
mod parts;
mod reload;

use self::{
    listeners::{ListenerPlan, Purpose},
    parts::RunningParts,
    reload::Reload,
};
use crate::{
    app::{EmbeddedSite, Site},
    config::{self, Config, ConnectionsConfig, LogFormat, Role, ServeArguments},
    error::StartError,
    net::{self, Admission, ConnectionTimes, Draining, Listener, Observer, Part, WriteLimits},
    output::print,
    process::{
        log::{self, LevelHandle},
        notify,
        signals::{ReloadSignals, StopSignals},
        traces::Traces,
    },
    tls::Tls,
};

/// Serves until a signal comes. Whatever is wrong is found before the first request is accepted.
pub fn run(arguments: &ServeArguments, site: &'static EmbeddedSite) -> Result<(), StartError> {
    let config = arguments.load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let collector = config.traces.as_ref();
    let traces = collector
        .map(|collector| Traces::start(collector, runtime.handle().clone()))
        .transpose()
        .map_err(StartError::Traces)?;
    let level = log::start(&config.log, traces.as_ref());
    let served = runtime.block_on(serve(config, arguments, site, level));
    if let Some(traces) = traces {
        traces.stop();
    }
    served
}

async fn serve(
    config: Config,
    arguments: &ServeArguments,
    site: &'static EmbeddedSite,
    level: LevelHandle,
) -> Result<(), StartError> {
    // From now on SIGHUP no longer ends the process, whatever it serves.
    let (stop_signals, reload_signals) = (StopSignals::listen()?, ReloadSignals::listen()?);
    // Ports come first: a start that finds one taken has changed nothing.
    let listeners = bind(&config, &arguments.roles)?;
    let tls = Tls::open(&config.tls, &config.sources)?;
    let (text, log) = (banner::text(&config, &listeners, tls.advice.as_deref()), config.log.format);
    let (stop, draining, sources) = (config.stop, Draining::default(), config.sources.clone());
    let (limits, proxies) = (config.connections, config.provider.trusted_proxies.clone());
    let (urls, demo) = (listeners::public_urls(&config), config.demo);
    let oddities = oddities(&config, &arguments.roles);
    let trusted = &tls.trusted;
    let roles = &arguments.roles;
    let (embedded, site) = (site, roles.contains(&Role::App).then(|| Site::find(site)));
    let starting = RunningParts::start(config, roles, site, embedded, trusted, draining.clone());
    let running = Box::pin(starting).await?;
    log_start(&sources, demo, &listeners);
    for oddity in oddities {
        tracing::warn!("{oddity}");
    }
    let admission =
        Admission::new(max_connections(limits), limits.max_per_address, proxies.clone());
    let parts = listeners.into_iter().map(|(listener, purpose)| {
        let observer = Observer::new(purpose.label(), proxies.clone());
        let hsts = listeners::wants_hsts(&purpose, &urls);
        let is_management = purpose == Purpose::Management;
        Part {
            listener,
            router: net::with_layers(running.router(&purpose), observer, hsts),
            tls: tls.server.clone().filter(|_| !is_management),
            admission: if is_management { Admission::for_management() } else { admission.clone() },
        }
    });
    let parts = parts.collect();
    let reload = Reload {
        arguments: arguments.clone(),
        sources,
        tls: tls.server.clone(),
        level,
        provider: running.reloading(),
        configuration: running.configuration(),
    };
    reload.start(reload_signals);
    if log == LogFormat::Text {
        print(&text);
    }
    notify::start_watchdog();
    notify::ready("serving");
    net::serve(parts, connection_times(limits), stop_signals, stop, draining).await;
    running.stop().await;
    Ok(())
}

/// What is odd and does not stop the start: unknown variables, and names that nothing defines. A
/// client may be in the database, so its absence from the file is not an error.
fn oddities(config: &Config, roles: &[Role]) -> Vec<String> {
    let missing = config::missing_references(config, roles, &[]);
    let missing = missing.iter().map(|missing| format!("{missing} (see doorward config check)"));
    config.warnings.iter().map(ToString::to_string).chain(missing).collect()
}

fn bind(config: &Config, roles: &[Role]) -> Result<Vec<(Listener, Purpose)>, StartError> {
    let mut bound = Vec::new();
    for ListenerPlan { key, listen, purpose } in listeners::plan(config, roles) {
        let listener = net::bind(&listen)
            .map_err(|error| config.sources.refuse(key, &listen, error.advice()))?;
        bound.push((listener, purpose));
    }
    Ok(bound)
}

fn log_start(sources: &config::SettingSources, demo: bool, listeners: &[(Listener, Purpose)]) {
    let listeners: Vec<String> = listeners
        .iter()
        .map(|(listener, purpose)| format!("{} on {listener}", purpose.label()))
        .collect();
    let (version, configuration) = (env!("CARGO_PKG_VERSION"), sources.file());
    tracing::info!(version, configuration, demo, ?listeners, "started");
}

/// As many connections as are configured, if there are file descriptors for them.
fn max_connections(limits: ConnectionsConfig) -> u32 {
    match net::affordable_connections() {
        Some(affordable) if affordable < limits.max => {
            tracing::info!(
                configured = limits.max,
                accepted = affordable,
                "fewer connections are accepted: raise the limit on open files (ulimit -n)"
            );
            affordable
        }
        _ => limits.max,
    }
}

fn connection_times(limits: ConnectionsConfig) -> ConnectionTimes {
    ConnectionTimes {
        writes: WriteLimits { stalled: limits.write_timeout, behind: limits.answer_time },
        max_age: limits.max_age,
    }
}

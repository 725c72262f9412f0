//! The log: written to standard error, as text for people or as JSON for collectors.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::{
    Layer as _, Registry,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

use super::traces::{self, Traces};
use crate::config::{LogFormat, LogLevel, LogSection};

/// Changes the level while the process runs.
#[derive(Debug, Clone)]
pub struct LevelHandle(reload::Handle<Targets, Registry>);

impl LevelHandle {
    /// Logs at this level from now on.
    pub fn set(&self, level: &LogLevel) {
        if let Err(error) = self.0.reload(filter(level)) {
            tracing::error!(%error, "the log level can't be changed");
        }
    }
}

/// Starts the log, and traces if there is a collector. Panics are logged, too.
pub fn start(settings: &LogSection, traces: Option<&Traces>) -> LevelHandle {
    let lines = fmt::layer().with_writer(stderr);
    let lines = match settings.format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let (level, handle) = reload::Layer::new(filter(&settings.level));
    // The log is started once; a second start keeps the first.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(level))
        .with(traces.map(Traces::layer))
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, "the server has a defect: please report it");
    }));
    LevelHandle(handle)
}

fn filter(level: &LogLevel) -> Targets {
    // The store's own errors report failed migrations; successful ones are not worth a line.
    let level = level.0.clone().with_target("rusqlite_migration", LevelFilter::WARN);
    level.with_target(traces::TARGET, LevelFilter::OFF)
}

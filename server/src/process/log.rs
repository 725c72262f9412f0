//! The log: written to standard error, as text for people or as JSON for collectors.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::{
    Layer as _, filter::LevelFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::traces::{self, Traces};
use crate::config::{LogFormat, LogSection};

/// Starts the log, and traces if there is a collector. Panics are logged, too.
pub fn start(settings: &LogSection, traces: Option<&Traces>) {
    let lines = fmt::layer().with_writer(stderr);
    let lines = match settings.format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // The store's own errors report failed migrations; successful ones are not worth a line.
    let level = settings.level.0.clone().with_target("rusqlite_migration", LevelFilter::WARN);
    let level = level.with_target(traces::TARGET, LevelFilter::OFF);
    // The log is started once; a second start keeps the first.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(level))
        .with(traces.map(Traces::layer))
        .try_init();
    std::panic::set_hook(Box::new(
        |panic| tracing::error!(%panic, "the server has a defect: please report it"),
    ));
}

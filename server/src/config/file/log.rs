//! `[log]` and `[telemetry]`.

use serde::Deserialize;
use tracing_subscriber::filter::Targets;

use super::known;
use crate::config::values::CollectorUrl;

/// `[telemetry]`: traces.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TelemetrySection {
    pub otlp_endpoint: Option<CollectorUrl>,
}

/// `[log]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LogSection {
    pub level: LogLevel,
    pub format: LogFormat,
}

/// `level`: one for all, or `target=level` for parts, between commas.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct LogLevel(pub Targets);

impl TryFrom<String> for LogLevel {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let problem =
            "give error, warn, info, debug or trace, and target=level for parts, between commas";
        let filter: Targets = text.parse().map_err(|_| problem)?;
        // A word that is not a level would be taken as the name of a part to be logged in full.
        let bare_words_are_levels =
            text.split(',').map(str::trim).filter(|part| !part.contains('=')).all(|part| {
                ["error", "warn", "info", "debug", "trace", "off"]
                    .contains(&part.to_ascii_lowercase().as_str())
            });
        if bare_words_are_levels { Ok(Self(filter)) } else { Err(problem) }
    }
}

impl Default for LogLevel {
    fn default() -> Self {
        known("info")
    }
}

/// `format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

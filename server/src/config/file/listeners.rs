//! `[connections]`, `[tls]`, `[stop]` and `[management]`.

use std::path::PathBuf;

use serde::Deserialize;

use crate::config::values::{ListenAddress, Seconds};

/// `[connections]`: how many connections the listeners accept, and for how long.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ConnectionsSection {
    pub max: u32,
    pub max_per_address: u32,
    pub write_timeout: Seconds,
    pub answer_time: Seconds,
    pub max_age: Seconds,
}

impl Default for ConnectionsSection {
    fn default() -> Self {
        Self {
            max: 10_000,
            max_per_address: 256,
            write_timeout: Seconds::new(30),
            answer_time: Seconds::new(120),
            max_age: Seconds::new(3600),
        }
    }
}

/// `[tls]`: the certificate of the listeners, and whom requests of our own trust.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TlsSection {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub development: bool,
    pub trusted_ca: Option<PathBuf>,
}

/// `[stop]`: how the process ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct StopSection {
    pub drain_delay: u32,
    pub finishing_time: u32,
}

impl Default for StopSection {
    fn default() -> Self {
        Self { drain_delay: 0, finishing_time: 10 }
    }
}

/// `[management]`: what is for operators only.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ManagementSection {
    pub listen: Option<ListenAddress>,
}

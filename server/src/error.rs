//! Why the process ends before it serves.

use doorward_provider::keys::KeyRingError;

use crate::{
    config::{ConfigError, ConfigErrors},
    provider::master_key::MasterKeyError,
};

/// Nothing was served or changed. Its text is one line for people, or one for each wrong setting.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings are wrong, by themselves or on this machine.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The operating system refuses what every process needs: threads, signals.
    #[error("the process can't be set up: {0}")]
    Process(#[from] std::io::Error),
    /// The collector of traces can't be used.
    #[error("traces can't be sent: {0}")]
    Traces(String),
    /// The metrics can't be counted.
    #[error("metrics can't be counted: {0}")]
    Metrics(String),
    /// The master key is missing or wrong.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The signing keys can't be read, opened or made.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// Requests to clients can't be made.
    #[error("requests to clients can't be made: {0}")]
    Http(#[from] reqwest::Error),
    /// Anything else, in a sentence.
    #[error("{0}")]
    Refused(String),
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error.into())
    }
}

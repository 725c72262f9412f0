//! Why a command did nothing.

use doorward_provider::store::StoreError;

use crate::{
    config::{ConfigError, ConfigErrors},
    error::StartError,
};

/// Why a command did nothing. `main` turns each case into an exit code.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// What the command names is not there, or not in the necessary state. Exit code 1.
    #[error("{0}")]
    Missing(String),
    /// The arguments, the configuration or the database can't be used. Exit code 2.
    #[error(transparent)]
    Refused(#[from] StartError),
}

impl CommandError {
    /// Refused for this reason.
    pub fn refused(problem: impl std::fmt::Display) -> Self {
        Self::Refused(StartError::Refused(problem.to_string()))
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ConfigErrors> for CommandError {
    fn from(errors: ConfigErrors) -> Self {
        Self::Refused(errors.into())
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(problem) => Self::Missing(problem),
            other => Self::refused(other),
        }
    }
}

//! What is wrong with a configuration: one line for each mistake, which names the source, the key
//! and the value.

use std::fmt;

/// A mistake in the configuration. Its text is one line and shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{file}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{file}: {problem}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, column and what is wrong there.
        problem: String,
    },
    /// A setting is wrong.
    #[error("{source_name}: {key} = {value}: {problem}")]
    Setting {
        /// File or environment variable.
        source_name: String,
        /// The key with its section.
        key: String,
        /// The value as TOML would write it.
        value: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// There is no configuration, and what the command does without one would surprise.
    #[error("{0}")]
    Absent(String),
}

impl ConfigError {
    /// The section or list that the mistake is in.
    pub fn section(&self) -> Option<&str> {
        let Self::Setting { key, .. } = self else { return None };
        key.split(['.', '[']).next()
    }
}

/// All mistakes that were found, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

/// One line for each.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(formatter, "{line_end}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

/// Collects mistakes, so that all of them are reported at once.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<ConfigError>);

impl Mistakes {
    /// The value, or `None` and the mistake is noted.
    pub fn note<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// The same for several mistakes.
    pub fn note_all<T>(&mut self, result: Result<T, ConfigErrors>) -> Option<T> {
        result.map_err(|errors| self.0.extend(errors.0)).ok()
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails if anything was noted. `value` is there if nothing was.
    pub fn or<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigErrors(self.0)),
        }
    }
}

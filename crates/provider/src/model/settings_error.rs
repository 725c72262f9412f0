//! A setting that does not hold.

/// A setting that does not hold. The caller adds which file and which client it stands in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value:?}: {problem}")]
pub struct SettingsError {
    /// The key, as written in the configuration.
    pub key: &'static str,
    /// The value; never a secret.
    pub value: String,
    /// What is wrong and what would be right.
    pub problem: &'static str,
}

impl SettingsError {
    /// A setting that does not hold.
    #[allow(clippy::needless_pass_by_value)]
    pub fn new(key: &'static str, value: impl ToString, problem: &'static str) -> Self {
        Self { key, value: value.to_string(), problem }
    }
}

//! A setting that does not hold.

/// A setting that does not hold. The caller adds which file and which client it stands in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value:?}: {problem}")]
pub struct SettingsError {
    /// The list of tables that the setting belongs to, where the caller can't know it:
    /// `api_resources`, for example.
    pub list: Option<&'static str>,
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
        Self { list: None, key, value: value.to_string(), problem }
    }

    /// The first of several mistakes. There is one.
    pub(crate) fn first(mistakes: Vec<Self>) -> Self {
        let none = || Self::new("", "", "these settings do not hold");
        mistakes.into_iter().next().unwrap_or_else(none)
    }

    /// The same error, of a table in this list.
    #[must_use]
    pub fn in_list(self, list: &'static str) -> Self {
        Self { list: Some(list), ..self }
    }
}

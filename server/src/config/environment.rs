//! Settings from the environment: `DOORWARD_SECTION__KEY=value` stands above `key` in `[section]`
//! of the file.

use std::ffi::OsString;

use figment::{
    Error, Metadata, Profile, Provider,
    util::nest,
    value::{Dict, Map, Value},
};

use super::ConfigError;

/// Environment variables with this prefix are settings, all of them.
const PREFIX: &str = "DOORWARD_";

/// One variable. Its value is read as TOML would be where that is possible (a number, `true`, a
/// list), otherwise as a text.
#[derive(Debug, Clone)]
pub struct Variable {
    name: String,
    key: String,
    value: Value,
}

/// Those of the variables that are settings, ordered by their names.
pub fn settings(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<Variable>, ConfigError> {
    let mut settings = Vec::new();
    for (name, value) in variables {
        let Some(key) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let key = key.to_ascii_lowercase().replace("__", ".");
        let refuse = |problem: &str| ConfigError::Setting {
            place: "environment".to_owned(),
            key: name.to_string_lossy().into_owned(),
            value: "(not shown)".to_owned(),
            problem: problem.to_owned(),
        };
        if key.split('.').any(str::is_empty) {
            return Err(refuse("settings are named DOORWARD_SECTION__KEY"));
        }
        let text = value.to_str().ok_or_else(|| refuse("the value is not UTF-8"))?;
        let Ok(value) = text.parse::<Value>();
        settings.push(Variable { name: name.to_string_lossy().into_owned(), key, value });
    }
    settings.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(settings)
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("environment variable {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let nested = nest(&self.key, self.value.clone()).into_dict().unwrap_or_default();
        Ok(Profile::Default.collect(nested))
    }
}

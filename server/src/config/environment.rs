//! Settings from the environment: `DOORWARD_SECTION__KEY=value` overrides `key` in `[section]` of
//! the file.

use std::ffi::OsString;

use figment::{
    Error, Metadata, Profile, Provider,
    util::nest,
    value::{Dict, Map, Value},
};

use super::{ConfigError, file::SECTIONS};

/// Every variable of ours has this prefix; not every variable with it is ours. Kubernetes and
/// Docker set `DOORWARD_PORT` and the like beside a service named `doorward`.
const PREFIX: &str = "DOORWARD_";
/// Names the configuration file.
pub const CONFIG_VARIABLE: &str = "DOORWARD_CONFIG";
/// The keys at the top of the file, which a variable may set without a section.
const TOP_KEYS: [&str; 8] = [
    "demo",
    "clients",
    "users",
    "identity_providers",
    "directories",
    "identity_resources",
    "api_scopes",
    "api_resources",
];

/// What the environment says.
#[derive(Debug, Default)]
pub struct Environment {
    /// The settings, ordered by their names.
    pub settings: Vec<Variable>,
    /// Names of variables with our prefix that are not settings.
    pub unknown: Vec<String>,
}

/// One setting. Its value is read as TOML would read it where possible (a number, `true`, a list),
/// otherwise as text.
#[derive(Debug, Clone)]
pub struct Variable {
    name: String,
    key: String,
    value: Value,
}

/// Sorts the variables with our prefix into settings and others.
pub fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Environment, ConfigError> {
    let mut environment = Environment::default();
    for (name, value) in variables {
        let name = name.to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(PREFIX).filter(|_| name != CONFIG_VARIABLE) else {
            continue;
        };
        let key = rest.to_ascii_lowercase().replace("__", ".");
        if !is_setting(&key) {
            environment.unknown.push(name);
            continue;
        }
        let text = value.to_str().ok_or_else(|| ConfigError::Setting {
            source_name: "environment".to_owned(),
            key: name.clone(),
            value: "(not shown)".to_owned(),
            problem: "the value is not UTF-8".to_owned(),
        })?;
        let Ok(value) = text.parse::<Value>();
        environment.settings.push(Variable { name, key, value });
    }
    environment.settings.sort_by(|one, other| one.name.cmp(&other.name));
    environment.unknown.sort();
    Ok(environment)
}

/// Whether a key names something at the top of the file, or anything in one of its sections. A
/// mistyped key in a section is refused later, by its name.
fn is_setting(key: &str) -> bool {
    match key.split_once('.') {
        None => TOP_KEYS.contains(&key),
        Some((section, rest)) => {
            SECTIONS.contains(&section) && rest.split('.').all(|part| !part.is_empty())
        }
    }
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

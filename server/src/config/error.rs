//! What is wrong with a configuration, in one line that names where it stands, the key and the
//! value.

use std::{
    fmt::{self, Write as _},
    path::Path,
};

use doorward_provider::model::settings_error::SettingsError;
use figment::{
    Figment, Metadata,
    error::{Actual, Kind},
    value::Value,
};

/// The configuration can't be used. Its text is one line and shows no secret.
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
    /// A setting does not hold.
    #[error("{place}: {key} = {value}: {problem}")]
    Setting {
        /// File or environment variable.
        place: String,
        /// The key with its section.
        key: String,
        /// The value as TOML would write it.
        value: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

/// Values under these keys are never shown.
const SECRET_KEYS: [&str; 9] = [
    "client_secrets",
    "secrets",
    "password",
    "password_hash",
    "plain",
    "sha256",
    "master_key",
    "introspection_secret",
    "pair_wise_subject_salt",
];

/// Of a text in which a URL may carry a password, nothing is shown either.
fn may_have_userinfo(text: &str) -> bool {
    text.contains(':') && text.contains('@')
}

const NOT_SHOWN: &str = "(not shown)";
const MISSING: &str = "(missing)";

/// Knows where each setting came from.
#[derive(Clone)]
pub struct SettingSources {
    figment: Figment,
    file: Option<String>,
}

/// Without the settings, some of which are secret.
impl fmt::Debug for SettingSources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SettingSources").field("file", &self.file).finish_non_exhaustive()
    }
}

impl SettingSources {
    /// Of settings that were read from this file, if any, and from the environment.
    pub fn new(figment: Figment, file: Option<&Path>) -> Self {
        Self { figment, file: file.map(|file| file.display().to_string()) }
    }

    /// The file, or what stands for it.
    pub fn file(&self) -> &str {
        self.file.as_deref().unwrap_or("built-in settings")
    }

    /// Refuses the setting under a key like `provider.issuer`. The key tells whether the value is
    /// secret.
    pub fn refuse(
        &self,
        key: &str,
        value: impl fmt::Display,
        problem: impl Into<String>,
    ) -> ConfigError {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        ConfigError::Setting {
            place: self.place(self.figment.find_metadata(key)),
            key: key.to_owned(),
            value: if is_secret(&path) {
                NOT_SHOWN.to_owned()
            } else {
                written(&value.to_string())
            },
            problem: problem.into(),
        }
    }

    /// Refuses a setting in one table of a list, like that of the client which `label` names.
    pub fn refuse_in(&self, list: &str, label: &str, error: &SettingsError) -> ConfigError {
        ConfigError::Setting {
            place: self.place(self.figment.find_metadata(list)),
            key: format!("{list}.{}", error.key),
            value: written(&error.value),
            problem: format!("{} (in {label})", error.problem),
        }
    }

    /// What figment found, told our way.
    pub fn explain(&self, error: figment::Error) -> ConfigError {
        if error.path.is_empty() {
            return ConfigError::Syntax {
                file: self.file().to_owned(),
                problem: one_line(&error.kind),
            };
        }
        let mut path = error.path;
        if let Kind::MissingField(field) = &error.kind {
            path.push(field.to_string());
        }
        let from_env = error.metadata.as_ref().is_some_and(is_environment);
        ConfigError::Setting {
            place: self.place(error.metadata.as_ref()),
            key: key_text(&path),
            value: self.value_text(&path),
            problem: problem(&error.kind, from_env) + &self.owner(&path),
        }
    }

    fn place(&self, metadata: Option<&Metadata>) -> String {
        let variable = metadata.filter(|metadata| is_environment(metadata));
        variable.map_or_else(|| self.file().to_owned(), |variable| variable.name.to_string())
    }

    fn value_text(&self, path: &[String]) -> String {
        if is_secret(path) {
            return NOT_SHOWN.to_owned();
        }
        let Some((first, rest)) = path.split_first() else { return MISSING.to_owned() };
        let top = self.figment.find_value(first).ok();
        let found = top.and_then(|top| rest.iter().try_fold(top, |value, key| child(&value, key)));
        found.map_or_else(|| MISSING.to_owned(), |value| toml_text(&value))
    }

    /// Which client or user a path leads into, for people who can't count tables.
    fn owner(&self, path: &[String]) -> String {
        let [list, index, ..] = path else { return String::new() };
        let id = match list.as_str() {
            "clients" => "client_id",
            "users" => "username",
            "identity_resources" | "api_scopes" | "api_resources" => "name",
            _ => return String::new(),
        };
        let table = self.figment.find_value(list).ok().and_then(|value| child(&value, index));
        let name = table
            .and_then(|table| child(&table, id))
            .and_then(|value| value.as_str().map(str::to_owned));
        name.map_or_else(String::new, |name| format!(" (in the table with {id} = \"{name}\")"))
    }
}

fn is_environment(metadata: &Metadata) -> bool {
    metadata.name.starts_with("environment variable")
}

fn is_secret(path: &[String]) -> bool {
    // A whole list that an environment variable got wrong may have secrets in it.
    let whole_list =
        matches!(path, [list] if list == "clients" || list == "users" || list == "api_resources");
    // It has the database's password in it.
    let is_store_url = matches!(path, [section, key] if section == "store" && key == "url");
    whole_list || is_store_url || path.iter().any(|key| SECRET_KEYS.contains(&key.as_str()))
}

fn child(value: &Value, key: &str) -> Option<Value> {
    match value {
        Value::Dict(_, table) => table.get(key).cloned(),
        Value::Array(_, list) => list.get(key.parse::<usize>().ok()?).cloned(),
        _ => None,
    }
}

/// `clients[0].scopes[1]`.
fn key_text(path: &[String]) -> String {
    let mut text = String::new();
    for key in path {
        if key.parse::<usize>().is_ok() {
            let _ = write!(text, "[{key}]");
        } else {
            let dot = if text.is_empty() { "" } else { "." };
            let _ = write!(text, "{dot}{key}");
        }
    }
    text
}

/// A value that is known as a text only, as TOML would write it.
fn written(value: &str) -> String {
    if may_have_userinfo(value) {
        return NOT_SHOWN.to_owned();
    }
    let bare = value.parse::<i64>().is_ok()
        || matches!(value, "true" | "false" | "[]" | NOT_SHOWN | MISSING);
    if bare { value.to_owned() } else { format!("{value:?}") }
}

fn toml_text(value: &Value) -> String {
    match value {
        Value::String(_, text) if may_have_userinfo(text) => NOT_SHOWN.to_owned(),
        Value::String(_, text) => format!("{text:?}"),
        Value::Char(_, character) => format!("\"{character}\""),
        Value::Bool(_, value) => value.to_string(),
        Value::Num(_, number) => {
            let signed = || number.to_i128().map(|number| number.to_string());
            let whole = number.to_u128().map(|number| number.to_string()).or_else(signed);
            whole.or_else(|| number.to_f64().map(|number| number.to_string())).unwrap_or_default()
        }
        Value::Empty(..) => "(empty)".to_owned(),
        Value::Dict(..) => "{ … }".to_owned(),
        Value::Array(..) => "[ … ]".to_owned(),
    }
}

fn problem(kind: &Kind, from_env: bool) -> String {
    match kind {
        Kind::Message(message) => message.clone(),
        Kind::UnknownField(_, []) => "there is no such key".to_owned(),
        Kind::UnknownField(_, known) => {
            format!("there is no such key here, only {}", known.join(", "))
        }
        Kind::UnknownVariant(_, known) => format!("give one of {}", known.join(", ")),
        Kind::MissingField(_) => "this key is needed".to_owned(),
        Kind::InvalidType(actual, expected) => {
            let quotes = from_env
                && expected.contains("string")
                && !matches!(actual, Actual::Seq | Actual::Map);
            let hint = if quotes { "; put it in double quotes inside the variable" } else { "" };
            format!("give {}{hint}", plain_words(expected))
        }
        Kind::InvalidValue(_, expected) => format!("give {}", plain_words(expected)),
        other => other.to_string(),
    }
}

/// Types as operators call them.
fn plain_words(expected: &str) -> String {
    match expected {
        "i64" | "u32" | "u16" | "usize" | "an integer" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "path string" => "a text".to_owned(),
        "a sequence" => "a list".to_owned(),
        table if table.starts_with("struct ") || table == "a map" => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// A TOML parser's report without the excerpt, which might show a secret.
fn one_line(kind: &Kind) -> String {
    let report = kind.to_string();
    let is_excerpt = |line: &&str| {
        line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|')
    };
    let lines = report.lines().map(str::trim).filter(|line| !line.is_empty() && !is_excerpt(line));
    lines.collect::<Vec<_>>().join(": ")
}

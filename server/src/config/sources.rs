//! Where each setting came from: the file or an environment variable.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    path::Path,
};

use doorward_provider::model::settings_error::SettingsError;
use figment::{
    Figment, Metadata,
    error::{Actual, Kind},
    value::Value,
};

use super::ConfigError;

/// Values under these keys are never shown.
const SECRET_KEYS: [&str; 13] = [
    "bind_password",
    "client_secrets",
    "client_secret",
    "secrets",
    "password",
    "password_hash",
    "plain",
    "sha256",
    "master_key",
    "introspection_secret",
    "dpop_nonce_secret",
    "pair_wise_subject_salt",
    "webhook_secret",
];

/// Whether a text may be a URL with a password in it. Such a text is not shown either.
fn may_have_userinfo(text: &str) -> bool {
    text.contains(':') && text.contains('@')
}

/// How the metadata of an environment variable begins.
const VARIABLE: &str = "environment variable ";
const NOT_SHOWN: &str = "(not shown)";
const MISSING: &str = "(missing)";

/// The settings and their sources.
#[derive(Clone)]
pub struct SettingSources {
    figment: Figment,
    file: Option<String>,
    file_is_empty: bool,
}

/// Leaves out the settings, some of which are secret.
impl fmt::Debug for SettingSources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SettingSources").field("file", &self.file).finish_non_exhaustive()
    }
}

impl SettingSources {
    /// For settings that were read from this file, if any, and from the environment.
    pub fn new(figment: Figment, file: Option<&Path>) -> Self {
        Self { figment, file: file.map(|file| file.display().to_string()), file_is_empty: false }
    }

    /// The same, of a file that may have no setting at all.
    #[must_use]
    pub fn with_empty_file(self, file_is_empty: bool) -> Self {
        Self { file_is_empty, ..self }
    }

    /// The file's name, or words for its absence.
    pub fn file(&self) -> &str {
        self.file.as_deref().unwrap_or("built-in settings")
    }

    /// Refuses the setting with a key like `provider.issuer`. A secret value is not shown.
    pub fn refuse(
        &self,
        key: &str,
        value: impl fmt::Display,
        problem: impl Into<String>,
    ) -> ConfigError {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        ConfigError::Setting {
            source_name: self.source_name(self.figment.find_metadata(key)),
            key: key.to_owned(),
            value: if is_secret(&path) {
                NOT_SHOWN.to_owned()
            } else {
                written(&value.to_string())
            },
            problem: problem.into(),
        }
    }

    /// Refuses a setting in one table of a list; `label` names the table, for example its client.
    pub fn refuse_in(&self, list: &str, label: &str, error: &SettingsError) -> ConfigError {
        self.refuse_key_in(
            (list, error.key),
            &error.value,
            &format!("{} (in {label})", error.problem),
        )
    }

    /// Refuses a key in one table of a list. `problem` names the table.
    pub fn refuse_key_in(
        &self,
        (list, key): (&str, &str),
        value: &str,
        problem: &str,
    ) -> ConfigError {
        ConfigError::Setting {
            source_name: self.source_name(self.figment.find_metadata(list)),
            key: format!("{list}.{key}"),
            value: written(value),
            problem: problem.to_owned(),
        }
    }

    /// Turns figment's error into ours.
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
        // Only the first of several errors brings its metadata.
        let metadata = error.metadata.or_else(|| self.metadata(&path));
        let from_env = metadata.as_ref().is_some_and(is_environment);
        ConfigError::Setting {
            source_name: self.source_name(metadata.as_ref()),
            key: key_text(&path),
            value: self.value_text(&path),
            problem: problem(&error.kind, from_env) + &self.owner(&path),
        }
    }

    /// Whether the file or the environment sets this key or something in this section.
    pub fn is_set(&self, key: &str) -> bool {
        self.figment.find_value(key).is_ok()
    }

    /// Whether there is a configuration file.
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Whether there is a configuration file that sets nothing: it may be half written.
    pub fn has_empty_file(&self) -> bool {
        self.file_is_empty
    }

    /// The keys that have another value in `other`, in order. A list of tables is one key.
    pub fn changed_keys(&self, other: &Self) -> Vec<String> {
        let (own, other) = (self.flat(), other.flat());
        let differs = |key: &&String| own.get(*key) != other.get(*key);
        let keys: BTreeSet<&String> = own.keys().chain(other.keys()).filter(differs).collect();
        keys.into_iter().cloned().collect()
    }

    /// Each setting by its key with its section.
    fn flat(&self) -> BTreeMap<String, Value> {
        let Ok(Value::Dict(_, settings)) = self.figment.extract::<Value>() else {
            return BTreeMap::new();
        };
        let mut flat = BTreeMap::new();
        for (key, value) in settings {
            match value {
                Value::Dict(_, section) => flat.extend(
                    section.into_iter().map(|(inner, value)| (format!("{key}.{inner}"), value)),
                ),
                value => drop(flat.insert(key, value)),
            }
        }
        flat
    }

    /// The settings themselves.
    pub fn figment(&self) -> &Figment {
        &self.figment
    }

    /// The environment variable that sets this key, if one does.
    pub fn variable(&self, key: &str) -> Option<&str> {
        let metadata = self.figment.find_metadata(key).filter(|source| is_environment(source))?;
        metadata.name.strip_prefix(VARIABLE)
    }

    /// Where the setting at a path came from, as far as figment knows: it does not look into lists.
    fn metadata(&self, path: &[String]) -> Option<Metadata> {
        let keys: Vec<&str> = path
            .iter()
            .map(String::as_str)
            .take_while(|key| key.parse::<usize>().is_err())
            .collect();
        self.figment.find_metadata(&keys.join(".")).cloned()
    }

    fn source_name(&self, metadata: Option<&Metadata>) -> String {
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

    /// Names the client or user that a path leads into: nobody counts tables.
    fn owner(&self, path: &[String]) -> String {
        let [list, index, ..] = path else { return String::new() };
        let id = match list.as_str() {
            "clients" => "client_id",
            "users" => "username",
            "identity_providers" | "directories" | "identity_resources" | "api_scopes"
            | "api_resources" => "name",
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
    metadata.name.starts_with(VARIABLE)
}

fn is_secret(path: &[String]) -> bool {
    // A whole list, which may be wrong in an environment variable, can contain secrets.
    let has_secrets = ["clients", "users", "api_resources", "identity_providers", "directories"];
    let whole_list = matches!(path, [list] if has_secrets.contains(&list.as_str()));
    // It contains the database's password.
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

/// A value of which only the text is known, as TOML would write it.
fn written(value: &str) -> String {
    if may_have_userinfo(value) {
        return NOT_SHOWN.to_owned();
    }
    let bare = value.parse::<i64>().is_ok()
        || matches!(value, "true" | "false" | "[]" | NOT_SHOWN | MISSING);
    if bare { value.to_owned() } else { format!("{value:?}") }
}

/// The whole value at a path as TOML, with words in place of secrets.
pub fn shown(path: &[String], value: &Value) -> String {
    let inside = |key: String, value: &Value| {
        let path: Vec<String> = path.iter().cloned().chain([key]).collect();
        shown(&path, value)
    };
    match value {
        _ if is_secret(path) => format!("{NOT_SHOWN:?}"),
        Value::Array(_, values) => {
            let values: Vec<String> = values
                .iter()
                .enumerate()
                .map(|(index, value)| inside(index.to_string(), value))
                .collect();
            format!("[{}]", values.join(", "))
        }
        Value::Dict(_, table) if table.is_empty() => "{}".to_owned(),
        Value::Dict(_, table) => {
            let members: Vec<String> = table
                .iter()
                .map(|(key, value)| format!("{key:?} = {}", inside(key.clone(), value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => toml_text(other),
    }
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

/// What is wrong in a table that is read by itself, with key and value.
pub fn explain(
    error: figment::Error,
    table: &serde_json::Map<String, serde_json::Value>,
) -> String {
    let mut path = error.path;
    if let Kind::MissingField(field) = &error.kind {
        path.push(field.to_string());
    }
    let value = match path.first().and_then(|key| table.get(key)) {
        _ if is_secret(&path) => NOT_SHOWN.to_owned(),
        Some(value) => value.to_string(),
        None => MISSING.to_owned(),
    };
    format!("{} = {value}: {}", key_text(&path), problem(&error.kind, false))
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

/// Types in the words of operators.
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

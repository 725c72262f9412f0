//! Reads and writes JSON objects member by member.

use doorward_protocol::json;
use serde_json::{Map, Value};

/// 30,000 years in seconds.
pub(crate) const LONGEST: u64 = 1_000_000_000_000;

/// A JSON object whose members are taken out one by one.
pub(crate) struct Members(pub Map<String, Value>);

impl Members {
    /// Parses a JSON object.
    pub(crate) fn read(text: &str) -> Option<Self> {
        json::object(text.as_bytes()).map(Self)
    }

    /// Takes a member that is a string and not empty.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match json::take(&mut self.0, name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Takes a member that is a non-negative integer. It is always a time or a duration in seconds,
    /// so larger values are invalid.
    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        self.value(name)?.as_u64().filter(|seconds| *seconds < LONGEST)
    }

    /// Takes a member that exists and is not null.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        json::take(&mut self.0, name).filter(|value| !value.is_null())
    }

    /// Takes the strings of an array. Other values in it are left out.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        match json::take(&mut self.0, name) {
            Some(Value::Array(values)) => values.into_iter().filter_map(into_text).collect(),
            _ => Vec::new(),
        }
    }

    /// The remaining members, without those of these names.
    pub(crate) fn rest(self, but: &[&str]) -> Map<String, Value> {
        json::kept(self.0, &|name, value| !value.is_null() && !but.contains(&name))
    }

    /// Sets a member, if there is a value.
    pub(crate) fn set(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Sets a string, if there is one.
    pub(crate) fn set_text(&mut self, name: &str, text: Option<&str>) {
        self.set(name, text.map(Value::from));
    }

    /// The object as text.
    pub(crate) fn write(self) -> String {
        json::text(&Value::Object(self.0))
    }
}

pub(crate) fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

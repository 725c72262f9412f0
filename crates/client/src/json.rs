//! Reading and writing JSON objects member by member.
//!
//! Everything that comes in is read into [`Map`] by one parser and taken apart here. Derived
//! readers would each bring a parser of their own; together they were half of the client's weight
//! in the browser.

use doorward_protocol::json;
use serde_json::{Map, Value};

/// 30,000 years in seconds.
pub(crate) const LONGEST: u64 = 1_000_000_000_000;

/// A JSON object whose members are taken out one by one.
pub(crate) struct Members(pub Map<String, Value>);

impl Members {
    /// Reads a JSON object.
    pub(crate) fn read(text: &str) -> Option<Self> {
        json::object(text.as_bytes()).map(Self)
    }

    /// A member that is a text and not empty.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match json::take(&mut self.0, name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A member that is a whole number, not negative. Here that is a time or a span in seconds:
    /// what is larger than any of them is junk.
    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        self.value(name)?.as_u64().filter(|seconds| *seconds < LONGEST)
    }

    /// A member that is there and not null.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        json::take(&mut self.0, name).filter(|value| !value.is_null())
    }

    /// The texts of a member that is an array; what is no text in it is left out.
    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        match json::take(&mut self.0, name) {
            Some(Value::Array(values)) => values.into_iter().filter_map(into_text).collect(),
            _ => Vec::new(),
        }
    }

    /// The members that were not taken out, but those of these names.
    pub(crate) fn rest(self, but: &[&str]) -> Map<String, Value> {
        json::kept(self.0, &|name, value| !value.is_null() && !but.contains(&name))
    }

    /// Writes a member, unless there is nothing to write.
    pub(crate) fn set(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Writes a text, unless there is none.
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

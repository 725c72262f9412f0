//! JSON as values, from which members are taken one by one (RFC 8259).
//!
//! `serde_json` compiles a separate copy of its reader and writer for each kind of input and
//! output. A program for the browser uses only these functions, so that it has one copy of each: a
//! second reader would cost 2 KB, and a second writer 1 KB.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// Reads JSON; `None` if the text is something else.
pub fn value(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// Writes JSON without white space.
pub fn text(value: &Value) -> String {
    // Serialising a `Value` fails only for keys that are not strings, which it can't have.
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads a JSON object; `None` if the text is something else.
///
/// It reads a [`Value`] first. Reading a [`Map`] directly would bring the messages of serde's type
/// errors, and with them the formatting of floating-point numbers, into a program for the browser:
/// 20 KB.
pub fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match value(text) {
        Some(Value::Object(members)) => Some(members),
        _ => None,
    }
}

/// Reads a JSON object in which each member is there once; `None` if the text is something else.
/// Two readers of a member that is there twice could take different values (RFC 8259 section 4).
pub fn unambiguous_object(text: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(text).ok().map(|Unambiguous(members)| members)
}

struct Unambiguous(Map<String, Value>);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersOnce)
    }
}

struct MembersOnce;

impl<'de> Visitor<'de> for MembersOnce {
    type Value = Unambiguous;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with each member once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unambiguous, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom("a member is there twice"));
            }
        }
        Ok(Unambiguous(members))
    }
}

/// Takes a member's value and leaves null. (Removing members would bring the balancing of trees
/// into a program for the browser: 2 KB.)
pub fn take(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    members.get_mut(name).map(Value::take)
}

/// The members for which the rule holds.
pub fn kept(
    members: Map<String, Value>,
    rule: &dyn Fn(&str, &Value) -> bool,
) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in members {
        if rule(&name, &value) {
            kept.insert(name, value);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        let json = r#"{"a":[1,1.5,-2,null,true,"\"\n\u0001ä"],"b":{}}"#;
        assert_eq!(value(json.as_bytes()).map(|value| text(&value)).as_deref(), Some(json));
    }

    #[test]
    fn what_is_taken_leaves_null_and_the_rule_sees_it() {
        let mut members = object(br#"{"a":"x","b":null,"c":1}"#).unwrap_or_default();
        assert_eq!(take(&mut members, "a"), Some("x".into()));
        assert_eq!(take(&mut members, "b"), Some(Value::Null));
        assert_eq!(take(&mut members, "d"), None);
        let left = kept(members, &|name, value| name != "d" && !value.is_null());
        assert_eq!(text(&Value::Object(left)), r#"{"c":1}"#);
    }

    #[test]
    fn a_member_that_is_there_twice_makes_the_object_ambiguous() {
        let read = |text: &str| unambiguous_object(text.as_bytes());
        assert_eq!(read(r#"{"a":1,"b":{"a":1}}"#), object(br#"{"a":1,"b":{"a":1}}"#));
        for other in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, "[]", "null", "", "{}x"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn only_objects_are_read() {
        assert_eq!(object(br#"{"a":1.5}"#).map(|members| members["a"].clone()), Some(1.5.into()));
        for other in ["", "[]", "1.5", "null", "\"{}\"", "{", "{}x", "{\"a\":1e999}"] {
            assert_eq!(object(other.as_bytes()), None, "{other}");
        }
    }
}

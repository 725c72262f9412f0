//! JSON read into values, whose members are then taken out one by one, and written (RFC 8259).
//!
//! Each way into `serde_json` and out of it (text or bytes, `Display` or a string) is compiled for
//! itself. A program for the browser has one of each, which are these: another reader costs it 2
//! KB, another writer 1 KB.

use serde_json::{Map, Value};

/// Reads JSON; `None` if the text is something else.
pub fn value(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// Writes JSON without white space.
pub fn text(value: &Value) -> String {
    // A value has no keys that are no texts, which is all that could not be written.
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads a JSON object; `None` if the text is something else.
///
/// Goes by way of [`Value`]: asking for a [`Map`] at once brings the messages of serde's type
/// errors, and with them the printing of floating-point numbers, into a program for the browser: 20
/// KB.
pub fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match value(text) {
        Some(Value::Object(members)) => Some(members),
        _ => None,
    }
}

/// Takes a member's value out and leaves null in its place, which says as little as nothing. (To
/// remove members would bring the balancing of trees into a program for the browser: 2 KB.)
pub fn take(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    members.get_mut(name).map(Value::take)
}

/// The members that the rule keeps.
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
    fn only_objects_are_read() {
        assert_eq!(object(br#"{"a":1.5}"#).map(|members| members["a"].clone()), Some(1.5.into()));
        for other in ["", "[]", "1.5", "null", "\"{}\"", "{", "{}x", "{\"a\":1e999}"] {
            assert_eq!(object(other.as_bytes()), None, "{other}");
        }
    }
}

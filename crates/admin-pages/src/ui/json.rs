//! Objects and lists that are edited as JSON: claims and settings.

use serde_json::{Map, Value};

/// An object as a text to edit.
pub fn text(members: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(members).unwrap_or_default()
}

/// The object in a text that somebody has edited.
pub fn parse(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("{ … }".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A list as a text to edit.
pub fn list_text(values: &[Value]) -> String {
    serde_json::to_string_pretty(values).unwrap_or_default()
}

/// The list in a text that somebody has edited.
pub fn parse_list(text: &str) -> Result<Vec<Value>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(values)) => Ok(values),
        Ok(_) => Err("[ … ]".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What makes the one object the other, as the API wants it: members that are different, and null
/// for those that are gone.
pub fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let changed = changed.map(|(name, value)| (name.clone(), value.clone()));
    changed.chain(gone.map(|name| (name.clone(), Value::Null))).collect()
}

/// Each member of either object in words: its name, its value in the one and in the other.
pub fn both(
    before: &Map<String, Value>,
    present: &Map<String, Value>,
) -> Vec<(String, String, String)> {
    let added = present.keys().filter(|name| !before.contains_key(*name));
    let words = |object: &Map<String, Value>, name: &String| {
        object.get(name).map(shown).unwrap_or_default()
    };
    let names = before.keys().chain(added);
    names.map(|name| (name.clone(), words(before, name), words(present, name))).collect()
}

/// A value in words.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_what_is_different_is_sent() {
        let before = object(json!({"a": 1, "b": [1], "c": "x"}));
        let after = object(json!({"a": 1, "b": [2], "d": null}));
        let expected = object(json!({"b": [2], "d": null, "c": null}));
        assert_eq!(changes(&before, &after), expected);
        assert!(changes(&before, &before).is_empty());
    }

    #[test]
    fn a_text_is_an_object_or_says_why_not() {
        assert_eq!(parse(" "), Ok(Map::new()));
        assert_eq!(
            parse(&text(&object(json!({"a": [1, "b"]})))),
            Ok(object(json!({"a": [1, "b"]})))
        );
        for text in ["[]", "1", "{", "{\"a\":}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse_list(" "), Ok(Vec::new()));
        let rules = [json!({"claim": "role", "value": "staff"})];
        assert_eq!(parse_list(&list_text(&rules)), Ok(rules.to_vec()));
        for text in ["{}", "1", "[", "[1,]"] {
            assert!(parse_list(text).is_err(), "{text}");
        }
        assert_eq!(shown(&json!(["a", "b"])), "a, b");
        assert_eq!(shown(&json!({"a": 1})), "{\"a\":1}");
    }
}

//! Reading JSON objects whose members are then taken out one by one (RFC 8259).

use serde_json::{Map, Value};

/// Reads a JSON object; `None` if the text is something else.
///
/// Goes by way of [`Value`]: asking for a [`Map`] at once brings the messages of serde's type errors, and with them the
/// printing of floating-point numbers, into a program for the browser: 20 KB.
pub fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_read() {
        assert_eq!(object(br#"{"a":1.5}"#).map(|members| members["a"].clone()), Some(1.5.into()));
        for other in ["", "[]", "1.5", "null", "\"{}\"", "{", "{}x", "{\"a\":1e999}"] {
            assert_eq!(object(other.as_bytes()), None, "{other}");
        }
    }
}

//! Settings as arguments of commands: from a file, and one by one.

use std::{fmt::Display, path::Path};

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde_json::{Map, Value, json};

use super::CommandError;

/// The settings of a file: TOML, or JSON if its name ends with .json.
pub fn from_file(path: &Path) -> Result<Map<String, Value>, CommandError> {
    let failed =
        |problem: &dyn Display| CommandError::refused(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return serde_json::from_str(&text).map_err(|error| failed(&error));
    }
    Figment::from(Toml::string(&text)).extract().map_err(|error| failed(&error))
}

/// One setting. A value that is not TOML is text without quotes. `secrets` are the settings that
/// are no arguments, since other users can read a process's arguments, each with where it is given.
pub fn assigned(
    assignment: &str,
    secrets: &[(&str, &str)],
) -> Result<Map<String, Value>, CommandError> {
    let named = assignment.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
    let is_key = |key: &str| {
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let Some((key, value)) = named.filter(|(key, _)| is_key(key)) else {
        return Err(CommandError::refused(format!(
            "--set {assignment:?}: give KEY=VALUE, like enabled=true"
        )));
    };
    if let Some((_, place)) = secrets.iter().find(|(secret, _)| *secret == key) {
        return Err(CommandError::refused(format!(
            "--set {key}: give a secret in {place}, where other users of this machine can't read it"
        )));
    }
    let toml: Result<Map<String, Value>, _> =
        Figment::from(Toml::string(&format!("{key} = {value}"))).extract();
    Ok(toml.unwrap_or_else(|_| Map::from_iter([(key.to_owned(), json!(value))])))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_setting_is_a_toml_value_or_a_text() {
        let read = |text: &str| Value::Object(assigned(text, &[]).unwrap());
        assert_eq!(read("access_token_lifetime=600"), json!({"access_token_lifetime": 600}));
        assert_eq!(read("require_par = true"), json!({"require_par": true}));
        assert_eq!(read("allowed_scopes=[\"openid\"]"), json!({"allowed_scopes": ["openid"]}));
        assert_eq!(
            read("client_uri=https://a.example/?x=1"),
            json!({"client_uri": "https://a.example/?x=1"})
        );
        assert_eq!(read("description=What it is"), json!({"description": "What it is"}));
        for wrong in ["enabled", "=x", "a.b=1", "x\ny=1"] {
            assert!(assigned(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_no_argument() {
        let secrets = [("pair_wise_subject_salt", "a --file")];
        let refused = assigned("pair_wise_subject_salt=a salt of sixteen", &secrets);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("--file") && !refused.contains("sixteen"), "{refused}");
    }
}

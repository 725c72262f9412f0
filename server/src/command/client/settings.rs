//! A client's settings as arguments: from a file, and each by itself.

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde_json::{Map, Value, json};

use super::{CommandError, refused};

/// Settings of a client: those of the file first, then the others in their context.
#[derive(Debug, clap::Args)]
pub struct SettingsArguments {
    /// A file with the keys that a table [[clients]] has: TOML, or JSON if its name ends with
    /// .json.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Any setting, its value as in TOML; may be given several times. A secret belongs into the
    /// file.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// `client_name`: what users see.
    #[arg(long)]
    name: Option<String>,
    /// `allowed_grant_types`.
    #[arg(long, value_delimiter = ',')]
    grant_types: Vec<String>,
    /// `redirect_uris`; may be given several times.
    #[arg(long)]
    redirect_uri: Vec<String>,
    /// `post_logout_redirect_uris`; may be given several times.
    #[arg(long)]
    post_logout_redirect_uri: Vec<String>,
    /// `allowed_scopes`.
    #[arg(long, value_delimiter = ',')]
    scopes: Vec<String>,
    /// `allowed_cors_origins`; may be given several times.
    #[arg(long)]
    cors_origin: Vec<String>,
    /// A public client: `require_client_secret = false`.
    #[arg(long)]
    public: bool,
    /// Refresh tokens: `allow_offline_access = true`.
    #[arg(long)]
    offline_access: bool,
}

impl SettingsArguments {
    /// The settings under their names in the configuration.
    pub(super) fn read(&self) -> Result<Map<String, Value>, CommandError> {
        let mut settings = self.file.as_deref().map(from_file).transpose()?.unwrap_or_default();
        let lists = [
            ("allowed_grant_types", &self.grant_types),
            ("redirect_uris", &self.redirect_uri),
            ("post_logout_redirect_uris", &self.post_logout_redirect_uri),
            ("allowed_scopes", &self.scopes),
            ("allowed_cors_origins", &self.cors_origin),
        ];
        for (key, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
            settings.insert(key.to_owned(), json!(values));
        }
        if let Some(name) = &self.name {
            settings.insert("client_name".to_owned(), json!(name));
        }
        if self.public {
            settings.insert("require_client_secret".to_owned(), json!(false));
        }
        if self.offline_access {
            settings.insert("allow_offline_access".to_owned(), json!(true));
        }
        for assignment in &self.set {
            settings.extend(assigned(assignment)?);
        }
        Ok(settings)
    }
}

fn from_file(path: &Path) -> Result<Map<String, Value>, CommandError> {
    let failed =
        |problem: &dyn std::fmt::Display| refused(&format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return serde_json::from_str(&text).map_err(|error| failed(&error));
    }
    Figment::from(Toml::string(&text)).extract().map_err(|error| failed(&error))
}

/// One setting. What is no TOML value is a text that was written without quotes.
fn assigned(assignment: &str) -> Result<Map<String, Value>, CommandError> {
    let named = assignment.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
    let is_key = |key: &str| {
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let Some((key, value)) = named.filter(|(key, _)| is_key(key)) else {
        return Err(refused(&format!(
            "--set {assignment:?}: give KEY=VALUE, like access_token_lifetime=600"
        )));
    };
    // The one setting whose value is a secret; others can read the arguments of a process.
    if key == "pair_wise_subject_salt" {
        return Err(refused(&format!(
            "--set {key}: give a secret in a --file, where other users of this machine can't read it"
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
        let read = |text: &str| Value::Object(assigned(text).unwrap());
        assert_eq!(read("access_token_lifetime=600"), json!({"access_token_lifetime": 600}));
        assert_eq!(read("require_par = true"), json!({"require_par": true}));
        assert_eq!(read("allowed_scopes=[\"openid\"]"), json!({"allowed_scopes": ["openid"]}));
        assert_eq!(
            read("client_uri=https://a.example/?x=1"),
            json!({"client_uri": "https://a.example/?x=1"})
        );
        assert_eq!(read("description=What it is"), json!({"description": "What it is"}));
        for wrong in ["enabled", "=x", "a.b=1", "x\ny=1"] {
            assert!(assigned(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_no_argument() {
        let refused = assigned("pair_wise_subject_salt=a salt of sixteen").unwrap_err().to_string();
        assert!(refused.contains("--file") && !refused.contains("sixteen"), "{refused}");
    }
}

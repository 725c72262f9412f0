//! Clients and groups of another system.

use doorward_protocol::secret::Secret;
use doorward_provider::model::{
    group::Group, shared_secret::SecretSettings, signing_key::RETAINED_FOR,
};
use serde_json::{Map, Value, json};

/// A client of another system, with the settings that it gets here.
#[derive(Debug, Clone, Default)]
pub struct ForeignClient {
    /// The identifier.
    pub client_id: String,
    /// The settings, without those that stay at their default.
    pub settings: Map<String, Value>,
    /// Scopes that it may ask for there. Those that are defined here become `allowed_scopes`.
    pub scopes: Vec<String>,
    /// What the export says and Doorward can't take over, as sentences.
    pub left: Vec<String>,
    /// Whether it must stay disabled.
    is_restricted: bool,
}

/// A group of another system.
#[derive(Debug, Clone)]
pub struct ForeignGroup {
    /// The name there, by which users say that they are members.
    pub path: String,
    /// The group here.
    pub group: Group,
    /// What the export says and Doorward can't take over, as sentences.
    pub left: Vec<String>,
}

/// A group that can't be taken over.
#[derive(Debug, Clone)]
pub struct RefusedGroup {
    /// The name there, by which users say that they are members.
    pub path: String,
    /// Why, as a sentence.
    pub problem: String,
}

/// What an export has beside users.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// The clients. One that can't be taken over is a sentence that says why.
    pub clients: Vec<Result<ForeignClient, String>>,
    /// The groups.
    pub groups: Vec<Result<ForeignGroup, RefusedGroup>>,
    /// Resources, as tables for the configuration file.
    pub resources: Vec<String>,
    /// What else there is and can't be taken over, as sentences.
    pub left: Vec<String>,
}

impl ForeignClient {
    /// A client without settings.
    pub fn new(client_id: &str) -> Self {
        let settings = Map::from_iter([("client_id".to_owned(), json!(client_id))]);
        Self { client_id: client_id.to_owned(), settings, ..Self::default() }
    }

    /// Sets a setting.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let stays_off = name == "enabled" && self.is_restricted;
        let value = if stays_off { false.into() } else { value.into() };
        self.settings.insert(name.to_owned(), value);
    }

    /// Sets a setting that is a text, if there is one.
    pub fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
            self.set(name, text);
        }
    }

    /// Sets a list, if it has anything.
    pub fn list(&mut self, name: &str, values: Vec<String>) {
        if !values.is_empty() {
            self.set(name, values);
        }
    }

    /// Adds a secret by its hash: base64url of SHA-256.
    pub fn secret(&mut self, sha256: &str, expires_at: Option<i64>, description: Option<&str>) {
        let added = json!({"sha256": sha256, "expires_at": expires_at, "description": description});
        match self.settings.get_mut("client_secrets") {
            Some(Value::Array(secrets)) => secrets.push(added),
            _ => self.set("client_secrets", json!([added])),
        }
    }

    /// Adds a secret that the export has as it is.
    pub fn plain_secret(&mut self, secret: &str) {
        let hashed = SecretSettings::of(&Secret::new(secret), None, None);
        self.secret(&hashed.sha256.unwrap_or_default(), None, None);
    }

    /// Notes a restriction that is not taken over. Without it the client would be open to more than
    /// it was, so it is disabled.
    pub fn disable(&mut self, what: impl std::fmt::Display, advice: &str) {
        self.is_restricted = true;
        self.set("enabled", false);
        self.leave(format!("{what}. The client is disabled: {advice}, and then enable it"));
    }

    /// Shortens JWTs that would outlive the key that signs them, and notes it.
    pub fn shorten_jwts(&mut self) {
        let is_opaque = self.settings.get("access_token_type") == Some(&json!("reference"));
        let longest = RETAINED_FOR.get();
        for (name, advice) in [
            ("access_token_lifetime", ", or set access_token_type to reference"),
            ("identity_token_lifetime", ""),
        ] {
            let given = self.settings.get(name).and_then(Value::as_i64);
            let too_long = given.filter(|seconds| *seconds > longest.into());
            if let Some(given) = too_long.filter(|_| !(is_opaque && name.starts_with("access"))) {
                self.set(name, longest);
                self.leave(format!(
                    "{name} = {given}: it gets {longest}, for which the key that signs is \
                     kept{advice}"
                ));
            }
        }
    }

    /// Notes what is not taken over.
    pub fn leave(&mut self, what: impl Into<String>) {
        self.left.push(what.into());
    }
}

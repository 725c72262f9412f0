//! Clients as the store keeps them.

use doorward_protocol::ids::ClientId;
use serde_json::{Map, Value};

use crate::model::{
    client::ClientSettings, settings_error::SettingsError, shared_secret::SecretSettings,
};

/// A client as the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredClient {
    /// The client.
    pub client_id: ClientId,
    /// Its settings under their names in the configuration ([`ClientSettings`]), secrets hashed.
    pub settings: Map<String, Value>,
    /// Whether it comes from the configuration; otherwise it was added by command.
    pub configured: bool,
}

/// All clients of a store as they are at one version.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredClients {
    /// Another one after each change.
    pub version: i64,
    /// The clients, by their identifiers.
    pub clients: Vec<StoredClient>,
}

impl StoredClient {
    /// What the store keeps of these settings.
    pub fn new(mut settings: ClientSettings, configured: bool) -> Result<Self, SettingsError> {
        let client_id = settings.checked_id()?;
        settings.client_secrets =
            settings.client_secrets.into_iter().map(SecretSettings::hashed).collect();
        match serde_json::to_value(settings) {
            Ok(Value::Object(settings)) => Ok(Self { client_id, settings, configured }),
            _ => Err(SettingsError::new(
                "client_id",
                client_id,
                "its settings can't be written as JSON",
            )),
        }
    }

    /// The settings as a type; the error names no values.
    pub fn parsed(&self) -> Result<ClientSettings, serde_json::Error> {
        serde_json::from_value(Value::Object(self.settings.clone()))
    }
}

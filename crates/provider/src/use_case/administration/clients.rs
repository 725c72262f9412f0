//! Operators add clients, change them and their secrets.

use doorward_protocol::{ids::ClientId, jose::SigningAlgorithm, secret::Secret};
use serde_json::{Map, Value, json};

use crate::{
    model::{
        branding::{BrandingFiles, LogoName, TextsName},
        client::{Client, ClientSettings},
        resource::Resources,
        settings_error::SettingsError,
        shared_secret::SecretSettings,
        stored_client::StoredClient,
        time::Entropy,
        token_handle::TokenHandle,
    },
    store::{Clients, StoreError},
};

/// How much of a secret's hash is shown: enough to tell secrets apart.
const SHOWN: usize = 8;

/// Why a client was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientChangeError {
    /// There is none of this identifier.
    #[error("there is no client {0:?}")]
    Missing(ClientId),
    /// There is one already.
    #[error("there is a client {0:?} already")]
    Taken(ClientId),
    /// Somebody else changed clients at the same time.
    #[error("clients were changed at the same time: try again")]
    Overtaken,
    /// A setting does not hold.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What clients are checked against.
#[derive(Debug, Clone, Copy)]
pub struct ClientRules<'a> {
    /// The resources of the provider.
    pub resources: &'a Resources,
    /// The algorithms that it signs by.
    pub algorithms: &'a [SigningAlgorithm],
    /// What clients may name for their look.
    pub files: &'a BrandingFiles,
}

impl ClientRules<'_> {
    /// Refuses settings that the provider could not use. A logo that the client had `before` is
    /// taken even if its file is gone by now, and so are texts: what is not about them can be
    /// changed.
    pub fn check(
        self,
        settings: ClientSettings,
        before: Option<&Map<String, Value>>,
    ) -> Result<(), SettingsError> {
        let branding = settings.branding.clone().unwrap_or_default();
        Client::checked(settings, false, self.resources, self.algorithms)?;
        let had =
            |name: &str| before.and_then(|before| before.get("branding")?.get(name)?.as_str());
        let is_new = |logo: &&LogoName| had("logo") != Some(logo.as_str());
        let logo = branding.logo.as_ref().filter(is_new);
        if let Some(logo) = logo.filter(|logo| !self.files.logos.contains(logo)) {
            return Err(SettingsError::new("branding.logo", logo.as_str(), NO_SUCH_LOGO));
        }
        let is_new = |texts: &&TextsName| had("texts") != Some(texts.as_str());
        let texts = branding.texts.as_ref().filter(is_new);
        match texts.filter(|texts| !self.files.texts.contains(texts)) {
            Some(texts) => Err(SettingsError::new("branding.texts", texts.as_str(), NO_SUCH_TEXTS)),
            None => Ok(()),
        }
    }
}

/// Why the logo of a client is refused.
pub const NO_SUCH_LOGO: &str = "there is no such picture in the folder branding.logos";

/// Why the texts of a client are refused.
pub const NO_SUCH_TEXTS: &str = "there is no such folder in the folder branding.texts";

/// Adds a client with settings that were checked.
pub async fn add_client(
    table: &dyn Clients,
    client_id: ClientId,
    settings: Map<String, Value>,
) -> Result<(), ClientChangeError> {
    let client = StoredClient { client_id: client_id.clone(), settings, configured: false };
    if table.add_client(client).await? { Ok(()) } else { Err(ClientChangeError::Taken(client_id)) }
}

/// Changes the settings of a stored client. The result is checked by `change`, and written only if
/// no client was changed meanwhile.
pub async fn change_client<T, E: From<ClientChangeError>>(
    table: &dyn Clients,
    client_id: &ClientId,
    change: impl FnOnce(&mut StoredClient) -> Result<T, E> + Send,
) -> Result<T, E> {
    let stored = table.clients().await.map_err(ClientChangeError::from)?;
    let client = stored.clients.into_iter().find(|client| client.client_id == *client_id);
    let mut client = client.ok_or_else(|| ClientChangeError::Missing(client_id.clone()))?;
    let outcome = change(&mut client)?;
    client.configured = false;
    let replaced =
        table.replace_client(client, stored.version).await.map_err(ClientChangeError::from)?;
    if replaced { Ok(outcome) } else { Err(ClientChangeError::Overtaken.into()) }
}

/// Removes a client that `check` lets go, if no client was changed meanwhile. Returns its settings.
pub async fn remove_client<E: From<ClientChangeError>>(
    table: &dyn Clients,
    client_id: &ClientId,
    check: impl FnOnce(&StoredClient) -> Result<(), E> + Send,
) -> Result<Map<String, Value>, E> {
    let stored = table.clients().await.map_err(ClientChangeError::from)?;
    let client = stored.clients.into_iter().find(|client| client.client_id == *client_id);
    let client = client.ok_or_else(|| ClientChangeError::Missing(client_id.clone()))?;
    check(&client)?;
    let removed = table.remove_client(client_id, Some(stored.version)).await;
    if removed.map_err(ClientChangeError::from)? {
        Ok(client.settings)
    } else {
        Err(ClientChangeError::Overtaken.into())
    }
}

/// Whether a client with these settings must authenticate and has nothing to do it by.
pub fn needs_secret(settings: &ClientSettings) -> bool {
    settings.require_client_secret
        && settings.client_secrets.is_empty()
        && settings.jwks.is_none()
        && settings.jwks_uri.is_none()
}

/// Makes a secret of 256 random bits and adds its hash to the settings.
pub fn add_secret(
    settings: &mut Map<String, Value>,
    expires_at: Option<i64>,
    description: Option<String>,
    entropy: &dyn Entropy,
) -> Secret {
    let secret = TokenHandle::generate(entropy).into_secret();
    let added = SecretSettings::of(&secret, expires_at, description);
    let added = json!({
        "sha256": added.sha256, "expires_at": added.expires_at, "description": added.description,
    });
    match settings.get_mut("client_secrets") {
        Some(Value::Array(secrets)) => secrets.push(added),
        _ => drop(settings.insert("client_secrets".to_owned(), json!([added]))),
    }
    secret
}

/// What a secret is called: the first characters of its hash.
pub fn secret_name(secret: &SecretSettings) -> Option<&str> {
    secret.sha256.as_deref().and_then(|hash| hash.get(..SHOWN))
}

/// Why a secret was not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RemoveSecretError {
    /// The client has none of this name.
    #[error("the client has no such secret")]
    Missing,
    /// It is the only one.
    #[error("this is the client's last secret: add another one first, or disable the client")]
    Last,
}

/// Removes the secret of this name from the settings.
pub fn remove_secret(
    settings: &mut Map<String, Value>,
    name: &str,
) -> Result<(), RemoveSecretError> {
    let is_named =
        |secret: &Value| secret["sha256"].as_str().and_then(|hash| hash.get(..SHOWN)) == Some(name);
    let secrets = settings.get_mut("client_secrets").and_then(Value::as_array_mut);
    let secrets = secrets.filter(|secrets| secrets.iter().any(is_named));
    let secrets = secrets.ok_or(RemoveSecretError::Missing)?;
    if secrets.len() == 1 {
        return Err(RemoveSecretError::Last);
    }
    secrets.retain(|secret| !is_named(secret));
    Ok(())
}

/// The settings without what is secret: how many secrets there are in place of them, and a word in
/// place of the salt.
pub fn without_secrets(settings: ClientSettings) -> Result<Map<String, Value>, SettingsError> {
    let secrets = settings.client_secrets.len();
    let mut shown = StoredClient::new(settings, false)?.settings;
    shown.insert("client_secrets".to_owned(), json!(secrets));
    if shown.get("pair_wise_subject_salt").is_some_and(|salt| !salt.is_null()) {
        shown.insert("pair_wise_subject_salt".to_owned(), json!("(not shown)"));
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::time::SystemEntropy;

    #[test]
    fn a_secret_is_kept_as_its_hash_and_the_last_one_stays() {
        let mut settings = Map::new();
        let secret = add_secret(&mut settings, None, Some("first".to_owned()), &SystemEntropy);
        let text = serde_json::to_string(&settings).unwrap();
        assert!(!text.contains(secret.expose()));
        let name = |settings: &Map<String, Value>, index: usize| {
            let secrets = settings["client_secrets"].clone();
            let secret = serde_json::from_value(secrets[index].clone()).unwrap();
            secret_name(&secret).unwrap().to_owned()
        };
        let first = name(&settings, 0);
        assert_eq!(remove_secret(&mut settings, &first), Err(RemoveSecretError::Last));
        add_secret(&mut settings, Some(5), None, &SystemEntropy);
        assert_eq!(remove_secret(&mut settings, "nothing"), Err(RemoveSecretError::Missing));
        assert_eq!(remove_secret(&mut settings, &first), Ok(()));
        assert_ne!(name(&settings, 0), first);
    }
}

//! What our client authenticates by at another provider: a secret, or a key. The settings name it,
//! or the store keeps it.

use std::{fs, path::Path};

use doorward_admin::types::identity_provider_settings::APPLE;
use doorward_protocol::secret::Secret;
use doorward_provider::model::stored_identity_provider::{Credential, CredentialKind};
use doorward_relying_party::{
    ClientKey, SignedSecret, SigningAlgorithm, client::settings::ClientAuthentication,
};

use super::{
    super::{
        UpstreamConfig,
        file::{IdentityProviderSettings, Preset, SecretSentBy},
    },
    Wrong,
};

/// The settings that name a secret or a key. Those of a stored provider have none of them.
pub const CREDENTIAL_SETTINGS: [&str; 3] =
    ["client_secret", "client_secret_file", "client_key_file"];

/// Where the secret or the key comes from.
#[derive(Debug, Clone, Copy)]
pub enum CredentialSource<'a> {
    /// From the settings and the files that they name.
    Settings {
        /// Whether this process uses it, and so reads the files.
        is_used: bool,
    },
    /// From the store.
    Stored(&'a Credential),
    /// From the store, and it is not decrypted.
    Unread(CredentialKind),
}

/// In place of a secret that is not read.
const NOT_READ: &str = "not read";

/// A key, or that there is one for the process that uses it.
enum LoadedKey {
    Key(Box<ClientKey>),
    NotRead,
}

impl CredentialSource<'_> {
    fn secret(self, settings: &IdentityProviderSettings) -> Result<Option<Secret>, Wrong> {
        match self {
            Self::Settings { is_used } => secret_of_settings(settings, is_used),
            Self::Stored(Credential { kind: CredentialKind::Secret, value }) => {
                Ok(Some(value.clone()))
            }
            Self::Unread(CredentialKind::Secret) => Ok(Some(Secret::new(NOT_READ))),
            Self::Stored(_) | Self::Unread(_) => Ok(None),
        }
    }

    fn key(self, settings: &IdentityProviderSettings) -> Result<Option<LoadedKey>, Wrong> {
        let loaded = match self {
            Self::Settings { is_used } => {
                let file = settings.client_key_file.as_deref();
                file.map(|file| key_of_file(settings, file, is_used)).transpose()?
            }
            Self::Stored(Credential { kind: CredentialKind::Key, value }) => {
                let loaded = key_of_pem(settings, value.expose().as_bytes());
                let refuse = |problem| Wrong::new(self.key_name(), "(set)", problem);
                Some(LoadedKey::Key(loaded.map_err(refuse)?))
            }
            Self::Unread(CredentialKind::Key) => Some(LoadedKey::NotRead),
            Self::Stored(_) | Self::Unread(_) => None,
        };
        if loaded.is_none()
            && let Some(id) = &settings.client_key_id
        {
            let problem = format!("it has no effect without {}", self.key_name());
            return Err(Wrong::new("client_key_id", id, problem));
        }
        Ok(loaded)
    }

    fn key_name(self) -> &'static str {
        match self {
            Self::Settings { .. } => "client_key_file",
            Self::Stored(_) | Self::Unread(_) => CredentialKind::Key.name(),
        }
    }
}

/// Sets up how the client authenticates: by a secret, or by a key.
pub fn authenticate(
    settings: &IdentityProviderSettings,
    upstream: &mut UpstreamConfig,
    source: CredentialSource<'_>,
) -> Result<(), Wrong> {
    let client = upstream.settings.clone();
    let secret = source.secret(settings)?;
    let key = source.key(settings)?;
    let both = "the client has a secret, too: give one of the two";
    upstream.settings = match (secret, key) {
        (Some(_), Some(_)) => {
            return Err(Wrong::new(source.key_name(), "(set)", both));
        }
        (None, None) => {
            let problem = "give client_secret, client_secret_file or client_key_file: the provider \
                           must know that it is this client";
            return Err(Wrong::new("client_secret", "(missing)", problem));
        }
        (Some(secret), None) => client.client_secret(secret).client_authentication(match settings
            .client_authentication
        {
            SecretSentBy::ClientSecretBasic => ClientAuthentication::ClientSecretBasic,
            SecretSentBy::ClientSecretPost => ClientAuthentication::ClientSecretPost,
        }),
        (None, Some(key)) if settings.preset == Preset::Apple => {
            let (Some(issuer), Some(_)) = (settings.team_id.clone(), &settings.client_key_id)
            else {
                let problem = "Apple needs team_id and client_key_id beside the key";
                return Err(Wrong::new("team_id", "(missing)", problem));
            };
            // The secret itself is signed when it is needed.
            if let LoadedKey::Key(key) = key {
                let audience = APPLE.to_owned();
                upstream.signed_secret = Some(SignedSecret::new(*key, issuer, audience));
            }
            client
                .client_secret(Secret::new("signed when it is needed"))
                .client_authentication(ClientAuthentication::ClientSecretPost)
        }
        (None, Some(key)) => {
            if let LoadedKey::Key(key) = key {
                upstream.client_key = Some(*key);
            }
            client.client_authentication(ClientAuthentication::PrivateKeyJwt)
        }
    };
    Ok(())
}

fn secret_of_settings(
    settings: &IdentityProviderSettings,
    is_used: bool,
) -> Result<Option<Secret>, Wrong> {
    let given = settings.client_secret.clone().filter(|secret| !secret.expose().is_empty());
    match (given, &settings.client_secret_file) {
        (Some(_), Some(file)) => {
            let problem = "the secret is also given by client_secret: give one of the two";
            Err(Wrong::new("client_secret_file", file.display(), problem))
        }
        // A process that does not sign users in need not be able to read it.
        (None, Some(_)) if !is_used => Ok(Some(Secret::new(NOT_READ))),
        (None, Some(file)) => {
            let refuse =
                |problem: String| Wrong::new("client_secret_file", file.display(), problem);
            let text = fs::read_to_string(file)
                .map_err(|error| refuse(format!("it can't be read: {error}")))?;
            let secret = text.trim();
            if secret.is_empty() {
                Err(refuse("it is empty".to_owned()))
            } else {
                Ok(Some(Secret::new(secret)))
            }
        }
        (secret, None) => Ok(secret),
    }
}

fn key_of_file(
    settings: &IdentityProviderSettings,
    file: &Path,
    is_used: bool,
) -> Result<LoadedKey, Wrong> {
    if !is_used {
        return Ok(LoadedKey::NotRead);
    }
    let refuse = |problem: String| Wrong::new("client_key_file", file.display(), problem);
    let pem = fs::read(file).map_err(|error| refuse(format!("it can't be read: {error}")))?;
    key_of_pem(settings, &pem).map(LoadedKey::Key).map_err(refuse)
}

fn key_of_pem(settings: &IdentityProviderSettings, pem: &[u8]) -> Result<Box<ClientKey>, String> {
    let algorithm = match settings.preset {
        Preset::Apple => SigningAlgorithm::Es256,
        _ => settings.client_key_alg,
    };
    let key = ClientKey::from_pem(pem, algorithm, settings.client_key_id.as_deref());
    key.map(Box::new).map_err(|error| {
        format!("{error}; give a private key in PEM (PKCS 8) for {}", algorithm.as_str())
    })
}

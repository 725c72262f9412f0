//! `doorward client …`: clients stand in the configuration, so that they are shown here and changed there.

use std::io::Read as _;

use clap::Subcommand;
use doorward_protocol::base64url;
use doorward_provider::client::Client;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CommandError, DataArguments, done, print_rows};
use crate::StartError;

/// What to do with clients.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// List all clients.
    List(DataArguments),
    /// Show one client.
    Show {
        /// The client.
        client_id: String,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Read a secret from standard input and write the hash that the configuration wants (`sha256` in `client_secrets`).
    SecretHash,
}

impl ClientCommand {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => {
                let rows: Vec<Value> = data.config.load()?.provider.clients.iter().map(described).collect();
                print_rows(data.json, &["client_id", "name", "enabled", "confidential", "scopes"], &rows);
                Ok(())
            }
            Self::Show { client_id, data } => {
                let clients = data.config.load()?.provider.clients;
                let client = clients.iter().find(|client| client.client_id == client_id);
                let client =
                    client.ok_or_else(|| CommandError::Missing(format!("there is no client {client_id:?}")))?;
                crate::welcome::print(&format!("{:#}\n", described(client)));
                Ok(())
            }
            Self::SecretHash => secret_hash(),
        }
    }
}

fn described(client: &Client) -> Value {
    let uris = |uris: &[doorward_provider::client::RedirectUri]| -> Vec<String> {
        uris.iter().map(|uri| uri.as_str().to_owned()).collect()
    };
    json!({
        "client_id": client.client_id, "name": client.name, "enabled": client.enabled, "confidential": client.confidential,
        "scopes": client.allowed_scope, "redirect_uris": uris(&client.redirect_uris),
        "post_logout_redirect_uris": uris(&client.post_logout_redirect_uris), "cors_origins": client.cors_origins,
        "require_pkce": client.require_pkce, "require_par": client.require_par, "require_dpop": client.require_dpop,
        "require_consent": client.require_consent, "offline_access": client.allow_offline_access,
        "access_token_lifetime": client.access_token_lifetime, "identity_token_lifetime": client.identity_token_lifetime,
    })
}

fn secret_hash() -> Result<(), CommandError> {
    let mut secret = String::new();
    std::io::stdin()
        .read_to_string(&mut secret)
        .map_err(|error| StartError::Failed(format!("the secret can't be read: {error}")))?;
    let secret = secret.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(StartError::Failed("give the secret on standard input".to_owned()).into());
    }
    done(false, &base64url::encode(Sha256::digest(secret)));
    Ok(())
}

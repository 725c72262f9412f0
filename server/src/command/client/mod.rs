//! `doorward client …`: clients of the store. Those of the configuration are shown here and changed
//! there. A running server takes over within a second what changes.

mod secret;
mod settings;

use std::io::Read as _;

use clap::Subcommand;
use doorward_protocol::base64url;
use doorward_provider::{
    client::{Client, ClientSettings},
    clients::StoredClient,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use self::{secret::SecretCommand, settings::SettingsArguments};
use super::{CommandError, DataArguments, Workplace, audit, done, print_rows};
use crate::StartError;

/// What to do with clients.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// List all clients.
    List(DataArguments),
    /// Show one client's settings, without its secrets.
    Show(OneClient),
    /// Add a client. Settings that are not given are those of `doorward.example.toml`. One that
    /// must authenticate and brings neither `client_secrets` nor keys gets a secret, which is shown
    /// this once.
    Add {
        /// Its identifier.
        client_id: String,
        #[command(flatten)]
        settings: Box<SettingsArguments>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Change settings of a client; those not given stay.
    Set {
        /// The client.
        client_id: String,
        #[command(flatten)]
        settings: Box<SettingsArguments>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove a client with everything that it was granted.
    Remove(OneClient),
    /// A client's secrets. It may present any of them, so that a new one can be taken into use
    /// before the old one goes.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Read a secret from standard input and write the hash that the configuration wants (`sha256`
    /// in `client_secrets`).
    SecretHash,
}

/// A client and the rest.
#[derive(Debug, clap::Args)]
pub struct OneClient {
    /// The client.
    client_id: String,
    #[command(flatten)]
    data: DataArguments,
}

impl ClientCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&Workplace::open(&data).await?).await,
            Self::Show(OneClient { client_id, data }) => {
                show(&Workplace::open(&data).await?, &client_id).await
            }
            Self::Add { client_id, settings, data } => {
                add(&Workplace::open(&data).await?, client_id, &settings).await
            }
            Self::Set { client_id, settings, data } => {
                set(&Workplace::open(&data).await?, &client_id, &settings).await
            }
            Self::Remove(OneClient { client_id, data }) => {
                remove(&Workplace::open(&data).await?, &client_id).await
            }
            Self::Secret(command) => command.run().await,
            Self::SecretHash => secret_hash(),
        }
    }
}

/// All clients: the configuration's as they stand there, which the next start imports, and those
/// that were added.
async fn all(place: &Workplace) -> Result<Vec<StoredClient>, CommandError> {
    let mut clients = Vec::new();
    for settings in &place.config.provider.clients {
        clients.push(StoredClient::new(settings.clone(), true).map_err(|error| refused(&error))?);
    }
    clients.extend(
        place.store.clients().await?.clients.into_iter().filter(|client| !client.configured),
    );
    // A client of the configuration takes the place of one that was added.
    clients.sort_by(|one, other| {
        (&one.client_id, !one.configured).cmp(&(&other.client_id, !other.configured))
    });
    clients.dedup_by(|later, earlier| later.client_id == earlier.client_id);
    Ok(clients)
}

async fn list(place: &Workplace) -> Result<(), CommandError> {
    let mut rows = Vec::new();
    for client in all(place).await? {
        let settings = parsed(&client)?;
        rows.push(json!({
            "client_id": client.client_id, "name": settings.client_name, "enabled": settings.enabled,
            "confidential": settings.require_client_secret, "scopes": settings.allowed_scopes,
            "from": if client.configured { "configuration" } else { "store" },
        }));
    }
    print_rows(
        place.json,
        &["client_id", "name", "enabled", "confidential", "scopes", "from"],
        &rows,
    );
    Ok(())
}

async fn show(place: &Workplace, client_id: &str) -> Result<(), CommandError> {
    let client = all(place).await?.into_iter().find(|client| client.client_id == client_id);
    let client = client.ok_or_else(|| missing(client_id))?;
    // Through the type, so that defaults are shown, too.
    let shown =
        StoredClient::new(parsed(&client)?, client.configured).map_err(|error| refused(&error))?;
    let mut settings = shown.settings;
    let secrets =
        settings.remove("client_secrets").and_then(|secrets| secrets.as_array().map(Vec::len));
    settings.insert("client_secrets".to_owned(), json!(secrets.unwrap_or(0)));
    if settings.get("pair_wise_subject_salt").is_some_and(|salt| !salt.is_null()) {
        settings.insert("pair_wise_subject_salt".to_owned(), json!("(not shown)"));
    }
    settings.insert(
        "from".to_owned(),
        json!(if client.configured { "configuration" } else { "store" }),
    );
    crate::welcome::print(&format!("{:#}\n", Value::Object(settings)));
    Ok(())
}

async fn add(
    place: &Workplace,
    client_id: String,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    refuse_configured(place, &client_id)?;
    let mut settings = arguments.read()?;
    settings.insert("client_id".to_owned(), json!(client_id));
    let typed = read(&settings)?;
    let needs_secret = typed.require_client_secret
        && typed.client_secrets.is_empty()
        && typed.jwks.is_none()
        && typed.jwks_uri.is_none();
    let secret = needs_secret.then(|| secret::generate(&mut settings, None, None));
    check(place, &settings)?;
    let client = StoredClient { client_id: client_id.clone(), settings, configured: false };
    if !place.store.add_client(client).await? {
        return Err(CommandError::Missing(format!("there is a client {client_id:?} already")));
    }
    audit("client_added", "client_id", &client_id);
    secret::tell(place, &client_id, &format!("The client {client_id} was added."), secret);
    Ok(())
}

async fn set(
    place: &Workplace,
    client_id: &str,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    change(place, client_id, |settings| {
        settings.extend(arguments.read()?);
        settings.insert("client_id".to_owned(), json!(client_id));
        Ok(())
    })
    .await?;
    audit("client_changed", "client_id", client_id);
    done(
        place.json,
        &format!("The client {client_id} is changed."),
        json!({"client_id": client_id}),
    );
    Ok(())
}

async fn remove(place: &Workplace, client_id: &str) -> Result<(), CommandError> {
    refuse_configured(place, client_id)?;
    if !place.store.remove_client(client_id).await? {
        return Err(missing(client_id));
    }
    audit("client_removed", "client_id", client_id);
    let sentence =
        format!("The client {client_id} is removed, and what it was granted is revoked.");
    done(place.json, &sentence, json!({"client_id": client_id}));
    Ok(())
}

/// Changes a client of the store: the result is checked, and written only if nobody else changed a
/// client meanwhile.
async fn change<T>(
    place: &Workplace,
    client_id: &str,
    change: impl FnOnce(&mut Map<String, Value>) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    refuse_configured(place, client_id)?;
    let stored = place.store.clients().await?;
    let client = stored.clients.into_iter().find(|client| client.client_id == client_id);
    let mut client = client.ok_or_else(|| missing(client_id))?;
    let outcome = change(&mut client.settings)?;
    check(place, &client.settings)?;
    client.configured = false;
    if !place.store.replace_client(client, stored.version).await? {
        return Err(CommandError::Missing(
            "clients were changed at the same moment: try again".to_owned(),
        ));
    }
    Ok(outcome)
}

/// Changed here, it would be as before at the next start.
fn refuse_configured(place: &Workplace, client_id: &str) -> Result<(), CommandError> {
    if place.config.provider.clients.iter().all(|client| client.client_id != client_id) {
        return Ok(());
    }
    let file = place.config.places.file();
    Err(CommandError::Missing(format!(
        "the client {client_id:?} stands in the configuration ({file}): change it there"
    )))
}

/// Refuses settings that the server would.
fn check(place: &Workplace, settings: &Map<String, Value>) -> Result<(), CommandError> {
    let provider = &place.config.provider;
    let checked =
        Client::checked(read(settings)?, false, &provider.resources, &provider.signing_algorithms);
    checked.map(|_| ()).map_err(|error| refused(&error))
}

fn read(settings: &Map<String, Value>) -> Result<ClientSettings, CommandError> {
    serde_json::from_value(Value::Object(settings.clone())).map_err(|error| refused(&error))
}

fn parsed(client: &StoredClient) -> Result<ClientSettings, CommandError> {
    client
        .parsed()
        .map_err(|error| refused(&format!("the settings of {:?}: {error}", client.client_id)))
}

fn refused(problem: &dyn std::fmt::Display) -> CommandError {
    CommandError::Refused(StartError::Failed(problem.to_string()))
}

fn missing(client_id: &str) -> CommandError {
    CommandError::Missing(format!("there is no client {client_id:?}"))
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
    crate::welcome::print(&format!("{}\n", base64url::encode(Sha256::digest(secret))));
    Ok(())
}

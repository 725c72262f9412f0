//! `doorward client …`: clients of the store. Those of the configuration are shown here and changed
//! there. A running server takes over within a second what changes.

mod secret;
mod settings;

use std::io::Read as _;

use clap::Subcommand;
use doorward_protocol::base64url;
use doorward_provider::model::{
    client::{Client, ClientSettings},
    stored_client::StoredClient,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use self::{secret::SecretCommand, settings::SettingsArguments};
use super::{CommandContext, CommandError, DataArguments, audit, done, print_rows};

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
            Self::List(data) => list(&CommandContext::open(&data).await?).await,
            Self::Show(OneClient { client_id, data }) => {
                show(&CommandContext::open(&data).await?, &client_id).await
            }
            Self::Add { client_id, settings, data } => {
                add(&CommandContext::open(&data).await?, client_id, &settings).await
            }
            Self::Set { client_id, settings, data } => {
                set(&CommandContext::open(&data).await?, &client_id, &settings).await
            }
            Self::Remove(OneClient { client_id, data }) => {
                remove(&CommandContext::open(&data).await?, &client_id).await
            }
            Self::Secret(command) => command.run().await,
            Self::SecretHash => secret_hash(),
        }
    }
}

/// All clients: the configuration's as they stand there, which the next start imports, and those
/// that were added.
async fn all(context: &CommandContext) -> Result<Vec<StoredClient>, CommandError> {
    let mut clients = Vec::new();
    for settings in &context.config.provider.clients {
        clients.push(StoredClient::new(settings.clone(), true).map_err(|error| refused(&error))?);
    }
    clients.extend(
        context.store.clients().await?.clients.into_iter().filter(|client| !client.configured),
    );
    // A client of the configuration takes the context of one that was added.
    clients.sort_by(|one, other| {
        (&one.client_id, !one.configured).cmp(&(&other.client_id, !other.configured))
    });
    clients.dedup_by(|later, earlier| later.client_id == earlier.client_id);
    Ok(clients)
}

async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let mut rows = Vec::new();
    for client in all(context).await? {
        let settings = parsed(&client)?;
        rows.push(json!({
            "client_id": client.client_id, "name": settings.client_name, "enabled": settings.enabled,
            "confidential": settings.require_client_secret, "scopes": settings.allowed_scopes,
            "from": if client.configured { "configuration" } else { "store" },
        }));
    }
    print_rows(
        context.json,
        &["client_id", "name", "enabled", "confidential", "scopes", "from"],
        &rows,
    );
    Ok(())
}

async fn show(context: &CommandContext, client_id: &str) -> Result<(), CommandError> {
    let client = all(context).await?.into_iter().find(|client| client.client_id == client_id);
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
    crate::output::print(&format!("{:#}\n", Value::Object(settings)));
    Ok(())
}

async fn add(
    context: &CommandContext,
    client_id: String,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    refuse_configured(context, &client_id)?;
    let mut settings = arguments.read()?;
    settings.insert("client_id".to_owned(), json!(client_id));
    let typed = read(&settings)?;
    let needs_secret = typed.require_client_secret
        && typed.client_secrets.is_empty()
        && typed.jwks.is_none()
        && typed.jwks_uri.is_none();
    let secret = needs_secret.then(|| secret::generate(&mut settings, None, None));
    check(context, &settings)?;
    let client = StoredClient { client_id: client_id.clone(), settings, configured: false };
    if !context.store.add_client(client).await? {
        return Err(CommandError::Missing(format!("there is a client {client_id:?} already")));
    }
    audit("client_added", "client_id", &client_id);
    secret::tell(context, &client_id, &format!("The client {client_id} was added."), secret);
    Ok(())
}

async fn set(
    context: &CommandContext,
    client_id: &str,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    change(context, client_id, |settings| {
        settings.extend(arguments.read()?);
        settings.insert("client_id".to_owned(), json!(client_id));
        Ok(())
    })
    .await?;
    audit("client_changed", "client_id", client_id);
    done(
        context.json,
        &format!("The client {client_id} is changed."),
        json!({"client_id": client_id}),
    );
    Ok(())
}

async fn remove(context: &CommandContext, client_id: &str) -> Result<(), CommandError> {
    refuse_configured(context, client_id)?;
    if !context.store.remove_client(client_id).await? {
        return Err(missing(client_id));
    }
    audit("client_removed", "client_id", client_id);
    let sentence =
        format!("The client {client_id} is removed, and what it was granted is revoked.");
    done(context.json, &sentence, json!({"client_id": client_id}));
    Ok(())
}

/// Changes a client of the store: the result is checked, and written only if nobody else changed a
/// client meanwhile.
async fn change<T>(
    context: &CommandContext,
    client_id: &str,
    change: impl FnOnce(&mut Map<String, Value>) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    refuse_configured(context, client_id)?;
    let stored = context.store.clients().await?;
    let client = stored.clients.into_iter().find(|client| client.client_id == client_id);
    let mut client = client.ok_or_else(|| missing(client_id))?;
    let outcome = change(&mut client.settings)?;
    check(context, &client.settings)?;
    client.configured = false;
    if !context.store.replace_client(client, stored.version).await? {
        return Err(CommandError::Missing(
            "clients were changed at the same moment: try again".to_owned(),
        ));
    }
    Ok(outcome)
}

/// Changed here, it would be as before at the next start.
fn refuse_configured(context: &CommandContext, client_id: &str) -> Result<(), CommandError> {
    if context.config.provider.clients.iter().all(|client| client.client_id != client_id) {
        return Ok(());
    }
    let file = context.config.sources.file();
    Err(CommandError::Missing(format!(
        "the client {client_id:?} stands in the configuration ({file}): change it there"
    )))
}

/// Refuses settings that the server would.
fn check(context: &CommandContext, settings: &Map<String, Value>) -> Result<(), CommandError> {
    let provider = &context.config.provider;
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
    CommandError::refused(problem)
}

fn missing(client_id: &str) -> CommandError {
    CommandError::Missing(format!("there is no client {client_id:?}"))
}

fn secret_hash() -> Result<(), CommandError> {
    let mut secret = String::new();
    std::io::stdin()
        .read_to_string(&mut secret)
        .map_err(|error| refused(&format!("the secret can't be read: {error}")))?;
    let secret = secret.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(refused(&"give the secret on standard input"));
    }
    crate::output::print(&format!("{}\n", base64url::encode(Sha256::digest(secret))));
    Ok(())
}

//! `doorward client …`: clients in the database. Those of the configuration are shown here and
//! changed there. A running server sees changes within a second.

mod secret;
mod settings;

use std::io::Read as _;

use clap::Subcommand;
use doorward_protocol::base64url;
use doorward_provider::model::{
    client::{Client, ClientSettings},
    stored_client::StoredClient,
};
use figment::{Figment, providers::Serialized};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use self::{secret::SecretCommand, settings::SettingsArguments};
use super::{
    CommandContext, CommandError, DataArguments, audit, confirm::Confirmation, done, print_object,
    print_rows,
};
use crate::config;

/// What to do with clients.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// List all clients.
    List(DataArguments),
    /// Show one client's settings, defaults included, without its secrets.
    Show(OneClient),
    /// Add a client. Settings that are not given have their defaults, which `doorward.example.toml`
    /// lists. A client that must authenticate and has neither `client_secrets` nor keys gets a
    /// secret, which is shown only this once.
    Add {
        /// Its identifier.
        client_id: String,
        #[command(flatten)]
        settings: Box<SettingsArguments>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Change a client's settings. Whatever is not given stays.
    Set {
        /// The client.
        client_id: String,
        #[command(flatten)]
        settings: Box<SettingsArguments>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove a client with everything that it was granted.
    Remove {
        #[command(flatten)]
        client: OneClient,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// A client's secrets. The client may use any of them, so a new one can be introduced before
    /// the old one is removed.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Read a secret from standard input and write its hash for the configuration (`sha256` in
    /// `client_secrets`).
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
            Self::Remove { client: OneClient { client_id, data }, confirmation } => {
                remove(&CommandContext::open(&data).await?, &client_id, confirmation).await
            }
            Self::Secret(command) => command.run().await,
            Self::SecretHash => secret_hash(),
        }
    }
}

/// All clients: the configuration's, which the next start imports, and those that were added.
async fn all(context: &CommandContext) -> Result<Vec<StoredClient>, CommandError> {
    let mut clients = Vec::new();
    for settings in &context.config.provider.clients {
        clients.push(StoredClient::new(settings.clone(), true).map_err(|error| refused(&error))?);
    }
    clients.extend(
        context.store.clients().await?.clients.into_iter().filter(|client| !client.configured),
    );
    // A client of the configuration takes the place of one that was added.
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
            "client_id": client.client_id, "name": settings.client_name,
            "enabled": settings.enabled,
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
    // Through the type, so that defaults are shown as well.
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
    print_object(context.json, &Value::Object(settings));
    Ok(())
}

async fn add(
    context: &CommandContext,
    client_id: String,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    refuse_configured(context, &client_id)?;
    let mut settings = Map::new();
    arguments.apply(&mut settings)?;
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
        arguments.apply(settings)?;
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

async fn remove(
    context: &CommandContext,
    client_id: &str,
    confirmation: Confirmation,
) -> Result<(), CommandError> {
    refuse_configured(context, client_id)?;
    let stored = context.store.clients().await?;
    if stored.clients.iter().all(|client| client.client_id != client_id) {
        return Err(missing(client_id));
    }
    confirmation.ask(&format!("Remove the client {client_id} and all that it was granted?"))?;
    if !context.store.remove_client(client_id).await? {
        return Err(missing(client_id));
    }
    audit("client_removed", "client_id", client_id);
    let sentence =
        format!("The client {client_id} is removed, and what it was granted is revoked.");
    done(context.json, &sentence, json!({"client_id": client_id}));
    Ok(())
}

/// Changes a client in the database. The result is checked, and written only if no client was
/// changed meanwhile.
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
            "clients were changed at the same time: try again".to_owned(),
        ));
    }
    Ok(outcome)
}

/// Refuses a client of the configuration: the next start would undo the change.
fn refuse_configured(context: &CommandContext, client_id: &str) -> Result<(), CommandError> {
    if context.config.provider.clients.iter().all(|client| client.client_id != client_id) {
        return Ok(());
    }
    let file = context.config.sources.file();
    Err(CommandError::Missing(format!(
        "the client {client_id:?} is defined in the configuration ({file}): change it there"
    )))
}

/// Refuses settings that the server would refuse.
fn check(context: &CommandContext, settings: &Map<String, Value>) -> Result<(), CommandError> {
    let provider = &context.config.provider;
    let checked =
        Client::checked(read(settings)?, false, &provider.resources, &provider.signing_algorithms);
    checked.map(|_| ()).map_err(|error| refused(&error))
}

fn read(settings: &Map<String, Value>) -> Result<ClientSettings, CommandError> {
    Figment::from(Serialized::defaults(settings))
        .extract()
        .map_err(|error| refused(&config::explain(error, settings)))
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

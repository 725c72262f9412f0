//! `doorward client …`: clients in the database. Those of the configuration are shown here and
//! changed there. A running server sees changes within a second.

pub(super) mod registration_token;
pub(super) mod secret;
pub(super) mod settings;

use std::{collections::BTreeMap, io::Read as _};

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_protocol::{base64url, ids::ClientId, secret::Secret};
use doorward_provider::{
    model::{
        client::ClientSettings, registration::RegisteredClient, stored_client::StoredClient,
        time::SystemEntropy,
    },
    use_case::administration::clients::{self, ClientChangeError, ClientRules},
};
use figment::{Figment, providers::Serialized};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use self::{
    registration_token::RegistrationTokenCommand, secret::SecretCommand,
    settings::SettingsArguments,
};
use super::{
    CommandContext, CommandError, DataArguments, PAGE, RowPrinter, SearchArguments, by_operator,
    confirm::Confirmation, done, print_object,
};
use crate::config;

/// What to do with clients.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// List all clients.
    List(SearchArguments),
    /// Show one client's settings, defaults included, without its secrets.
    Show(OneClient),
    /// Add a client. Settings that are not given have their defaults, which `doorward.example.toml`
    /// lists. A client that must authenticate and has neither `client_secrets` nor keys gets a
    /// secret, which is shown only this once.
    Add {
        /// Its identifier.
        client_id: ClientId,
        #[command(flatten)]
        settings: Box<SettingsArguments>,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Change a client's settings. Whatever is not given stays.
    Set {
        /// The client.
        client_id: ClientId,
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
    /// Initial access tokens, with which clients register themselves (RFC 7591).
    #[command(subcommand)]
    RegistrationToken(RegistrationTokenCommand),
    /// List the clients that registered themselves.
    Registered(SearchArguments),
    /// Read a secret from standard input and write its hash for the configuration (`sha256` in
    /// `client_secrets`).
    SecretHash,
}

/// A client and the rest.
#[derive(Debug, clap::Args)]
pub struct OneClient {
    /// The client.
    pub(super) client_id: ClientId,
    #[command(flatten)]
    pub(super) data: DataArguments,
}

impl ClientCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(search) => {
                list(&CommandContext::open(&search.data).await?, &search.prefix).await
            }
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
            Self::RegistrationToken(command) => Box::pin(command.run()).await,
            Self::Registered(search) => {
                registered(&CommandContext::open(&search.data).await?, &search.prefix).await
            }
            Self::SecretHash => secret_hash(),
        }
    }
}

/// The clients of the configuration, which the next start imports.
fn configured(context: &CommandContext) -> Result<BTreeMap<ClientId, StoredClient>, CommandError> {
    let clients = &context.config.provider.clients;
    let stored = clients.iter().map(|settings| {
        let client = StoredClient::new(settings.clone(), true).map_err(|error| refused(&error))?;
        Ok((client.client_id.clone(), client))
    });
    stored.collect()
}

/// A client of the configuration, or else one that was added.
async fn find(
    context: &CommandContext,
    client_id: &ClientId,
) -> Result<StoredClient, CommandError> {
    if let Some(client) = configured(context)?.remove(client_id) {
        return Ok(client);
    }
    let stored = context.store.client(client_id).await?.filter(|client| !client.configured);
    stored.ok_or_else(|| missing(client_id))
}

/// The columns of a list.
pub(super) const COLUMNS: &[&str] =
    &["client_id", "name", "enabled", "confidential", "scopes", "from"];

/// Lists the clients of the configuration among those that were added, a page at a time.
async fn list(context: &CommandContext, prefix: &str) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let mut configured = configured(context)?;
    configured.retain(|client_id, _| client_id.starts_with(prefix));
    let mut after = None;
    loop {
        let page = context.store.clients_page(prefix, after.as_ref(), PAGE).await?;
        after = page.last().map(|client| client.client_id.clone());
        let later = after.as_ref().map(|last| later_than(last, &mut configured));
        let mut listed = std::mem::replace(&mut configured, later.unwrap_or_default());
        for client in page.into_iter().filter(|client| !client.configured) {
            // A client of the configuration takes the place of one that was added.
            listed.entry(client.client_id.clone()).or_insert(client);
        }
        printer.print_page(&listed.values().map(described).collect::<Result<Vec<_>, _>>()?);
        if after.is_none() {
            break;
        }
    }
    printer.finish();
    Ok(())
}

/// The columns of a list of clients that registered themselves.
pub(super) const REGISTERED_COLUMNS: &[&str] =
    &["client_id", "name", "used", "issued_at", "expires_at", "redirect_uris"];

/// Lists the clients that registered themselves, a page at a time.
async fn registered(context: &CommandContext, prefix: &str) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, REGISTERED_COLUMNS);
    let mut after = None;
    loop {
        let page = context.store.registered_clients_page(prefix, after.as_ref(), PAGE).await?;
        after = page.last().map(|client| client.client_id.clone());
        let row = |client: &RegisteredClient| {
            json!({
                "client_id": client.client_id, "name": client.metadata.get("client_name"),
                "used": client.used, "issued_at": client.issued_at.seconds(),
                "expires_at": client.expires_at.seconds(),
                "redirect_uris": client.metadata.get("redirect_uris"),
            })
        };
        printer.print_page(&page.iter().map(row).collect::<Vec<Value>>());
        if after.is_none() {
            break;
        }
    }
    printer.finish();
    Ok(())
}

/// Takes out the clients that come after this one.
fn later_than(
    last: &ClientId,
    clients: &mut BTreeMap<ClientId, StoredClient>,
) -> BTreeMap<ClientId, StoredClient> {
    let mut later = clients.split_off(last);
    clients.extend(later.remove_entry(last));
    later
}

fn described(client: &StoredClient) -> Result<Value, CommandError> {
    let settings = parsed(client)?;
    let line = ClientLine {
        client_id: &client.client_id,
        name: settings.client_name.as_deref(),
        enabled: settings.enabled,
        confidential: settings.require_client_secret,
        scopes: &settings.allowed_scopes,
        configured: client.configured,
    };
    Ok(line.to_value())
}

/// What is said about a client in lists.
pub(super) struct ClientLine<'a> {
    pub(super) client_id: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) enabled: bool,
    pub(super) confidential: bool,
    pub(super) scopes: &'a [String],
    pub(super) configured: bool,
}

impl ClientLine<'_> {
    pub(super) fn to_value(&self) -> Value {
        json!({
            "client_id": self.client_id, "name": self.name, "enabled": self.enabled,
            "confidential": self.confidential, "scopes": self.scopes,
            "from": from(self.configured),
        })
    }
}

fn from(configured: bool) -> &'static str {
    if configured { "configuration" } else { "store" }
}

async fn show(context: &CommandContext, client_id: &ClientId) -> Result<(), CommandError> {
    let client = find(context, client_id).await?;
    // Through the type, so that defaults are shown as well.
    let settings = clients::without_secrets(parsed(&client)?).map_err(|error| refused(&error))?;
    print_settings(context.json, settings, client.configured);
    Ok(())
}

/// Prints the settings of a client, and where they are from.
pub(super) fn print_settings(json: bool, mut settings: Map<String, Value>, configured: bool) {
    settings.insert("from".to_owned(), json!(from(configured)));
    print_object(json, &Value::Object(settings));
}

async fn add(
    context: &CommandContext,
    client_id: ClientId,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    refuse_configured(context, &client_id)?;
    let mut settings = Map::new();
    arguments.apply(&mut settings)?;
    settings.insert("client_id".to_owned(), json!(client_id));
    let secret = clients::needs_secret(&read(&settings)?)
        .then(|| clients::add_secret(&mut settings, None, None, &SystemEntropy));
    check(context, &settings, None)?;
    let record = by_operator(ChangeEvent::ClientAdded).on("client_id", &client_id);
    let record = record.changing(None, Some(Value::Object(settings.clone())));
    clients::add_client(&*context.store, client_id.clone(), settings).await?;
    context.audit(record).await;
    tell_added(context.json, &client_id, secret);
    Ok(())
}

/// Says that a client was added, and shows its secret only this once.
pub(super) fn tell_added(json: bool, client_id: &ClientId, secret: Option<Secret>) {
    secret::tell(json, client_id, &format!("The client {client_id} was added."), secret);
}

async fn set(
    context: &CommandContext,
    client_id: &ClientId,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    change(context, ChangeEvent::ClientChanged, client_id, |settings| {
        arguments.apply(settings)?;
        settings.insert("client_id".to_owned(), json!(client_id));
        Ok(())
    })
    .await?;
    tell_changed(context.json, client_id);
    Ok(())
}

/// Says that a client is changed.
pub(super) fn tell_changed(json: bool, client_id: &ClientId) {
    done(json, &format!("The client {client_id} is changed."), json!({"client_id": client_id}));
}

async fn remove(
    context: &CommandContext,
    client_id: &ClientId,
    confirmation: Confirmation,
) -> Result<(), CommandError> {
    refuse_configured(context, client_id)?;
    // One that has expired is there until it is swept.
    let page = context.store.registered_clients_page(client_id, None, 1).await?;
    let registered = page.into_iter().find(|client| client.client_id == *client_id);
    let before = context.store.client(client_id).await?;
    if registered.is_none() && before.is_none() {
        return Err(missing(client_id));
    }
    confirmation.ask(&removal_question(client_id))?;
    if !context.store.remove_client(client_id, None).await? {
        return Err(missing(client_id));
    }
    let record = by_operator(ChangeEvent::ClientRemoved).on("client_id", client_id);
    let before = before.map(|client| Value::Object(client.settings));
    context.audit(record.changing(before, None)).await;
    tell_removed(context.json, client_id);
    Ok(())
}

pub(super) fn removal_question(client_id: &ClientId) -> String {
    format!("Remove the client {client_id} and all that it was granted?")
}

/// Says that a client is removed.
pub(super) fn tell_removed(json: bool, client_id: &ClientId) {
    let sentence =
        format!("The client {client_id} is removed, and what it was granted is revoked.");
    done(json, &sentence, json!({"client_id": client_id}));
}

/// Changes a client in the database. The result is checked, and written only if no client was
/// changed meanwhile.
async fn change<T>(
    context: &CommandContext,
    event: ChangeEvent,
    client_id: &ClientId,
    change: impl FnOnce(&mut Map<String, Value>) -> Result<T, CommandError> + Send,
) -> Result<T, CommandError> {
    refuse_configured(context, client_id)?;
    let mut ends = (Value::Null, Value::Null);
    let changed = clients::change_client(&*context.store, client_id, |client| {
        let before = Value::Object(client.settings.clone());
        let outcome = change(&mut client.settings)?;
        check(context, &client.settings, before.as_object())?;
        ends = (before, Value::Object(client.settings.clone()));
        Ok::<T, CommandError>(outcome)
    })
    .await?;
    let (before, after) = ends;
    let record = by_operator(event).on("client_id", client_id);
    context.audit(record.changing(Some(before), Some(after))).await;
    Ok(changed)
}

/// Refuses a client of the configuration: the next start would undo the change.
fn refuse_configured(context: &CommandContext, client_id: &ClientId) -> Result<(), CommandError> {
    let configured = &context.config.provider.clients;
    if configured.iter().all(|client| client.client_id != client_id.as_str()) {
        return Ok(());
    }
    let file = context.config.sources.file();
    Err(CommandError::Missing(format!(
        "the client {client_id:?} is defined in the configuration ({file}): change it there"
    )))
}

/// Refuses settings that the server would refuse.
fn check(
    context: &CommandContext,
    settings: &Map<String, Value>,
    before: Option<&Map<String, Value>>,
) -> Result<(), CommandError> {
    let provider = &context.config.provider;
    let (resources, algorithms) = (&provider.resources, &*provider.signing_algorithms);
    let files = &context.config.branding.files();
    let rules = ClientRules { resources, algorithms, files };
    rules.check(read(settings)?, before).map_err(|error| refused(&error))
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

impl From<ClientChangeError> for CommandError {
    fn from(error: ClientChangeError) -> Self {
        match error {
            ClientChangeError::Store(error) => error.into(),
            ClientChangeError::Settings(error) => refused(&error),
            other => Self::Missing(other.to_string()),
        }
    }
}

fn refused(problem: &dyn std::fmt::Display) -> CommandError {
    CommandError::refused(problem)
}

pub(super) fn missing(client_id: &ClientId) -> CommandError {
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

//! `doorward --server URL client …`.

use doorward_protocol::{ids::ClientId, secret::Secret};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        CommandError, RowPrinter,
        client::{
            self, ClientCommand, ClientLine, OneClient,
            registration_token::{self, RegistrationTokenCommand},
            secret::{self, SecretCommand},
            settings::SettingsArguments,
        },
        print_rows,
    },
    changes,
    group::print_all,
    not_from_elsewhere, open,
};
use crate::remote::{Answer, Page, RemoteServer, ServerUrl};

/// What was made, with the secret that is shown once.
#[derive(Deserialize)]
struct Made {
    #[serde(default)]
    client_secret: Option<Secret>,
}

/// A client of a list, as the API shows it.
#[derive(Deserialize)]
struct ClientRow {
    client_id: String,
    client_name: Option<String>,
    enabled: bool,
    require_client_secret: bool,
    allowed_scopes: Vec<String>,
    configured: bool,
}

/// A client, as the API shows it.
#[derive(Deserialize)]
struct ClientView {
    client_id: String,
    configured: bool,
    settings: Map<String, Value>,
}

/// A registration token that was made.
#[derive(Deserialize)]
struct MadeToken {
    id: String,
    token: Secret,
}

pub async fn run(command: ClientCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        ClientCommand::List(search) => {
            let mut server = open(server, &search.data)?;
            let printer = RowPrinter::new(server.json, client::COLUMNS);
            print_all(&mut server, &["clients"], &search.query(), printer, |row: ClientRow| {
                let ClientRow { client_id, client_name: name, enabled, .. } = row;
                let line = ClientLine {
                    client_id: &client_id,
                    name: name.as_deref(),
                    enabled,
                    confidential: row.require_client_secret,
                    scopes: &row.allowed_scopes,
                    configured: row.configured,
                };
                line.to_value()
            })
            .await
        }
        ClientCommand::Show(OneClient { client_id, data }) => {
            let mut server = open(server, &data)?;
            let found = server.find(&["clients", &client_id]).await?;
            let found = found.ok_or_else(|| client::missing(&client_id))?;
            let ClientView { client_id, configured, mut settings } = found.read()?;
            settings.insert("client_id".to_owned(), client_id.into());
            client::print_settings(server.json, settings, configured);
            Ok(())
        }
        ClientCommand::Remove { client: OneClient { client_id, data }, confirmation } => {
            let mut server = open(server, &data)?;
            let found = server.find(&["clients", &client_id]).await?;
            confirmation.ask(&client::removal_question(&client_id))?;
            // Those that registered themselves have no state that a request could be about.
            let (kind, etag) = match found {
                Some(found) => ("clients", found.etag),
                None => ("registered-clients", None),
            };
            server.change(Method::DELETE, &[kind, &*client_id], None, etag.as_deref()).await?;
            client::tell_removed(server.json, &client_id);
            Ok(())
        }
        ClientCommand::Add { client_id, settings, data } => {
            add(&mut open(server, &data)?, client_id, &settings).await
        }
        ClientCommand::Set { client_id, settings, data } => {
            set(&mut open(server, &data)?, &client_id, &settings).await
        }
        ClientCommand::Secret(command) => run_secret(command, server).await,
        ClientCommand::RegistrationToken(command) => run_token(command, server).await,
        ClientCommand::Registered(search) => {
            let mut server = open(server, &search.data)?;
            let printer = RowPrinter::new(server.json, client::REGISTERED_COLUMNS);
            let (path, query) = (["registered-clients"], search.query());
            print_all(&mut server, &path, &query, printer, |row: Value| row).await
        }
        ClientCommand::SecretHash => Err(not_from_elsewhere()),
    }
}

async fn add(
    server: &mut RemoteServer,
    client_id: ClientId,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    let mut settings = Map::new();
    arguments.apply(&mut settings)?;
    settings.remove("client_id");
    let body = json!({"client_id": client_id, "settings": settings});
    let added = server.change(Method::POST, &["clients"], Some(body), None).await?;
    client::tell_added(server.json, &client_id, added.read::<Made>()?.client_secret);
    Ok(())
}

async fn set(
    server: &mut RemoteServer,
    client_id: &ClientId,
    arguments: &SettingsArguments,
) -> Result<(), CommandError> {
    let found = server.find(&["clients", client_id]).await?;
    let found = found.ok_or_else(|| client::missing(client_id))?;
    let etag = found.etag.clone();
    let before = found.read::<ClientView>()?.settings;
    let mut after = before.clone();
    arguments.apply(&mut after)?;
    after.remove("client_id");
    let body = json!({"settings": changes(&before, &after)});
    let path = ["clients", &**client_id];
    server.change(Method::PATCH, &path, Some(body), etag.as_deref()).await?;
    client::tell_changed(server.json, client_id);
    Ok(())
}

async fn run_secret(command: SecretCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        SecretCommand::List(OneClient { client_id, data }) => {
            let mut server = open(server, &data)?;
            let secrets = secrets(&mut server, &client_id).await?;
            let rows: Page<Value> = secrets.read()?;
            print_rows(server.json, secret::COLUMNS, &rows.items);
            Ok(())
        }
        SecretCommand::Add { client_id, days, description, data } => {
            let mut server = open(server, &data)?;
            let etag = secrets(&mut server, &client_id).await?.etag;
            let body = json!({"days": days, "description": description});
            let path = ["clients", &*client_id, "secrets"];
            let made = server.change(Method::POST, &path, Some(body), etag.as_deref()).await?;
            if let Some(made) = made.read::<Made>()?.client_secret {
                secret::tell_added(server.json, &client_id, made);
            }
            Ok(())
        }
        SecretCommand::Remove { client_id, secret: named, data } => {
            let mut server = open(server, &data)?;
            let etag = secrets(&mut server, &client_id).await?.etag;
            let path = ["clients", &*client_id, "secrets", &*named];
            server.change(Method::DELETE, &path, None, etag.as_deref()).await?;
            secret::tell_removed(server.json, &client_id, &named);
            Ok(())
        }
    }
}

async fn run_token(
    command: RegistrationTokenCommand,
    server: &ServerUrl,
) -> Result<(), CommandError> {
    const TOKENS: &str = "registration-tokens";
    match command {
        RegistrationTokenCommand::List(data) => {
            let mut server = open(server, &data)?;
            let printer = RowPrinter::new(server.json, registration_token::COLUMNS);
            print_all(&mut server, &[TOKENS], &[], printer, |row: Value| row).await
        }
        RegistrationTokenCommand::Add { uses, days, note, data } => {
            let mut server = open(server, &data)?;
            let body = json!({"uses": uses, "days": days, "note": note});
            let made = server.change(Method::POST, &[TOKENS], Some(body), None).await?;
            let MadeToken { id, token } = made.read()?;
            registration_token::tell_added(server.json, &id, token.expose(), uses, days);
            Ok(())
        }
        RegistrationTokenCommand::Remove { id, data } => {
            let mut server = open(server, &data)?;
            server.change(Method::DELETE, &[TOKENS, &id], None, None).await?;
            registration_token::tell_removed(server.json, &id);
            Ok(())
        }
    }
}

/// The secrets of a client, by their names.
async fn secrets(server: &mut RemoteServer, client_id: &ClientId) -> Result<Answer, CommandError> {
    let found = server.find(&["clients", client_id, "secrets"]).await?;
    found.ok_or_else(|| client::missing(client_id))
}

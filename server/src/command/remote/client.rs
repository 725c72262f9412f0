//! `doorward --server URL client …`.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    super::{
        CommandError, RowPrinter,
        client::{self, ClientCommand, ClientLine, OneClient},
    },
    group::print_all,
    not_from_elsewhere, open,
};
use crate::remote::ServerUrl;

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

pub async fn run(command: ClientCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        ClientCommand::List(data) => {
            let mut server = open(server, &data)?;
            let printer = RowPrinter::new(server.json, client::COLUMNS);
            print_all(&mut server, &["clients"], printer, |row: ClientRow| {
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
            let etag = found.ok_or_else(|| client::missing(&client_id))?.etag;
            confirmation.ask(&client::removal_question(&client_id))?;
            let path = ["clients", &*client_id];
            server.change(Method::DELETE, &path, None, etag.as_deref()).await?;
            client::tell_removed(server.json, &client_id);
            Ok(())
        }
        _ => Err(not_from_elsewhere()),
    }
}

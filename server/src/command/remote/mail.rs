//! `doorward --server URL mail outbox`.

use serde_json::{Value, json};

use super::{
    super::{
        CommandError, RowPrinter,
        mail::{self, MailCommand},
    },
    group::print_all,
    not_from_elsewhere, open,
};
use crate::remote::ServerUrl;

pub async fn run(command: MailCommand, server: &ServerUrl) -> Result<(), CommandError> {
    let MailCommand::Outbox(search) = command else { return Err(not_from_elsewhere()) };
    let mut server = open(server, &search.data)?;
    let printer = RowPrinter::new(server.json, mail::COLUMNS);
    print_all(&mut server, &["outbox"], &search.query(), printer, |mail: Value| {
        json!({
            "id": mail["id"], "kind": mail["kind"], "to": mail["to"],
            "written": mail["created_at"], "attempts": mail["attempts"], "due": mail["due_at"],
            "expires": mail["expires_at"], "error": mail["error"],
        })
    })
    .await
}

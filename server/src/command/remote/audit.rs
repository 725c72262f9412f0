//! `doorward --server URL audit …`.

use doorward_protocol::base64url;
use doorward_provider::audit::{ActorKind, Filter, Outcome};
use serde_json::Value;

use super::{
    super::{
        CommandContext, CommandError, RowPrinter,
        audit::{self, AuditCommand, ListArguments},
    },
    not_from_elsewhere, open,
};
use crate::remote::{RemoteServer, ServerUrl};

/// The most that a page of the API has.
const PAGE: u32 = 200;

pub async fn run(command: AuditCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        AuditCommand::List(arguments) => {
            list(&mut open(server, &arguments.data)?, &arguments).await
        }
        AuditCommand::Export { filter, data } => {
            let mut query = query(&filter.filter(CommandContext::now()));
            query.push(("order", "oldest".to_owned()));
            open(server, &data)?.write_out(&["events", "export"], &query).await
        }
        AuditCommand::Verify { .. } => Err(not_from_elsewhere()),
    }
}

async fn list(server: &mut RemoteServer, arguments: &ListArguments) -> Result<(), CommandError> {
    let filter = query(&arguments.filter.filter(CommandContext::now()));
    let mut printer = RowPrinter::new(server.json, audit::COLUMNS);
    // As the API writes the cursors of this list.
    let cursor = |at: i64, number: i64| base64url::encode(format!("[{at},{number}]"));
    let mut after = arguments.after.map(|after| cursor(after.at.seconds(), after.number));
    let mut left = arguments.limit;
    while left > 0 {
        let mut query = filter.clone();
        query.push(("limit", left.min(PAGE).to_string()));
        let page = server.page::<Value>(&["events"], &query, after.as_deref()).await?;
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        printer.print_page(&page.items.into_iter().map(with_cursor).collect::<Vec<_>>());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    printer.finish();
    Ok(())
}

fn with_cursor(record: Value) -> Value {
    let part = |name: &str| record[name].as_i64().unwrap_or_default();
    let (at, number) = (part("at"), part("number"));
    audit::with_cursor(record, at, number)
}

/// A filter as the parameters of the API.
fn query(filter: &Filter) -> Vec<(&'static str, String)> {
    let texts = [
        ("event", filter.event.clone()),
        ("outcome", filter.outcome.map(|outcome| Outcome::as_str(outcome).to_owned())),
        ("actor", filter.actor.clone()),
        ("actor_kind", filter.actor_kind.map(|kind| ActorKind::as_str(kind).to_owned())),
        ("sub", filter.sub.clone()),
        ("object_kind", filter.object_kind.clone()),
        ("object", filter.object.clone()),
        ("client_id", filter.client_id.clone()),
        ("address", filter.address.clone()),
        ("user_agent", filter.user_agent.clone()),
        ("request_id", filter.request_id.clone()),
        ("from", filter.from.map(|from| from.seconds().to_string())),
        ("until", filter.until.map(|until| until.seconds().to_string())),
    ];
    texts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

//! `doorward user events`: what happened to a user's account.

use doorward_provider::model::account_event::KeptEvent;
use serde_json::{Value, json};

use super::super::{CommandContext, CommandError, PAGE, RowPrinter};

/// The columns of a list.
pub const COLUMNS: &[&str] = &["at", "event", "address", "browser", "detail"];

/// Prints the events of a user, the latest first.
pub async fn list(context: &CommandContext, user: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let mut before = None;
    loop {
        let page = context.store.account_events(&user.sub, before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        printer.print_page(&page.iter().map(described).collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

fn described(kept: &KeptEvent) -> Value {
    let event = &kept.event;
    json!({
        "at": event.at.seconds(),
        "event": event.kind.as_str(),
        "address": event.device.address,
        "browser": event.device.browser,
        "detail": event.detail,
    })
}

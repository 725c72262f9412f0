//! `doorward user invitations` and `doorward user uninvite`.

use doorward_provider::model::{
    email::EmailAddress,
    ticket::{Ticket, TicketPurpose},
};
use serde_json::{Value, json};

use super::super::{CommandContext, CommandError, PAGE, RowPrinter, by_operator, done};

const PURPOSE: TicketPurpose = TicketPurpose::Invitation;

/// Prints the invitations that nobody has followed yet, the next to expire first.
pub async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let columns = &["email", "name", "role", "groups", "expires"];
    let mut printer = RowPrinter::new(context.json, columns);
    let mut after = None;
    loop {
        let now = CommandContext::now();
        let page = context.store.tickets(PURPOSE, after.as_ref(), PAGE, now).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        printer.print_page(&page.iter().map(described).collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

fn described(invitation: &Ticket) -> Value {
    let claim = |name: &str| invitation.data.get("claims").and_then(|claims| claims.get(name));
    json!({
        "email": invitation.text("email"),
        "name": invitation.text("name"),
        "role": claim("role"),
        "groups": claim("groups"),
        "expires": invitation.expires_at.seconds(),
    })
}

/// Takes all invitations of an address back: their links work no longer.
pub async fn uninvite(context: &CommandContext, typed: &str) -> Result<(), CommandError> {
    let email = EmailAddress::parse(typed).map_err(CommandError::refused)?;
    let removed = context.store.remove_tickets_about(PURPOSE, &email.normalized()).await?;
    if removed == 0 {
        let problem = format!("no invitation of {} waits", email.as_str());
        return Err(CommandError::Missing(problem));
    }
    context.audit(by_operator("user_uninvited", "email", email.as_str())).await;
    let sentence = match removed {
        1 => format!("The invitation of {} is taken back.", email.as_str()),
        count => format!("{count} invitations of {} are taken back.", email.as_str()),
    };
    done(context.json, &sentence, json!({"email": email.as_str(), "invitations": removed}));
    Ok(())
}

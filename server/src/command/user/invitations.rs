//! `doorward user invitations` and `doorward user uninvite`.

use doorward_admin::ChangeEvent;
use doorward_provider::model::{
    email::{EmailAddress, normalized_email},
    ticket::{Ticket, TicketPurpose},
};
use serde_json::{Value, json};

use super::super::{CommandContext, CommandError, PAGE, RowPrinter, by_operator, done};

const PURPOSE: TicketPurpose = TicketPurpose::Invitation;

/// Prints the invitations that nobody has followed yet: all of them, the next to expire first, or
/// those of addresses that begin so, in the order of the addresses.
pub async fn list(context: &CommandContext, prefix: &str) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    if !prefix.is_empty() {
        let (prefix, mut after) = (normalized_email(prefix), None);
        loop {
            let (store, now) = (&context.store, CommandContext::now());
            let page = store.tickets_about(PURPOSE, &prefix, after.as_ref(), PAGE, now).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.about_cursor());
            printer.print_page(&page.iter().map(described).collect::<Vec<_>>());
        }
        printer.finish();
        return Ok(());
    }
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

/// The columns of a list.
pub(in super::super) const COLUMNS: &[&str] = &["email", "name", "role", "groups", "expires"];

fn described(invitation: &Ticket) -> Value {
    let claims = invitation.data.get("claims").cloned().unwrap_or_default();
    let expires = invitation.expires_at.seconds();
    let groups: Vec<_> = invitation.groups().iter().map(ToString::to_string).collect();
    row(invitation.text("email"), invitation.text("name"), &claims, &groups, expires)
}

/// An invitation in a list.
pub(in super::super) fn row(
    email: Option<&str>,
    name: Option<&str>,
    claims: &Value,
    groups: &[String],
    expires: i64,
) -> Value {
    json!({
        "email": email, "name": name, "role": claims["role"], "groups": groups,
        "expires": expires,
    })
}

/// Takes all invitations of an address back: their links work no longer.
pub async fn uninvite(context: &CommandContext, typed: &str) -> Result<(), CommandError> {
    let email = EmailAddress::parse(typed).map_err(CommandError::refused)?;
    let before = given_by(context, &email).await?;
    let removed = context.store.remove_tickets_about(PURPOSE, &email.normalized()).await?;
    if removed > 0 {
        let record = by_operator(ChangeEvent::UserUninvited).on("email", email.as_str());
        context.audit(record.changing(Some(json!({"invitations": before})), None)).await;
    }
    tell_uninvited(context.json, &email, removed)
}

/// What each invitation of an address would have given.
async fn given_by(
    context: &CommandContext,
    email: &EmailAddress,
) -> Result<Vec<Value>, CommandError> {
    let (about, now) = (email.normalized(), CommandContext::now());
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = context.store.tickets(PURPOSE, after.as_ref(), PAGE, now).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.cursor());
        let own = page.iter().filter(|ticket| ticket.about.as_deref() == Some(&*about));
        let given = |ticket: &Ticket| {
            json!({
                "claims": ticket.data.get("claims"), "groups": ticket.data.get("groups"),
            })
        };
        found.extend(own.map(given));
    }
}

/// Says how many invitations were taken back.
pub(in super::super) fn tell_uninvited(
    json: bool,
    email: &EmailAddress,
    removed: u64,
) -> Result<(), CommandError> {
    if removed == 0 {
        let problem = format!("no invitation of {} waits", email.as_str());
        return Err(CommandError::Missing(problem));
    }
    let sentence = match removed {
        1 => format!("The invitation of {} is taken back.", email.as_str()),
        count => format!("{count} invitations of {} are taken back.", email.as_str()),
    };
    done(json, &sentence, json!({"email": email.as_str(), "invitations": removed}));
    Ok(())
}

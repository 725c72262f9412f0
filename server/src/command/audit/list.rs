//! `doorward audit list`: a search.

use doorward_provider::{
    audit::{ActorKind, Cursor, Filter, KeptRecord, Outcome},
    model::time::Timestamp,
};
use serde_json::{Value, json};

use super::when::Moment;
use crate::command::{CommandContext, CommandError, DataArguments, PAGE, RowPrinter};

/// What to look for. Each option that is given must be met.
#[derive(Debug, clap::Args)]
pub struct FilterArguments {
    /// What happened: the name of an event, as the monitoring guide lists them.
    #[arg(long)]
    event: Option<String>,
    /// How it ended: succeeded, denied, refused, replayed or failed.
    #[arg(long, value_parser = parse_outcome)]
    outcome: Option<Outcome>,
    /// Who did it: a user's sub, a client, or an account of the operating system.
    #[arg(long)]
    actor: Option<String>,
    /// What kind of actor: user, client, operator, system or anonymous.
    #[arg(long, value_parser = parse_actor_kind)]
    actor_kind: Option<ActorKind>,
    /// The user on whom it was done.
    #[arg(long)]
    sub: Option<String>,
    /// What kind of thing it was done to: group, kid and others.
    #[arg(long)]
    object_kind: Option<String>,
    /// What it was done to.
    #[arg(long)]
    object: Option<String>,
    /// The client that took part.
    #[arg(long)]
    client: Option<String>,
    /// The address that the request came from.
    #[arg(long)]
    address: Option<String>,
    /// The User-Agent of the request, whole.
    #[arg(long)]
    user_agent: Option<String>,
    /// The identifier of the request in the log.
    #[arg(long)]
    request: Option<String>,
    /// From this moment on: 2026-11-28, 2026-11-28T19:45:00 (UTC), or 24h or 7d for so long ago.
    #[arg(long)]
    since: Option<Moment>,
    /// Before this moment, written like --since.
    #[arg(long)]
    until: Option<Moment>,
}

impl FilterArguments {
    /// The filter, where times that are so long ago count from now.
    pub fn filter(&self, now: Timestamp) -> Filter {
        Filter {
            event: self.event.clone(),
            outcome: self.outcome,
            actor: self.actor.clone(),
            actor_kind: self.actor_kind,
            sub: self.sub.clone(),
            object_kind: self.object_kind.clone(),
            object: self.object.clone(),
            client_id: self.client.clone(),
            address: self.address.clone(),
            user_agent: self.user_agent.clone(),
            request_id: self.request.clone(),
            from: self.since.map(|moment| moment.at(now)),
            until: self.until.map(|moment| moment.at(now)),
        }
    }
}

/// What `audit list` is given.
#[derive(Debug, clap::Args)]
pub struct ListArguments {
    #[command(flatten)]
    pub(in crate::command) filter: FilterArguments,
    /// How many records to list.
    #[arg(long, default_value_t = 100)]
    pub(in crate::command) limit: u32,
    /// Go on after the record with this cursor, the last one of the list before: AT:NUMBER.
    #[arg(long, value_name = "CURSOR", value_parser = parse_cursor)]
    pub(in crate::command) after: Option<Cursor>,
    #[command(flatten)]
    pub(in crate::command) data: DataArguments,
}

impl ListArguments {
    /// Prints records page by page.
    pub(super) async fn run(&self) -> Result<(), CommandError> {
        let context = CommandContext::open(&self.data).await?;
        let filter = self.filter.filter(CommandContext::now());
        let mut printer = RowPrinter::new(context.json, COLUMNS);
        let (mut left, mut after) = (self.limit, self.after);
        while left > 0 {
            let page = context.store.audit_records(&filter, after, left.min(PAGE)).await?;
            left = left.saturating_sub(u32::try_from(page.records.len()).unwrap_or(u32::MAX));
            printer.print_page(&page.records.iter().map(described).collect::<Vec<_>>());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        printer.finish();
        Ok(())
    }
}

/// The columns of a list.
pub const COLUMNS: &[&str] =
    &["at", "event", "outcome", "actor", "sub", "object", "client_id", "address", "cursor"];

fn described(kept: &KeptRecord) -> Value {
    let Cursor { at, number } = kept.cursor();
    with_cursor(kept.to_json(), at.seconds(), number)
}

/// A record with its cursor.
pub fn with_cursor(mut record: Value, at: i64, number: i64) -> Value {
    record["cursor"] = json!(format!("{at}:{number}"));
    record
}

fn parse_cursor(text: &str) -> Result<Cursor, String> {
    let parts = text.split_once(':');
    let parsed = parts.and_then(|(at, number)| Some((at.parse().ok()?, number.parse().ok()?)));
    let (at, number) = parsed.ok_or("give a cursor as doorward audit list prints it: AT:NUMBER")?;
    Ok(Cursor { at: Timestamp::from_seconds(at), number })
}

fn parse_outcome(text: &str) -> Result<Outcome, String> {
    let names = || Outcome::ALL.map(Outcome::as_str).join(", ");
    Outcome::parse(text).ok_or_else(|| format!("give one of {}", names()))
}

fn parse_actor_kind(text: &str) -> Result<ActorKind, String> {
    let names = || ActorKind::ALL.map(ActorKind::as_str).join(", ");
    ActorKind::parse(text).ok_or_else(|| format!("give one of {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_two_numbers() {
        let cursor = Cursor { at: Timestamp::from_seconds(1_800_000_000), number: 7 };
        assert_eq!(parse_cursor("1800000000:7"), Ok(cursor));
        assert!(parse_cursor("7").is_err() && parse_cursor("a:b").is_err());
    }
}

//! The audit history: searched in pages, and exported as JSON lines.

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use doorward_provider::{
    audit::{ActorKind, Cursor, Filter, FoundRecords, KeptRecord, Outcome},
    model::time::Timestamp,
    store::StoreError,
};
use futures::stream::{self, Stream, TryStreamExt as _};
use http::{
    HeaderValue,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};
use serde::Deserialize;

use super::{
    Answer,
    body::Parameters,
    page::{self, Page},
    problem::Problem,
    state::AdminApi,
};
pub use crate::types::events::EventRecord;

/// The media type of JSON lines.
pub const JSON_LINES: &str = "application/jsonl";
/// The longest text that is looked for, in bytes: no record has a longer one.
const LONGEST: usize = 512;
/// Records that an export reads at once.
const AT_ONCE: u32 = 500;

impl EventRecord {
    fn of(kept: &KeptRecord) -> Self {
        let record = kept.stamped.record.clone();
        let (object_kind, object) = record.object.map(|one| (one.kind, one.name)).unzip();
        Self {
            id: kept.stamped.id.clone(),
            number: kept.number,
            position: kept.seal.map(|seal| seal.position),
            at: kept.stamped.at.seconds(),
            event: record.event,
            outcome: record.outcome.as_str().to_owned(),
            actor_kind: record.actor.kind.as_str().to_owned(),
            actor: record.actor.name,
            sub: record.sub,
            object_kind,
            object,
            client_id: record.client_id,
            address: record.address,
            user_agent: record.user_agent,
            request_id: record.request_id,
            parts: record.data.parts(),
        }
    }
}

/// What to look for. Each parameter that is given must be met exactly.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventParameters {
    event: Option<String>,
    outcome: Option<String>,
    actor: Option<String>,
    actor_kind: Option<String>,
    sub: Option<String>,
    object_kind: Option<String>,
    object: Option<String>,
    client_id: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    from: Option<i64>,
    until: Option<i64>,
    limit: Option<u32>,
    cursor: Option<String>,
    order: Option<Order>,
}

/// Which record of an export comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Latest,
    Oldest,
}

/// The names of the orders.
pub const ORDERS: [&str; 2] = ["latest", "oldest"];

/// The parameters that are texts, and what they are.
pub const TEXTS: [(&str, &str); 9] = [
    ("event", "What happened."),
    ("actor", "Who did it."),
    ("sub", "The user on whom it was done."),
    ("object_kind", "What kind of thing it was done to."),
    ("object", "What it was done to."),
    ("client_id", "The client that took part."),
    ("address", "The address that the request came from."),
    ("user_agent", "The User-Agent of the request, whole."),
    ("request_id", "The request, as the log names it."),
];

impl EventParameters {
    fn filter(&self) -> Result<Filter, Problem> {
        let text = |name: &str, text: &Option<String>| match text {
            Some(text) if text.len() > LONGEST || text.contains(char::is_control) => {
                let problem = "has at most 512 bytes and no control characters";
                Err(Problem::query(format!("{name} {problem}")))
            }
            text => Ok(text.clone()),
        };
        let outcome = self.outcome.as_deref().map(|name| {
            let names = || Outcome::ALL.map(Outcome::as_str).join(", ");
            Outcome::parse(name)
                .ok_or_else(|| Problem::query(format!("outcome is one of {}", names())))
        });
        let actor_kind = self.actor_kind.as_deref().map(|name| {
            let names = || ActorKind::ALL.map(ActorKind::as_str).join(", ");
            ActorKind::parse(name)
                .ok_or_else(|| Problem::query(format!("actor_kind is one of {}", names())))
        });
        Ok(Filter {
            event: text("event", &self.event)?,
            outcome: outcome.transpose()?,
            actor: text("actor", &self.actor)?,
            actor_kind: actor_kind.transpose()?,
            sub: text("sub", &self.sub)?,
            object_kind: text("object_kind", &self.object_kind)?,
            object: text("object", &self.object)?,
            client_id: text("client_id", &self.client_id)?,
            address: text("address", &self.address)?,
            user_agent: text("user_agent", &self.user_agent)?,
            request_id: text("request_id", &self.request_id)?,
            from: self.from.map(Timestamp::from_seconds),
            until: self.until.map(Timestamp::from_seconds),
        })
    }
}

/// `GET /events`. A page may have fewer records than were asked for, or none, and another page
/// comes: a search looks at this many records and no more.
pub async fn list(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<EventParameters>,
) -> Answer {
    if parameters.order.is_some() {
        return Err(Problem::query("a list begins with the latest: order is for exports"));
    }
    let (limit, filter) = (page::limit(parameters.limit)?, parameters.filter()?);
    let after: Option<(i64, i64)> = page::after(parameters.cursor.as_deref())?;
    let after = after.map(|(at, number)| Cursor { at: Timestamp::from_seconds(at), number });
    let FoundRecords { records, next } = api.store().audit_records(&filter, after, limit).await?;
    let items: Vec<EventRecord> = records.iter().map(EventRecord::of).collect();
    let next = next.map(|next| page::cursor(&(next.at.seconds(), next.number)));
    Ok(Json(Page { items, next }).into_response())
}

/// `GET /events/export`. It is written while it is read, so it needs the memory of one page. If the
/// database fails meanwhile, the answer breaks off without its end.
pub async fn export(
    State(api): State<AdminApi>,
    Parameters(parameters): Parameters<EventParameters>,
) -> Answer {
    if parameters.limit.is_some() || parameters.cursor.is_some() {
        return Err(Problem::query("an export has no pages: leave limit and cursor out"));
    }
    let filter = parameters.filter()?;
    if parameters.order == Some(Order::Oldest) {
        return oldest_first(api, filter).await;
    }
    // A database that can't be read is told as a problem, and not as an empty export.
    let first = api.store().audit_records(&filter, None, AT_ONCE).await?;
    let rest = stream::try_unfold(first.next, move |after| {
        let (api, filter) = (api.clone(), filter.clone());
        async move {
            let Some(after) = after else { return Ok::<_, StoreError>(None) };
            // A search that finds nothing must not hold up what else runs on this thread.
            tokio::task::yield_now().await;
            let found = api.store().audit_records(&filter, Some(after), AT_ONCE).await?;
            Ok(Some((lines(&found.records), found.next)))
        }
    });
    Ok(exported(lines(&first.records), rest))
}

/// The records in the order in which they were written. All are read, and those are told that meet
/// the filter.
async fn oldest_first(api: AdminApi, filter: Filter) -> Answer {
    let first = api.store().audit_records_from(0, AT_ONCE).await?;
    let met = |records: Vec<KeptRecord>, filter: &Filter| {
        let is_met = |kept: &KeptRecord| filter.is_met_by(&kept.stamped);
        lines(&records.into_iter().filter(is_met).collect::<Vec<_>>())
    };
    let after = first.last().map(|last| last.number);
    let begin = met(first, &filter);
    let rest = stream::try_unfold(after, move |after| {
        let (api, filter) = (api.clone(), filter.clone());
        async move {
            let Some(after) = after else { return Ok::<_, StoreError>(None) };
            tokio::task::yield_now().await;
            let page = api.store().audit_records_from(after, AT_ONCE).await?;
            let Some(last) = page.last().map(|last| last.number) else { return Ok(None) };
            Ok(Some((met(page, &filter), Some(last))))
        }
    });
    Ok(exported(begin, rest))
}

/// An answer that is written while it is read.
fn exported(
    first: String,
    rest: impl Stream<Item = Result<String, StoreError>> + Send + 'static,
) -> Response {
    let first = stream::iter([Ok(first)]);
    let rest = rest.inspect_err(|error| tracing::error!(%error, "an export was broken off"));
    let mut response = Response::new(Body::from_stream(stream::StreamExt::chain(first, rest)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
    let name = HeaderValue::from_static("attachment; filename=\"events.jsonl\"");
    headers.insert(CONTENT_DISPOSITION, name);
    response
}

/// A line for each record.
fn lines(records: &[KeptRecord]) -> String {
    records.iter().fold(String::new(), |mut lines, kept| {
        lines.push_str(&kept.to_json().to_string());
        lines.push('\n');
        lines
    })
}

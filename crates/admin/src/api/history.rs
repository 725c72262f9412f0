//! What the audit history says of each change that is asked for: who, what, on whom, how it ended,
//! and what it was before and is after it. A change that is refused has its record, too.
//!
//! A change is made in a task of its own: nobody can keep it from being recorded by hanging up.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use doorward_protocol::ids::Sub;
use doorward_provider::audit::{self, Actor, ActorKind, Data, Outcome, Record};
use doorward_resource_server::Authenticated;
use futures::FutureExt as _;
use http::request::Parts;
use serde_json::{Map, Value};
use tracing::Instrument as _;

use super::{
    BASE_PATH, http_method,
    problem::{Problem, ProblemKind},
    state::AdminApi,
};
use crate::{ChangeEvent, Operation, is_machine};

/// What is noted of a change while it is made. Clones share it.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    /// Whether the caller may ask for such a change at all.
    is_admitted: bool,
    sub: Option<String>,
    object: Option<(String, String)>,
    /// What was done by the way, each to an object, and has a record of its own.
    also: Vec<(ChangeEvent, String, String)>,
    details: Map<String, Value>,
    before: Option<Value>,
    after: Option<Value>,
}

impl History {
    /// The user on whom it is done, if the path does not say it.
    pub fn on_user(&self, sub: &Sub) {
        self.note(|noted| noted.sub = Some(sub.to_string()));
    }

    /// What else it is done to, if the path does not say it.
    pub fn on(&self, kind: &str, name: &str) {
        self.note(|noted| noted.object = Some((kind.to_owned(), name.to_owned())));
    }

    /// What is done by the way to another object, by whose name it is found.
    pub fn also(&self, event: ChangeEvent, kind: &str, name: &str) {
        self.note(|noted| noted.also.push((event, kind.to_owned(), name.to_owned())));
    }

    /// What else there is to say. No secrets, and nothing that a caller can make long.
    pub fn detail(&self, name: &str, value: impl Into<Value>) {
        let (name, value) = (name.to_owned(), value.into());
        self.note(|noted| drop(noted.details.insert(name, value)));
    }

    /// What it was before the change and is after it; `None` where it was not, or is no more.
    pub fn changed(&self, before: Option<Value>, after: Option<Value>) {
        self.note(|noted| (noted.before, noted.after) = (before, after));
    }

    /// The caller may ask for such a change. What becomes of it is recorded in any case.
    pub(crate) fn admitted(&self) {
        self.note(|noted| noted.is_admitted = true);
    }

    fn note(&self, note: impl FnOnce(&mut Noted)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn take(&self) -> Noted {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Answers a request, and records it if it asks for a change.
pub async fn record(State(api): State<AdminApi>, request: Request, next: Next) -> Response {
    let asked = request.extensions().get::<MatchedPath>().and_then(|path| {
        let path = path.as_str().strip_prefix(BASE_PATH)?;
        let mut all = Operation::ALL.iter().copied();
        all.find(|one| one.path() == path && http_method(one.method()) == *request.method())
    });
    match asked.and_then(|operation| Some((operation, operation.event()?))) {
        None => next.run(request).await,
        Some((operation, event)) => {
            // What `id` is the name of, the beginning of the path says.
            let is_mail = operation.path().starts_with("/outbox");
            let id = if is_mail { "mail" } else { "invitation" };
            let change = Change { operation: operation.name(), event, id };
            let answered = record_change(api, change, request, next).await;
            answered.unwrap_or_else(|| Problem::internal().into_response())
        }
    }
}

/// A change that is asked for.
#[derive(Clone, Copy)]
pub struct Change {
    /// What is done, for the details.
    pub operation: &'static str,
    /// What the audit history calls it.
    pub event: ChangeEvent,
    /// What the parameter `id` of the path is the name of.
    pub id: &'static str,
}

/// Answers a request that asks for a change, and records what becomes of it, also if the caller
/// hangs up. `None`: it was not finished, which is logged.
pub async fn record_change(
    api: AdminApi,
    change: Change,
    request: Request,
    next: Next,
) -> Option<Response> {
    let event = change.event.name();
    let work = audit::inherit(recorded(api, change, request, next));
    let finished = tokio::spawn(work.in_current_span()).await;
    finished.inspect_err(|error| tracing::error!(%error, event, "a change was not finished")).ok()
}

async fn recorded(api: AdminApi, change: Change, request: Request, next: Next) -> Response {
    let event = change.event.name();
    let history = History::default();
    let (mut parts, body) = request.into_parts();
    let record = asked_for(&api, change, &mut parts).await;
    parts.extensions.insert(history.clone());
    let response = answered(next.run(Request::from_parts(parts, body)), event).await;
    let noted = history.take();
    let status = response.status();
    let outcome = if status.is_success() {
        Outcome::Succeeded
    } else if status.is_server_error() {
        Outcome::Failed
    } else {
        Outcome::Refused
    };
    let mut details = noted.details;
    details.insert("operation".to_owned(), change.operation.into());
    if !status.is_success() {
        details.insert("status".to_owned(), status.as_u16().into());
        if let Some(ProblemKind(kind)) = response.extensions().get() {
            details.insert("problem".to_owned(), kind.clone().into());
        }
    }
    let mut record =
        Record { outcome, data: Data::new(details, noted.before, noted.after), ..record };
    record.sub = noted.sub.or(record.sub);
    if let Some((kind, name)) = noted.object {
        record = record.on(&kind, &name);
    }
    let also = noted.also.into_iter().map(|(event, kind, name)| {
        let event = event.name().to_owned();
        Record { event, ..record.clone() }.on(&kind, &name)
    });
    for record in also.collect::<Vec<_>>().into_iter().chain([record]) {
        keep(&api, record, noted.is_admitted).await;
    }
    response
}

/// Writes a record. Who may not ask for a change at all can still ask as often as they like.
async fn keep(api: &AdminApi, record: Record, is_admitted: bool) {
    let event = record.event.clone();
    if !is_admitted {
        api.provider().audit().queue(record);
    } else if let Err(error) = api.provider().audit().write(record).await {
        tracing::error!(%error, event, "it is in the log, but not in the audit history");
    }
}

/// The answer of a handler, also of one that panics: what it noted until then is recorded, and that
/// it failed.
async fn answered(work: impl Future<Output = Response>, event: &'static str) -> Response {
    // What is broken in the middle of a change is in the store, which has transactions.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(event, "a change was not finished: its handler panicked");
        Problem::internal().into_response()
    })
}

/// What is known of a change before it is made: who asks, and what the path says. The token is
/// verified here for the first time, and not again.
async fn asked_for(api: &AdminApi, change: Change, parts: &mut Parts) -> Record {
    let token = Authenticated::from_request_parts(parts, api).await.ok();
    let actor = match token.as_ref().map(Authenticated::principal) {
        None => Actor::new(ActorKind::Anonymous, None),
        Some(principal) if is_machine(principal) => {
            Actor::new(ActorKind::Client, Some(principal.sub()))
        }
        Some(principal) => Actor::new(ActorKind::User, Some(principal.sub())),
    };
    let mut record = Record::new(change.event.name(), Outcome::Refused, actor);
    record.client_id = token.and_then(|token| token.claims().client_id.clone());
    let Ok(names) = RawPathParams::from_request_parts(parts, &()).await else { return record };
    for (parameter, name) in &names {
        record = match parameter {
            "sub" => record.on_user(name),
            "id" => record.on(change.id, name),
            // Of a client, which stays the object.
            "secret" => record,
            kind => record.on(kind, name),
        };
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_so_that_it_is_recorded() {
        let panics = async { panic!("broken on purpose") };
        assert_eq!(answered(panics, "user_changed").await.status(), 500);
        let works = async { "done".into_response() };
        assert_eq!(answered(works, "user_changed").await.status(), 200);
    }
}

//! The circumstances of what a task does: where its events are recorded, and which request they
//! belong to. Whoever starts the task says so once ([`scope`]), as with the span of its log lines.

use std::{future::Future, sync::Arc};

use super::record::Record;

/// Where records go. It must not wait: events happen in the middle of everything.
pub trait Trail: Send + Sync + 'static {
    /// Takes a record. Nothing of it may be lost without a trace.
    fn record(&self, record: Record);
}

/// The request that a task answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Its identifier in the log.
    pub id: Option<String>,
    /// The address that it comes from, where its events do not say it themselves.
    pub address: Option<String>,
    /// Its `User-Agent` (RFC 9110 section 10.1.5).
    pub user_agent: Option<String>,
}

#[derive(Clone)]
struct Context {
    trail: Arc<dyn Trail>,
    request: Request,
}

tokio::task_local! {
    static CONTEXT: Context;
}

/// Runs a task whose events go into this trail. Tasks that it spawns need a scope of their own.
pub async fn scope<F: Future>(trail: Arc<dyn Trail>, request: Request, task: F) -> F::Output {
    CONTEXT.scope(Context { trail, request }, task).await
}

/// Runs a task that is spawned by this one in the scope of this one.
pub fn inherit<F: Future>(task: F) -> impl Future<Output = F::Output> {
    let context = CONTEXT.try_with(Clone::clone).ok();
    async move {
        match context {
            Some(context) => CONTEXT.scope(context, task).await,
            None => task.await,
        }
    }
}

/// The record with what is known of the task's request.
pub(crate) fn with_request(record: Record) -> Record {
    let with_request = |context: &Context| {
        let Request { id, address, user_agent } = &context.request;
        Record {
            address: record.address.clone().or_else(|| address.clone()),
            request_id: record.request_id.clone().or_else(|| id.clone()),
            user_agent: record.user_agent.clone().or_else(|| user_agent.clone()),
            ..record.clone()
        }
    };
    CONTEXT.try_with(with_request).unwrap_or(record)
}

/// Records an event in the trail of this task, if it has one.
pub(super) fn record(record: impl FnOnce() -> Record) {
    let trail = CONTEXT.try_with(|context| Arc::clone(&context.trail));
    if let Ok(trail) = trail {
        trail.record(with_request(record()));
    }
}

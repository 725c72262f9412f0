//! `/health/live` and `/health/ready`, for balancers and supervisors.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
    response::{IntoResponse as _, Response},
    routing::get,
};
use doorward_provider::{Provider, store::StoreError};
use doorward_resource_server::ResourceServer;
use serde::Serialize;

use crate::provider::database::WriteProbe;

/// What a listener needs to be ready.
#[derive(Clone, Default)]
pub struct Readiness {
    /// The provider: its database must answer, its clock must be right, and its keys must sign.
    pub provider: Option<Arc<Provider>>,
    /// The provider's database must be writable.
    pub writable: Option<Arc<WriteProbe>>,
    /// The API: it must have its issuer's keys. It goes on with them while the issuer is away.
    pub api: Option<ResourceServer>,
    /// The API's issuer is this process. Its URL may lead here through the balancer that asks
    /// whether we are ready, so each would wait for the other. The API then fetches the keys when
    /// it first needs them.
    pub is_own_issuer: bool,
    /// The application, if it is served: whether its files are there.
    pub has_site: Option<bool>,
    /// The process must not be about to stop.
    pub draining: Draining,
    /// The last answer, so that only changes are logged.
    pub was_ready: Arc<AtomicBool>,
}

/// Whether the process is about to stop. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on the process is not ready.
    pub fn begin(&self) {
        self.0.store(true, Relaxed);
    }
}

/// The body of `/health/ready`.
#[derive(Debug, Serialize)]
struct Report {
    ready: bool,
    /// What was checked, and `ok` or what is wrong with it.
    checks: BTreeMap<&'static str, &'static str>,
    /// What is wrong and does not keep the process from answering.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    notes: BTreeMap<&'static str, &'static str>,
}

const OK: &str = "ok";

/// The two routes.
pub fn health(readiness: Readiness) -> Router {
    Router::new()
        .route("/health/live", get(|| async { ([(CACHE_CONTROL, "no-store")], "alive\n") }))
        .route("/health/ready", get(ready))
        .with_state(readiness)
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    let (mut checks, mut notes) = (BTreeMap::new(), BTreeMap::new());
    if let Some(provider) = &readiness.provider {
        let writable = match &readiness.writable {
            Some(probe) => probe.succeeds().await,
            None => true,
        };
        let database = database(provider, writable).await;
        checks.insert("database", database);
        if database == OK {
            checks.insert("clock", clock(provider).await);
        }
        checks.insert("keys", keys(provider));
        if provider.directories().is_a_directory_down() {
            notes.insert("directories", "one does not answer: its users can't sign in now");
        }
        if provider.deliveries().mail_is_failing() {
            notes.insert("mail", "it is not delivered: it waits and is tried again");
        }
    }
    if let Some(api) = &readiness.api {
        let is_there = readiness.is_own_issuer || api.ready().await.is_ok();
        let missing = "its keys were never fetched: is the issuer running?";
        checks.insert("issuer", if is_there { OK } else { missing });
    }
    if let Some(has_site) = readiness.has_site {
        checks.insert("application", if has_site { OK } else { "its files are not there" });
    }
    if readiness.draining.0.load(Relaxed) {
        checks.insert("process", "it is about to stop");
    }
    let ready = checks.values().all(|outcome| *outcome == OK);
    log_change(&readiness, ready, &checks);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response =
        (status, [(CACHE_CONTROL, "no-store")], Json(Report { ready, checks, notes }))
            .into_response();
    if !ready {
        response.headers_mut().insert(RETRY_AFTER, 1.into());
    }
    response
}

/// Logs when the answer changes, not each time that somebody asks. A process that is about to stop
/// has said so already.
fn log_change(readiness: &Readiness, ready: bool, checks: &BTreeMap<&'static str, &'static str>) {
    if readiness.was_ready.swap(ready, Relaxed) == ready {
        return;
    }
    if ready {
        tracing::info!("ready");
    } else if !readiness.draining.0.load(Relaxed) {
        tracing::warn!(?checks, "not ready");
    }
}

async fn database(provider: &Provider, writable: bool) -> &'static str {
    // At once: while the database is away, each of them waits as long as it may.
    let upkeep = provider.upkeep();
    let (ping, query) = tokio::join!(upkeep.ping(), upkeep.answers_queries());
    if let Err(error) = &ping {
        tracing::debug!(%error, "the database accepts no writes");
    }
    if let Err(error) = &query {
        tracing::debug!(%error, "the database does not answer");
    }
    outcome(query.is_ok(), ping.is_ok() && writable)
}

/// What is said of the database. A failed ping alone does not tell a full disk from a database that
/// is away: it may share the transaction of a write that fails, and fails with it.
fn outcome(answers: bool, writable: bool) -> &'static str {
    match (answers, writable) {
        (true, true) => OK,
        (true, false) => {
            "it can't be written: its disk is full, it only reads, or another process keeps it"
        }
        (false, _) => "it does not answer",
    }
}

/// What is said of this machine's clock beside a database that answers.
async fn clock(provider: &Provider) -> &'static str {
    match provider.upkeep().check_clock().await {
        Err(StoreError::WrongClock(_)) => {
            "it differs from the database's by more than store.max_clock_skew: set it right, by \
             NTP for example"
        }
        _ => OK,
    }
}

fn keys(provider: &Provider) -> &'static str {
    let algorithm = provider.settings().access_token_signing_alg;
    match provider.keys().active(algorithm, provider.now()) {
        Ok(_) => OK,
        Err(error) => {
            tracing::debug!(%error, "no signing key is usable");
            "none signs"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_only_reads_is_told_from_one_that_is_away() {
        assert_eq!(outcome(true, true), "ok");
        assert!(outcome(true, false).starts_with("it can't be written: its disk is full"));
        assert_eq!(outcome(false, false), "it does not answer");
    }
}

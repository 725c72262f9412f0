//! `/health/live` and `/health/ready`, for those who watch over the process.

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
use doorward_provider::Provider;
use doorward_resource_server::ResourceServer;
use serde::Serialize;

/// What a listener needs to be ready.
#[derive(Clone, Default)]
pub struct Readiness {
    /// Its database answers, and its keys sign.
    pub provider: Option<Arc<Provider>>,
    /// It has its issuer's keys. Once it has them it goes on with them while the issuer is away.
    pub api: Option<ResourceServer>,
    /// The API's issuer is this very process, at a URL that may lead here by way of whoever asks
    /// whether we are ready: each would wait for the other. The API gets the keys when they are
    /// first needed.
    pub is_own_issuer: bool,
    /// The process is not about to stop.
    pub draining: Draining,
}

/// Whether the process is about to stop. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on nothing is ready.
    pub fn begin(&self) {
        self.0.store(true, Relaxed);
    }
}

/// The body of `/health/ready`.
#[derive(Debug, Serialize)]
struct Report {
    ready: bool,
    /// What was looked at, and `ok` or what is wrong with it.
    checks: BTreeMap<&'static str, &'static str>,
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
    let mut checks = BTreeMap::new();
    if let Some(provider) = &readiness.provider {
        checks.insert("database", database(provider).await);
        checks.insert("keys", keys(provider));
    }
    if let Some(api) = &readiness.api {
        let is_there = readiness.is_own_issuer || api.ready().await.is_ok();
        checks.insert(
            "issuer",
            if is_there { OK } else { "its keys were never fetched: is it there?" },
        );
    }
    if readiness.draining.0.load(Relaxed) {
        checks.insert("process", "it is about to stop");
    }
    let ready = checks.values().all(|outcome| *outcome == OK);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response =
        (status, [(CACHE_CONTROL, "no-store")], Json(Report { ready, checks })).into_response();
    if !ready {
        response.headers_mut().insert(RETRY_AFTER, 1.into());
    }
    response
}

async fn database(provider: &Provider) -> &'static str {
    match provider.ping().await {
        Ok(()) => OK,
        Err(error) => {
            tracing::error!(%error, "not ready");
            "it does not answer"
        }
    }
}

fn keys(provider: &Provider) -> &'static str {
    let algorithm = provider.settings().access_token_signing_alg;
    match provider.keys().active(algorithm, provider.now()) {
        Ok(_) => OK,
        Err(error) => {
            tracing::error!(%error, "not ready");
            "none signs"
        }
    }
}

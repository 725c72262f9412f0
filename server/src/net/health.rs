//! `/health/live` and `/health/ready`, for those who watch over the process.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
    response::{IntoResponse as _, Response},
    routing::get,
};
use doorward_provider::Provider;

/// What a listener needs to be ready.
#[derive(Debug, Clone)]
pub enum Readiness {
    /// The store answers and a key signs.
    Provider(Arc<Provider>),
    /// Nothing beside itself: the API answers for itself when its issuer is away.
    Alone,
}

/// The two routes.
pub fn health(readiness: Readiness) -> Router {
    Router::new()
        .route("/health/live", get(|| async { answer(StatusCode::OK, "alive\n") }))
        .route("/health/ready", get(ready))
        .with_state(readiness)
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    match missing(&readiness).await {
        None => answer(StatusCode::OK, "ready\n"),
        Some(what) => {
            let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, what);
            response.headers_mut().insert(RETRY_AFTER, 1.into());
            response
        }
    }
}

async fn missing(readiness: &Readiness) -> Option<&'static str> {
    let Readiness::Provider(provider) = readiness else { return None };
    if let Err(error) = provider.ping().await {
        tracing::error!(%error, "not ready");
        return Some("the database does not answer\n");
    }
    let algorithm = provider.settings().access_token_signing_alg;
    if let Err(error) = provider.keys().active(algorithm, provider.now()) {
        tracing::error!(%error, "not ready");
        return Some("no key signs\n");
    }
    None
}

fn answer(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

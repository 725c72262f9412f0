//! The listener for operators: `/metrics` in the text format of Prometheus, and the health of the
//! whole process.
//!
//! Code anywhere counts through the facade `metrics`; it costs next to nothing until
//! [`Metrics::install`] is called, which is done only where this listener is configured.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse as _, Response},
    routing::get,
};
use doorward_provider::Provider;
use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::{Readiness, health};

/// Upper bounds of the classes of durations, in seconds: from a look-up by key to a request that
/// was given up.
const BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// How often measurements are summed up, so that they take no memory while nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

/// The metrics of the process.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Starts counting for the whole process. Call this once, within the runtime.
    pub fn install() -> Result<Self, String> {
        let recorder = recorder()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
        describe();
        let upkeep = handle.clone();
        tokio::spawn(async move {
            let mut times = tokio::time::interval(UPKEEP);
            loop {
                times.tick().await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self(handle))
    }

    async fn text(&self, provider: Option<&Provider>) -> String {
        if let Some(provider) = provider {
            note_key_ages(provider);
            note_mails(provider).await;
        }
        self.0.render()
    }
}

/// The routes of the listener.
pub fn management(metrics: Metrics, readiness: Readiness) -> Router {
    let provider = readiness.provider.clone();
    let page = get(move || async move { answer(&metrics, provider.as_ref()).await });
    health(readiness).route("/metrics", page)
}

async fn answer(metrics: &Metrics, provider: Option<&Arc<Provider>>) -> Response {
    let headers =
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (headers, metrics.text(provider.map(Arc::as_ref)).await).into_response()
}

fn note_key_ages(provider: &Provider) {
    let now = provider.now();
    for algorithm in provider.keys().algorithms() {
        let Ok((since, _)) = provider.keys().active_since(*algorithm, now) else { continue };
        // Whole seconds of a human life stay exact in a double.
        #[allow(clippy::cast_precision_loss)]
        let age = (now.seconds() - since.seconds()) as f64;
        metrics::gauge!("doorward_signing_key_age_seconds", "algorithm" => algorithm.as_str())
            .set(age);
    }
}

async fn note_mails(provider: &Provider) {
    metrics::gauge!("doorward_mail_failing")
        .set(f64::from(u8::from(provider.deliveries().mail_is_failing())));
    if let Ok(waiting) = provider.deliveries().waiting_mails().await {
        // No outbox is so full that a double could not count it.
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("doorward_mails_waiting").set(waiting as f64);
    }
}

fn recorder() -> Result<PrometheusRecorder, String> {
    let builder =
        PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(|error| error.to_string())?;
    Ok(builder.build_recorder())
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric with its help text. The guide has a row for each.
const METRICS: [(Kind, &str, &str); 21] = [
    (
        Kind::Counter,
        "doorward_http_requests_total",
        "Requests answered, by listener, method, route and status",
    ),
    (
        Kind::Histogram,
        "doorward_http_request_seconds",
        "From a request's head to its answer's head",
    ),
    (
        Kind::Counter,
        "doorward_grants_total",
        "Token requests by grant type and outcome: issued, or the error code",
    ),
    (
        Kind::Counter,
        "doorward_mails_total",
        "Attempts to send a mail, by kind and outcome: sent, failed (it is tried again), or \
         refused for good",
    ),
    (Kind::Gauge, "doorward_mails_waiting", "Mails that wait to be sent"),
    (Kind::Gauge, "doorward_mail_failing", "1 while mail is not delivered, else 0"),
    (Kind::Counter, "doorward_sign_ins_total", "Passwords checked, by outcome"),
    (
        Kind::Counter,
        "doorward_directory_sign_ins_total",
        "Passwords that a directory was asked about, by directory and outcome",
    ),
    (Kind::Gauge, "doorward_directory_up", "1 while a directory answers, else 0"),
    (
        Kind::Counter,
        "doorward_refusals_total",
        "OAuth errors answered, by part (provider, api) and code",
    ),
    (Kind::Counter, "doorward_api_refusals_total", "Requests that the API refused, by cause"),
    (
        Kind::Counter,
        "doorward_api_key_fetches_total",
        "Fetches of issuers' keys, by outcome: fetched, or why not",
    ),
    (
        Kind::Counter,
        "doorward_api_introspections_total",
        "Questions to the issuer about opaque tokens, by outcome: active, inactive, or why there \
         was no answer",
    ),
    (
        Kind::Counter,
        "doorward_failed_handshakes_total",
        "TLS handshakes that did not come to an end",
    ),
    (
        Kind::Counter,
        "doorward_refused_connections_total",
        "Connections refused by a limit of [connections]: all, or address",
    ),
    (Kind::Histogram, "doorward_store_seconds", "Commands of the store, by name and outcome"),
    (Kind::Counter, "doorward_audit_records_total", "Records of the audit history, by outcome"),
    (Kind::Gauge, "doorward_audit_chain_broken", "1 if somebody changed the audit history"),
    (Kind::Counter, "doorward_audit_deliveries_total", "Requests to the webhook, by outcome"),
    (
        Kind::Gauge,
        "doorward_signing_key_age_seconds",
        "How long the active signing key of an algorithm has signed",
    ),
    (Kind::Gauge, "doorward_build_info", "Always 1; the label tells the version"),
];

fn describe() {
    for (kind, name, text) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(name, text),
            Kind::Gauge => describe_gauge!(name, text),
            Kind::Histogram => describe_histogram!(name, text),
        }
    }
    metrics::gauge!("doorward_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::{body::Body, extract::Request, http::Method};
    use tower::ServiceExt as _;

    use super::{
        super::{Observer, with_layers},
        *,
    };

    #[test]
    fn the_guide_tells_of_every_metric() {
        const GUIDE: &str = include_str!("../../../docs/guides/monitoring.md");
        let rows =
            GUIDE.lines().filter_map(|line| line.strip_prefix("| `doorward_")?.split_once('`'));
        let told: Vec<String> = rows.map(|(name, _)| format!("doorward_{name}")).collect();
        assert_eq!(told, METRICS.map(|(_, name, _)| name));
    }

    /// Whoever sends odd requests must not fill the memory with series.
    #[tokio::test]
    async fn odd_requests_add_no_series() {
        let recorder = recorder().unwrap();
        let _guard = metrics::set_default_local_recorder(&recorder);
        let router = Router::new()
            .route("/things/{id}", get(|| async { "thing" }))
            .route("/", get(|| async { "home" }));
        let router = with_layers(
            router.fallback(|| async { "nothing" }),
            Observer::new("app", Vec::new()),
            false,
        );
        let send = async |method: &str, path: String| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap()
        };
        for index in 0..500 {
            send("GET", format!("/things/{index}?q={index}")).await;
            send("GET", format!("/odd/{index}")).await;
            send(&format!("ODD{index}"), format!("/odd/{index}")).await;
            send(&format!("ODD{index}"), "/".to_owned()).await;
        }
        let text = recorder.handle().render();
        let series =
            |name: &str| text.lines().filter(|line| line.starts_with(&format!("{name}{{"))).count();
        assert_eq!(series("doorward_http_requests_total"), 4, "{text}");
        assert_eq!(series("doorward_http_request_seconds_count"), 4, "{text}");
        let one = r#"doorward_http_requests_total{listener="app",method="GET",route="/things/{id}",status="200"} 500"#;
        assert!(text.contains(one), "{text}");
        assert!(!text.contains("ODD") && !text.contains("odd"), "{text}");
    }
}

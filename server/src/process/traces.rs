//! Traces for a collector: one span for each request, sent by OTLP over HTTP (OpenTelemetry
//! Protocol 1.x, binary) and named by OpenTelemetry's conventions for HTTP servers. A span joins
//! the trace that the caller names (W3C Trace Context, `traceparent`).
//!
//! Only spans are sent, never events: those belong to the log and name users. A span holds the
//! method, the route, the status and the request's identifier.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::HeaderMap;
use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{Status, TracerProvider as _},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use reqwest::{Client, redirect};
use tokio::runtime::Handle;
use tracing::{Metadata, Span, Subscriber, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// The target of spans for the collector. The log has spans of its own.
pub const TARGET: &str = "doorward::traces";
/// The path under the collector's URL (OTLP section 3.2).
const PATH: &str = "/v1/traces";
/// Time limit of a request to the collector.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Sends spans until it is stopped.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Prepares to send to the collector at this URL, by tasks of this runtime.
    pub fn start(collector: &str, runtime: Handle) -> Result<Self, String> {
        let http = Client::builder().timeout(TIME_LIMIT).redirect(redirect::Policy::none()).build();
        let http = http.map_err(|error| error.to_string())?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender { http, runtime })
            .with_endpoint(format!("{collector}{PATH}"))
            .build()
            .map_err(|error| error.to_string())?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name("doorward").with_attribute(version).build();
        Ok(Self(
            SdkTracerProvider::builder()
                .with_resource(resource)
                .with_batch_exporter(exporter)
                .build(),
        ))
    }

    /// The layer that records spans.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("doorward"));
        let layer = layer
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        let ours = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == TARGET;
        layer.with_filter(filter_fn(ours))
    }

    /// Sends the remaining spans. Call this while the runtime still runs.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(TIME_LIMIT) {
            tracing::warn!(%error, "the last traces were not delivered");
        }
    }
}

/// The span of one request. It ends when this is dropped, without a status if the caller went away.
#[derive(Debug)]
pub struct RequestSpan(Span);

impl RequestSpan {
    /// Begins a span, within the caller's trace if there is one. It names the route's template and
    /// never the path.
    pub fn begin(id: &str, method: Option<&str>, route: Option<&str>, headers: &HeaderMap) -> Self {
        let span = tracing::info_span!(
            target: TARGET,
            "request",
            otel.name = name(method, route),
            otel.kind = "server",
            http.request.method = method.unwrap_or("_OTHER"),
            http.route = Empty,
            doorward.request.id = id,
        );
        // Without a collector there is no span.
        if !span.is_disabled() {
            if let Some(route) = route {
                span.record("http.route", route);
            }
            // This can't fail: the span has not been used yet.
            let _ = span.set_parent(TraceContextPropagator::new().extract(&Parent(headers)));
        }
        Self(span)
    }

    /// Ends the span with the status of the answer.
    pub fn end(self, status: u16) {
        self.0.set_attribute("http.response.status_code", i64::from(status));
        // A refusal is the caller's error, not the server's.
        if status >= 500 {
            self.0.set_attribute("error.type", status.to_string());
            self.0.set_status(Status::error(""));
        }
    }
}

fn name(method: Option<&str>, route: Option<&str>) -> String {
    let method = method.unwrap_or("HTTP");
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

/// The headers. Only `traceparent` is read: `tracestate` is for services that pass it on, and
/// anyone can make it long.
struct Parent<'a>(&'a HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all("traceparent").iter().filter(|_| key == "traceparent");
        match (values.next(), values.next()) {
            (Some(only), None) => only.to_str().ok(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// Sends spans from the exporter's thread on the server's runtime.
#[derive(Debug)]
struct Sender {
    http: Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let response = http.execute(request.try_into()?).await?.error_for_status()?;
            Ok::<_, reqwest::Error>((response.status(), response.bytes().await?))
        });
        let (status, body) =
            sent.await?.inspect_err(|error| tracing::warn!(%error, "traces are not delivered"))?;
        Ok(Response::builder().status(status).body(body)?)
    }
}

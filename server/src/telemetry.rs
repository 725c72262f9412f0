//! Traces for a collector: the span of each request, by OTLP over HTTP (OpenTelemetry Protocol 1.x, binary).
//!
//! Spans only, never events: those are the log's, and name users. A span holds method, route, status and the request's identifier.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use reqwest::{Client, redirect};
use tokio::runtime::Handle;
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// The path under the collector's URL (OTLP section 3.2).
const PATH: &str = "/v1/traces";
/// A collector that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends spans until it is stopped.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// To the collector at this URL, by tasks of this runtime. Nothing is sent yet.
    pub fn start(collector: &str, runtime: Handle) -> Result<Self, String> {
        let http = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).build();
        let http = http.map_err(|error| error.to_string())?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender { http, runtime })
            .with_endpoint(format!("{collector}{PATH}"))
            .build()
            .map_err(|error| error.to_string())?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("doorward").with_attribute(version).build();
        Ok(Self(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()))
    }

    /// Where spans come in.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("doorward"));
        let layer = layer.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
        let ours = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target().starts_with("doorward");
        layer.with_filter(filter_fn(ours))
    }

    /// Sends what is left. To be called while the runtime still works.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last traces were not delivered");
        }
    }
}

/// Notes what a request was answered with; in the log that stands in a line of its own.
pub fn note_status(span: &Span, status: u16) {
    span.set_attribute("http.response.status_code", i64::from(status));
}

/// Sends from the exporter's own thread, by the runtime of the server.
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
        let (status, body) = sent.await?.inspect_err(|error| tracing::warn!(%error, "traces are not delivered"))?;
        Ok(Response::builder().status(status).body(body)?)
    }
}

//! In place of `telemetry.rs` where Doorward is built without the feature `otel`: no collector is
//! accepted by the configuration.

use axum::http::HeaderMap;
use tokio::runtime::Handle;
use tracing_subscriber::layer::Identity;

/// The target that spans for a collector would have.
pub const TARGET: &str = "doorward::traces";

/// Nothing is sent.
#[derive(Debug)]
pub struct Traces;

#[allow(clippy::unused_self)]
impl Traces {
    /// Never: the configuration has refused before.
    pub fn start(_collector: &str, _runtime: Handle) -> Result<Self, &'static str> {
        Err("this doorward was built without the feature otel")
    }

    /// Takes no spans.
    pub fn layer(&self) -> Identity {
        Identity::new()
    }

    /// Nothing is left.
    pub fn stop(self) {}
}

/// No span.
#[derive(Debug)]
pub struct RequestSpan;

#[allow(clippy::unused_self)]
impl RequestSpan {
    /// Begins nothing.
    pub fn begin(
        _id: &str,
        _method: Option<&str>,
        _route: Option<&str>,
        _headers: &HeaderMap,
    ) -> Self {
        Self
    }

    /// Ends nothing.
    pub fn end(self, _status: u16) {}
}

//! Replaces `traces.rs` when Doorward is built without the feature `otel`. The configuration then
//! accepts no collector.

use axum::http::HeaderMap;
use tokio::runtime::Handle;
use tracing_subscriber::layer::Identity;

/// The target that spans for a collector would have.
pub const TARGET: &str = "doorward::traces";

/// Sends nothing.
#[derive(Debug)]
pub struct Traces;

#[allow(clippy::unused_self)]
impl Traces {
    /// Always fails; the configuration has refused the collector before.
    pub fn start(_collector: &str, _runtime: Handle) -> Result<Self, String> {
        Err("this doorward was built without the feature otel".to_owned())
    }

    /// Records no spans.
    pub fn layer(&self) -> Identity {
        Identity::new()
    }

    /// Has nothing left to send.
    pub fn stop(self) {}
}

/// No span.
#[derive(Debug)]
pub struct RequestSpan;

#[allow(clippy::unused_self)]
impl RequestSpan {
    /// Does nothing.
    pub fn begin(
        _id: &str,
        _method: Option<&str>,
        _route: Option<&str>,
        _headers: &HeaderMap,
    ) -> Self {
        Self
    }

    /// Does nothing.
    pub fn end(self, _status: u16) {}
}

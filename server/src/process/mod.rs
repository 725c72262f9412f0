//! The process: its signals, its log and its traces.

pub mod log;
pub mod signals;
#[cfg(feature = "otel")]
pub mod traces;
#[cfg(not(feature = "otel"))]
#[path = "traces_left_out.rs"]
pub mod traces;

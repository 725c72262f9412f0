//! The process: its signals, its log, its traces, and its service manager.

pub mod log;
pub mod notify;
pub mod signals;
#[cfg(feature = "otel")]
pub mod traces;
#[cfg(not(feature = "otel"))]
#[path = "traces_left_out.rs"]
pub mod traces;

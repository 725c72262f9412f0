//! The binary as a whole: started, asked over HTTP, stopped and started again.
#![allow(clippy::unwrap_used)]

mod admin;
mod audit;
mod balancer;
mod command_line;
mod commands;
mod crash;
mod directory;
mod full_disk;
mod identity_providers;
mod imports;
mod logs;
mod mail;
mod management;
mod nodes;
mod odd_requests;
mod one_port;
mod operation;
mod postgres_commands;
#[cfg(target_os = "linux")]
mod prompts;
mod reference_tokens;
mod remote;
mod restart;
mod roles;
mod scim;
mod shutdown;
mod slow_readers;
// The library's own tests use the rest of it.
#[allow(dead_code)]
#[path = "../../src/provider/mail/test_server.rs"]
mod smtp_server;
mod support;
#[cfg(feature = "otel")]
mod telemetry;
mod tls;
mod users;

//! The API through its router, on a real store.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod clients;
mod corp;
mod directories;
mod document;
mod elsewhere;
mod escalation;
mod events;
mod german;
mod groups;
mod history;
mod idempotency;
mod identity_providers;
mod lists;
mod lost_updates;
mod matrix;
mod passkeys;
mod registration;
mod scim;
mod support;
mod system;
mod users;

//! What the API writes and reads, as JSON. The pages read and write the same types.

pub mod client_settings;
pub mod clients;
pub mod directories;
pub mod events;
pub mod groups;
pub mod identity_provider_settings;
pub mod identity_providers;
pub mod invitations;
pub mod keys;
pub mod outbox;
pub mod page;
pub mod pages;
pub mod problem;
pub mod registration;
pub mod resources;
pub mod settings;
pub mod system;
pub mod users;

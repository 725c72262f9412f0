//! What operators do to users, clients and keys, by command and by the API alike.

pub mod clients;
pub mod groups;
pub mod identity_providers;
pub mod keys;
pub mod links;
pub mod notices;
pub mod users;

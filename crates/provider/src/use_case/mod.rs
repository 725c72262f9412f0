//! The use cases, one file each. No use case imports another in a circle.

pub mod access;
pub(crate) mod access_token;
pub mod authenticate;
pub mod authorize;
pub mod client_registry;
pub mod device;
pub mod discovery;
pub mod dpop;
pub mod end_session;
pub mod error;
pub mod introspection;
pub mod logout;
pub mod password_verifier;
pub mod revocation;
pub mod sign_in;
pub mod single_use;
pub mod token;
pub mod userinfo;

//! The endpoints that programs call, and the two that start a page: one file for each URL, named
//! after it.

pub(crate) mod assets;
pub(crate) mod authorize;
pub(crate) mod check_session;
pub(crate) mod device_authorization;
pub(crate) mod discovery;
pub(crate) mod end_session;
pub(crate) mod introspection;
pub(crate) mod jwks;
pub(crate) mod par;
pub(crate) mod register;
pub(crate) mod related_origins;
pub(crate) mod revocation;
pub(crate) mod token;
pub(crate) mod upstream_logout;
pub(crate) mod userinfo;

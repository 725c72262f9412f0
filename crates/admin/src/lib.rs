//! The administration of a provider: who may do what, and the API `/api/admin/v1`.
//!
//! [`Operation`] is the closed table of everything that can be asked for. The API is built from it,
//! and so are its document, the table of commands and the matrix of the tests. The policies of each
//! operation are values that a page evaluates, too: this part compiles to WebAssembly. The API is
//! behind the feature `api`; what it writes and reads is behind the feature `types`, for the pages.

#[cfg(feature = "api")]
pub mod api;
mod rights;
#[cfg(feature = "api")]
pub mod scim;
#[cfg(feature = "types")]
pub mod types;

/// Where the API is.
pub const BASE_PATH: &str = "/api/admin/v1";
/// Where the pages are.
pub const PAGES_PATH: &str = "/admin";
/// Where the provider sends people back to after they have signed in to the pages.
pub const SIGNED_IN_PATH: &str = "/admin/signed-in";
/// The client at which people sign in to the pages.
pub const PAGES_CLIENT_ID: &str = "doorward-admin";

pub use rights::{
    AdminRole, AdminScope, ChangeEvent, FreshSignIn, Method, Operation, OperationKind, ROLE_CLAIM,
    is_machine,
};

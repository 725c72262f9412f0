//! The administration of a provider: who may do what, and the API `/api/admin/v1`.
//!
//! [`Operation`] is the closed table of everything that can be asked for. The API is built from it,
//! and so are its document, the table of commands and the matrix of the tests. The policies of each
//! operation are values that a page evaluates, too: this part compiles to WebAssembly. The API is
//! behind the feature `api`.

#[cfg(feature = "api")]
pub mod api;
mod rights;

pub use rights::{
    AdminRole, AdminScope, FreshSignIn, Method, Operation, OperationKind, ROLE_CLAIM, is_machine,
};

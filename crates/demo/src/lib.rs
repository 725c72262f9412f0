//! The demo API: seventeen routes and the policies of each, in one table.
//!
//! The page reads the table to say beforehand what a call will answer. The API, behind the feature
//! `api`, builds its router, its `OpenAPI` document and its documentation page from the same table.

#[cfg(feature = "api")]
pub mod api;
mod policies;
mod routes;

pub use policies::{
    admin, admin_or_user, crm, domain_and_username, sales, sales_and_admin,
    sales_and_admin_or_user, sales_or_admin, sit, user,
};
pub use routes::{DemoGroup, DemoRoute, of_group, route, routes};

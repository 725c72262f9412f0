//! The demo API: seventeen routes, two that may ask for another sign-in, and the policies of each,
//! in one table.
//!
//! The page reads the table to say beforehand what a call will answer. The API, behind the feature
//! `api`, builds its router, its `OpenAPI` document and its documentation page from the same table.

#[cfg(feature = "api")]
pub mod api;
mod policies;
mod routes;

pub use policies::{
    RECENT_SIGN_IN, TWO_FACTORS, admin, admin_or_user, crm, domain_and_username, recent_sign_in,
    sales, sales_and_admin, sales_and_admin_or_user, sales_or_admin, sit, two_factors, user,
};
pub use routes::{DemoGroup, DemoRoute, of_group, route, routes};

//! The pages, one for each route.

mod home;
mod not_found;

pub use home::{ApiCalls, Home};
pub use not_found::NotFound;

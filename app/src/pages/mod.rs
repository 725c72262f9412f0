//! The pages, one for each path.

mod home;
#[cfg(feature = "ssr")]
mod not_found;

pub use home::{ApiCalls, Home};
#[cfg(feature = "ssr")]
pub use not_found::NotFound;

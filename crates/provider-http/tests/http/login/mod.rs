//! `/account/login`.

mod answers;
mod forgery;
mod return_url;
mod rush;
mod session;
pub mod throttle;

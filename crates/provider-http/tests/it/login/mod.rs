//! `/account/login`.

mod answers;
mod forgery;
mod return_url;
mod session;
mod throttle;

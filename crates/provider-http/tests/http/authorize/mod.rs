//! `/connect/authorize`.

mod acr;
mod claims;
mod hint;
mod parameters;
mod pkce;
mod post;
mod prompt;
mod redirect_uri;
pub mod request_object;
mod request_uri;
mod response_mode;
mod signed_response;

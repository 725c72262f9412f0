//! `/connect/authorize`.

mod claims;
mod hint;
mod parameters;
mod pkce;
mod post;
mod prompt;
mod redirect_uri;
mod response_mode;

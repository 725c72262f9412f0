//! `/connect/token`.

mod authorization_code;
mod client_authentication;
mod client_credentials;
mod issued;
mod jwks_uri;
mod password;
pub mod private_key_jwt;
mod refresh_token;
mod request;

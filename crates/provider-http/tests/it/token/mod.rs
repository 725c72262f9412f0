//! `/connect/token`.

mod authorization_code;
mod client_authentication;
mod client_credentials;
mod issued;
mod password;
mod refresh_token;
mod request;

//! Paths of the endpoints under the issuer.
#![allow(missing_docs)]

pub const JWKS: &str = "/.well-known/openid-configuration/jwks";
pub const AUTHORIZE: &str = "/connect/authorize";
pub const PUSHED_AUTHORIZATION: &str = "/connect/par";
pub const DEVICE_AUTHORIZATION: &str = "/connect/deviceauthorization";
pub const DEVICE: &str = "/device";
pub const TOKEN: &str = "/connect/token";
pub const USERINFO: &str = "/connect/userinfo";
pub const REVOCATION: &str = "/connect/revocation";
pub const INTROSPECTION: &str = "/connect/introspect";
pub const END_SESSION: &str = "/connect/endsession";
pub const CHECK_SESSION: &str = "/connect/checksession";

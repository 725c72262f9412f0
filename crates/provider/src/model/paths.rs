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
/// Where clients register (RFC 7591). Each is managed at its identifier below it (RFC 7592).
pub const REGISTRATION: &str = "/connect/register";
/// Where a user asks for a link to set another password.
pub const FORGOT_PASSWORD: &str = "/account/forgot-password";
/// Where that link leads.
pub const RESET_PASSWORD: &str = "/account/reset-password";
/// Where a user registers (Initiating User Registration via OpenID Connect 1.0).
pub const REGISTER: &str = "/account/register";
/// Where the link leads that confirms an address, when registering or later.
pub const VERIFY_EMAIL: &str = "/account/verify-email";
/// Where an invitation leads.
pub const INVITATION: &str = "/account/invitation";
/// The login page.
pub const LOGIN: &str = "/account/login";
/// Signing in at other providers: each has its addresses below, by its name.
pub const EXTERNAL: &str = "/account/external";

/// Where a sign-in at another provider begins.
pub fn external(name: &str) -> String {
    format!("{EXTERNAL}/{name}")
}

/// The redirect URI at another provider, one for each, so that none can answer for another.
pub fn external_callback(name: &str) -> String {
    format!("{EXTERNAL}/{name}/callback")
}

/// Where the browser comes back to after it was signed out at another provider.
pub fn external_signed_out(name: &str) -> String {
    format!("{EXTERNAL}/{name}/signed-out")
}

/// What our client is registered with at another provider, as its registration calls it.
pub fn external_addresses(issuer: &str, name: &str) -> [(&'static str, String); 3] {
    [
        ("redirect_uri", external_callback(name)),
        ("post_logout_redirect_uri", external_signed_out(name)),
        ("backchannel_logout_uri", external_back_channel_logout(name)),
    ]
    .map(|(kind, path)| (kind, format!("{issuer}{path}")))
}

/// Where another provider tells that a session ended (OIDC Back-Channel Logout section 2.2).
pub fn external_back_channel_logout(name: &str) -> String {
    format!("{EXTERNAL}/{name}/backchannel-logout")
}

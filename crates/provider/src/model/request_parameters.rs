//! The parameters of an authorization request (OIDC Core section 3.1.2.1) that mean something here.

/// The parameters that are read.
pub(crate) const KNOWN_PARAMETERS: [&str; 19] = [
    "acr_values",
    "claims",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "id_token_hint",
    "idp",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

/// Whether a parameter means something here: it is read, or refused by name.
pub(crate) fn is_known_parameter(name: &str) -> bool {
    KNOWN_PARAMETERS.contains(&name) || ["request", "request_uri", "registration"].contains(&name)
}

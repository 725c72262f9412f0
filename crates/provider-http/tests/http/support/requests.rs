//! Requests as clients write them.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Request, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_protocol::{params, pkce::CodeVerifier};

use super::REDIRECT;

/// A form posted to a path.
pub fn form_request<S: AsRef<str>>(path: &str, pairs: &[(&str, S)]) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(params::encode(pairs.iter().map(|(name, value)| (*name, value.as_ref())))))
        .unwrap()
}

/// The request with one more header.
pub fn with_header(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request
        .headers_mut()
        .append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    request
}

/// An `Authorization` header of `client_secret_basic`, for texts that form-encoding leaves alone.
pub fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}

/// The verifier of every authorization request here.
pub fn verifier() -> CodeVerifier {
    CodeVerifier::from_entropy([9; 32])
}

/// The token request of `PkceJS` for a code.
pub fn code_request(code: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "authorization_code".to_owned()),
        ("client_id", "PkceJS".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("code_verifier", verifier().expose().to_owned()),
    ]
}

/// The token request of `PkceJS` for a refresh token.
pub fn refresh_request(refresh_token: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "refresh_token".to_owned()),
        ("client_id", "PkceJS".to_owned()),
        ("refresh_token", refresh_token.to_owned()),
    ]
}

/// A request with these parameters in place of or beside its own. An empty value takes one out.
pub fn changed(
    mut pairs: Vec<(&'static str, String)>,
    changes: &[(&'static str, &str)],
) -> Vec<(&'static str, String)> {
    for &(name, value) in changes {
        pairs.retain(|(own, _)| *own != name);
        if !value.is_empty() {
            pairs.push((name, value.to_owned()));
        }
    }
    pairs
}

/// The address of a good authorization request of `PkceJS`, with these parameters in place of or
/// beside its own. An empty value takes one out.
pub fn authorize_url(changes: &[(&str, &str)]) -> String {
    let challenge = verifier().challenge();
    let pairs = [
        ("client_id", "PkceJS"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid profile offline_access MyBackendApi2"),
        ("state", "state-1"),
        ("nonce", "nonce-1"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let kept = pairs.into_iter().filter(|(own, _)| changes.iter().all(|(name, _)| name != own));
    let added = changes.iter().copied().filter(|(_, value)| !value.is_empty());
    format!("/connect/authorize?{}", params::encode(kept.chain(added)))
}

//! `POST /initiate-login`: somebody else begins a sign-in of the page by a form (OIDC Core section
//! 4). The page reads nothing but its address, so the browser asks for the same by GET.

use axum::{
    body::Bytes,
    http::{HeaderValue, StatusCode, header::LOCATION},
    response::{IntoResponse as _, Response},
};
use doorward_app::INITIATE_LOGIN_PATH;
use doorward_protocol::params::Params;
use doorward_relying_party::SigninRequestArgs;

/// The longest query that the form becomes.
const LONGEST: usize = 8 * 1024;

/// Redirects to the page, which checks what the form says.
pub async fn post(form: Bytes) -> Response {
    let params = Params::parse(&form).unwrap_or_default();
    let query = params.filtered(|name| SigninRequestArgs::INITIATION.contains(&name)).encode();
    let query = if query.len() > LONGEST { String::new() } else { query };
    match HeaderValue::try_from(format!("{INITIATE_LOGIN_PATH}?{query}")) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

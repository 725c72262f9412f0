//! Requests that come through the user's browser by GET or by a posted form: authorize and
//! endsession.

use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use doorward_protocol::error::ErrorCode;

use crate::{AppState, csrf, form::RawForm, page::see_other};

/// The longest query that a posted request is turned into.
const LONGEST_QUERY: usize = 16 * 1024;

/// The headers and the encoded parameters of a request to this path, or the answer to one that
/// can't be read.
pub(crate) async fn read(
    state: &AppState,
    path: &str,
    request: Request,
) -> Result<(HeaderMap, Bytes), Response> {
    let headers = request.headers().clone();
    if request.method() != Method::POST {
        return Ok((
            headers,
            Bytes::copy_from_slice(request.uri().query().unwrap_or_default().as_bytes()),
        ));
    }
    let RawForm(body) = RawForm::read(request).await.map_err(|error| {
        state.error_page(error.status(), &ErrorCode::InvalidRequest, &error.to_string())
    })?;
    if csrf::comes_from_here(&headers, state.provider.issuer()) {
        Ok((headers, body))
    } else {
        Err(same_request_by_get(state, path, &body))
    }
}

/// A form posted from another site comes without our SameSite=Lax cookie. The same request by GET,
/// which is a top-level navigation, comes with it.
fn same_request_by_get(state: &AppState, path: &str, body: &[u8]) -> Response {
    match std::str::from_utf8(body) {
        Ok(query)
            if query.bytes().all(|byte| byte.is_ascii_graphic())
                && query.len() <= LONGEST_QUERY =>
        {
            see_other(&state.base.join(&format!("{path}?{query}")))
        }
        _ => {
            let message = "The request is too long or not in application/x-www-form-urlencoded.";
            state.error_page(StatusCode::BAD_REQUEST, &ErrorCode::InvalidRequest, message)
        }
    }
}

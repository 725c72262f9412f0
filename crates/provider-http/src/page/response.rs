//! Pages and redirects as responses.

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE},
    },
    response::{IntoResponse, Response},
};

use crate::{
    page::policy::{PagePolicy, protect},
    texts::Localized,
};

use super::error::PageErrorCause;

/// A page with the narrowest policy.
pub(crate) fn html(status: StatusCode, markup: String) -> Response {
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], markup).into_response()
}

/// A page with a policy of its own.
pub(crate) fn html_with_policy(
    status: StatusCode,
    markup: String,
    policy: &PagePolicy,
) -> Response {
    let mut response = html(status, markup);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy.to_header());
    response
}

/// 303: the browser continues with GET, whatever method it came with.
pub(crate) fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Adds a cookie to a response.
pub(crate) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Tells the client after how many seconds it may try again.
pub(crate) fn with_retry_after(mut response: Response, seconds: u32) -> Response {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// HEAD where GET has an effect: a client that only looks must not cause it.
pub(crate) async fn no_head() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, POST")]).into_response()
}

/// Any other path.
pub(crate) async fn not_found(Localized(state): Localized) -> Response {
    protect(state.error(PageErrorCause::NotFound).into_response()).await
}

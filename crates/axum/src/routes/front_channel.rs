//! `GET /frontchannel-logout`: the provider's page loads it in a frame when a session ended (OIDC
//! Front-Channel Logout section 2 and 3).
//!
//! A frame on another site's page has no cookies of this application, so the session is found by
//! `sid`, which only the provider and this application know. Anybody can load the frame with an
//! invented one.

use std::sync::Arc;

use axum::{
    Extension,
    extract::Request,
    response::{Html, IntoResponse as _, Response},
};
use doorward_protocol::params::Params;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
};
use url::Url;

use crate::{Auth, Problem, layer::RequestSession, refusal::Asker};

pub(super) async fn logout(
    Extension(auth): Extension<Auth>,
    Extension(slot): Extension<Arc<RequestSession>>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    match end_sessions(&auth, &slot, query).await {
        Ok(status) => framed(&auth, status),
        Err(problem) => auth.answer(&problem, &Asker::of_request(&request)),
    }
}

async fn end_sessions(
    auth: &Auth,
    slot: &RequestSession,
    query: &str,
) -> Result<StatusCode, Problem> {
    let params = Params::parse(query).unwrap_or_default();
    let (Some(iss), Some(sid)) = (params.get("iss"), params.get("sid")) else {
        return Ok(StatusCode::BAD_REQUEST);
    };
    if !auth.settings.protocol.accepts_issuer(iss) {
        return Ok(StatusCode::BAD_REQUEST);
    }
    let now = auth.now();
    auth.sessions.end_named_session(sid, now).await?;
    // Where the provider is on the same site, the browser may forget its cookie at once.
    if auth.sessions.load(&slot.cookies, now).await?.is_none() {
        slot.decide_cookies(auth.sessions.no_cookies(&slot.cookies));
    }
    Ok(StatusCode::OK)
}

/// An empty page that only the provider may put into a frame.
fn framed(auth: &Auth, status: StatusCode) -> Response {
    let mut response = (status, Html("")).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let origin = Url::parse(&auth.settings.protocol.authority)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&format!("frame-ancestors {origin}")) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

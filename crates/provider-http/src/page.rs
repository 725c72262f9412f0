//! Pages as responses: the headers that every page has, and how a page is shown or redirected from.

use std::collections::BTreeSet;

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
            SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use doorward_protocol::error::ErrorCode;
use doorward_provider::{
    store::StoreError,
    use_case::authorize::{AuthorizationResponse, Outcome, ResponseMode, UnsafeRequest},
};
use url::Url;

use crate::{
    AppState, consent, cookies::Cookie, oauth_error, pages, return_url::ReturnUrl, texts::Localized,
};

/// Adds to every answer of the pages what keeps it private and unframed. A page that needs a wider
/// policy has set its own.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    protect(next.run(request).await)
}

fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert_with(|| policy(Forms::StayHere, &Foreign::default()));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not no-referrer: with that, browsers send `Origin: null` with our own forms.
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    response
}

/// What the forms of a page may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forms {
    /// This provider only.
    StayHere,
    /// A redirect to a client. Browsers apply `form-action` to every redirect after a submission,
    /// and a client may redirect on to addresses that nobody here knows: so there can be no such
    /// directive.
    LeadToClient,
}

/// What a page holds beside its own markup, style and icon.
#[derive(Debug, Default)]
struct Foreign {
    /// The source expression of its one script.
    script_hash: Option<String>,
    /// Origins of frames.
    frames: BTreeSet<String>,
    /// Origins of images.
    images: BTreeSet<String>,
}

/// The Content-Security-Policy.
fn policy(forms: Forms, foreign: &Foreign) -> HeaderValue {
    let listed = |origins: &BTreeSet<String>| {
        origins.iter().flat_map(|origin| [" ", origin.as_str()]).collect::<String>()
    };
    let images = listed(&foreign.images);
    let script = foreign
        .script_hash
        .as_ref()
        .map(|hash| format!(" script-src '{hash}';"))
        .unwrap_or_default();
    let forms = if forms == Forms::StayHere { " form-action 'self';" } else { "" };
    let frames = if foreign.frames.is_empty() {
        String::new()
    } else {
        format!(" frame-src{};", listed(&foreign.frames))
    };
    let text = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'{images};{script}{frames}{forms} base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&text)
        .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
}

/// A page of ours.
pub(crate) fn html(status: StatusCode, markup: String) -> Response {
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], markup).into_response()
}

/// A page of ours with a form that ends at a client.
pub(crate) fn html_leading_to_client(status: StatusCode, markup: String) -> Response {
    let mut response = html(status, markup);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy(Forms::LeadToClient, &Foreign::default()));
    response
}

/// The same with a client's logo, whose origin is allowed for images.
pub(crate) fn html_with_logo(status: StatusCode, markup: String, logo: &str) -> Response {
    let mut response = html(status, markup);
    let policy = policy(
        Forms::LeadToClient,
        &Foreign { images: origins(&[logo.to_owned()]), ..Foreign::default() },
    );
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// A page of ours with frames of these addresses. Their origins are allowed, since a client may
/// redirect within its own.
pub(crate) fn html_with_frames(status: StatusCode, markup: String, frames: &[String]) -> Response {
    let mut response = html(status, markup);
    let policy =
        policy(Forms::StayHere, &Foreign { frames: origins(frames), ..Foreign::default() });
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// The origins of these addresses, each once.
fn origins(addresses: &[String]) -> BTreeSet<String> {
    addresses
        .iter()
        .filter_map(|uri| Url::parse(uri).ok().map(|url| url.origin().ascii_serialization()))
        .collect()
}

/// 303: the browser goes on with GET, whatever it came with.
pub(crate) fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Adds a cookie to an answer.
pub(crate) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

impl AppState {
    /// For a page that was opened with an address to return to which does not hold.
    pub(crate) fn foreign_return_url(&self) -> Response {
        self.error_page(
            StatusCode::BAD_REQUEST,
            &ErrorCode::InvalidRequest,
            self.texts.foreign_return_url,
        )
    }

    /// The frame of this provider's pages.
    pub(crate) fn frame(&self) -> pages::Frame {
        pages::Frame {
            style: self.base.join(&self.assets.style_path()),
            icon: self.base.join("/favicon.ico"),
            texts: self.texts,
        }
    }

    /// An error page.
    pub(crate) fn error_page(
        &self,
        status: StatusCode,
        code: &ErrorCode,
        message: &str,
    ) -> Response {
        html(status, pages::error::page(&self.frame(), code.as_str(), message))
    }

    /// The page for a store that does not answer.
    pub(crate) fn unavailable(&self, error: &StoreError) -> Response {
        tracing::error!(%error, "the store failed");
        let code = &ErrorCode::TemporarilyUnavailable;
        self.error_page(StatusCode::SERVICE_UNAVAILABLE, code, self.texts.unavailable)
    }

    /// Answers what the authorization use case decided.
    pub(crate) fn respond(&self, outcome: Outcome, headers: &HeaderMap) -> Response {
        match outcome {
            Outcome::Respond(response) => {
                let cookie = self.changed_check_value(headers, &response);
                with_cookie(self.respond_to_client(&response), cookie)
            }
            Outcome::SignIn(request) => {
                let return_url = ReturnUrl::to_request(&request.params).to_text();
                let query =
                    doorward_protocol::params::encode([("return_url", return_url.as_str())]);
                see_other(&self.base.join(&format!("/account/login?{query}")))
            }
            Outcome::AskConsent(request, session) => {
                let state = self.clone().speaking(request.ui_locales.as_deref());
                consent::page(&state, headers, &request, &session)
            }
            Outcome::Refuse(unsafe_request) => self.refuse(&unsafe_request),
        }
    }

    fn refuse(&self, unsafe_request: &UnsafeRequest) -> Response {
        tracing::info!(cause = %unsafe_request, "authorization request refused");
        oauth_error::count(&unsafe_request.code());
        let status = match unsafe_request {
            UnsafeRequest::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        self.error_page(status, &unsafe_request.code(), &(self.texts.refused)(unsafe_request))
    }

    /// The cookie that makes the browser agree with the `session_state` of a response, as when the
    /// session has expired. A browser that did not send its session cookie may have kept it back:
    /// nothing is known of its session then.
    fn changed_check_value(
        &self,
        headers: &HeaderMap,
        response: &AuthorizationResponse,
    ) -> Option<HeaderValue> {
        self.cookies.read(headers, Cookie::Session)?;
        let current = self.cookies.read(headers, Cookie::SessionCheck);
        match response.browser_state()?.check_value() {
            wanted if wanted == current.as_ref() => None,
            Some(value) => Some(self.cookies.set(Cookie::SessionCheck, value, None)),
            None => Some(self.cookies.remove(Cookie::SessionCheck)),
        }
    }

    fn respond_to_client(&self, response: &AuthorizationResponse) -> Response {
        if response.mode() != ResponseMode::FormPost {
            return see_other(&response.location());
        }
        let markup = pages::form_post::page(&self.frame(), response);
        let foreign =
            Foreign { script_hash: Some(pages::form_post::script_hash()), ..Foreign::default() };
        let mut page = html(StatusCode::OK, markup);
        let headers = page.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy(Forms::LeadToClient, &foreign));
        // With same-origin the client would see `Origin: null`.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
        page
    }
}

/// HEAD where GET does something: it must not be done for somebody who only looks.
pub(crate) async fn no_head() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, POST")]).into_response()
}

/// Any other path.
pub(crate) async fn not_found(Localized(state): Localized) -> Response {
    protect(state.error_page(StatusCode::NOT_FOUND, &"not_found".into(), state.texts.no_such_page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_policy_allows_inline_code_or_being_framed() {
        for forms in [Forms::StayHere, Forms::LeadToClient] {
            for script in [None, Some("sha256-abc".to_owned())] {
                let one = |origin: &str| BTreeSet::from([origin.to_owned()]);
                let foreign = Foreign {
                    script_hash: script.clone(),
                    frames: one("https://a.example"),
                    images: one("https://b.example"),
                };
                let policy = policy(forms, &foreign);
                let text = policy.to_str().unwrap_or_default();
                assert!(text.contains(" frame-src https://a.example;"));
                assert!(text.contains(" img-src 'self' https://b.example;"));
                assert!(
                    text.starts_with("default-src 'none';")
                        && text.contains("frame-ancestors 'none'")
                );
                assert!(!text.contains("unsafe"));
                assert_eq!(text.contains("form-action 'self'"), forms == Forms::StayHere);
                assert_eq!(text.contains("script-src 'sha256-abc';"), script.is_some());
            }
        }
    }
}

//! The answer to a request whose user is not signed in, or not strongly enough: a page sends the
//! browser to the provider, anything else gets a status, and a posted form a page that says so.

use std::sync::Arc;

use axum::{
    Json,
    extract::{OriginalUri, Request},
    response::{IntoResponse, Response},
};
use doorward_client::SigninRequestArgs;
use doorward_policy::StepUp;
use doorward_protocol::{challenge::Challenge, error::ErrorCode};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT, CACHE_CONTROL, REFERER, WWW_AUTHENTICATE},
    request::Parts,
};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{Auth, Problem, ReturnTo, layer::RequestSession};

/// The answer to a refused request.
#[derive(Debug)]
pub struct Refusal(Box<Response>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Who asks: a user who opens a page, or a script.
pub(crate) struct Asker {
    is_navigation: bool,
    wants_html: bool,
    is_htmx: bool,
    /// The page that the user is to come back to.
    return_to: ReturnTo,
    /// The page that has the form or the script, if the browser says so.
    referer: Option<String>,
}

impl Asker {
    pub(crate) fn of_request(request: &Request) -> Self {
        let original = request.extensions().get::<OriginalUri>();
        let uri = original.map_or(request.uri(), |original| &original.0);
        Self::new(request.method(), uri, request.headers())
    }

    pub(crate) fn of_parts(parts: &Parts) -> Self {
        let original = parts.extensions.get::<OriginalUri>();
        let uri = original.map_or(&parts.uri, |original| &original.0);
        Self::new(&parts.method, uri, &parts.headers)
    }

    fn new(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let is_htmx = text("hx-request") == Some("true");
        let accepts_html = text(ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/html"));
        let wants_html = match text("sec-fetch-mode") {
            Some(mode) => mode == "navigate",
            None => accepts_html && !is_htmx && text("x-requested-with").is_none(),
        };
        let path = uri.path_and_query().map(http::uri::PathAndQuery::as_str);
        let shown = text("hx-current-url").and_then(|url| {
            let url: Uri = url.parse().ok()?;
            Some(url.path_and_query()?.as_str().to_owned())
        });
        let page = shown.filter(|_| is_htmx);
        Self {
            is_navigation: wants_html && matches!(*method, Method::GET | Method::HEAD),
            wants_html,
            is_htmx,
            return_to: ReturnTo::or_start(page.as_deref().or(path)),
            referer: text(REFERER.as_str()).map(str::to_owned),
        }
    }

    /// Whether the answer is for a person to read.
    pub(crate) fn wants_page(&self) -> bool {
        self.wants_html
    }

    /// Whether a page is loaded, and not a part of one.
    pub(crate) fn navigates(&self) -> bool {
        self.is_navigation
    }

    /// Where a user comes back to who signs in by an address that the answer names: the page that
    /// has the form or the script, if that is one of this origin. What they asked for may be no
    /// page at all.
    fn page(&self, origin: &str) -> ReturnTo {
        if self.is_htmx {
            return self.return_to.clone();
        }
        let page = self.referer.as_deref().and_then(|referer| referer.strip_prefix(origin));
        match page.and_then(ReturnTo::parse) {
            Some(page) => page,
            None if self.wants_html => ReturnTo::or_start(None),
            None => self.return_to.clone(),
        }
    }

    /// An answer for a script.
    #[allow(clippy::unused_self)] // An asker that is a script has it.
    pub(crate) fn json(&self, status: StatusCode, body: &Value) -> Response {
        (status, Json(body)).into_response()
    }
}

impl Refusal {
    /// The user must sign in: for the first time, or as a policy asks for.
    pub(crate) async fn sign_in(
        parts: &Parts,
        slot: &Arc<RequestSession>,
        step_up: Option<&StepUp>,
    ) -> Self {
        let asker = Asker::of_parts(parts);
        let auth = &slot.auth;
        if !asker.is_navigation {
            return Self(Box::new(unauthorized(auth, &asker, step_up)));
        }
        let mut args = SigninRequestArgs::default();
        if let Some(step_up) = step_up {
            args.max_age = step_up.max_age.map(u64::from);
            let acr_values = step_up.acr_values.join(" ");
            args.acr_values = Some(acr_values).filter(|values| !values.is_empty());
        }
        let sent = auth.send_to_provider(slot, args, &asker.return_to).await;
        Self(Box::new(sent.unwrap_or_else(|problem| auth.answer(&problem, &asker))))
    }

    /// The user must sign in, and whoever asks is a script in any case.
    pub(crate) fn without_page(parts: &Parts, slot: &Arc<RequestSession>) -> Self {
        let asker = Asker { wants_html: false, ..Asker::of_parts(parts) };
        Self(Box::new(unauthorized(&slot.auth, &asker, None)))
    }

    /// The request can't be answered.
    pub(crate) fn problem(
        parts: &Parts,
        slot: Option<&Arc<RequestSession>>,
        problem: &Problem,
    ) -> Self {
        let asker = Asker::of_parts(parts);
        let Some(slot) = slot else {
            tracing::error!(%problem, "a request can't be answered");
            let answer = (problem.status(), problem.user_message());
            return Self(Box::new(answer.into_response()));
        };
        Self(Box::new(slot.auth.answer(problem, &asker)))
    }
}

/// 401 for a script, or for a person who posted a form. It says where the user can sign in.
fn unauthorized(auth: &Auth, asker: &Asker, step_up: Option<&StepUp>) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", asker.page(&auth.checked.origin).as_str());
    let mut body = json!({
        "error": "unauthorized",
        "error_description": "Sign in first.",
    });
    let mut challenge = Challenge::session();
    if let Some(step_up) = step_up {
        challenge = challenge
            .with_error(&ErrorCode::InsufficientUserAuthentication, "Sign in again for this.")
            .with_sign_in(&step_up.acr_values, step_up.max_age);
        // The code of RFC 9470 section 3.
        body = json!({
            "error": "insufficient_user_authentication",
            "error_description": "Sign in again for this.",
        });
        if !step_up.acr_values.is_empty() {
            let values = step_up.acr_values.join(" ");
            query.append_pair("acr_values", &values);
            body["acr_values"] = values.into();
        }
        if let Some(max_age) = step_up.max_age {
            query.append_pair("max_age", &max_age.to_string());
            body["max_age"] = max_age.into();
        }
    }
    let sign_in = format!("{}?{}", auth.settings.sign_in_path, query.finish());
    body["sign_in"] = sign_in.clone().into();
    let mut response = if asker.wants_html {
        auth.answer_with_sign_in(&Problem::NotSignedIn, asker, &sign_in)
    } else {
        asker.json(StatusCode::UNAUTHORIZED, &body)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(challenge) = HeaderValue::from_str(&challenge.to_string()) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    // HTMX leaves the page for this address, whatever the status is.
    if asker.is_htmx
        && let Ok(sign_in) = HeaderValue::from_str(&sign_in)
    {
        headers.insert("hx-redirect", sign_in);
    }
    response
}

/// The challenge of a 401 that asks for a session. Each one must have a challenge (RFC 9110 section
/// 11.6.1), and by this one a page knows why it is refused.
pub(crate) fn session_challenge() -> Option<(HeaderName, HeaderValue)> {
    let challenge = HeaderValue::from_str(&Challenge::session().to_string()).ok()?;
    Some((WWW_AUTHENTICATE, challenge))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asker(method: &str, headers: &[(&'static str, &str)]) -> Asker {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
        });
        Asker::new(&method.parse().unwrap(), &"/orders?page=2".parse().unwrap(), &headers.collect())
    }

    #[test]
    fn only_who_opens_a_page_is_sent_to_the_provider() {
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        assert!(asker("GET", &[html]).is_navigation);
        assert!(asker("GET", &[html, ("sec-fetch-mode", "navigate")]).is_navigation);
        for (method, headers) in [
            ("POST", vec![html, ("sec-fetch-mode", "navigate")]),
            ("GET", vec![html, ("sec-fetch-mode", "cors")]),
            ("GET", vec![("accept", "application/json")]),
            ("GET", vec![("accept", "*/*")]),
            ("GET", vec![]),
            ("GET", vec![html, ("hx-request", "true")]),
            ("GET", vec![html, ("x-requested-with", "XMLHttpRequest")]),
        ] {
            assert!(!asker(method, &headers).is_navigation, "{method} {headers:?}");
        }
    }

    #[test]
    fn the_user_comes_back_to_the_page_and_not_to_its_part() {
        assert_eq!(asker("GET", &[]).return_to.as_str(), "/orders?page=2");
        let of_htmx = [("hx-request", "true"), ("hx-current-url", "https://shop.example/cart?x=1")];
        assert_eq!(asker("GET", &of_htmx).return_to.as_str(), "/cart?x=1");
    }
}

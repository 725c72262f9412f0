//! The redirect URI: the provider's response becomes a session.
//!
//! A response that the provider's page posts (`form_post`, OAuth 2.0 Form Post Response Mode) comes
//! from another site, so the browser sends none of our cookies with it. It is put into a cookie of
//! its own, whose random name the address tells, and comes once more by GET, with all cookies and
//! without the code in the address. Then nothing is different from a response in the query.

use std::sync::Arc;

use axum::{Extension, extract::Request, response::Response};
use doorward_client::{IdTokenError, OidcClient, SigninOutcome};
use http::header::SET_COOKIE;

use crate::{
    Auth, Problem, ReturnTo,
    auth::redirect,
    layer::RequestSession,
    refusal::Asker,
    routes::posted_params,
    session::{SessionRecord, random_text},
};

/// What the query of the callback begins with if the response is in a cookie. The tag of the cookie
/// follows.
const POSTED: &str = "posted=";
/// What is taken from it.
const RESPONSE: [&str; 8] = [
    "code",
    "state",
    "iss",
    "session_state",
    "error",
    "error_description",
    "error_uri",
    "response",
];

/// Takes a response that was posted. It changes nothing, whoever made the browser post it.
pub(super) async fn posted(Extension(auth): Extension<Auth>, request: Request) -> Response {
    let asker = Asker::of_request(&request);
    let headers = request.headers().clone();
    let response = posted_params(request, &RESPONSE).await.encode();
    let path = &auth.checked.callback_path;
    match auth.sessions.response_cookie(&headers, &response) {
        Ok(Some((tag, cookies))) => redirect(&format!("{path}?{POSTED}{tag}"), cookies),
        Ok(None) => auth.answer(&Problem::no_matching_state(), &asker),
        Err(error) => auth.answer(&error.into(), &asker),
    }
}

pub(super) async fn callback(
    Extension(auth): Extension<Auth>,
    Extension(slot): Extension<Arc<RequestSession>>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let (query, no_response) = match query.strip_prefix(POSTED) {
        Some(tag) => auth.sessions.posted_response(&slot.cookies, tag),
        None => (query.to_owned(), Vec::new()),
    };
    let mut response = match finish(&auth, &slot, &query).await {
        Ok(return_to) => redirect(return_to.as_str(), Vec::new()),
        Err(problem) => auth.answer(&problem, &Asker::of_request(&request)),
    };
    for cookie in no_response {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Signs the user in. Returns where to go.
async fn finish(auth: &Auth, slot: &RequestSession, query: &str) -> Result<ReturnTo, Problem> {
    let url = format!("{}?{query}", auth.settings.protocol.redirect_uri);
    // It may be anything, until the response is verified.
    let state = OidcClient::request_id(&url).unwrap_or_default();
    let Some((pending, set_cookies)) =
        auth.sessions.take_request(&slot.cookies, &state, auth.now()).await?
    else {
        return not_awaited(slot).await;
    };
    let outcome = match auth.protocol.finish(state, pending, url).await {
        Ok(outcome) => outcome,
        Err(problem) => {
            slot.decide_cookies(set_cookies);
            return Err(problem.into());
        }
    };
    let return_to = ReturnTo::or_start(outcome.return_to.as_deref());
    begin_session(auth, slot, outcome, set_cookies).await?;
    Ok(return_to)
}

/// The response was used before, is too old, or belongs to a request of another browser. Whoever is
/// signed in came here by Back or Reload, and goes on as before.
async fn not_awaited(slot: &RequestSession) -> Result<ReturnTo, Problem> {
    match slot.session().await? {
        Some(_) => Ok(ReturnTo::or_start(None)),
        None => Err(Problem::no_matching_state()),
    }
}

/// Begins a session with a new cookie. The one before, of this browser, is over: whoever knew its
/// cookie must not be signed in by it.
async fn begin_session(
    auth: &Auth,
    slot: &RequestSession,
    outcome: SigninOutcome,
    mut set_cookies: Vec<http::HeaderValue>,
) -> Result<(), Problem> {
    if outcome.user.sub().is_empty() {
        // Everybody would be the same user.
        return Err(Problem::Protocol(Box::new(IdTokenError::Missing.into())));
    }
    let now = auth.now();
    let id = random_text().map_err(crate::StoreError::from)?;
    let asked = outcome.state.and_then(|state| serde_json::from_value(state).ok());
    let mut record = SessionRecord::new(id, outcome.user, now, auth.settings.session_lifetime);
    record.asked = asked.unwrap_or_default();
    record.user.state = None;
    if let Some(before) = auth.sessions.load(&slot.cookies, now).await? {
        // The same user signed in again, as a policy may ask for in the middle of something.
        if before.record.user.sub() == record.user.sub() {
            record.values.clone_from(&before.record.values);
        }
        auth.sessions.remove(&before, now).await?;
    }
    let session = auth.sessions.create(record).await?;
    set_cookies.extend(auth.sessions.cookies_of(&slot.cookies, &session)?);
    slot.decide_cookies(set_cookies);
    Ok(())
}

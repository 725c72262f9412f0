//! The redirect URI: the provider's response becomes a session.

use std::sync::Arc;

use axum::{Extension, extract::Request, response::Response};
use doorward_client::SigninOutcome;
use doorward_protocol::params::Params;

use crate::{
    Auth, Problem, ReturnTo,
    auth::redirect,
    layer::Slot,
    refusal::Asker,
    session::{SessionRecord, random_text},
};

pub(super) async fn callback(
    Extension(auth): Extension<Auth>,
    Extension(slot): Extension<Arc<Slot>>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    match finish(&auth, &slot, query).await {
        Ok(return_to) => redirect(return_to.as_str(), Vec::new()),
        Err(problem) => auth.answer(&problem, &Asker::of_request(&request)),
    }
}

/// Signs the user in. Returns where to go.
async fn finish(auth: &Auth, slot: &Slot, query: &str) -> Result<ReturnTo, Problem> {
    let params = Params::parse(query).unwrap_or_default();
    let state = params.get("state").unwrap_or_default();
    let state = state.split(';').next().unwrap_or_default();
    let Some((pending, set_cookies)) =
        auth.sessions.take_request(&slot.cookies, state, auth.now()).await?
    else {
        return not_awaited(slot).await;
    };
    let url = format!("{}?{query}", auth.settings.protocol.redirect_uri);
    let outcome = match auth.protocol.finish(state.to_owned(), pending, url).await {
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
async fn not_awaited(slot: &Slot) -> Result<ReturnTo, Problem> {
    match slot.session().await? {
        Some(_) => Ok(ReturnTo::or_start(None)),
        None => Err(Problem::no_matching_state()),
    }
}

/// Begins a session with a new cookie. The one before, of this browser, is over: whoever knew its
/// cookie must not be signed in by it.
async fn begin_session(
    auth: &Auth,
    slot: &Slot,
    outcome: SigninOutcome,
    mut set_cookies: Vec<http::HeaderValue>,
) -> Result<(), Problem> {
    let now = auth.now();
    let id = random_text().map_err(crate::StoreError::from)?;
    let asked = outcome.state.and_then(|state| serde_json::from_value(state).ok());
    let mut record = SessionRecord::new(id, outcome.user, now, auth.settings.session_lifetime);
    record.asked = asked.unwrap_or_default();
    record.user.state = None;
    if let Some(before) = auth.sessions.load(&slot.cookies, now).await? {
        auth.sessions.remove(&before, now).await?;
    }
    let session = auth.sessions.create(record).await?;
    set_cookies.extend(auth.sessions.cookies_of(&slot.cookies, &session)?);
    slot.decide_cookies(set_cookies);
    Ok(())
}

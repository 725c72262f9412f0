//! `POST /backchannel-logout`: the provider tells that a session ended (OIDC Back-Channel Logout
//! section 2.5 to 2.8).

use axum::{
    Extension, Json,
    body::{Body, to_bytes},
    response::{IntoResponse as _, Response},
};
use doorward_client::LogoutToken;
use doorward_protocol::params::Params;
use http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use serde_json::json;

use crate::{Auth, Problem};

/// The longest form that is read, in bytes.
const LONGEST_FORM: usize = 128 * 1024;

pub(super) async fn logout(Extension(auth): Extension<Auth>, body: Body) -> Response {
    let (status, description) = match end_sessions(&auth, body).await {
        Ok(()) => (StatusCode::OK, None),
        Err(problem) => {
            tracing::info!(%problem, "a logout token was not accepted");
            // "400 Bad Request" for a token that is not accepted (section 2.8). A provider may
            // repeat what failed because of us.
            match problem.status() {
                StatusCode::SERVICE_UNAVAILABLE => {
                    (problem.status(), Some("the logout token can't be verified now"))
                }
                _ => (StatusCode::BAD_REQUEST, Some("the logout token is not accepted")),
            }
        }
    };
    // Anybody can post here: what went wrong is for the log.
    let mut response = match description {
        None => status.into_response(),
        Some(description) => {
            let body = json!({ "error": "invalid_request", "error_description": description });
            (status, Json(body)).into_response()
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn end_sessions(auth: &Auth, body: Body) -> Result<(), Problem> {
    let form = to_bytes(body, LONGEST_FORM).await.unwrap_or_default();
    let params = Params::parse(&form).unwrap_or_default();
    let token = params.get("logout_token").unwrap_or_default().to_owned();
    let LogoutToken { sub, sid, jti, expires_at, .. } =
        auth.protocol.verify_logout_token(token).await?;
    let now = auth.now();
    let until = now.saturating_add(auth.settings.session_lifetime);
    // A provider never gives a `sid` again, so a token that is sent again ends nothing.
    if let Some(sid) = &sid {
        auth.sessions.end_provider_session(sid, now, until).await?;
    }
    let Some(sub) = sub else { return Ok(()) };
    if auth.sessions.was_seen(&jti, now).await? {
        // Sent again. A session that the user began since then must stay.
        return Ok(());
    }
    match sid {
        None => auth.sessions.end_user(&sub, now, until).await?,
        // The sign-in may be one whose ID token had no `sid`.
        Some(_) => auth.sessions.end_unnamed(&sub, now, until).await?,
    }
    // Noted last: a provider repeats what failed. The tolerance of clocks counts, too.
    let seen_until = expires_at.saturating_add(auth.settings.protocol.clock_skew);
    auth.sessions.note_seen(&jti, now, seen_until).await?;
    Ok(())
}

//! `POST /signout`: ends the session here, and at the provider.

use std::sync::Arc;

use axum::{Extension, extract::Request, response::Response};

use crate::{Auth, StoreError, auth::redirect, layer::Slot, refusal::Asker, session::Loaded};

pub(super) async fn sign_out(
    Extension(auth): Extension<Auth>,
    Extension(slot): Extension<Arc<Slot>>,
    request: Request,
) -> Response {
    match leave(&auth, &slot).await {
        Ok(url) => redirect(&url, Vec::new()),
        Err(error) => auth.answer(&error.into(), &Asker::of_request(&request)),
    }
}

/// Ends the session. Returns where to go.
pub(crate) async fn leave(auth: &Auth, slot: &Slot) -> Result<String, StoreError> {
    let after = auth.settings.after_sign_out.clone();
    let Some(session) = auth.sessions.load(&slot.cookies, auth.now()).await? else {
        slot.end();
        return Ok(after);
    };
    // First of all: a user who signs out must not stay signed in until the provider answers.
    auth.sessions.remove(&session, auth.now()).await?;
    slot.end();
    Ok(at_provider(auth, &session).await.unwrap_or(after))
}

/// Where the session at the provider ends. `None` if the provider has no such page, or can't be
/// reached: the user is signed out here anyway.
async fn at_provider(auth: &Auth, session: &Loaded) -> Option<String> {
    let user = &session.record.user;
    if let Some(refresh_token) = user.refresh_token.clone() {
        let protocol = auth.protocol.clone();
        tokio::spawn(async move {
            if let Err(problem) = protocol.revoke(refresh_token).await {
                tracing::info!(%problem, "a refresh token was not revoked");
            }
        });
    }
    match auth.protocol.end_session_url(user.id_token.clone()).await {
        Ok(url) => url,
        Err(problem) => {
            tracing::warn!(%problem, "the session at the provider was not ended");
            None
        }
    }
}

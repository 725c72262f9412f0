//! `POST /signout`: ends the session here, and at the provider unless `here=true` is in the query.

use std::sync::Arc;

use axum::{Extension, extract::Request, response::Response};
use doorward_client::SignoutRequestArgs;
use doorward_protocol::params::Params;

use super::passed_on;
use crate::{
    Auth, StoreError, auth::redirect, layer::RequestSession, refusal::Asker, session::Loaded,
};

pub(super) async fn sign_out(
    Extension(auth): Extension<Auth>,
    Extension(slot): Extension<Arc<RequestSession>>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let params = Params::parse(query).unwrap_or_default();
    let left = if params.get("here") == Some("true") {
        leave_here(&auth, &slot).await.map(|_| auth.settings.after_sign_out.clone())
    } else {
        let locales =
            params.get("ui_locales").map(|text| ("ui_locales".to_owned(), text.to_owned()));
        let mut args = SignoutRequestArgs::default();
        args.extra_query_params = locales.into_iter().chain(passed_on(&auth, &params)).collect();
        leave(&auth, &slot, args).await
    };
    match left {
        Ok(url) => redirect(&url, Vec::new()),
        Err(error) => auth.answer(&error.into(), &Asker::of_request(&request)),
    }
}

/// Ends the session here, and says where the browser has to go for its end at the provider.
pub(crate) async fn leave(
    auth: &Auth,
    slot: &RequestSession,
    args: SignoutRequestArgs,
) -> Result<String, StoreError> {
    let ended = leave_here(auth, slot).await?;
    let url = match ended {
        Some(session) => at_provider(auth, &session, args).await,
        None => None,
    };
    Ok(url.unwrap_or_else(|| auth.settings.after_sign_out.clone()))
}

/// Ends the session here. That at the provider goes on. Returns what ended.
pub(crate) async fn leave_here(
    auth: &Auth,
    slot: &RequestSession,
) -> Result<Option<Loaded>, StoreError> {
    let session = auth.sessions.load(&slot.cookies, auth.now()).await?;
    if let Some(session) = &session {
        // First of all: a user who signs out must not stay signed in until the provider answers.
        auth.sessions.remove(session, auth.now()).await?;
        // Nobody uses it any more.
        revoke(auth, session);
    }
    slot.end();
    Ok(session)
}

/// Revokes the refresh token in the background.
fn revoke(auth: &Auth, session: &Loaded) {
    if let Some(refresh_token) = session.record.user.refresh_token.clone() {
        let protocol = auth.protocol.clone();
        tokio::spawn(async move {
            if let Err(problem) = protocol.revoke(refresh_token).await {
                tracing::info!(%problem, "a refresh token was not revoked");
            }
        });
    }
}

/// Where the session at the provider ends. `None` if the provider has no such page, or can't be
/// reached: the user is signed out here anyway.
async fn at_provider(
    auth: &Auth,
    session: &Loaded,
    mut args: SignoutRequestArgs,
) -> Option<String> {
    args.id_token_hint.clone_from(&session.record.user.id_token);
    match auth.protocol.end_session_url_with(args).await {
        Ok(url) => url,
        Err(problem) => {
            tracing::warn!(%problem, "the session at the provider was not ended");
            None
        }
    }
}

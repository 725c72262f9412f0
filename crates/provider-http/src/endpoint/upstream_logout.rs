//! `POST /account/external/{name}/backchannel-logout`: another provider tells that a session ended
//! (OIDC Back-Channel Logout sections 2.5 to 2.8).

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use doorward_protocol::error::ErrorCode;
use doorward_provider::{Provider, use_case::upstream::UpstreamError};

use crate::http::{
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    peer::Peer,
};

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    Path(name): Path<String>,
    peer: Peer,
    Form(params): Form,
) -> Result<Response, OAuthError> {
    let refuse = |description: &str| OAuthError::new(ErrorCode::InvalidRequest, description);
    let vouching = provider.vouching();
    let known = vouching.provider_that_ends_sessions(&name);
    let known = known.ok_or_else(|| refuse("No identity provider has this name."))?;
    let token = params.get("logout_token").ok_or_else(|| refuse("logout_token is missing."))?;
    match provider.upstream().logged_out(known, token, &peer.0).await {
        Ok(()) => Ok(NO_STORE.into_response()),
        Err(error) => {
            tracing::info!(provider = name, cause = %error, "a logout token was not accepted");
            // A provider may repeat what failed because of us, or because its keys could not be
            // fetched.
            Err(match error {
                UpstreamError::Store(_) | UpstreamError::Unavailable(_) => {
                    let description = "The logout token can't be checked now.";
                    OAuthError::new(ErrorCode::TemporarilyUnavailable, description)
                }
                _ => refuse("The logout token was not accepted."),
            })
        }
    }
}

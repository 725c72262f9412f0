//! `POST /connect/revocation` (RFC 7009).

use std::sync::Arc;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use doorward_protocol::params::Params;
use doorward_provider::{Provider, audit, use_case::error::TokenError};

use crate::http::{
    client_authentication::{authenticate_client, named_client},
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    peer::Peer,
};

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    peer: Peer,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, OAuthError> {
    match revoke(&provider, &headers, &params, &peer).await {
        Ok(()) => Ok(NO_STORE.into_response()),
        Err(error) => {
            audit::Event {
                event: "revocation_refused",
                outcome: audit::Outcome::Refused,
                client_id: named_client(&provider, &headers, &params).as_deref(),
                peer: Some(&peer.0),
                cause: Some(&error),
                ..audit::Event::default()
            }
            .log();
            Err(OAuthError::from(&error))
        }
    }
}

async fn revoke(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
    peer: &Peer,
) -> Result<(), TokenError> {
    let client = authenticate_client(provider, headers, params).await?;
    let token = params.get("token").ok_or(TokenError::Missing("token"))?;
    provider.revoke(&client, token, &peer.0).await
}

//! `POST /connect/revocation` (RFC 7009).

use std::sync::Arc;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use doorward_protocol::params::Params;
use doorward_provider::{
    Provider, audit,
    use_case::{authenticate::ClientEndpoint, error::TokenError},
};

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
            let client_id = named_client(&provider, &headers, &params);
            let (client_id, peer, cause) = (client_id.as_deref(), &*peer.0, &error);
            audit::Event::RevocationRefused { client_id, peer, cause }.log();
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
    let client = authenticate_client(provider, ClientEndpoint::Revocation, headers, params).await?;
    let token = params.get("token").ok_or(TokenError::Missing("token"))?;
    provider.revocation().revoke(&client, token, &peer.0).await
}

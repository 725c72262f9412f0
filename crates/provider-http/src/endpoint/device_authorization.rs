//! `POST /connect/deviceauthorization` (RFC 8628 section 3.1).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use doorward_protocol::params::Params;
use doorward_provider::{
    Provider,
    use_case::{authenticate::ClientEndpoint, device::DeviceAuthorization, error::TokenError},
};

use crate::http::{
    client_authentication::{authenticate_client, log_refusal},
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
    match authorize(&provider, &headers, &params, &peer).await {
        Ok(authorization) => Ok((NO_STORE, Json(authorization)).into_response()),
        Err(error) => {
            let what = "a device authorization request was refused";
            log_refusal(what, &provider, &headers, &params, &peer, &error);
            Err(OAuthError::from(&error))
        }
    }
}

async fn authorize(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
    peer: &Peer,
) -> Result<DeviceAuthorization, TokenError> {
    let client =
        authenticate_client(provider, ClientEndpoint::DeviceAuthorization, headers, params).await?;
    provider.device_flow().authorize(&client, params, &peer.0).await
}

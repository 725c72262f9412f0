//! `POST /connect/token` (RFC 6749 section 3.2).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use doorward_protocol::{params::Params, token::TokenResponse};
use doorward_provider::{
    Provider,
    authenticate::{AuthenticatedClient, ClientAuthenticationError, ClientCredentials},
    exchange::{TokenError, TokenRequest},
};

use crate::{
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    peer::Peer,
};

pub(crate) async fn post(State(provider): State<Arc<Provider>>, peer: Peer, request: Request) -> Response {
    let headers = request.headers().clone();
    let params = match Form::read(request).await {
        Ok(Form(params)) => params,
        Err(error) => return OAuthError::from(error).into_response(),
    };
    match exchange(&provider, &headers, &params, &peer).await {
        Ok(tokens) => (NO_STORE, Json(tokens)).into_response(),
        Err(error) => {
            let shown = |name| params.get(name).unwrap_or_default().chars().take(100).collect::<String>();
            let (grant_type, client_id) = (shown("grant_type"), shown("client_id"));
            tracing::info!(target: "doorward::audit", event = "token_refused", ?grant_type, ?client_id, peer = %peer.0, cause = %error);
            OAuthError::from(&error).into_response()
        }
    }
}

async fn exchange(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
    peer: &Peer,
) -> Result<TokenResponse, TokenError> {
    let client = authenticate_client(provider, headers, params)?;
    provider.exchange(&client, TokenRequest::parse(params)?, &peer.0).await
}

/// Client authentication, the same at every endpoint that asks for it.
pub(crate) fn authenticate_client(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<AuthenticatedClient, ClientAuthenticationError> {
    provider.authenticate(&client_credentials(headers, params)?)
}

/// What the request presents to say whom it comes from.
pub(crate) fn client_credentials(
    headers: &HeaderMap,
    params: &Params,
) -> Result<ClientCredentials, ClientAuthenticationError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let authorization = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(only), None) => Some(only.to_str().map_err(|_| ClientAuthenticationError::MalformedHeader)?),
        (Some(_), Some(_)) => return Err(ClientAuthenticationError::TwoMethods),
    };
    ClientCredentials::parse(authorization, params)
}

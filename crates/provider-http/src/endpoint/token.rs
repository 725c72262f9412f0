//! `POST /connect/token` (RFC 6749 section 3.2).

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use doorward_protocol::params::Params;
use doorward_provider::{
    Provider, audit,
    use_case::{
        authenticate::ClientEndpoint,
        dpop::DpopError,
        error::TokenError,
        token::{TokenRequest, grant_type_label},
    },
};

use crate::http::{
    client_authentication::{authenticate_client, for_log, named_client},
    dpop::{self, NextNonce},
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
    let outcome = exchange(&provider, &headers, &params, &peer).await;
    let grant_type = params.get("grant_type");
    metrics::counter!(
        "doorward_grants_total",
        "grant_type" => grant_type_label(grant_type),
        "outcome" => outcome.as_ref().map_or_else(|error| error.code().label(), |_| "issued"),
    )
    .increment(1);
    outcome.map_err(|error| {
        let client_id = named_client(&provider, &headers, &params);
        let grant_type = grant_type.map(for_log);
        audit::Event::TokenRefused {
            client_id: client_id.as_deref(),
            peer: &peer.0,
            grant_type: grant_type.as_deref(),
            cause: &error,
        }
        .log();
        OAuthError::from(&error)
    })
}

async fn exchange(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
    peer: &Peer,
) -> Result<Response, TokenError> {
    let client = authenticate_client(provider, ClientEndpoint::Token, headers, params).await?;
    let proof = dpop::proof(headers).map_err(DpopError::from)?;
    let tokens = provider
        .token_endpoint()
        .exchange(&client, TokenRequest::parse(params)?, proof, &peer.0)
        .await?;
    let nonce = client.require_dpop_nonce.then_some(Extension(NextNonce));
    Ok((NO_STORE, nonce, Json(tokens)).into_response())
}

//! `POST /connect/par` (RFC 9126), with a proof of possession if the client sends one (RFC 9449
//! section 10.1).

use std::{error::Error, sync::Arc};

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use doorward_protocol::{error::ErrorCode, params::Params};
use doorward_provider::{
    Provider,
    use_case::{
        authenticate::{AuthenticatedClient, ClientEndpoint},
        authorize::{PushError, PushedReference},
        dpop::DpopError,
        error::{TOO_MANY_RETRY, TokenError},
    },
};
use serde_json::json;

use crate::http::{
    client_authentication::{authenticate_client, log_refusal},
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
    let refused = |cause: &dyn Error| {
        let what = "a pushed authorization request was refused";
        log_refusal(what, &provider, &headers, &params, &peer, cause);
    };
    let endpoint = ClientEndpoint::PushedAuthorization;
    let client = authenticate_client(&provider, endpoint, &headers, &params).await;
    let client = client.map_err(|error| {
        refused(&error);
        OAuthError::from(&error)
    })?;
    match push(&provider, &client, &headers, &params, &peer).await {
        Ok(PushedReference { request_uri, expires_in }) => {
            let body = Json(json!({"request_uri": request_uri, "expires_in": expires_in}));
            let nonce = client.require_dpop_nonce.then_some(Extension(NextNonce));
            Ok((StatusCode::CREATED, NO_STORE, nonce, body).into_response())
        }
        Err(error) => {
            refused(&error);
            Err(refuse(error))
        }
    }
}

async fn push(
    provider: &Provider,
    client: &AuthenticatedClient,
    headers: &HeaderMap,
    params: &Params,
    peer: &Peer,
) -> Result<PushedReference, PushError> {
    let proof = dpop::proof(headers).map_err(DpopError::from)?;
    provider.authorization().push(client, params, proof, &peer.0).await
}

fn refuse(error: PushError) -> OAuthError {
    match error {
        PushError::Refused { code, description } => OAuthError::new(code, description),
        PushError::TooMany => OAuthError::new(ErrorCode::TemporarilyUnavailable, error.to_string())
            .too_many_requests(TOO_MANY_RETRY),
        PushError::Dpop(error) => OAuthError::from(&TokenError::from(error)),
        PushError::Store(error) => OAuthError::from(&TokenError::Store(error)),
    }
}

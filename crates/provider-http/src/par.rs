//! `POST /connect/par` (RFC 9126), with a proof of possession if the client sends one (RFC 9449
//! section 10.1).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use doorward_protocol::{error::ErrorCode, params::Params};
use doorward_provider::{
    Provider,
    use_case::{
        authenticate::AuthenticatedClient,
        authorize::{PushError, PushedReference},
        dpop::DpopError,
        error::TokenError,
    },
};
use serde_json::json;

use crate::{
    dpop,
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    token::authenticate_client,
};

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    let client = match authenticate_client(&provider, &headers, &params).await {
        Ok(client) => client,
        Err(error) => {
            tracing::info!(cause = %error, "a pushed authorization request was refused");
            return OAuthError::from(&error).into_response();
        }
    };
    match push(&provider, &client, &headers, &params).await {
        Ok(PushedReference { request_uri, expires_in }) => {
            let body = json!({"request_uri": request_uri, "expires_in": expires_in});
            let answer = (StatusCode::CREATED, NO_STORE, Json(body)).into_response();
            if client.require_dpop_nonce { dpop::with_nonce(answer, &provider) } else { answer }
        }
        Err(error) => {
            tracing::info!(client_id = %client.client_id, cause = %error, "a pushed authorization request was refused");
            let wants_nonce = matches!(error, PushError::Dpop(DpopError::NonceNeeded));
            let answer = refuse(error).into_response();
            if wants_nonce { dpop::with_nonce(answer, &provider) } else { answer }
        }
    }
}

async fn push(
    provider: &Provider,
    client: &AuthenticatedClient,
    headers: &HeaderMap,
    params: &Params,
) -> Result<PushedReference, PushError> {
    let proof = dpop::proof(headers).map_err(DpopError::from)?;
    provider.push_authorization_request(client, params, proof).await
}

fn refuse(error: PushError) -> OAuthError {
    match error {
        PushError::Refused { code, description } => OAuthError::new(code, description),
        PushError::Dpop(error) => OAuthError::from(&TokenError::from(error)),
        PushError::Store(_) => OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "The provider can't answer at the moment. Try again later.",
        ),
    }
}

//! `POST /connect/par` (RFC 9126).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use doorward_protocol::error::ErrorCode;
use doorward_provider::{
    Provider,
    authorize::{PushError, PushedReference},
    exchange::TokenError,
};
use serde_json::json;

use crate::{
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    token::authenticate_client,
};

pub(crate) async fn post(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let params = match Form::read(request).await {
        Ok(Form(params)) => params,
        Err(error) => return OAuthError::from(error).into_response(),
    };
    let client = match authenticate_client(&provider, &headers, &params) {
        Ok(client) => client,
        Err(error) => {
            tracing::info!(cause = %error, "a pushed authorization request was refused");
            return OAuthError::from(&TokenError::from(error)).into_response();
        }
    };
    match provider.push_authorization_request(&client, &params).await {
        Ok(PushedReference { request_uri, expires_in }) => {
            let body = json!({"request_uri": request_uri, "expires_in": expires_in});
            (StatusCode::CREATED, NO_STORE, Json(body)).into_response()
        }
        Err(error) => {
            tracing::info!(client_id = %client.client_id, cause = %error, "a pushed authorization request was refused");
            refuse(error).into_response()
        }
    }
}

fn refuse(error: PushError) -> OAuthError {
    match error {
        PushError::Refused { code, description } => OAuthError::new(code, description),
        PushError::Store(_) => OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "The provider can't answer at the moment. Try again later.",
        ),
    }
}

//! `POST /connect/deviceauthorization` (RFC 8628 section 3.1).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use doorward_provider::Provider;

use crate::{
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    token::authenticate_client,
};

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    let authorized = async {
        let client = authenticate_client(&provider, &headers, &params).await?;
        provider.authorize_device(&client, &params).await
    };
    match authorized.await {
        Ok(authorization) => (NO_STORE, Json(authorization)).into_response(),
        Err(error) => {
            tracing::info!(cause = %error, "a device's request was refused");
            OAuthError::from(&error).into_response()
        }
    }
}

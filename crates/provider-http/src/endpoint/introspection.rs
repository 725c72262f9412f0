//! `POST /connect/introspect` (RFC 7662). Only servers call it, so it has no CORS.

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
    use_case::{error::TokenError, introspection::Introspection},
};

use crate::http::{
    client_authentication::client_credentials,
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
};

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, OAuthError> {
    match introspect(&provider, &headers, &params).await {
        Ok(introspection) => Ok((NO_STORE, Json(introspection)).into_response()),
        Err(error) => {
            tracing::info!(cause = %error, "introspection refused");
            Err(OAuthError::from(&error))
        }
    }
}

async fn introspect(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Introspection, TokenError> {
    let credentials = client_credentials(provider, headers, params)?;
    let caller = provider.authenticate_introspector(&credentials).await?;
    let token = params.get_secret("token").ok_or(TokenError::Missing("token"))?;
    Ok(provider.introspect(&caller, &token).await?)
}

//! `POST /connect/introspect` (RFC 7662). Called by servers only, so that no other origin's scripts
//! may.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use doorward_provider::{Provider, use_case::error::TokenError};

use crate::{
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    token::client_credentials,
};

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    let introspected = async {
        let caller =
            provider.authenticate_introspector(&client_credentials(&headers, &params)?).await?;
        let token = params.get_secret("token").ok_or(TokenError::Missing("token"))?;
        Ok::<_, TokenError>(provider.introspect(&caller, &token).await?)
    };
    match introspected.await {
        Ok(told) => (NO_STORE, Json(told)).into_response(),
        Err(error) => {
            tracing::info!(cause = %error, "introspection refused");
            OAuthError::from(&error).into_response()
        }
    }
}

//! `POST /connect/revocation` (RFC 7009).

use std::sync::Arc;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use doorward_provider::{Provider, exchange::TokenError};

use crate::{
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    token::authenticate_client,
};

pub(crate) async fn post(State(provider): State<Arc<Provider>>, headers: HeaderMap, Form(params): Form) -> Response {
    let revoked = async {
        let client = authenticate_client(&provider, &headers, &params).await?;
        let token = params.get("token").ok_or(TokenError::Missing("token"))?;
        Ok::<(), TokenError>(provider.revoke(&client, token).await?)
    };
    match revoked.await {
        Ok(()) => NO_STORE.into_response(),
        Err(error) => {
            tracing::info!(cause = %error, "revocation refused");
            OAuthError::from(&error).into_response()
        }
    }
}

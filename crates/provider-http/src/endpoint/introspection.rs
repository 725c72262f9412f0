//! `POST /connect/introspect` (RFC 7662), with signed answers for those who accept them (RFC 9701).
//! Only servers call it, so it has no CORS.

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
    use_case::{error::TokenError, introspection::IntrospectionAnswer},
};

use crate::http::{
    client_authentication::{client_credentials, log_refusal},
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    peer::Peer,
    signed::{accepts, jwt},
};

/// The media type of a signed answer (RFC 9701 section 4).
const SIGNED: &str = "application/token-introspection+jwt";

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    peer: Peer,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, OAuthError> {
    match introspect(&provider, &headers, &params).await {
        Ok(IntrospectionAnswer::Plain(answer)) => Ok((NO_STORE, Json(answer)).into_response()),
        Ok(IntrospectionAnswer::Signed(token)) => Ok(jwt(SIGNED, &token)),
        Err(error) => {
            let what = "an introspection request was refused";
            log_refusal(what, &provider, &headers, &params, &peer, &error);
            Err(OAuthError::from(&error))
        }
    }
}

async fn introspect(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<IntrospectionAnswer, TokenError> {
    let credentials = client_credentials(provider, headers, params)?;
    let caller = provider.introspection().authenticate(&credentials).await?;
    let token = params.get_secret("token").ok_or(TokenError::Missing("token"))?;
    provider.introspection().answer(&caller, &token, accepts(headers, SIGNED)).await
}

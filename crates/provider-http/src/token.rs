//! `POST /connect/token` (RFC 6749 section 3.2).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use doorward_protocol::{error::ErrorCode, params::Params};
use doorward_provider::{
    Provider, audit,
    use_case::{
        authenticate::{AuthenticatedClient, ClientCredentials},
        dpop::DpopError,
        error::{ClientAuthenticationError, TokenError},
        token::TokenRequest,
    },
};

use crate::{
    dpop,
    form::Form,
    oauth_error::{NO_STORE, OAuthError},
    peer::Peer,
};

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    peer: Peer,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    let outcome = exchange(&provider, &headers, &params, &peer).await;
    let label = outcome.as_ref().map_or_else(|error| error.code().label(), |_| "issued");
    metrics::counter!("doorward_grants_total", "grant_type" => grant_type_label(&params), "outcome" => label)
        .increment(1);
    match outcome {
        Ok(answer) => answer,
        Err(error) => {
            let grant_type = params.get("grant_type").map(shown);
            let client_id = named_client(&headers, &params);
            audit::Event {
                event: "token_refused",
                outcome: audit::Outcome::Refused,
                client_id: client_id.as_deref(),
                peer: Some(&peer.0),
                grant_type: grant_type.as_deref(),
                cause: Some(&error),
                ..audit::Event::default()
            }
            .log();
            let answer = OAuthError::from(&error).into_response();
            if error.code() == ErrorCode::UseDpopNonce {
                dpop::with_nonce(answer, &provider)
            } else {
                answer
            }
        }
    }
}

async fn exchange(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
    peer: &Peer,
) -> Result<Response, TokenError> {
    let client = authenticate_client(provider, headers, params).await?;
    let proof = dpop::proof(headers).map_err(DpopError::from)?;
    let tokens = provider.exchange(&client, TokenRequest::parse(params)?, proof, &peer.0).await?;
    let answer = (NO_STORE, Json(tokens)).into_response();
    Ok(if client.require_dpop_nonce { dpop::with_nonce(answer, provider) } else { answer })
}

/// The grant type as a label of a metric: anyone can make one up, and there must be few.
fn grant_type_label(params: &Params) -> &'static str {
    match params.get("grant_type") {
        Some("authorization_code") => "authorization_code",
        Some("refresh_token") => "refresh_token",
        Some("client_credentials") => "client_credentials",
        Some("password") => "password",
        Some("urn:ietf:params:oauth:grant-type:device_code") => "device_code",
        _ => "other",
    }
}

/// Client authentication, the same at every endpoint that asks for it.
pub(crate) async fn authenticate_client(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<AuthenticatedClient, TokenError> {
    provider.authenticate(&client_credentials(headers, params)?).await
}

/// The client that a request names, for an audit event: not proven.
pub(crate) fn named_client(headers: &HeaderMap, params: &Params) -> Option<String> {
    client_credentials(headers, params).ok().map(|credentials| shown(credentials.client_id()))
}

/// As much of a stranger's text as a log line takes.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// What the request presents to say whom it comes from.
pub(crate) fn client_credentials(
    headers: &HeaderMap,
    params: &Params,
) -> Result<ClientCredentials, ClientAuthenticationError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let authorization = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(only), None) => {
            Some(only.to_str().map_err(|_| ClientAuthenticationError::MalformedHeader)?)
        }
        (Some(_), Some(_)) => return Err(ClientAuthenticationError::TwoMethods),
    };
    ClientCredentials::parse(authorization, params)
}

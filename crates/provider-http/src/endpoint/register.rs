//! `POST /connect/register` (RFC 7591), and `GET`, `PUT` and `DELETE` of a registered client below
//! it (RFC 7592).

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Path, Request, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use doorward_protocol::{
    challenge::{Challenge, Scheme},
    error::ErrorCode,
    ids::ClientId,
    secret::Secret,
};
use doorward_provider::{
    Provider,
    use_case::{
        error::TOO_MANY_RETRY,
        registration::{ClientInformation, RegistrationError},
    },
};
use serde_json::{Map, Value};

use crate::http::{
    access_token,
    oauth_error::{NO_STORE, OAuthError, REALM},
    peer::Peer,
};

/// The metadata in a request's body.
pub(crate) struct Metadata(Map<String, Value>);

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    peer: Peer,
    headers: HeaderMap,
    Metadata(asked): Metadata,
) -> Result<Response, OAuthError> {
    // Where none is asked for, the header may hold what it will.
    let token = if provider.registration().registers_by_token() { token(&headers)? } else { None };
    let registered = provider.registration().register(asked, token.as_ref(), &peer.0).await;
    registered
        .map(|client| information(StatusCode::CREATED, client))
        .map_err(|error| refuse(&error))
}

pub(crate) async fn get(
    State(provider): State<Arc<Provider>>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, OAuthError> {
    let (client_id, token) = named(&client_id, &headers)?;
    let client = provider.registration().read(&client_id, &token).await;
    client.map(|client| information(StatusCode::OK, client)).map_err(|error| refuse(&error))
}

pub(crate) async fn put(
    State(provider): State<Arc<Provider>>,
    Path(client_id): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    Metadata(asked): Metadata,
) -> Result<Response, OAuthError> {
    let (client_id, token) = named(&client_id, &headers)?;
    let client = provider.registration().update(&client_id, asked, &token, &peer.0).await;
    client.map(|client| information(StatusCode::OK, client)).map_err(|error| refuse(&error))
}

pub(crate) async fn delete(
    State(provider): State<Arc<Provider>>,
    Path(client_id): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, OAuthError> {
    let (client_id, token) = named(&client_id, &headers)?;
    match provider.registration().remove(&client_id, &token, &peer.0).await {
        Ok(()) => Ok((StatusCode::NO_CONTENT, NO_STORE).into_response()),
        Err(error) => Err(refuse(&error)),
    }
}

fn information(status: StatusCode, client: ClientInformation) -> Response {
    (status, NO_STORE, Json(client.into_members())).into_response()
}

/// The client of an address, and the token that manages it. An identifier that can't be one is not
/// told from one that is not known.
fn named(client_id: &str, headers: &HeaderMap) -> Result<(ClientId, Secret), OAuthError> {
    let token = token(headers)?.ok_or_else(|| refuse(&RegistrationError::TokenMissing))?;
    let client_id =
        ClientId::parse(client_id).map_err(|_| refuse(&RegistrationError::TokenInvalid))?;
    Ok((client_id, token))
}

/// The bearer token of the request, if there is one.
fn token(headers: &HeaderMap) -> Result<Option<Secret>, OAuthError> {
    match access_token::in_header(headers) {
        Ok(Some(credentials)) if credentials.scheme == Scheme::Bearer => {
            Ok(Some(credentials.token))
        }
        Ok(None) => Ok(None),
        Ok(Some(_)) | Err(_) => Err(refuse(&RegistrationError::TokenInvalid)),
    }
}

fn refuse(error: &RegistrationError) -> OAuthError {
    let code = error.code();
    if let RegistrationError::Store(cause) = error {
        tracing::error!(%cause, "the store failed at a registration");
        return OAuthError::new(code, "The provider can't answer at the moment.");
    }
    tracing::info!(cause = %error, "a registration was refused");
    let answer = OAuthError::new(code.clone(), error.description());
    match error {
        RegistrationError::TooMany => answer.too_many_requests(TOO_MANY_RETRY),
        RegistrationError::Throttled(seconds) => answer.too_many_requests(*seconds),
        // Without a token there is nothing to say of one (RFC 6750 section 3.1).
        RegistrationError::TokenMissing => answer.with_challenges(vec![Challenge::bearer(REALM)]),
        RegistrationError::TokenInvalid => {
            let challenge = Challenge::bearer(REALM).with_error(&code, &error.description());
            answer.with_challenges(vec![challenge])
        }
        RegistrationError::NotOffered => answer.with_status(StatusCode::FORBIDDEN),
        _ => answer,
    }
}

impl<S: Sync> FromRequest<S> for Metadata {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _: &S) -> Result<Self, OAuthError> {
        let refuse =
            |description: &str| OAuthError::new(ErrorCode::InvalidClientMetadata, description);
        let content_type = request.headers().get(CONTENT_TYPE);
        let media_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(refuse("Send the metadata as application/json.")
                .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = Bytes::from_request(request, &()).await.map_err(|rejection| {
            refuse("The request body is too large or incomplete.").with_status(rejection.status())
        })?;
        match serde_json::from_slice(&body) {
            Ok(members) => Ok(Self(members)),
            Err(_) => Err(refuse("Send the metadata as a JSON object.")),
        }
    }
}

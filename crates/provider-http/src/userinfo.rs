//! `GET` and `POST /connect/userinfo` (OIDC Core section 5.3, RFC 6750 section 2).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use doorward_protocol::{challenge::Challenge, error::ErrorCode, secret::Secret};
use doorward_provider::{Provider, userinfo::UserinfoError};

use crate::{
    form::{Form, FormError},
    oauth_error::{NO_STORE, OAuthError, REALM},
};

pub(crate) async fn get(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    match bearer(&headers) {
        Ok(Some(token)) => answer(&provider, &token).await,
        Ok(None) => missing_token(),
        Err(error) => error.into_response(),
    }
}

pub(crate) async fn post(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let in_header = match bearer(request.headers()) {
        Ok(token) => token,
        Err(error) => return error.into_response(),
    };
    let in_body = match Form::read(request).await {
        Ok(Form(params)) => params.get_secret("access_token"),
        // Without a form the token can only stand in the header.
        Err(FormError::NotAForm) if in_header.is_some() => None,
        Err(error) => return OAuthError::from(error).into_response(),
    };
    match (in_header, in_body) {
        (Some(_), Some(_)) => two_tokens().into_response(),
        (Some(token), None) | (None, Some(token)) => answer(&provider, &token).await,
        (None, None) => missing_token(),
    }
}

async fn answer(provider: &Provider, token: &Secret) -> Response {
    match provider.userinfo(token).await {
        Ok(claims) => (NO_STORE, Json(claims)).into_response(),
        Err(UserinfoError::Store(error)) => {
            tracing::error!(%error, "the store failed");
            OAuthError::new(ErrorCode::TemporarilyUnavailable, "The provider can't answer at the moment.")
                .into_response()
        }
        Err(error) => refuse(error.code(), &error.to_string()).into_response(),
    }
}

/// The token in the `Authorization` header, if there is one.
fn bearer(headers: &HeaderMap) -> Result<Option<Secret>, OAuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(two_tokens());
    }
    let token = value.to_str().ok().and_then(|text| text.split_once(' ')).and_then(|(scheme, token)| {
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() && !token.contains(' ')).then(|| Secret::new(token))
    });
    token.map(Some).ok_or_else(|| refuse(ErrorCode::InvalidToken, "The Authorization header holds no bearer token."))
}

fn refuse(code: ErrorCode, description: &str) -> OAuthError {
    let challenge = Challenge::bearer(REALM).with_error(&code, description);
    OAuthError::new(code, description).with_challenge(challenge)
}

fn two_tokens() -> OAuthError {
    refuse(ErrorCode::InvalidRequest, "Send the access token once, by one method.")
}

/// Without a token the challenge carries no error (RFC 6750 section 3.1).
fn missing_token() -> Response {
    OAuthError::new(ErrorCode::InvalidToken, "Send an access token in the Authorization header.")
        .with_challenge(Challenge::bearer(REALM))
        .into_response()
}

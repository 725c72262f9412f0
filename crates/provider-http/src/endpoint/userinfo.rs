//! `GET` and `POST /connect/userinfo` (OIDC Core section 5.3, RFC 6750 section 2, RFC 9449 section
//! 7.1).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, Method},
    response::{IntoResponse, Response},
};
use doorward_protocol::{
    challenge::{Challenge, Scheme},
    error::ErrorCode,
};
use doorward_provider::{
    Provider,
    use_case::{
        dpop::DpopError,
        userinfo::{Presentation, UserinfoAnswer, UserinfoError},
    },
};

use crate::http::{
    access_token::{self, Credentials, HeaderError},
    dpop,
    form::{Form, FormError},
    oauth_error::{NO_STORE, OAuthError, REALM},
    signed::jwt,
};

pub(crate) async fn get(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
) -> Result<Response, OAuthError> {
    let credentials = in_header(&headers)?.ok_or_else(missing_token)?;
    answer(&provider, &Method::GET, &headers, &credentials).await
}

pub(crate) async fn post(
    State(provider): State<Arc<Provider>>,
    request: Request,
) -> Result<Response, OAuthError> {
    let headers = request.headers().clone();
    let in_header = in_header(&headers)?;
    let in_body = match Form::read(request).await {
        Ok(Form(params)) => params.get_secret("access_token"),
        // Without a form, the token can only be in the header. Without one there, too, the client
        // is told how to send it (RFC 6750 section 3).
        Err(FormError::NotAForm) => None,
        Err(error) => return Err(error.into()),
    };
    let in_body = in_body.map(|token| Credentials { scheme: Scheme::Bearer, token });
    let credentials = match (in_header, in_body) {
        (Some(_), Some(_)) => return Err(two_tokens()),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return Err(missing_token()),
    };
    answer(&provider, &Method::POST, &headers, &credentials).await
}

async fn answer(
    provider: &Provider,
    method: &Method,
    headers: &HeaderMap,
    Credentials { scheme, token }: &Credentials,
) -> Result<Response, OAuthError> {
    let claims = match (scheme, dpop::proof(headers)) {
        (Scheme::Dpop, Ok(proof)) => {
            let presented = Presentation::Dpop { proof, method: method.as_str() };
            provider.userinfo().answer(token, presented).await
        }
        (Scheme::Dpop, Err(error)) => Err(DpopError::from(error).into()),
        _ => provider.userinfo().answer(token, Presentation::Bearer).await,
    };
    match claims {
        Ok(UserinfoAnswer::Plain(claims)) => Ok((NO_STORE, Json(claims)).into_response()),
        Ok(UserinfoAnswer::Signed(token)) => Ok(jwt("application/jwt", &token)),
        Err(UserinfoError::Store(error) | UserinfoError::Dpop(DpopError::Store(error))) => {
            tracing::error!(%error, "the store failed");
            Err(OAuthError::new(error.code(), "The provider can't answer at the moment."))
        }
        Err(UserinfoError::Keys(error)) => {
            tracing::error!(%error, "userinfo can't be signed");
            Err(OAuthError::new(ErrorCode::ServerError, "The provider can't answer at the moment."))
        }
        Err(error) => {
            tracing::info!(cause = %error, "userinfo refused");
            Err(refuse(scheme, error.code(), &error.to_string()))
        }
    }
}

/// The token in the `Authorization` header, if there is one.
fn in_header(headers: &HeaderMap) -> Result<Option<Credentials>, OAuthError> {
    access_token::in_header(headers).map_err(|error| match error {
        HeaderError::Two => two_tokens(),
        HeaderError::NoToken => {
            refuse(&Scheme::Bearer, ErrorCode::InvalidToken, &error.to_string())
        }
    })
}

/// A refusal with the challenge of the scheme that was tried. A client that tried `Bearer` is also
/// offered `DPoP` (RFC 9449 section 7.2).
fn refuse(scheme: &Scheme, code: ErrorCode, description: &str) -> OAuthError {
    let challenges = match scheme {
        Scheme::Dpop => vec![Challenge::dpop(REALM).with_error(&code, description)],
        _ => vec![Challenge::bearer(REALM).with_error(&code, description), Challenge::dpop(REALM)],
    };
    OAuthError::new(code, description).with_challenges(challenges)
}

fn two_tokens() -> OAuthError {
    refuse(&Scheme::Bearer, ErrorCode::InvalidRequest, "Send the access token once, by one method.")
}

/// Without a token, the challenge carries no error (RFC 6750 section 3.1).
fn missing_token() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, "Send an access token in the Authorization header.")
        .with_challenges(vec![Challenge::bearer(REALM), Challenge::dpop(REALM)])
}

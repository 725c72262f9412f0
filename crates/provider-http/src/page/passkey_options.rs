//! `POST /account/passkey-options`: a question to the browser's passkeys, as JSON for the script of
//! the login page, of the second step and of the page of the passkeys.

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use doorward_provider::use_case::{
    passkeys::{PasskeyError, PasskeyQuestion},
    second_step::{PasskeyStepError, SecondStepError},
};
use serde_json::json;

use crate::{
    AppState,
    http::{cookies::Cookie, csrf, form::PageForm},
    page::{error::PageError, response::with_retry_after},
    texts::Localized,
};

pub(crate) async fn post(
    Localized(state): Localized,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let question = match form.get("kind") {
        Some("register") => {
            let Some(session) = state.fresh_session(&headers).await? else {
                return Ok(StatusCode::UNAUTHORIZED.into_response());
            };
            state.provider.factors().ask_to_register_passkey(&session.authentication).await
        }
        // At a sign-in that waits until its user has a factor.
        Some("set-up") => {
            let Some(handle) = state.cookies.read(&headers, Cookie::SignIn) else {
                return Ok(StatusCode::UNAUTHORIZED.into_response());
            };
            match state.provider.second_steps().ask_for_first_passkey(&handle).await {
                Ok(question) => Ok(question),
                Err(PasskeyStepError::Passkey(error)) => Err(error),
                Err(PasskeyStepError::Step(SecondStepError::Store(error))) => {
                    return Err(state.error(error));
                }
                Err(PasskeyStepError::Step(_)) => {
                    return Ok(StatusCode::UNAUTHORIZED.into_response());
                }
            }
        }
        _ => state.provider.passkeys().ask_to_sign_in(),
    };
    answer(&state, question)
}

fn answer(
    state: &AppState,
    question: Result<PasskeyQuestion, PasskeyError>,
) -> Result<Response, PageError> {
    match question {
        Ok(PasskeyQuestion { ticket, public_key }) => {
            Ok(Json(json!({"ticket": ticket.expose(), "publicKey": public_key})).into_response())
        }
        Err(PasskeyError::Store(error)) => Err(state.error(error)),
        Err(PasskeyError::Throttled(seconds)) => {
            Ok(with_retry_after(StatusCode::TOO_MANY_REQUESTS.into_response(), seconds))
        }
        Err(_) => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

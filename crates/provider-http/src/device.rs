//! `/device`: where a user enters the code that a device shows, and allows it or not (RFC 8628
//! section 3.3).

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use doorward_protocol::{
    error::ErrorCode,
    params::{Params, encode},
    scope::Scope,
};
use doorward_provider::{
    model::{paths, session::Session, user_code::UserCode},
    use_case::device::{CalledUp, UserCodeError},
};

use crate::{
    AppState,
    cookies::Cookie,
    csrf::{self, FormToken},
    form::{FormError, RawForm},
    page::{html, see_other, with_cookie},
    pages,
    peer::Peer,
    return_url::ReturnUrl,
    texts::Localized,
};

/// Form field of a ticked scope, which may stand several times.
const SCOPE_FIELD: &str = "scope";

pub(crate) async fn get(Localized(state): Localized, request: Request) -> Response {
    let query = Params::parse(request.uri().query().unwrap_or_default()).unwrap_or_default();
    let typed = query.get("user_code").unwrap_or_default();
    match session(&state, request.headers(), typed).await {
        Ok(_) => enter(&state, request.headers(), StatusCode::OK, typed, None),
        Err(response) => response,
    }
}

pub(crate) async fn post(Localized(state): Localized, peer: Peer, request: Request) -> Response {
    let headers = request.headers().clone();
    let form = RawForm::read(request).await.and_then(|RawForm(body)| {
        Params::parse_with_repeatable(body, &[SCOPE_FIELD]).map_err(FormError::from)
    });
    let form = match form {
        Ok(form) => form,
        Err(error) => {
            return state.error_page(
                error.status(),
                &ErrorCode::InvalidRequest,
                &error.to_string(),
            );
        }
    };
    let typed = form.get("user_code").unwrap_or_default();
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return see_other(&state.base.join(&address(typed).to_text()));
    }
    let session = match session(&state, &headers, typed).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let outcome = match form.get("action") {
        Some("continue") => {
            let called_up = state.provider.call_up_device(typed, &session, &peer.0).await;
            called_up
                .map(|(code, called_up)| confirm(&state, &headers, &session, &code, &called_up))
        }
        action => {
            let ticked: Vec<&str> = form.get_all(SCOPE_FIELD).collect();
            let scope = (action == Some("allow"))
                .then(|| ticked.join(" ").parse::<Scope>().unwrap_or_default());
            let allowed = state.provider.answer_device(typed, &session, scope, &peer.0).await;
            allowed
                .map(|allowed| html(StatusCode::OK, pages::device::done(&state.frame(), allowed)))
        }
    };
    outcome.unwrap_or_else(|error| refuse(&state, &headers, typed, error))
}

/// The page again, by an address of ours.
fn address(typed: &str) -> ReturnUrl {
    ReturnUrl::Device(UserCode::typed(typed))
}

fn to_login(state: &AppState, typed: &str) -> Response {
    let query = encode([("return_url", address(typed).to_text().as_str())]);
    see_other(&state.base.join(&format!("/account/login?{query}")))
}

/// The user's session; without one the way leads through the login page.
async fn session(state: &AppState, headers: &HeaderMap, typed: &str) -> Result<Session, Response> {
    let cookie = state.cookies.read(headers, Cookie::Session);
    match state.provider.session(cookie.as_ref()).await {
        Ok(Some(session)) => Ok(session),
        Ok(None) => Err(to_login(state, typed)),
        Err(error) => Err(state.unavailable(&error)),
    }
}

/// The form for the code, filled in with what is known of it.
fn enter(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    typed: &str,
    problem: Option<String>,
) -> Response {
    let token = FormToken::for_page(headers, &state.cookies);
    let code = UserCode::typed(typed);
    let view = pages::device::Enter {
        action: state.base.join(paths::DEVICE),
        form_token: token.value,
        user_code: code.as_ref().map_or_else(|| typed.chars().take(20).collect(), UserCode::shown),
        link: code.filter(|_| problem.is_none()).map(|code| {
            format!("{}{}", state.provider.issuer(), ReturnUrl::Device(Some(code)).to_text())
        }),
        problem,
    };
    with_cookie(html(status, pages::device::enter(&state.frame(), view)), token.set_cookie)
}

/// The question whether to allow what the device asks for.
fn confirm(
    state: &AppState,
    headers: &HeaderMap,
    session: &Session,
    code: &UserCode,
    called_up: &CalledUp,
) -> Response {
    let token = FormToken::for_page(headers, &state.cookies);
    let view = pages::device::Confirm {
        action: state.base.join(paths::DEVICE),
        form_token: token.value,
        user_code: code.shown(),
        sub: session.authentication.sub.clone(),
        client_name: called_up.client.name.clone(),
        scopes: state.provider.resources().describe(&called_up.scope),
    };
    with_cookie(
        html(StatusCode::OK, pages::device::confirm(&state.frame(), view)),
        token.set_cookie,
    )
}

fn refuse(state: &AppState, headers: &HeaderMap, typed: &str, error: UserCodeError) -> Response {
    match error {
        UserCodeError::Unknown => enter(
            state,
            headers,
            StatusCode::BAD_REQUEST,
            typed,
            Some(state.texts.unknown_device_code.to_owned()),
        ),
        UserCodeError::SignInAgain => to_login(state, typed),
        UserCodeError::Throttled(seconds) => {
            let problem = (state.texts.codes_throttled)(seconds);
            let mut response =
                enter(state, headers, StatusCode::TOO_MANY_REQUESTS, typed, Some(problem));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        UserCodeError::Store(error) => state.unavailable(&error),
    }
}

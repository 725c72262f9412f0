//! `/device`: the user enters the code that a device shows, and allows the device or not (RFC 8628
//! section 3.3).

mod view;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_provider::{
    model::{paths, session::Session, user_code::UserCode},
    use_case::device::{PendingDevice, UserCodeError},
};

use crate::{
    AppState,
    http::{
        csrf::{self, FormToken},
        form::{PageForm, PageQuery},
        peer::Peer,
        return_url::ReturnUrl,
    },
    page::{
        consent::posted_scope,
        error::PageError,
        response::{html, see_other, with_cookie, with_retry_after},
    },
    texts::Localized,
};

/// The longest text, in characters, that is shown again in the field of the code.
const LONGEST_SHOWN: usize = 20;
/// The field that says that the code came with a link.
const LINKED: &str = "linked";

pub(crate) async fn get(
    Localized(state): Localized,
    headers: HeaderMap,
    query: Result<PageQuery, PageError>,
) -> Result<Response, PageError> {
    let PageQuery(query) = query.unwrap_or_default();
    let typed = query.get("user_code").unwrap_or_default();
    Ok(match state.session(&headers).await? {
        Some(_) => enter(&state, &headers, StatusCode::OK, typed, None),
        None => to_login(&state, typed),
    })
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let typed = form.get("user_code").unwrap_or_default();
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        return Ok(see_other(&state.base.join(&address(typed).to_text())));
    }
    let Some(session) = state.session(&headers).await? else {
        return Ok(to_login(&state, typed));
    };
    let is_linked = form.get(LINKED).is_some();
    let devices = state.provider.device_flow();
    let answered = match form.get("action") {
        Some("continue") => match devices.look_up(typed, &session, &peer.0).await {
            // A link had the code in it, and anybody can send one. Whoever runs the command has the
            // code before them and can type it.
            Ok((_, pending)) if pending.client.is_command_line() && is_linked => {
                let problem = state.texts.type_command_code.to_owned();
                return Ok(enter(&state, &headers, StatusCode::OK, "", Some(problem)));
            }
            Ok((code, pending)) => {
                return confirm(&state, &headers, &session, &code, &pending).await;
            }
            Err(error) => Err(error),
        },
        action => {
            let scope = (action == Some("allow")).then(|| posted_scope(&form));
            devices.answer(typed, &session, scope, &peer.0).await
        }
    };
    match answered {
        Ok(allowed) => Ok(html(StatusCode::OK, view::done(&state.layout(), allowed))),
        Err(error) => refuse(&state, &headers, typed, error),
    }
}

/// The address of this page with the code that was typed.
fn address(typed: &str) -> ReturnUrl {
    ReturnUrl::Device(UserCode::typed(typed))
}

fn to_login(state: &AppState, typed: &str) -> Response {
    state.to_login(&address(typed))
}

/// The form for the code, filled in with what was typed so far.
fn enter(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    typed: &str,
    problem: Option<String>,
) -> Response {
    let token = FormToken::for_page(headers, &state.cookies);
    let code = UserCode::typed(typed);
    let shown = || typed.chars().take(LONGEST_SHOWN).collect();
    let enter = view::Enter {
        action: state.base.join(paths::DEVICE),
        form_token: token.value,
        user_code: code.as_ref().map_or_else(shown, UserCode::shown),
        link: code.filter(|_| problem.is_none()).map(|code| {
            format!("{}{}", state.provider.issuer(), ReturnUrl::Device(Some(code)).to_text())
        }),
        problem,
    };
    with_cookie(html(status, view::enter(&state.layout(), enter)), token.set_cookie)
}

/// The question whether to allow what the device asks for.
async fn confirm(
    state: &AppState,
    headers: &HeaderMap,
    session: &Session,
    code: &UserCode,
    pending: &PendingDevice,
) -> Result<Response, PageError> {
    let layout = state.clone().in_look_of(Some(&pending.client)).layout();
    let token = FormToken::for_page(headers, &state.cookies);
    let confirm = view::Confirm {
        action: state.base.join(paths::DEVICE),
        form_token: token.value,
        user_code: code.shown(),
        username: state.username(session).await?,
        client_name: pending.client.name.clone(),
        is_command_line: pending.client.is_command_line(),
        scopes: state.provider.resources().describe(&pending.scope),
    };
    let page = html(StatusCode::OK, view::confirm(&layout, confirm));
    Ok(with_cookie(page, token.set_cookie))
}

fn refuse(
    state: &AppState,
    headers: &HeaderMap,
    typed: &str,
    error: UserCodeError,
) -> Result<Response, PageError> {
    match error {
        UserCodeError::Unknown => {
            let problem = state.texts.unknown_device_code.to_owned();
            Ok(enter(state, headers, StatusCode::BAD_REQUEST, typed, Some(problem)))
        }
        UserCodeError::NotAdministrator => {
            let problem = state.texts.not_an_administrator.to_owned();
            Ok(enter(state, headers, StatusCode::FORBIDDEN, "", Some(problem)))
        }
        UserCodeError::SignInAgain => Ok(to_login(state, typed)),
        UserCodeError::Throttled(seconds) => {
            let problem = state.texts.codes_throttled.of(seconds);
            let page = enter(state, headers, StatusCode::TOO_MANY_REQUESTS, typed, Some(problem));
            Ok(with_retry_after(page, seconds))
        }
        UserCodeError::Store(error) => Err(state.error(error)),
    }
}

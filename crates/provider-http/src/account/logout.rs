//! `GET` and `POST /account/logout`: the question whether to sign out, and the page after it.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header::REFRESH},
    response::Response,
};
use doorward_protocol::{error::ErrorCode, params::Params};
use doorward_provider::{
    model::{paths, session::Session},
    use_case::{end_session::EndSessionRequest, logout::SignedOut},
};

use crate::{
    AppState,
    cookies::Cookie,
    csrf::{self, FormToken},
    form::Form,
    page::{html_leading_to_client, html_with_frames, see_other, with_cookie},
    pages,
    peer::Peer,
    texts::Localized,
};

/// The parameters that travel through the question page.
const CARRIED: [&str; 5] =
    ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"];

pub(crate) async fn get(Localized(state): Localized, peer: Peer, headers: HeaderMap) -> Response {
    requested(&state, &headers, &peer, &Params::default()).await
}

pub(crate) async fn post(Localized(state): Localized, peer: Peer, request: Request) -> Response {
    let headers = request.headers().clone();
    let form = match Form::read(request).await {
        Ok(Form(form)) => form,
        Err(error) => {
            return state.error_page(
                error.status(),
                &ErrorCode::InvalidRequest,
                &error.to_string(),
            );
        }
    };
    let state = state.speaking(form.get("ui_locales"));
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        // Posted from elsewhere, perhaps without our cookie: asked by GET, the browser brings it.
        let carried =
            CARRIED.into_iter().filter_map(|name| form.get(name).map(|value| (name, value)));
        let query = doorward_protocol::params::encode(carried);
        return see_other(&state.base.join(&format!("{}?{query}", paths::END_SESSION)));
    }
    match examine(&state, &headers, &form).await {
        Ok((_, request)) => sign_out(&state, &headers, &peer, request).await,
        Err(response) => response,
    }
}

/// A client, or the user, asks to sign out: at once if the request is proven or nobody is signed
/// in, else after a question.
pub(crate) async fn requested(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    params: &Params,
) -> Response {
    match examine(state, headers, params).await {
        Ok((Some(session), request)) if !request.proven => {
            question(state, headers, params, &request, &session)
        }
        Ok((_, request)) => sign_out(state, headers, peer, request).await,
        Err(response) => response,
    }
}

/// The browser's session, and the request judged against it.
async fn examine(
    state: &AppState,
    headers: &HeaderMap,
    params: &Params,
) -> Result<(Option<Session>, EndSessionRequest), Response> {
    let cookie = state.cookies.read(headers, Cookie::Session);
    let session =
        state.provider.session(cookie.as_ref()).await.map_err(|error| state.unavailable(&error))?;
    let request = state.provider.parse_end_session(params, session.as_ref()).map_err(|error| {
        state.error_page(StatusCode::BAD_REQUEST, &ErrorCode::InvalidRequest, &error.to_string())
    })?;
    Ok((session, request))
}

fn question(
    state: &AppState,
    headers: &HeaderMap,
    params: &Params,
    request: &EndSessionRequest,
    session: &Session,
) -> Response {
    let token = FormToken::for_page(headers, &state.cookies);
    let view = pages::logout::Question {
        action: state.base.join("/account/logout"),
        stay: state.base.join("/"),
        form_token: token.value,
        sub: session.authentication.sub.clone(),
        address_refused: request.address_refused,
        client_name: request.client.as_ref().map(|client| client.name.clone()),
        carried: CARRIED
            .into_iter()
            .filter_map(|name| params.get(name).map(|value| (name, value.to_owned())))
            .collect(),
    };
    let markup = pages::logout::question(&state.frame(), view);
    with_cookie(html_leading_to_client(StatusCode::OK, markup), token.set_cookie)
}

/// Ends the session, then returns to the client, or says that it is done. Where other clients are
/// to be told by frames, the page that holds them stands in between.
async fn sign_out(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    request: EndSessionRequest,
) -> Response {
    let cookie = state.cookies.read(headers, Cookie::Session);
    let Some(cookie) = cookie else {
        // A cookie that was not sent is not removed: its session may live.
        return signed_out(state, request, SignedOut::default());
    };
    let done = match state.provider.end_session(&cookie, &peer.0).await {
        Ok(done) => done,
        Err(error) => return state.unavailable(&error),
    };
    let response =
        with_cookie(signed_out(state, request, done), Some(state.cookies.remove(Cookie::Session)));
    with_cookie(response, Some(state.cookies.remove(Cookie::SessionCheck)))
}

fn signed_out(state: &AppState, request: EndSessionRequest, done: SignedOut) -> Response {
    let SignedOut { frames } = done;
    match request.return_to {
        Some(location) if frames.is_empty() => see_other(&location),
        return_to => {
            let view = pages::logout::Done {
                login: state.base.join("/account/login"),
                return_to: return_to.clone(),
                client_name: request.client.map(|client| client.name.clone()),
                frames: frames.clone(),
            };
            let mut response = html_with_frames(
                StatusCode::OK,
                pages::logout::done(&state.frame(), view),
                &frames,
            );
            // Counted from the moment when the frames have loaded (HTML, "shared declarative
            // refresh steps").
            if let Some(refresh) =
                return_to.and_then(|to| HeaderValue::from_str(&format!("1; url={to}")).ok())
            {
                response.headers_mut().insert(REFRESH, refresh);
            }
            response
        }
    }
}

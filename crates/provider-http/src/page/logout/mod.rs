//! `GET` and `POST /account/logout`: the question whether to sign out, and the page after it.

mod view;

use axum::{
    Extension,
    http::{HeaderMap, HeaderValue, StatusCode, header::REFRESH},
    response::{IntoResponse as _, Response},
};
use doorward_protocol::params::{Params, encode};
use doorward_provider::{
    model::{paths, session::Session},
    use_case::{
        end_session::{EndSessionProblem, EndSessionRequest},
        logout::SignedOut,
        upstream::SessionElsewhere,
    },
};

use crate::{
    AppState,
    http::{
        client_authentication::for_log,
        cookies::Cookie,
        csrf::{self, FormToken},
        form::{PageForm, PageQuery},
        peer::Peer,
        refusal::Refused,
    },
    page::{
        error::PageError,
        policy::PagePolicy,
        response::{html_with_policy, see_other, with_cookie},
    },
    texts::Localized,
};

pub(crate) const PATH: &str = "/account/logout";

/// The parameters that the question page carries in hidden fields.
const CARRIED: [&str; 5] =
    ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"];

pub(crate) async fn get(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    requested(&state, &headers, &peer, &Params::default()).await
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let state = state.in_language(form.get("ui_locales"));
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        // The form may come from another site, and then without our cookie. The browser sends the
        // cookie when the same is asked by GET.
        let carried =
            CARRIED.into_iter().filter_map(|name| form.get(name).map(|value| (name, value)));
        let query = encode(carried);
        return Ok(see_other(&state.base.join(&format!("{}?{query}", paths::END_SESSION))));
    }
    let (_, request) = read(&state, &headers, &form).await?;
    sign_out(&state, &headers, &peer, request).await
}

/// Handles a request of a client or of the user to sign out. It is done at once if the request is
/// proven or no one is signed in, and otherwise after a question.
pub(crate) async fn requested(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    params: &Params,
) -> Result<Response, PageError> {
    let (session, request) = read(state, headers, params).await?;
    let refused = request.problem.map(|problem| {
        let client = request.client.as_ref().map(|client| client.client_id.as_str());
        let client_id = for_log(client.or(params.get("client_id")).unwrap_or_default());
        tracing::info!(client_id, cause = %problem, "a sign-out request is not valid");
        Extension(Refused(EndSessionProblem::CODE))
    });
    let response = match session {
        Some(session) if !request.proven => {
            question(state, headers, params, &request, &session).await?
        }
        _ => sign_out(state, headers, peer, request).await?,
    };
    Ok((refused, response).into_response())
}

/// The browser's session, and the request after its check against that session.
async fn read(
    state: &AppState,
    headers: &HeaderMap,
    params: &Params,
) -> Result<(Option<Session>, EndSessionRequest), PageError> {
    let session = state.session(headers).await?;
    let request = state.provider.end_session_requests().parse(params, session.as_ref()).await;
    Ok((session, request.map_err(|error| state.error(error))?))
}

async fn question(
    state: &AppState,
    headers: &HeaderMap,
    params: &Params,
    request: &EndSessionRequest,
    session: &Session,
) -> Result<Response, PageError> {
    let token = FormToken::for_page(headers, &state.cookies);
    let question = view::Question {
        action: state.base.join(PATH),
        stay: state.base.join("/"),
        form_token: token.value,
        username: state.username(session).await?,
        problem: request.problem,
        client_name: request.client.as_ref().map(|client| client.name.clone()),
        carried: CARRIED
            .into_iter()
            .filter_map(|name| params.get(name).map(|value| (name, value.to_owned())))
            .collect(),
    };
    let markup = view::question(&state.layout(), question);
    let policy = PagePolicy::leading_to_client();
    Ok(with_cookie(html_with_policy(StatusCode::OK, markup, &policy), token.set_cookie))
}

/// Ends the session, then returns to the client or says that it is done. If other clients are
/// signed out in frames, a page with these frames comes first.
async fn sign_out(
    state: &AppState,
    headers: &HeaderMap,
    peer: &Peer,
    request: EndSessionRequest,
) -> Result<Response, PageError> {
    let Some(cookie) = state.cookies.read(headers, Cookie::Session) else {
        // A cookie that was not sent is not removed: its session may be alive.
        return Ok(signed_out(state, request, SignedOut::default()));
    };
    let session = state.session(headers).await?;
    let elsewhere = match &session {
        Some(session) => state.provider.upstream().session_elsewhere(session).await,
        None => None,
    };
    // First of all: a user who signs out must not stay signed in until another provider answers.
    let ended = state.provider.sessions().end(&cookie, &peer.0).await;
    let ended = ended.map_err(|error| state.error(error))?;
    // To a page for which nobody vouches, the user does not come back from elsewhere.
    let vouched = request.return_to.as_deref().filter(|_| request.unvouched_host.is_none());
    let elsewhere = match elsewhere {
        Some(session) => sign_out_elsewhere(state, session, vouched).await,
        None => None,
    };
    let request = match elsewhere {
        Some(url) => EndSessionRequest { return_to: Some(url), unvouched_host: None, ..request },
        None => request,
    };
    let response = signed_out(state, request, ended);
    let response = with_cookie(response, Some(state.cookies.remove(Cookie::Session)));
    Ok(with_cookie(response, Some(state.cookies.remove(Cookie::SessionCheck))))
}

/// Where the browser signs out of another provider first, if it does.
async fn sign_out_elsewhere(
    state: &AppState,
    session: SessionElsewhere,
    return_to: Option<&str>,
) -> Option<String> {
    match state.provider.upstream().sign_out_url(session, return_to).await {
        Ok(url) => url,
        Err(error) => {
            tracing::warn!(%error, "the session at another provider was not ended");
            None
        }
    }
}

/// `GET /account/external/{name}/signed-out`: the browser comes back from another provider.
pub(crate) async fn after_elsewhere(
    Localized(state): Localized,
    PageQuery(query): PageQuery,
) -> Response {
    let kept = query.get("state").and_then(|state| state.split_once(';'));
    let return_to = kept.and_then(|(_, kept)| state.provider.upstream().signed_out(kept));
    let request = EndSessionRequest { return_to, ..EndSessionRequest::default() };
    signed_out(&state, request, SignedOut::default())
}

fn signed_out(state: &AppState, request: EndSessionRequest, ended: SignedOut) -> Response {
    let SignedOut { frames } = ended;
    // To a page for which nobody vouches, the user goes by a link (RFC 9700 section 4.11.2).
    let goes_on = request.return_to.as_deref().filter(|_| request.unvouched_host.is_none());
    if let Some(location) = goes_on.filter(|_| frames.is_empty()) {
        return see_other(location);
    }
    let refresh = goes_on.map(|to| HeaderValue::from_str(&format!("1; url={to}")));
    let policy = PagePolicy::default().with_frames(&frames);
    let done = view::Done {
        login: state.base.join(paths::LOGIN),
        return_to: request.return_to.clone(),
        client_name: request.client.map(|client| client.name.clone()),
        unvouched_host: request.unvouched_host,
        problem: request.problem,
        frames,
    };
    let mut response = html_with_policy(StatusCode::OK, view::done(&state.layout(), done), &policy);
    // The second is counted from the time at which the frames have loaded (HTML, "shared
    // declarative refresh steps").
    if let Some(Ok(refresh)) = refresh {
        response.headers_mut().insert(REFRESH, refresh);
    }
    response
}

//! `/consent`: what a client asks for, and the user's answer. The page is shown in place by the
//! authorization endpoint.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{error::ErrorCode, scope::Scope};
use doorward_provider::{
    model::session::Session,
    use_case::authorize::{AuthorizeRequest, ConsentGiven},
};

use crate::{
    AppState,
    cookies::Cookie,
    csrf::{self, FormToken},
    form::FormError,
    form::RawForm,
    page::{html_leading_to_client, html_with_logo, see_other, with_cookie},
    pages,
    peer::Peer,
    return_url::ReturnUrl,
    texts::Localized,
};

/// Form field of a ticked scope, which may stand several times.
const SCOPE_FIELD: &str = "scope";

/// `GET /consent` by itself has nothing to ask.
pub(crate) async fn get(Localized(state): Localized) -> Response {
    see_other(&state.base.join("/"))
}

/// The consent page.
pub(crate) fn page(
    state: &AppState,
    headers: &HeaderMap,
    request: &AuthorizeRequest,
    session: &Session,
) -> Response {
    let token = FormToken::for_page(headers, &state.cookies);
    let view = pages::consent::Consent {
        action: state.base.join("/consent"),
        form_token: token.value,
        return_url: ReturnUrl::to_request(&request.params).to_text(),
        client_name: request.client.name.clone(),
        client_uri: request.client.client_uri.clone(),
        description: request.client.description.clone(),
        logo: request.client.logo_uri.clone(),
        sub: session.authentication.sub.clone(),
        sid: session.authentication.sid.clone(),
        scopes: state.provider.resources().describe(&request.scope),
        may_remember: request.client.allow_remember_consent,
    };
    let markup = pages::consent::page(&state.frame(), view);
    let response = match &request.client.logo_uri {
        Some(logo) => html_with_logo(StatusCode::OK, markup, logo),
        None => html_leading_to_client(StatusCode::OK, markup),
    };
    with_cookie(response, token.set_cookie)
}

pub(crate) async fn post(Localized(state): Localized, peer: Peer, request: Request) -> Response {
    let headers = request.headers().clone();
    let form = match RawForm::read(request).await.and_then(|RawForm(body)| {
        doorward_protocol::params::Params::parse_with_repeatable(body, &[SCOPE_FIELD])
            .map_err(FormError::from)
    }) {
        Ok(form) => form,
        Err(error) => {
            return state.error_page(
                error.status(),
                &ErrorCode::InvalidRequest,
                &error.to_string(),
            );
        }
    };
    let Some(return_url) = form.get("return_url").and_then(|text| ReturnUrl::parse(text).ok())
    else {
        return state.foreign_return_url();
    };
    let state = state.speaking_for(Some(&return_url)).await;
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        // The authorization endpoint shows the page anew.
        return see_other(&state.base.join(&return_url.to_text()));
    }
    let Some(query) = return_url.request_query().map(str::as_bytes) else {
        return state.foreign_return_url();
    };
    let cookie = state.cookies.read(&headers, Cookie::Session);
    if form.get("action") != Some("allow") {
        return match state.provider.session(cookie.as_ref()).await {
            Ok(session) => {
                state.respond(state.provider.deny(query, session.as_ref(), &peer.0).await, &headers)
            }
            Err(error) => state.unavailable(&error),
        };
    }
    let ticked: Vec<&str> = form.get_all(SCOPE_FIELD).collect();
    let scope: Scope = ticked.join(" ").parse().unwrap_or_default();
    let sid = form.get("sid").unwrap_or_default().to_owned();
    let given = ConsentGiven { sid, scope, remember: form.is_sent("remember_consent") };
    state.respond(
        state.provider.authorize_with_consent(query, cookie.as_ref(), given, &peer.0).await,
        &headers,
    )
}

//! `/consent`: what a client asks for, and the user's answer. The authorization endpoint shows the
//! page itself, without a redirect.

pub(crate) mod view;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_protocol::{host, ids::SessionId, params::Params, scope::Scope};
use doorward_provider::{
    model::{
        client::{Client, ClientOrigin},
        session::Session,
    },
    use_case::authorize::{AuthorizeRequest, ConsentGiven},
};

use crate::{
    AppState,
    http::{
        cookies::Cookie,
        csrf::{self, FormToken},
        form::PageForm,
        peer::Peer,
        return_url::{ForeignReturnUrl, ReturnUrl},
    },
    page::{
        account_form::RETURN_URL,
        error::PageError,
        policy::PagePolicy,
        response::{html_with_policy, see_other, with_cookie},
    },
    texts::{Localized, Texts},
};
use url::Url;

pub(crate) const PATH: &str = "/consent";

/// `GET /consent` has nothing to ask.
pub(crate) async fn get(Localized(state): Localized) -> Response {
    see_other(&state.base.join("/"))
}

/// The consent page for an authorization request.
pub(crate) async fn show(
    state: &AppState,
    headers: &HeaderMap,
    request: &AuthorizeRequest,
    session: &Session,
) -> Result<Response, PageError> {
    let token = FormToken::for_page(headers, &state.cookies);
    let client = &request.client;
    let consent = view::Consent {
        action: state.base.join(PATH),
        form_token: token.value,
        return_url: ReturnUrl::to_request(&request.params).to_text(),
        client_name: client.name.clone(),
        client_uri: client.client_uri.clone(),
        description: client.description.clone(),
        warning: warning(state.texts, request),
        policy_uri: client.policy_uri.clone(),
        tos_uri: client.tos_uri.clone(),
        logo: logo(client).map(str::to_owned),
        username: state.username(session).await?,
        sid: session.authentication.sid.to_string(),
        scopes: state.provider.resources().describe(&request.scope),
        may_remember: client.allow_remember_consent,
    };
    let markup = view::consent(&state.layout(), consent);
    let policy = PagePolicy::leading_to_client();
    let policy = match logo(client) {
        Some(logo) => policy.with_image(logo),
        None => policy,
    };
    Ok(with_cookie(html_with_policy(StatusCode::OK, markup, &policy), token.set_cookie))
}

/// What users must know of an application that no operator wrote down: who describes it, and where
/// the browser goes then.
fn warning(texts: &Texts, request: &AuthorizeRequest) -> Option<String> {
    let place = Url::parse(request.reply_to.redirect_uri()).ok().map(|url| {
        match (url.scheme(), url.host_str()) {
            _ if host::is_loopback(&url) => texts.this_computer.to_owned(),
            ("https" | "http", Some(host)) => host.to_owned(),
            (scheme, _) => format!("{scheme}:"),
        }
    })?;
    match &request.client.origin {
        ClientOrigin::Operator => None,
        ClientOrigin::Registered { .. } => Some(texts.registered_itself.with(&place)),
        ClientOrigin::Document { host } => {
            Some(texts.described_at.with_all(&[("host", host), ("place", &place)]))
        }
    }
}

/// The picture that the browser fetches. A document can show one of its own host only.
fn logo(client: &Client) -> Option<&str> {
    let logo = client.logo_uri.as_deref()?;
    let is_own = |host: &str| {
        Url::parse(logo).is_ok_and(|url| url.scheme() == "https" && url.host_str() == Some(host))
    };
    match &client.origin {
        ClientOrigin::Operator | ClientOrigin::Registered { .. } => Some(logo),
        ClientOrigin::Document { host } => is_own(host).then_some(logo),
    }
}

pub(crate) async fn post(
    Localized(state): Localized,
    peer: Peer,
    headers: HeaderMap,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let return_url = form.get(RETURN_URL).ok_or(ForeignReturnUrl).and_then(ReturnUrl::parse);
    let return_url = return_url.map_err(|error| state.error(error))?;
    let state = state.for_request_of(Some(&return_url)).await;
    if !csrf::is_genuine(&state.provider, &state.cookies, &headers, &form) {
        // The authorization endpoint shows the page again.
        return Ok(see_other(&state.base.join(&return_url.to_text())));
    }
    let query = return_url.request_query().ok_or_else(|| state.error(ForeignReturnUrl))?;
    let outcome = if form.get("action") == Some("allow") {
        let cookie = state.cookies.read(&headers, Cookie::Session);
        let given = ConsentGiven {
            sid: form.get("sid").and_then(|sid| SessionId::parse(sid).ok()),
            scope: posted_scope(&form),
            remember: form.is_sent("remember_consent"),
        };
        let query = query.as_bytes();
        state
            .provider
            .authorization()
            .authorize_with_consent(query, cookie.as_ref(), given, &peer.0)
            .await
    } else {
        let session = state.session(&headers).await?;
        state.provider.authorization().deny(query.as_bytes(), session.as_ref(), &peer.0).await
    };
    state.respond(outcome, &headers).await
}

/// The scopes in a form, each in a field `scope` of its own: those that are ticked, and those that
/// were shown and can't be unticked.
pub(crate) fn posted_scope(form: &Params) -> Scope {
    let posted: Vec<&str> = form.get_all("scope").collect();
    posted.join(" ").parse().unwrap_or_default()
}

//! Where an authorization response may go. [`ReplyTo`] exists only once client and redirect URI
//! were verified, and only it can make an [`AuthorizationResponse`]: so nothing is ever redirected
//! to an unverified address.

use std::{fmt, sync::Arc};

use doorward_protocol::{
    error::ErrorCode,
    params::{self, Params},
    scope::OPENID,
};

use super::Authorization;
use crate::model::{client::Client, session_state::BrowserState, token_handle::TokenHandle};

/// `response_mode` (OAuth 2.0 Multiple Response Types section 2.1, OAuth 2.0 Form Post Response
/// Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// Parameters in the query.
    Query,
    /// Parameters in the fragment.
    Fragment,
    /// Parameters in a form that the browser posts.
    FormPost,
}

/// A request that can't be answered by a redirect, so that the user sees a page of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeRequest {
    /// The parameters can't be read at all.
    #[error("The request can't be read: {0}.")]
    Unreadable(String),
    /// `client_id` is missing or not ours.
    #[error("The application that sent you here is not known to this provider.")]
    UnknownClient,
    /// `redirect_uri` is missing and there is no single registered one.
    #[error("The application did not say where to return to (redirect_uri).")]
    MissingRedirectUri,
    /// `redirect_uri` is not registered for the client.
    #[error(
        "The application asked to return to an address that is not registered \
         for it (redirect_uri)."
    )]
    UnregisteredRedirectUri,
    /// `client_id` or `redirect_uri` is there twice.
    #[error("The application sent the parameter {0} more than once.")]
    Repeated(String),
    /// `request_uri` is none that this client pushed, or it has expired, or was answered before.
    #[error(
        "The link that brought you here has expired or was used before. \
         Start again from the application."
    )]
    UnknownRequestUri,
    /// The store failed before the client was known.
    #[error("The provider can't answer at the moment. Try again in a minute.")]
    Unavailable,
}

impl UnsafeRequest {
    /// The error code for the page.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownClient => ErrorCode::UnauthorizedClient,
            Self::UnknownRequestUri => ErrorCode::InvalidRequestUri,
            Self::Unavailable => ErrorCode::TemporarilyUnavailable,
            _ => ErrorCode::InvalidRequest,
        }
    }
}

/// A verified place to answer to.
#[derive(Debug, Clone)]
pub struct ReplyTo {
    redirect_uri: String,
    mode: ResponseMode,
    state: Option<String>,
    issuer: String,
    observed: Option<Observed>,
}

/// The browser's state when the request was judged, and the `session_state` that follows from it.
#[derive(Debug, Clone)]
struct Observed {
    browser_state: BrowserState,
    session_state: Option<String>,
}

/// A response to the client through the browser.
#[derive(Clone)]
pub struct AuthorizationResponse {
    redirect_uri: String,
    mode: ResponseMode,
    params: Vec<(&'static str, String)>,
    browser_state: Option<BrowserState>,
}

/// The parameters may hold a code, so only their names are shown.
impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.params.iter().map(|(name, _)| *name).collect();
        formatter
            .debug_struct("AuthorizationResponse")
            .field("redirect_uri", &self.redirect_uri)
            .field("params", &names)
            .finish_non_exhaustive()
    }
}

/// The longest `client_id` and `redirect_uri` in characters.
const MAX_CLIENT_ID: usize = 100;
const MAX_REDIRECT_URI: usize = 400;

impl ReplyTo {
    /// The verified redirect URI.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// A code for the client.
    pub(super) fn code(self, code: &TokenHandle) -> AuthorizationResponse {
        self.respond(vec![("code", code.expose().to_owned())])
    }

    /// An error for the client (RFC 6749 section 4.1.2.1).
    pub fn error(self, code: &ErrorCode, description: &str) -> AuthorizationResponse {
        self.respond(vec![
            ("error", code.to_string()),
            ("error_description", description.to_owned()),
        ])
    }

    /// Adds `state` as received and `iss` (RFC 9207 section 2).
    fn respond(self, mut params: Vec<(&'static str, String)>) -> AuthorizationResponse {
        params.extend(self.state.map(|state| ("state", state)));
        params.push(("iss", self.issuer));
        let (browser_state, session_state) =
            self.observed.map(|observed| (observed.browser_state, observed.session_state)).unzip();
        params.extend(session_state.flatten().map(|state| ("session_state", state)));
        AuthorizationResponse {
            redirect_uri: self.redirect_uri,
            mode: self.mode,
            params,
            browser_state,
        }
    }

    /// The same address, with `session_state` in every response (OIDC Session Management section
    /// 2). Errors carry it too, so a client can wait for a user who is not signed in yet.
    pub(super) fn showing(self, state: BrowserState, client_id: &str, salt: &str) -> Self {
        let session_state = state.session_state(client_id, &self.redirect_uri, salt);
        Self { observed: Some(Observed { browser_state: state, session_state }), ..self }
    }

    pub(super) fn with_mode(mut self, mode: ResponseMode) -> Self {
        self.mode = mode;
        self
    }

    pub(super) fn without_state(mut self) -> Self {
        self.state = None;
        self
    }
}

impl AuthorizationResponse {
    /// How the response travels.
    pub fn mode(&self) -> ResponseMode {
        self.mode
    }

    /// The redirect URI as registered, where a form is posted to.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The browser's state that the response shows, if it shows one. The browser's own cookie must
    /// agree with it.
    pub fn browser_state(&self) -> Option<&BrowserState> {
        self.browser_state.as_ref()
    }

    /// The error that the response carries, if it is one.
    pub fn error(&self) -> Option<ErrorCode> {
        self.params().find(|(name, _)| *name == "error").map(|(_, code)| code.into())
    }

    /// The parameters, for a form.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The URL to redirect to. A query that the redirect URI has of its own is kept (RFC 6749
    /// section 3.1.2).
    pub fn location(&self) -> String {
        let encoded = params::encode(self.params());
        let separator = match self.mode {
            ResponseMode::Fragment => '#',
            ResponseMode::Query | ResponseMode::FormPost if self.redirect_uri.contains('?') => '&',
            ResponseMode::Query | ResponseMode::FormPost => '?',
        };
        format!("{}{separator}{encoded}", self.redirect_uri)
    }
}

impl Authorization<'_> {
    /// Verifies the client and the redirect URI, in that order.
    pub(super) fn verify_reply_to(
        &self,
        params: &Params,
        repeated: &[String],
    ) -> Result<(Arc<Client>, ReplyTo), UnsafeRequest> {
        if let Some(name) =
            repeated.iter().find(|name| matches!(name.as_str(), "client_id" | "redirect_uri"))
        {
            return Err(UnsafeRequest::Repeated(name.clone()));
        }
        let client_id = params.get("client_id").filter(|id| id.len() <= MAX_CLIENT_ID);
        let client =
            client_id.and_then(|id| self.clients.get(id)).ok_or(UnsafeRequest::UnknownClient)?;
        let redirect_uri = match params.get("redirect_uri") {
            Some(uri) if uri.len() <= MAX_REDIRECT_URI && client.registered_redirect_uri(uri) => {
                uri.to_owned()
            }
            Some(_) => return Err(UnsafeRequest::UnregisteredRedirectUri),
            None => sole_redirect_uri(&client, params).ok_or(UnsafeRequest::MissingRedirectUri)?,
        };
        let reply_to = ReplyTo {
            redirect_uri,
            mode: ResponseMode::Query,
            // Every error carries the state, one that is too long too (RFC 6749 section 4.1.2.1).
            state: params.get("state").map(str::to_owned),
            issuer: self.settings.issuer.clone(),
            observed: None,
        };
        Ok((client, reply_to))
    }
}

/// The redirect URI of a client that has just one, unless it signs users in (OIDC Core section
/// 3.1.2.1 requires it to be sent, as does FAPI 2.0 section 5.3.2.2).
fn sole_redirect_uri(client: &Client, params: &Params) -> Option<String> {
    let asks_openid =
        params.get("scope").is_some_and(|scope| scope.split(' ').any(|token| token == OPENID));
    match client.redirect_uris.as_slice() {
        [only] if !asks_openid && !client.fapi2 => Some(only.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(redirect_uri: &str, mode: ResponseMode) -> String {
        let reply_to = ReplyTo {
            redirect_uri: redirect_uri.to_owned(),
            mode,
            state: Some("a b&c".to_owned()),
            issuer: "https://op.example".to_owned(),
            observed: None,
        };
        reply_to.error(&ErrorCode::AccessDenied, "No.").location()
    }

    #[test]
    fn parameters_are_encoded_and_an_own_query_is_kept() {
        let params =
            "error=access_denied&error_description=No.&state=a+b%26c&iss=https%3A%2F%2Fop.example";
        assert_eq!(
            response("https://a.example/cb", ResponseMode::Query),
            format!("https://a.example/cb?{params}")
        );
        assert_eq!(
            response("https://a.example/cb?x=1", ResponseMode::Query),
            format!("https://a.example/cb?x=1&{params}")
        );
        assert_eq!(
            response("https://a.example/cb", ResponseMode::Fragment),
            format!("https://a.example/cb#{params}")
        );
    }
}

//! Where an authorization response may go. [`ReplyTo`] exists only once client and redirect URI
//! were verified, and only it can make an [`AuthorizationResponse`]: so nothing is ever redirected
//! to an unverified address.

use std::{fmt, sync::Arc};

use doorward_protocol::{
    error::ErrorCode,
    ids::ClientId,
    jose::SigningAlgorithm,
    params::{self, Params},
    scope::OPENID,
    secret::Secret,
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

/// How a response travels, and whether it is signed (JARM section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) mode: ResponseMode,
    pub(super) signed: bool,
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
    /// `client_id` is the URL of a document that can't be had, or is not valid. The log says why.
    #[error(
        "The application describes itself at {0}, and this description can't be read or is not \
         valid."
    )]
    UnreadableDocument(String),
    /// `client_id` is the URL of a document, and longer than an identifier may be.
    #[error(
        "The application describes itself at an address of more than {} characters (client_id), \
         which is too long for this provider.",
        ClientId::LONGEST
    )]
    OverlongDocumentUrl,
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
    /// The request object is not valid, and nothing else proves where to return to: the code and
    /// what is wrong.
    #[error("{1}")]
    RequestObject(ErrorCode, &'static str),
    /// The posted request is larger than can be gone on with, and nothing proves where to return
    /// to.
    #[error("The application sent a request that is too large for this provider.")]
    TooLarge,
    /// The store failed before the client was known.
    #[error("The provider can't answer at the moment. Try again in a minute.")]
    Unavailable,
}

impl UnsafeRequest {
    /// The error code for the page.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownClient | Self::UnreadableDocument(_) | Self::OverlongDocumentUrl => {
                ErrorCode::UnauthorizedClient
            }
            Self::UnknownRequestUri => ErrorCode::InvalidRequestUri,
            Self::RequestObject(code, _) => code.clone(),
            Self::Unavailable => ErrorCode::TemporarilyUnavailable,
            _ => ErrorCode::InvalidRequest,
        }
    }
}

/// A verified place to answer to.
#[derive(Debug, Clone)]
pub struct ReplyTo {
    redirect_uri: String,
    delivery: Delivery,
    /// What signs the response, if it is to be signed, and for which client.
    signature: ResponseSignature,
    state: Option<String>,
    issuer: String,
    observed: Option<Observed>,
    /// The host of the address, if nobody vouches for it.
    unvouched_host: Option<String>,
}

/// The browser's state when the request was judged, and the `session_state` that follows from it.
#[derive(Debug, Clone)]
struct Observed {
    browser_state: BrowserState,
    session_state: Option<String>,
}

/// By what a response is signed, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResponseSignature {
    pub(super) algorithm: SigningAlgorithm,
    pub(super) audience: ClientId,
}

/// A response to the client through the browser.
#[derive(Clone)]
pub struct AuthorizationResponse {
    redirect_uri: String,
    mode: ResponseMode,
    /// It must be signed before it goes out; `None` when it is or needs not be.
    to_be_signed: Option<ResponseSignature>,
    error: Option<ErrorCode>,
    params: Vec<(&'static str, String)>,
    browser_state: Option<BrowserState>,
    unvouched_host: Option<String>,
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

/// The longest `redirect_uri` in characters.
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
        let params =
            vec![("error", code.to_string()), ("error_description", description.to_owned())];
        AuthorizationResponse { error: Some(code.clone()), ..self.respond(params) }
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
            mode: self.delivery.mode,
            to_be_signed: self.delivery.signed.then_some(self.signature),
            error: None,
            params,
            browser_state,
            unvouched_host: self.unvouched_host,
        }
    }

    /// The same address, with `session_state` in every response (OIDC Session Management section
    /// 2). Errors carry it too, so a client can wait for a user who is not signed in yet.
    pub(super) fn showing(self, state: BrowserState, client_id: &ClientId, salt: &str) -> Self {
        let session_state = state.session_state(client_id, &self.redirect_uri, salt);
        Self { observed: Some(Observed { browser_state: state, session_state }), ..self }
    }

    pub(super) fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
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

    /// The host that it goes to, if it is the page of a client that registered itself, for which
    /// nobody vouches. A user who has decided nothing yet is not sent there unasked.
    pub fn unvouched_host(&self) -> Option<&str> {
        self.unvouched_host.as_deref()
    }

    /// The error that the response carries, if it is one.
    pub fn error(&self) -> Option<ErrorCode> {
        self.error.clone()
    }

    /// What is still to sign it, if it must be signed.
    pub(super) fn to_be_signed(&self) -> Option<&ResponseSignature> {
        self.to_be_signed.as_ref()
    }

    /// The same response with a signed token in place of its parameters (JARM section 2.1).
    pub(super) fn signed(self, token: &Secret) -> Self {
        let params = vec![("response", token.expose().to_owned())];
        Self { params, to_be_signed: None, ..self }
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
    /// The client that a request names.
    pub(super) async fn client_of(&self, params: &Params) -> Result<Arc<Client>, UnsafeRequest> {
        let client_id = params.get("client_id").ok_or(UnsafeRequest::UnknownClient)?;
        let client = self.clients.find(client_id).await.map_err(|error| {
            tracing::error!(%error, "the store failed at the authorization endpoint");
            UnsafeRequest::Unavailable
        })?;
        client.ok_or_else(|| match self.clients.document_url(client_id) {
            Some(url) => UnsafeRequest::UnreadableDocument(url.host().to_owned()),
            None if self.clients.is_overlong_document_url(client_id) => {
                UnsafeRequest::OverlongDocumentUrl
            }
            None => UnsafeRequest::UnknownClient,
        })
    }

    /// Verifies the client and the redirect URI, in that order.
    pub(super) async fn verify_reply_to(
        &self,
        params: &Params,
        repeated: &[String],
    ) -> Result<(Arc<Client>, ReplyTo), UnsafeRequest> {
        if let Some(name) =
            repeated.iter().find(|name| matches!(name.as_str(), "client_id" | "redirect_uri"))
        {
            return Err(UnsafeRequest::Repeated(name.clone()));
        }
        let client = self.client_of(params).await?;
        let redirect_uri = match params.get("redirect_uri") {
            Some(uri) if uri.len() <= MAX_REDIRECT_URI && client.registered_redirect_uri(uri) => {
                uri.to_owned()
            }
            Some(_) => return Err(UnsafeRequest::UnregisteredRedirectUri),
            None => sole_redirect_uri(&client, params).ok_or(UnsafeRequest::MissingRedirectUri)?,
        };
        let reply_to = ReplyTo {
            unvouched_host: self.clients.unvouched_host(&client, &redirect_uri),
            redirect_uri,
            delivery: Delivery { mode: ResponseMode::Query, signed: false },
            signature: ResponseSignature {
                algorithm: client.answers.authorization,
                audience: client.client_id.clone(),
            },
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
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn response(redirect_uri: &str, mode: ResponseMode) -> String {
        let reply_to = ReplyTo {
            redirect_uri: redirect_uri.to_owned(),
            delivery: Delivery { mode, signed: false },
            signature: ResponseSignature {
                algorithm: SigningAlgorithm::Rs256,
                audience: "app".parse().unwrap(),
            },
            state: Some("a b&c".to_owned()),
            issuer: "https://op.example".to_owned(),
            observed: None,
            unvouched_host: None,
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

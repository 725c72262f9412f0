//! Signing out at the client's request (OIDC RP-Initiated Logout 1.0).

use std::sync::Arc;

use doorward_protocol::{
    claims::IdTokenClaims,
    error::ErrorCode,
    params::{self, Params},
};

use crate::{
    keys::KeyRing,
    model::{
        client::Client,
        session::{Authentication, Session},
    },
    store::StoreError,
    use_case::client_directory::ClientDirectory,
};

/// A request to sign out, after everything in it was checked.
#[derive(Debug, Default)]
pub struct EndSessionRequest {
    /// The client that asks, if the request names it.
    pub client: Option<Arc<Client>>,
    /// The verified place to return to, `state` included.
    pub return_to: Option<String>,
    /// What is not valid in the request. The user may sign out nevertheless.
    pub problem: Option<EndSessionProblem>,
    /// Whether an ID token of the browser's own session proves the request, so that the user need
    /// not be asked.
    pub proven: bool,
    /// The host to return to, if it is the page of a client that registered itself, for which
    /// nobody vouches, and no session led there. The user is not sent there unasked.
    pub unvouched_host: Option<String>,
}

/// What is not valid in a request to sign out. It is left out, and the user does not return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndSessionProblem {
    /// `id_token_hint` is not an ID token of this provider.
    #[error("id_token_hint is not an ID token of this provider")]
    InvalidHint,
    /// An address to return to was sent, and no client was named.
    #[error("the request has a post_logout_redirect_uri and names no client")]
    NoClient,
    /// The client that is named is unknown.
    #[error("the request names no client of this provider")]
    UnknownClient,
    /// `post_logout_redirect_uri` is not registered for the client.
    #[error("post_logout_redirect_uri is not registered for the client")]
    UnregisteredAddress,
}

impl EndSessionProblem {
    /// The error code, the same for each.
    pub const CODE: ErrorCode = ErrorCode::InvalidRequest;
}

/// A request that is refused with an error page (section 4: "MUST NOT perform post-logout
/// redirection").
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndSessionError {
    /// `client_id` and the audience of `id_token_hint` differ (section 2).
    #[error("The application's client_id is not the one that the id_token_hint was issued to.")]
    ClientMismatch,
    /// The store failed.
    #[error("The provider can't answer at the moment. Try again in a minute.")]
    Unavailable,
}

impl From<StoreError> for EndSessionError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed at the end-session endpoint");
        Self::Unavailable
    }
}

/// Reads requests to sign out: what it needs for that.
pub struct EndSession<'a> {
    pub(crate) clients: ClientDirectory<'a>,
    pub(crate) keys: &'a KeyRing,
    pub(crate) issuer: &'a str,
}

impl EndSession<'_> {
    /// Checks a request to sign out against the browser's session. What does not hold is left out:
    /// a bad hint proves nothing, an unregistered address is not returned to.
    pub async fn parse(
        &self,
        params: &Params,
        session: Option<&Session>,
    ) -> Result<EndSessionRequest, EndSessionError> {
        let hint = params.get("id_token_hint");
        let claims = hint.and_then(|hint| self.verify_hint(hint));
        let named = params.get("client_id");
        let hinted = claims.as_ref().and_then(|claims| claims.aud.iter().next());
        if let (Some(named), Some(hinted)) = (named, hinted)
            && named != hinted
        {
            return Err(EndSessionError::ClientMismatch);
        }
        // A hint that does not verify makes the rest of the request doubtful: no redirect then.
        let client_id = if hint.is_some() { hinted } else { named };
        let client = match client_id {
            Some(client_id) => self.clients.find(client_id).await?,
            None => None,
        };
        let return_to = client.as_deref().and_then(|client| return_address(client, params));
        let address_refused = params.is_sent("post_logout_redirect_uri") && return_to.is_none();
        let problem = match (hint, &claims, &client) {
            (Some(_), None, _) => Some(EndSessionProblem::InvalidHint),
            (_, _, None) if client_id.is_none() && address_refused => {
                Some(EndSessionProblem::NoClient)
            }
            (_, _, None) if address_refused || named.is_some() => {
                Some(EndSessionProblem::UnknownClient)
            }
            (_, _, Some(_)) if address_refused => Some(EndSessionProblem::UnregisteredAddress),
            _ => None,
        };
        let proven = match (&claims, session) {
            // A request that names an unregistered address is doubtful, whatever it proves.
            _ if address_refused => false,
            (Some(_), None) => true,
            (Some(claims), Some(session)) => {
                // The hint names user and session as its client knows them; a client that is gone
                // knew them by their own names, or not.
                let Authentication { sub, sid, .. } = &session.authentication;
                let (sub, sid) = client.as_ref().map_or_else(
                    || (sub.to_string(), sid.to_string()),
                    |client| (client.subject(sub), client.session_id(sid)),
                );
                claims.sub == sub && claims.sid.as_ref().is_none_or(|hinted| *hinted == sid)
            }
            (None, _) => false,
        };
        let is_own = proven && session.is_some();
        let unvouched_host = match (&client, &return_to) {
            (Some(client), Some(uri)) if !is_own => self.clients.unvouched_host(client, uri),
            _ => None,
        };
        Ok(EndSessionRequest { client, return_to, problem, proven, unvouched_host })
    }

    /// An ID token of ours, expired or not: section 2 says that it "SHOULD" be accepted after its
    /// end.
    fn verify_hint(&self, hint: &str) -> Option<IdTokenClaims> {
        self.keys.verify_id_token(hint).filter(|claims| claims.iss == self.issuer)
    }
}

/// The registered address that the request names, with `state` (section 3).
fn return_address(client: &Client, params: &Params) -> Option<String> {
    let uri = params.get("post_logout_redirect_uri")?;
    if !client.post_logout_redirect_uris.iter().any(|registered| registered.as_str() == uri) {
        return None;
    }
    let Some(state) = params.get("state") else { return Some(uri.to_owned()) };
    let separator = if uri.contains('?') { '&' } else { '?' };
    Some(format!("{uri}{separator}{}", params::encode([("state", state)])))
}

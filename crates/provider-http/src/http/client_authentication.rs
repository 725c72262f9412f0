//! What a request presents to authenticate its client, at every endpoint that clients call
//! directly (RFC 6749 section 2.3).

use std::error::Error;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use doorward_protocol::{ids::ClientId, params::Params};
use doorward_provider::{
    Provider,
    use_case::{
        authenticate::{AuthenticatedClient, ClientCredentials, ClientEndpoint},
        error::{ClientAuthenticationError, TokenError},
    },
};

use crate::http::peer::Peer;

/// The longest text from a request, in characters, that is written to the log: every identifier of
/// a client, so that a search of the history finds it whole.
const LONGEST_LOGGED: usize = ClientId::LONGEST;

/// Authenticates the client of a request to this endpoint.
pub(crate) async fn authenticate_client(
    provider: &Provider,
    endpoint: ClientEndpoint,
    headers: &HeaderMap,
    params: &Params,
) -> Result<AuthenticatedClient, TokenError> {
    let credentials = client_credentials(provider, headers, params)?;
    provider.authenticator().authenticate(&credentials, endpoint).await
}

/// Reads the credentials of a request.
pub(crate) fn client_credentials(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<ClientCredentials, ClientAuthenticationError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let authorization = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(only), None) => {
            Some(only.to_str().map_err(|_| ClientAuthenticationError::MalformedHeader)?)
        }
        (Some(_), Some(_)) => return Err(ClientAuthenticationError::TwoMethods),
    };
    ClientCredentials::parse(authorization, params, |id| {
        provider.authenticator().can_authenticate(id)
    })
}

/// Writes to the log, in the sentence `what`, that a request was refused. The fields are those of
/// an audit event: `client_id` is what the request names, proven or not.
pub(crate) fn log_refusal(
    what: &'static str,
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
    peer: &Peer,
    cause: &dyn Error,
) {
    let client_id = named_client(provider, headers, params);
    tracing::info!(client_id, peer = peer.0, cause = %cause, "{what}");
}

/// The client that a request names, for an audit event or a log line. It is not authenticated.
pub(crate) fn named_client(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Option<String> {
    client_credentials(provider, headers, params).ok().map(|named| for_log(named.client_id()))
}

/// The beginning of a text from a request, short enough for a log line.
pub(crate) fn for_log(text: &str) -> String {
    text.chars().take(LONGEST_LOGGED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_of_a_client_is_logged_whole_and_no_longer_text() {
        let longest = "x".repeat(ClientId::LONGEST);
        assert_eq!(for_log(&longest), longest);
        assert_eq!(for_log(&format!("{longest}y")), longest);
    }
}

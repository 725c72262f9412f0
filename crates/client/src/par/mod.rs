//! Pushed authorization requests (RFC 9126): the page sends the request to the provider itself, and
//! the browser's URL contains only a reference, which nobody can read or change on the way.

use crate::{
    Fault,
    client::Client,
    lean::url,
    metadata::Endpoint,
    settings::ClientAuthentication,
    transport::{ProofOf, json, refusal, unexpected},
};

impl Client {
    /// Returns the URL unchanged, or with a reference instead of the request if the provider or the
    /// settings require it.
    pub(crate) async fn pushed(&self, endpoint: &str, address: String) -> Result<String, Fault> {
        let required = self.metadata.metadata().await?.require_pushed_authorization_requests;
        if !(self.settings.push_authorization_requests || required) {
            return Ok(address);
        }
        // Parameters of the endpoint itself are not part of the request.
        let request = address.strip_prefix(&url::with_query(endpoint, "")).unwrap_or_default();
        // Unless the client authenticates with a header, the form gets its identifier anyway.
        let keeps_id =
            self.settings.client_authentication == ClientAuthentication::ClientSecretBasic;
        let kept = request.split('&').filter(|pair| keeps_id || !pair.starts_with("client_id="));
        let form = kept.collect::<Vec<_>>().join("&");
        let pushed = Endpoint::PushedAuthorizationRequest;
        let (url, response) = self.tokens.post(pushed, form, ProofOf::Key).await?;
        if !response.is_success() {
            return Err(refusal(pushed.name(), &url, &response));
        }
        let Some(reference) = json(&url, &response.body)?.text("request_uri") else {
            return Err(unexpected(&url, "the answer has no request_uri"));
        };
        let reference =
            url::encoded(&[("client_id", &*self.settings.client_id), ("request_uri", &reference)]);
        Ok(url::with_query(endpoint, &reference))
    }
}

//! Pushed authorization requests (RFC 9126): the page itself hands the request to the provider, and
//! the browser carries no more than a reference to it, which nobody on the way can read or change.

use crate::{
    Fault,
    client::Client,
    metadata::Endpoint,
    provider_http::{Proven, json, refusal, unexpected},
    settings::ClientAuthentication,
    url,
};

impl Client {
    /// The address with the request, which `endpoint` and the parameters make up, or where the
    /// provider or the settings ask for it with a reference in the request's place.
    pub(crate) async fn pushed(&self, endpoint: &str, address: String) -> Result<String, Fault> {
        let required = self.metadata.metadata().await?.require_pushed_authorization_requests;
        if !(self.settings.push_authorization_requests || required) {
            return Ok(address);
        }
        let url = self.metadata.endpoint(Endpoint::PushedAuthorizationRequest).await?;
        // What else stands in the endpoint's query is not part of the request.
        let request = address.strip_prefix(&url::with_query(endpoint, "")).unwrap_or_default();
        // Where the client does not authenticate by a header, the form gets its id anyway.
        let keeps_id =
            self.settings.client_authentication == ClientAuthentication::ClientSecretBasic;
        let kept = request.split('&').filter(|pair| keeps_id || !pair.starts_with("client_id="));
        let form = kept.collect::<Vec<_>>().join("&");
        let response = self.tokens.http.post_authenticated(&url, form, Proven::Key).await?;
        if !response.is_success() {
            return Err(refusal(Endpoint::PushedAuthorizationRequest.name(), &url, &response));
        }
        let Some(reference) = json(&url, &response.body)?.text("request_uri") else {
            return Err(unexpected(&url, "the answer has no request_uri"));
        };
        let reference =
            url::encoded(&[("client_id", &*self.settings.client_id), ("request_uri", &reference)]);
        Ok(url::with_query(endpoint, &reference))
    }
}

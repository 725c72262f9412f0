//! Userinfo, whose claims are added to those of the ID token (OIDC Core section 5.3), with the
//! setting `load_user_info`.

use serde_json::{Map, Value};

#[cfg(feature = "signed-userinfo")]
use crate::transport::unexpected;
use crate::{
    Error, Fault,
    client::Client,
    flow::claims,
    metadata::Endpoint,
    ports::HttpResponse,
    transport::{json, refusal},
};

impl Client {
    /// Adds the claims of userinfo to the profile, if the settings ask for it.
    pub(crate) async fn with_user_info(
        &self,
        mut profile: Map<String, Value>,
        access_token: &str,
        sub: &str,
    ) -> Result<Map<String, Value>, Fault> {
        let loads = self.settings.load_user_info && !sub.is_empty();
        // A provider need not have the endpoint.
        let has_endpoint =
            loads && self.metadata.metadata().await?.address(Endpoint::Userinfo).is_some();
        if has_endpoint {
            let user_info = self.ports.retrying(|| self.user_info(access_token, sub)).await?;
            let user_info = claims::filtered(user_info, &self.settings.filter_protocol_claims);
            claims::join_user_info(&mut profile, user_info, self.settings.merge_claims);
        }
        Ok(profile)
    }

    /// The claims of an answer in JSON.
    #[cfg(not(feature = "signed-userinfo"))]
    #[allow(clippy::unused_async)] // Like the function with the feature.
    async fn claims_of(
        &self,
        url: &str,
        response: &HttpResponse,
    ) -> Result<Map<String, Value>, Fault> {
        Ok(json(url, &response.body)?.0)
    }

    /// The claims of an answer in JSON, or in a token that the provider signed for this client
    /// (section 5.3.2).
    #[cfg(feature = "signed-userinfo")]
    async fn claims_of(
        &self,
        url: &str,
        response: &HttpResponse,
    ) -> Result<Map<String, Value>, Fault> {
        let algorithm = self.settings.userinfo_signed_response_alg;
        // A token can't be taken for JSON, whatever the answer says of its type.
        if response.body.trim_start().starts_with('{') {
            return match algorithm {
                None => Ok(json(url, &response.body)?.0),
                // Who could take the signature off would have to forge none.
                Some(_) => Err(unexpected(
                    url,
                    "the answer is not signed, although the client registered that",
                )),
            };
        }
        let metadata = self.metadata.metadata().await?;
        let expected = crate::id_token::ExpectedAnswer {
            client_id: &self.settings.client_id,
            algorithm,
            lives_at: None,
            clock_skew: self.settings.clock_skew,
        };
        let (token, keys) = (response.body.trim(), &self.metadata);
        let verifier = &*self.ports.verifier;
        crate::id_token::verify_answer(token, &expected, &metadata, keys, verifier).await
    }

    /// Fetches userinfo. It must belong to the same user (section 5.3.2).
    async fn user_info(&self, access_token: &str, sub: &str) -> Result<Map<String, Value>, Fault> {
        let url = self.metadata.endpoint(Endpoint::Userinfo).await?;
        let response = self.tokens.http.get_with_token(&url, access_token).await?;
        if !response.is_success() {
            return Err(refusal(Endpoint::Userinfo.name(), &url, &response));
        }
        let claims = self.claims_of(&url, &response).await?;
        let found = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        if self.tokens.http.trace.check("sub", &sub, &found, found == sub) {
            Ok(claims)
        } else {
            Err(Error::UserInfoSubject.into())
        }
    }
}

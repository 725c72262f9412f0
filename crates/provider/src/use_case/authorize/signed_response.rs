//! Signed authorization responses (JWT Secured Authorization Response Mode for OAuth 2.0, JARM):
//! the parameters of a response, errors too, in a token that the provider signs for the client.

use doorward_protocol::{secret::Secret, time::Seconds};
use serde_json::{Map, Value, json};

use super::{
    Authorization, Outcome,
    reply::{AuthorizationResponse, ResponseSignature, UnsafeRequest},
};
use crate::{model::token_type::PLAIN_TYPE, use_case::error::TokenError};

/// The life of a response: section 2.1 recommends at most ten minutes.
const LIFETIME: Seconds = Seconds::new(300);

impl Authorization<'_> {
    /// Signs the response if its client wants that. One that can't be signed does not go out.
    pub(super) fn signed(&self, outcome: Outcome) -> Outcome {
        let Outcome::Respond(response) = outcome else { return outcome };
        let Some(signature) = response.to_be_signed() else { return Outcome::Respond(response) };
        match self.response_token(&response, signature) {
            Ok(token) => Outcome::Respond(response.signed(&token)),
            Err(error) => {
                tracing::error!(%error, "an authorization response can't be signed");
                Outcome::Refuse(UnsafeRequest::Unavailable)
            }
        }
    }

    /// The claims of section 2.1: issuer, client and end, and the parameters of the response. There
    /// is no `sub`: so it is neither an ID token nor an access token.
    fn response_token(
        &self,
        response: &AuthorizationResponse,
        signature: &ResponseSignature,
    ) -> Result<Secret, TokenError> {
        let now = self.clock.now();
        let mut claims: Map<String, Value> =
            response.params().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        claims.insert("iss".to_owned(), json!(self.settings.issuer));
        claims.insert("aud".to_owned(), json!(signature.audience));
        claims.insert("exp".to_owned(), json!(now.plus(LIFETIME).seconds()));
        Ok(self.keys.active(signature.algorithm, now)?.sign(PLAIN_TYPE, &claims)?)
    }
}

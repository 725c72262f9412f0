//! Authorization requests, pushed ones included.

use doorward_protocol::params::Params;

use super::Provider;
use crate::{
    model::{session::Session, token_handle::TokenHandle},
    use_case::{
        authenticate::AuthenticatedClient,
        authorize::{
            Authorization, AuthorizeRequest, ConsentGiven, Outcome, PushError, PushedReference,
        },
    },
};

impl Provider {
    /// Checks a pushed authorization request and keeps it (RFC 9126). `proof` is the `DPoP` header.
    pub async fn push_authorization_request(
        &self,
        client: &AuthenticatedClient,
        params: &Params,
        proof: Option<&str>,
        address: &str,
    ) -> Result<PushedReference, PushError> {
        self.authorization().push(client, params, proof, address).await
    }

    /// Answers an authorization request. `encoded` is the query or the form body.
    pub async fn authorize(
        &self,
        encoded: &[u8],
        cookie: Option<&TokenHandle>,
        address: &str,
    ) -> Outcome {
        self.authorization().authorize(encoded, cookie, address).await
    }

    /// Answers a posted authorization request that is too large to be carried on: with an error for
    /// its client if it is proven where that goes, and on a page otherwise.
    pub async fn refuse_too_large(&self, encoded: &[u8], address: &str) -> Outcome {
        self.authorization().refuse_too_large(encoded, address).await
    }

    /// Answers an authorization request to which the user has just consented.
    pub async fn authorize_with_consent(
        &self,
        encoded: &[u8],
        cookie: Option<&TokenHandle>,
        given: ConsentGiven,
        address: &str,
    ) -> Outcome {
        self.authorization().authorize_with_consent(encoded, cookie, given, address).await
    }

    /// The answer for a user who cancelled the sign-in or, with a session to name, denied consent.
    pub async fn deny(&self, encoded: &[u8], session: Option<&Session>, address: &str) -> Outcome {
        self.authorization().deny(encoded, session, address).await
    }

    /// The request behind a sign-in or consent page, to show which client asks; `None` if the
    /// request is not valid.
    pub async fn authorize_request(&self, encoded: &[u8]) -> Option<AuthorizeRequest> {
        self.authorization().request(encoded).await
    }

    fn authorization(&self) -> Authorization<'_> {
        Authorization {
            codes: &*self.store,
            consents: &*self.store,
            pushed_requests: &*self.store,
            clients: self.directory(),
            resources: &self.resources,
            keys: &self.keys,
            published_keys: self.published_keys(),
            single_uses: &*self.store,
            settings: &self.settings,
            vouching: self.vouching(),
            sessions: self.sessions(),
            proofs: self.proofs(),
            families: &self.families,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }
}

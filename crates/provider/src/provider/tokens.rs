//! Tokens: issued, looked at, revoked, and what they tell of a user.

use doorward_protocol::{secret::Secret, token::TokenResponse};

use super::Provider;
use crate::{
    store::StoreError,
    use_case::{
        access_token::AccessTokens,
        authenticate::{AuthenticatedClient, ClientCredentials},
        dpop::ProofVerifier,
        error::TokenError,
        introspection::{Introspection, IntrospectionAnswer, Introspector, TokenIntrospection},
        revocation::TokenRevocation,
        token::{TokenEndpoint, TokenRequest},
        userinfo::{Presentation, Userinfo, UserinfoAnswer, UserinfoError},
    },
};

impl Provider {
    /// The nonce that proofs must carry now, for clients that need one.
    pub fn dpop_nonce(&self) -> String {
        self.proofs().nonce()
    }

    /// Answers a token request. `proof` is the `DPoP` header; `address` is the peer's, for
    /// throttling and audit.
    pub async fn exchange(
        &self,
        client: &AuthenticatedClient,
        request: TokenRequest,
        proof: Option<&str>,
        address: &str,
    ) -> Result<TokenResponse, TokenError> {
        let endpoint = TokenEndpoint {
            codes: &*self.store,
            device_codes: &*self.store,
            grants: &*self.store,
            refresh_tokens: &*self.store,
            users: &*self.store,
            factors: &*self.store,
            issuer: &self.issuer,
            proofs: self.proofs(),
            passwords: self.password_check(),
            directories: self.directory_states(),
            families: &self.families,
            refresh_token_grace: self.settings.refresh_token_grace,
            require_second_factor: self.settings.second_factor.require,
            clock: &*self.clock,
            entropy: &*self.entropy,
        };
        let tokens = endpoint.exchange(client, request, proof, address).await?;
        self.note_use(client).await;
        Ok(tokens)
    }

    /// Authenticates the caller of the introspection endpoint: an API or a confidential client.
    pub async fn authenticate_introspector(
        &self,
        credentials: &ClientCredentials,
    ) -> Result<Introspector, TokenError> {
        self.introspection().authenticate(credentials).await
    }

    /// What a token says to this caller. `wants_signed`: whether the caller accepts a signed answer
    /// (RFC 9701 section 4).
    pub async fn introspect(
        &self,
        caller: &Introspector,
        token: &Secret,
        wants_signed: bool,
    ) -> Result<IntrospectionAnswer, TokenError> {
        self.introspection().answer(caller, token, wants_signed).await
    }

    /// What a token says to an API that is a part of this program, and so need not authenticate.
    pub async fn introspect_for(
        &self,
        api: &str,
        token: &Secret,
    ) -> Result<Introspection, StoreError> {
        self.introspection().for_api(api, token).await
    }

    /// Revokes a token of this client (RFC 7009).
    pub async fn revoke(
        &self,
        client: &AuthenticatedClient,
        token: &str,
        address: &str,
    ) -> Result<(), TokenError> {
        let revocation = TokenRevocation {
            refresh_tokens: &*self.store,
            reference_tokens: &*self.store,
            grants: &*self.store,
            single_uses: &*self.store,
            counters: &*self.store,
            access_tokens: self.access_tokens(),
            clock: &*self.clock,
        };
        revocation.revoke(client, token, address).await
    }

    /// The claims about the user that an access token gives.
    pub async fn userinfo(
        &self,
        access_token: &Secret,
        presented: Presentation<'_>,
    ) -> Result<UserinfoAnswer, UserinfoError> {
        let userinfo = Userinfo {
            access_tokens: self.access_tokens(),
            resources: &self.resources,
            proofs: self.proofs(),
            keys: &self.keys,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        };
        userinfo.answer(access_token, presented).await
    }

    pub(super) fn proofs(&self) -> ProofVerifier<'_> {
        ProofVerifier {
            single_uses: &*self.store,
            nonces: &self.nonces,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    fn access_tokens(&self) -> AccessTokens<'_> {
        AccessTokens {
            reference_tokens: &*self.store,
            grants: &*self.store,
            single_uses: &*self.store,
            keys: &self.keys,
            clients: self.directory(),
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    fn introspection(&self) -> TokenIntrospection<'_> {
        TokenIntrospection {
            refresh_tokens: &*self.store,
            access_tokens: self.access_tokens(),
            authenticator: self.authenticator(),
            resources: &self.resources,
            keys: &self.keys,
            access_token_signing_alg: self.settings.access_token_signing_alg,
        }
    }
}

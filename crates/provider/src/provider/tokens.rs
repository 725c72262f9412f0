//! The use cases of the protocol's endpoints: authorization, and what becomes of tokens.

use super::Provider;
use crate::use_case::{
    access_token::AccessTokens, authorize::Authorization, device::DeviceFlow, dpop::ProofVerifier,
    introspection::TokenIntrospection, revocation::TokenRevocation, token::TokenEndpoint,
    userinfo::Userinfo,
};

impl Provider {
    /// Authorization requests, pushed ones included.
    pub fn authorization(&self) -> Authorization<'_> {
        Authorization {
            codes: &*self.store,
            consents: &*self.store,
            pushed_requests: &*self.store,
            clients: self.client_directory(),
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

    /// Devices that have no browser: their requests, and what users answer.
    pub fn device_flow(&self) -> DeviceFlow<'_> {
        DeviceFlow {
            device_codes: &*self.store,
            failures: &*self.store,
            users: &*self.store,
            clients: self.client_directory(),
            resources: &self.resources,
            settings: &self.settings,
            vouching: self.vouching(),
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// Token requests.
    pub fn token_endpoint(&self) -> TokenEndpoint<'_> {
        TokenEndpoint {
            codes: &*self.store,
            device_codes: &*self.store,
            grants: &*self.store,
            refresh_tokens: &*self.store,
            users: &*self.store,
            factors: &*self.store,
            clients: self.client_directory(),
            issuer: &self.issuer,
            proofs: self.proofs(),
            passwords: self.passwords(),
            directories: self.directories(),
            families: &self.families,
            refresh_token_grace: self.settings.refresh_token_grace,
            require_second_factor: self.settings.second_factor.require,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// What tokens say to those who may ask.
    pub fn introspection(&self) -> TokenIntrospection<'_> {
        TokenIntrospection {
            refresh_tokens: &*self.store,
            access_tokens: self.access_tokens(),
            authenticator: self.authenticator(),
            resources: &self.resources,
            keys: &self.keys,
            access_token_signing_alg: self.settings.access_token_signing_alg,
        }
    }

    /// The revocation of tokens.
    pub fn revocation(&self) -> TokenRevocation<'_> {
        TokenRevocation {
            refresh_tokens: &*self.store,
            reference_tokens: &*self.store,
            grants: &*self.store,
            single_uses: &*self.store,
            counters: &*self.store,
            access_tokens: self.access_tokens(),
            clock: &*self.clock,
        }
    }

    /// What an access token tells of its user.
    pub fn userinfo(&self) -> Userinfo<'_> {
        Userinfo {
            access_tokens: self.access_tokens(),
            resources: &self.resources,
            proofs: self.proofs(),
            keys: &self.keys,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    /// Proofs of possession.
    pub fn proofs(&self) -> ProofVerifier<'_> {
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
            clients: self.client_directory(),
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }
}

//! Proofs of possession at the provider's own endpoints (RFC 9449): checked, used up once, and what
//! they bind.
//!
//! An endpoint goes two steps. [`ProofVerifier::check`] judges the `DPoP` header without changing
//! anything, early, so that a wrong proof costs no code or token. [`ProofVerifier::consume`] comes
//! last before the store's command, when all else is valid, so only good requests leave a row. Only
//! it makes a [`Binding`], which tokens can't be issued without.

use doorward_protocol::{
    claims::Confirmation,
    dpop::{self, Nonces, Proof, ProofError, ProvenRequest, TargetUri},
    error::ErrorCode,
    thumbprint::Thumbprint,
    token::{BEARER, DPOP},
};

use crate::{
    model::{
        client::{Client, fapi2},
        message_identity::MessageIdentity,
        time::Clock,
    },
    store::{SingleUses, StoreError},
    use_case::single_use::is_first_use,
};

/// Why a proof was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum DpopError {
    /// The client must send a proof.
    #[error("this client must send a proof in the DPoP header")]
    Missing,
    /// The proof is not valid.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The proof must carry the provider's nonce, and has none or an old one (section 8).
    #[error("the proof must carry the nonce of the DPoP-Nonce header")]
    NonceNeeded,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DpopError {
    /// The error code on the wire (section 5 and 8).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Missing | Self::Proof(_) => ErrorCode::InvalidDpopProof,
            Self::NonceNeeded => ErrorCode::UseDpopNonce,
            Self::Store(error) => error.code(),
        }
    }
}

/// The key that issued tokens are bound to, if any: that of a proof which is used up now.
#[derive(Debug)]
pub(crate) struct Binding(Option<Thumbprint>);

impl Binding {
    /// `token_type` of the token response (section 5).
    pub(crate) fn token_type(&self) -> &'static str {
        if self.0.is_some() { DPOP } else { BEARER }
    }

    /// `cnf` of the access token (section 6.1).
    pub(crate) fn confirmation(&self) -> Option<Confirmation> {
        self.0.clone().map(Confirmation::by_key)
    }
}

/// The key to which a client's refresh tokens are bound: public clients have nothing else to show
/// (section 5).
pub(crate) fn refresh_token_key(client: &Client, proof: Option<&Proof>) -> Option<Thumbprint> {
    if client.confidential { None } else { proof.map(|proof| proof.thumbprint().clone()) }
}

/// Whether a proof is there and made by this key.
pub(crate) fn is_made_by(proof: Option<&Proof>, key: &Thumbprint) -> bool {
    proof.is_some_and(|proof| proof.thumbprint() == key)
}

/// Checks proofs, and consumes them in the store.
#[derive(Clone, Copy)]
pub struct ProofVerifier<'a> {
    pub(crate) single_uses: &'a dyn SingleUses,
    pub(crate) nonces: &'a Nonces,
    pub(crate) issuer: &'a str,
    pub(crate) clock: &'a dyn Clock,
}

impl ProofVerifier<'_> {
    /// The nonce that proofs are to carry now, for clients that must.
    pub fn nonce(&self) -> String {
        self.nonces.current(self.clock.now().seconds())
    }

    /// Checks the proof of a request of this client to the endpoint at `path`; nothing is written
    /// yet. `proof` is the `DPoP` header. Every endpoint that binds something to the client's key
    /// begins here: the token endpoint, userinfo, and the endpoint for pushed requests.
    pub(crate) fn check(
        &self,
        client: &Client,
        proof: Option<&str>,
        (method, path): (&str, &str),
        access_token: Option<&str>,
    ) -> Result<Option<Proof>, DpopError> {
        let Some(compact) = proof else {
            return if client.require_dpop { Err(DpopError::Missing) } else { Ok(None) };
        };
        let now = self.clock.now();
        // The address as clients know it, whatever a proxy made of it.
        let uri = TargetUri::parse(&format!("{}{path}", self.issuer))
            .map_err(|_| ProofError::WrongUri)?;
        let proof = dpop::verify(
            compact,
            &ProvenRequest { method, uri: &uri, access_token, now: now.seconds() },
        )?;
        if client.fapi2 && !fapi2::ALGORITHMS.contains(&proof.algorithm()) {
            return Err(ProofError::UnsupportedAlgorithm.into());
        }
        let is_fresh = proof.nonce().is_some_and(|nonce| self.nonces.accepts(nonce, now.seconds()));
        if client.require_dpop_nonce && !is_fresh {
            return Err(DpopError::NonceNeeded);
        }
        Ok(Some(proof))
    }

    /// Uses up a proof, which must not have been presented before (section 11.1).
    pub(crate) async fn consume(&self, proof: Option<Proof>) -> Result<Binding, DpopError> {
        let Some(proof) = proof else { return Ok(Binding(None)) };
        let identity = MessageIdentity::from_bytes(proof.identity());
        if is_first_use(self.single_uses, identity, proof.too_old_at()).await? {
            Ok(Binding(Some(proof.thumbprint().clone())))
        } else {
            Err(ProofError::Replayed.into())
        }
    }
}

//! DPoP proofs of requests (RFC 9449 section 7.1): checked for the request, and each accepted once.

use std::{pin::Pin, sync::Arc, time::Duration};

use axum::extract::OriginalUri;
use doorward_protocol::dpop::{
    self, MAX_AGE, MAX_AHEAD, Nonces, ProofError, ProvenRequest, TargetUri,
};
use http::{HeaderMap, request::Parts};
use sha2::{Digest as _, Sha256};

use crate::{AccessToken, Clock, RefusalCause, SettingsError, TokenError, settings::base_url};

/// The longest time for which a proof is valid.
pub(crate) const PROOF_LIFE: Duration =
    Duration::from_secs((MAX_AGE + MAX_AHEAD + 1).unsigned_abs());

/// The memory of proofs that were used, so that each is accepted once.
///
/// The built-in one is in this process's memory. Several processes of one API do not share it: a
/// proof that was sent to one may be sent again to another, within its three minutes, to the same
/// address and with the same token (RFC 9449 section 11.1). Where that is too much, implement this
/// trait with a shared store, and give it to
/// [`ResourceServer::with_proof_store`](crate::ResourceServer::with_proof_store).
///
/// ```
/// use std::pin::Pin;
///
/// use doorward_resource_server::{ProofStore, ProofStoreError, UsedProof};
///
/// # struct Cache;
/// # impl Cache {
/// #     /// `SET key "" NX EX seconds`
/// #     async fn set_if_absent(&self, _: &[u8], _: u64) -> Result<bool, std::io::Error> {
/// #         Ok(true)
/// #     }
/// # }
/// struct SharedProofs(Cache);
///
/// impl ProofStore for SharedProofs {
///     fn use_once(
///         &self,
///         proof: UsedProof,
///     ) -> Pin<Box<dyn Future<Output = Result<bool, ProofStoreError>> + Send + '_>> {
///         Box::pin(async move {
///             let is_new = self.0.set_if_absent(&proof.id, proof.life.as_secs()).await;
///             is_new.map_err(|error| ProofStoreError(error.to_string()))
///         })
///     }
/// }
/// ```
pub trait ProofStore: Send + Sync + 'static {
    /// Remembers the proof for its life, in one atomic step. Returns whether it is new.
    fn use_once(
        &self,
        proof: UsedProof,
    ) -> Pin<Box<dyn Future<Output = Result<bool, ProofStoreError>> + Send + '_>>;
}

/// A proof to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsedProof {
    /// What tells the proof from every other.
    pub id: [u8; 32],
    /// What tells the caller, by issuer and subject, from every other. A bounded store can share
    /// its room out among callers by it, so that none can push out the proofs of another.
    pub caller: [u8; 32],
    /// How long the proof must be remembered.
    pub life: Duration,
}

/// The memory of proofs can't be used now.
#[derive(Debug, thiserror::Error)]
#[error("the memory of DPoP proofs can't be used: {0}")]
#[expect(clippy::exhaustive_structs, reason = "who implements a port handles all of it")]
pub struct ProofStoreError(pub String);

/// Checks the proofs of one API.
pub(crate) struct ProofChecker {
    /// The API's URL as its callers know it, without a slash at its end.
    url: String,
    used: Arc<dyn ProofStore>,
    /// The nonces that proofs must carry, if they must.
    nonces: Option<Nonces>,
    clock: Arc<dyn Clock>,
}

impl ProofChecker {
    pub(crate) fn new(
        url: &str,
        used: Arc<dyn ProofStore>,
        nonces: Option<Nonces>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        Ok(Self { url: base_url(url)?.to_owned(), used, nonces, clock })
    }

    /// The same with another memory.
    pub(crate) fn with_store(&self, used: Arc<dyn ProofStore>) -> Self {
        let (url, nonces) = (self.url.clone(), self.nonces.clone());
        Self { url, used, nonces, clock: Arc::clone(&self.clock) }
    }

    /// Checks that the request has a proof for itself and this token, by the key that the token is
    /// bound to, with a nonce of this API if it asks for one, and that the proof was not used
    /// before.
    pub(crate) async fn check(
        &self,
        parts: &Parts,
        access_token: &str,
        verified: &AccessToken,
    ) -> Result<(), RefusalCause> {
        let claims = verified.claims();
        let confirmation = claims.cnf.as_ref();
        let confirmation = confirmation.ok_or(RefusalCause::Token(TokenError::NotKeyBound))?;
        // `cnf` may also name a client certificate, for example, which can't be checked here.
        let key = confirmation.sole_key();
        let key = key.ok_or(RefusalCause::Token(TokenError::UnsupportedConfirmation))?;
        let compact = header(&parts.headers).map_err(RefusalCause::Proof)?;
        // Nested routers shorten the path; callers know the whole path.
        let path = parts
            .extensions
            .get::<OriginalUri>()
            .map_or(parts.uri.path(), |original| original.0.path());
        let uri = TargetUri::parse(&[&self.url, path].concat()).ok();
        // `/a/../b` and `/b` are one URI (RFC 3986 section 6.2.2.3), but two routes here. Clients'
        // URL libraries send the second.
        let uri = uri.filter(|_| !has_dot_segments(path));
        let uri = uri.ok_or(RefusalCause::Proof(ProofError::WrongUri))?;
        let (method, now) = (parts.method.as_str(), self.clock.now());
        let request = ProvenRequest { method, uri: &uri, access_token: Some(access_token), now };
        let proof = dpop::verify(compact, &request).map_err(RefusalCause::Proof)?;
        if proof.thumbprint() != key {
            return Err(RefusalCause::Token(TokenError::AnotherKey));
        }
        if let Some(nonces) = &self.nonces
            && !proof.nonce().is_some_and(|nonce| nonces.accepts(nonce, now))
        {
            return Err(RefusalCause::NonceNeeded { nonce: nonces.current(now) });
        }
        // Last, so that only the holder of a token and its key can fill the memory.
        let caller = Sha256::new().chain_update(&claims.iss).chain_update([0]);
        let caller = caller.chain_update(&claims.sub).finalize().into();
        let proof = UsedProof { id: proof.identity(), caller, life: PROOF_LIFE };
        match self.used.use_once(proof).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(RefusalCause::Proof(ProofError::Replayed)),
            Err(error) => {
                tracing::error!(%error, "a DPoP proof could not be remembered");
                Err(RefusalCause::ProofStoreUnavailable)
            }
        }
    }
}

fn has_dot_segments(path: &str) -> bool {
    let is_dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    };
    path.split('/').any(is_dots)
}

fn header(headers: &HeaderMap) -> Result<&str, ProofError> {
    let mut values = headers.get_all(dpop::HEADER).iter();
    match (values.next(), values.next()) {
        (Some(only), None) => only.to_str().map_err(|_| ProofError::NotOneHeader),
        _ => Err(ProofError::NotOneHeader),
    }
}

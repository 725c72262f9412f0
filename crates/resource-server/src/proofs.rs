//! DPoP proofs that come with a request (RFC 9449 section 7.1): checked for the request, each taken
//! once.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::extract::OriginalUri;
use doorward_protocol::{
    dpop::{self, MAX_AGE, MAX_AHEAD, ProofError, ProvenRequest, TargetUri},
    thumbprint::Thumbprint,
};
use http::{HeaderMap, request::Parts};

use crate::{Clock, SettingsError, settings::base_url};

/// Proofs remembered in each of the two generations: some 6 MB in all when both are full.
const GENERATION_LENGTH: usize = 64 * 1024;
/// The longest time for which a proof may be presented. A generation is filled for as long, and
/// kept for as long again.
const GENERATION_LIFE: Duration = Duration::from_secs((MAX_AGE + MAX_AHEAD + 1).unsigned_abs());

/// Checks proofs for one API.
pub(crate) struct ProofChecker {
    /// The API's URL as its callers know it, without a slash at its end.
    url: String,
    seen: SeenProofs,
    clock: Arc<dyn Clock>,
}

impl ProofChecker {
    pub(crate) fn new(url: &str, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        Ok(Self { url: base_url(url)?.to_owned(), seen: SeenProofs::default(), clock })
    }

    /// Checks that the request carries a proof for itself and this token, made by this key, that
    /// was not seen before.
    pub(crate) fn check(
        &self,
        parts: &Parts,
        access_token: &str,
        key: &Thumbprint,
    ) -> Result<(), ProofRefusal> {
        let compact = header(&parts.headers)?;
        // Nested routers shorten the path; callers know the whole.
        let path = parts
            .extensions
            .get::<OriginalUri>()
            .map_or(parts.uri.path(), |original| original.0.path());
        let uri =
            TargetUri::parse(&[&self.url, path].concat()).map_err(|_| ProofError::WrongUri)?;
        let (method, now) = (parts.method.as_str(), self.clock.now());
        let request = ProvenRequest { method, uri: &uri, access_token: Some(access_token), now };
        let proof = dpop::verify(compact, &request)?;
        if proof.thumbprint() != key {
            return Err(ProofRefusal::AnotherKey);
        }
        // Last, so that only holders of a token and its key can fill the memory.
        if self.seen.is_first(proof.identity(), self.clock.elapsed()) {
            Ok(())
        } else {
            Err(ProofError::Replayed.into())
        }
    }
}

/// Why a request does not prove possession.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProofRefusal {
    /// The proof does not hold, or there is none.
    Proof(ProofError),
    /// It holds for another key than the token's.
    AnotherKey,
}

impl From<ProofError> for ProofRefusal {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}

fn header(headers: &HeaderMap) -> Result<&str, ProofError> {
    let mut values = headers.get_all(dpop::HEADER).iter();
    match (values.next(), values.next()) {
        (Some(only), None) => only.to_str().map_err(|_| ProofError::NotOneHeader),
        _ => Err(ProofError::NotOneHeader),
    }
}

/// The proofs seen lately, in this process's memory: another process, or this one started again,
/// does not know them. Who needs more lets the proof's narrow time, its one address and its one
/// token count, as RFC 9449 section 11.1 weighs it.
///
/// Two generations by time bound how long a proof is remembered, and never less than it could be
/// presented for. Their length bounds the memory: under a flood of valid proofs the older half is
/// forgotten early rather than callers refused.
#[derive(Default)]
struct SeenProofs(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    begun: Duration,
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl SeenProofs {
    fn is_first(&self, proof: [u8; 32], elapsed: Duration) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = elapsed.saturating_sub(seen.begun);
        let dropped = if age >= GENERATION_LIFE || seen.young.len() >= GENERATION_LENGTH {
            seen.begun = elapsed;
            let young = mem::take(&mut seen.young);
            // Nothing of a generation that ended a whole life ago can be presented any more.
            let old = if age >= GENERATION_LIFE * 2 { HashSet::new() } else { young };
            mem::replace(&mut seen.old, old)
        } else {
            HashSet::new()
        };
        let first = !seen.old.contains(&proof) && seen.young.insert(proof);
        // Thousands of entries may be dropped here: not while others wait.
        drop(seen);
        drop(dropped);
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(number: usize) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    #[test]
    fn a_proof_is_remembered_for_as_long_as_it_could_be_presented() {
        for begun in 0..200 {
            let (seen, begun) = (SeenProofs::default(), Duration::from_secs(begun));
            assert!(seen.is_first(proof(0), Duration::ZERO));
            assert!(seen.is_first(proof(1), begun));
            for later in 0..GENERATION_LIFE.as_secs() {
                let now = begun + Duration::from_secs(later);
                assert!(
                    !seen.is_first(proof(1), now),
                    "begun at {begun:?}, seen again after {later} s"
                );
            }
        }
    }

    #[test]
    fn it_is_forgotten_in_the_end_and_the_memory_is_bounded() {
        let seen = SeenProofs::default();
        assert!(seen.is_first(proof(1), Duration::ZERO));
        assert!(seen.is_first(proof(1), GENERATION_LIFE * 2));
        for number in 0..3 * GENERATION_LENGTH {
            seen.is_first(proof(number), GENERATION_LIFE * 2);
        }
        let generations = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION_LENGTH);
    }
}

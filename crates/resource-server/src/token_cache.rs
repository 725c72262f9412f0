//! Tokens whose signature was verified lately, so that a token that comes a hundred times is
//! verified once.
//!
//! Nothing that time can change is kept: whoever takes a token from here checks its times against
//! the clock again. An entry counts only together with the keys that verified it, so that a
//! withdrawn key takes its tokens along.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    AccessToken, KeySet,
    generations::{Generations, TokenDigest},
};

/// A token, and the keys that verified it.
#[derive(Clone)]
pub(crate) struct Verified {
    pub(crate) token: Arc<AccessToken>,
    pub(crate) keys: Arc<KeySet>,
}

/// The tokens verified lately.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<Generations<Verified>>);

impl TokenCache {
    /// The token, if it was verified by keys that still count.
    pub(crate) fn get(
        &self,
        digest: TokenDigest,
        counts: impl Fn(&Arc<KeySet>) -> bool,
    ) -> Option<Arc<AccessToken>> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (found, dropped) = generations.get(digest);
        // Thousands of tokens may be dropped here: not while others wait.
        drop(generations);
        drop(dropped);
        found.filter(|verified| counts(&verified.keys)).map(|verified| verified.token)
    }

    /// Keeps a verified token.
    pub(crate) fn insert(&self, digest: TokenDigest, verified: Verified) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = generations.insert(digest, verified);
        drop(generations);
        drop(dropped);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::jwk::JwkSet;
    use serde_json::json;

    use super::*;

    fn keys() -> Arc<KeySet> {
        Arc::new(KeySet::new(JwkSet::default()))
    }

    fn token() -> Arc<AccessToken> {
        let claims = json!({ "iss": "i", "sub": "s", "aud": "a", "client_id": "c", "jti": "j", "iat": 0, "exp": 1 });
        Arc::new(AccessToken::unverified(serde_json::from_value(claims).unwrap()))
    }

    #[test]
    fn a_token_counts_only_with_the_keys_that_verified_it() {
        let (cache, first, second, token) = (TokenCache::default(), keys(), keys(), token());
        let [known, unknown] = ["1", "2"].map(|token| TokenDigest::of(token).unwrap());
        cache.insert(known, Verified { token: Arc::clone(&token), keys: Arc::clone(&first) });
        assert!(Arc::ptr_eq(&cache.get(known, |keys| Arc::ptr_eq(keys, &first)).unwrap(), &token));
        assert!(cache.get(known, |keys| Arc::ptr_eq(keys, &second)).is_none());
        assert!(cache.get(unknown, |_| true).is_none());
    }
}

//! Tokens whose signature was verified recently, so that a token that is sent a hundred times is
//! verified once.
//!
//! Nothing that depends on the time is kept: the times of a cached token are checked again. An
//! entry counts only while the issuer still publishes the keys that verified it, so that
//! withdrawing a key withdraws its tokens.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    AccessToken,
    generations::{Generations, TokenDigest},
    key_set::KeySet,
};

/// A token and the keys that verified it.
#[derive(Clone)]
pub(crate) struct Verified {
    pub(crate) token: Arc<AccessToken>,
    pub(crate) keys: Arc<KeySet>,
}

/// The tokens that were verified recently.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<Generations<Verified>>);

impl TokenCache {
    /// The token, if the keys that verified it still count.
    pub(crate) fn get(
        &self,
        digest: TokenDigest,
        counts: impl Fn(&Arc<KeySet>) -> bool,
    ) -> Option<Arc<AccessToken>> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (found, dropped) = generations.get(digest);
        // Dropping thousands of tokens takes time, so it happens after the lock is released.
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
    use crate::{TokenProfile, access_token::TokenRules};

    fn keys() -> Arc<KeySet> {
        Arc::new(KeySet::new(JwkSet::default(), &[]))
    }

    fn token() -> Arc<AccessToken> {
        let claims = json!({
            "iss": "i", "sub": "s", "aud": "a", "client_id": "c", "jti": "j", "iat": 0, "exp": 1,
        });
        let rules = TokenRules {
            issuer: "i".to_owned(),
            audiences: vec!["a".to_owned()],
            profile: TokenProfile::default(),
            default_roles: Vec::new(),
            default_acr: true,
        };
        Arc::new(AccessToken::accept(claims.as_object().unwrap().clone(), &rules).unwrap())
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

//! Tokens whose signature was verified lately, so that a token that comes a hundred times is verified once.
//!
//! Nothing that time can change is kept: whoever takes a token from here checks its times against the clock again.
//! An entry counts only together with the keys that verified it, so that a withdrawn key takes its tokens along.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use crate::{AccessToken, KeySet};

/// Tokens in each of the two generations.
const GENERATION_LENGTH: usize = 2048;
/// A longer token is verified each time, so that the cache's memory stays bounded by its count.
const MAX_KEPT_LENGTH: usize = 4096;

/// A token's name here. The token itself is not kept: who reads this memory can't use what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token that may be kept.
    pub(crate) fn of(token: &str) -> Option<Self> {
        (token.len() <= MAX_KEPT_LENGTH).then(|| Self(Sha256::digest(token).into()))
    }
}

#[derive(Clone)]
struct Entry {
    keys: Arc<KeySet>,
    token: Arc<AccessToken>,
}

/// Two generations: when the young one is full it becomes the old one, and what nobody asked for since is dropped.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<TokenDigest, Entry>,
    old: HashMap<TokenDigest, Entry>,
}

impl TokenCache {
    /// The token, if it was verified with these very keys.
    pub(crate) fn get(&self, digest: TokenDigest, keys: &Arc<KeySet>) -> Option<Arc<AccessToken>> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = generations.young.get(&digest);
        let (entry, is_old) = match found {
            Some(entry) => (entry.clone(), false),
            None => (generations.old.remove(&digest)?, true),
        };
        if !Arc::ptr_eq(&entry.keys, keys) {
            return None;
        }
        let token = Arc::clone(&entry.token);
        let dropped = is_old.then(|| generations.insert(digest, entry));
        drop(generations);
        drop(dropped);
        Some(token)
    }

    /// Keeps a token that these keys verified.
    pub(crate) fn insert(&self, digest: TokenDigest, keys: Arc<KeySet>, token: Arc<AccessToken>) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = generations.insert(digest, Entry { keys, token });
        // Thousands of tokens may be dropped here: not while others wait.
        drop(generations);
        drop(dropped);
    }
}

impl Generations {
    /// Adds an entry and hands back what is to be dropped.
    #[must_use]
    fn insert(&mut self, digest: TokenDigest, entry: Entry) -> HashMap<TokenDigest, Entry> {
        let dropped = if self.young.len() >= GENERATION_LENGTH {
            let young = mem::take(&mut self.young);
            mem::replace(&mut self.old, young)
        } else {
            HashMap::new()
        };
        self.young.insert(digest, entry);
        dropped
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

    fn digest(number: usize) -> TokenDigest {
        TokenDigest::of(&number.to_string()).unwrap()
    }

    #[test]
    fn a_token_counts_only_with_the_keys_that_verified_it() {
        let (cache, first, second) = (TokenCache::default(), keys(), keys());
        let token = token();
        cache.insert(digest(1), Arc::clone(&first), Arc::clone(&token));
        assert!(Arc::ptr_eq(&cache.get(digest(1), &first).unwrap(), &token));
        assert!(cache.get(digest(1), &second).is_none());
        assert!(cache.get(digest(2), &first).is_none());
    }

    #[test]
    fn it_stays_bounded_and_keeps_what_is_asked_for() {
        let (cache, keys, token) = (TokenCache::default(), keys(), token());
        for number in 0..10 * GENERATION_LENGTH {
            cache.insert(digest(number), Arc::clone(&keys), Arc::clone(&token));
            assert!(cache.get(digest(0), &keys).is_some(), "asked for all the time");
        }
        let generations = cache.0.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION_LENGTH);
        drop(generations);
        assert!(cache.get(digest(1), &keys).is_none());
    }

    #[test]
    fn long_tokens_are_not_kept() {
        assert!(TokenDigest::of(&"a".repeat(MAX_KEPT_LENGTH)).is_some());
        assert!(TokenDigest::of(&"a".repeat(MAX_KEPT_LENGTH + 1)).is_none());
    }
}

//! A bounded memory of tokens, by their digest.

use std::{collections::HashMap, mem};

use sha2::{Digest as _, Sha256};

/// The default number of tokens in each of the two generations.
pub(crate) const GENERATION_LENGTH: usize = 2048;
/// Longer tokens are not remembered, so that the number of tokens bounds the memory.
pub(crate) const MAX_KEPT_LENGTH: usize = 4096;

/// The digest of a token. The token itself is not kept, so that nobody who reads this memory can
/// use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token that may be kept.
    pub(crate) fn of(token: &str) -> Option<Self> {
        (token.len() <= MAX_KEPT_LENGTH).then(|| Self(Sha256::digest(token).into()))
    }
}

/// Two generations. When the young one is full it becomes the old one, and the old one is dropped,
/// with every token that was not used meanwhile.
pub(crate) struct Generations<V> {
    young: HashMap<TokenDigest, V>,
    old: HashMap<TokenDigest, V>,
    length: usize,
}

impl<V> Default for Generations<V> {
    fn default() -> Self {
        Self::with_length(GENERATION_LENGTH)
    }
}

impl<V> Generations<V> {
    /// With at most `length` tokens in each of the two.
    pub(crate) fn with_length(length: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), length }
    }
}

impl<V: Clone> Generations<V> {
    /// What is kept for the token, and a generation that the caller must drop after the lock is
    /// released.
    pub(crate) fn get(&mut self, digest: TokenDigest) -> (Option<V>, HashMap<TokenDigest, V>) {
        if let Some(found) = self.young.get(&digest) {
            return (Some(found.clone()), HashMap::new());
        }
        let Some(found) = self.old.remove(&digest) else { return (None, HashMap::new()) };
        let dropped = self.insert(digest, found.clone());
        (Some(found), dropped)
    }

    /// Keeps a value, and returns a generation that the caller must drop.
    #[must_use]
    pub(crate) fn insert(&mut self, digest: TokenDigest, kept: V) -> HashMap<TokenDigest, V> {
        let dropped = if self.young.len() >= self.length {
            let young = mem::take(&mut self.young);
            mem::replace(&mut self.old, young)
        } else {
            HashMap::new()
        };
        self.young.insert(digest, kept);
        dropped
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn digest(number: usize) -> TokenDigest {
        TokenDigest::of(&number.to_string()).unwrap()
    }

    #[test]
    fn it_stays_bounded_and_keeps_what_is_asked_for() {
        let mut generations = Generations::with_length(16);
        for number in 0..160 {
            drop(generations.insert(digest(number), number));
            assert_eq!(generations.get(digest(0)).0, Some(0), "asked for all the time");
        }
        assert!(generations.young.len() + generations.old.len() <= 32);
        assert_eq!(generations.get(digest(1)).0, None);
    }

    #[test]
    fn long_tokens_are_not_kept() {
        assert!(TokenDigest::of(&"a".repeat(MAX_KEPT_LENGTH)).is_some());
        assert!(TokenDigest::of(&"a".repeat(MAX_KEPT_LENGTH + 1)).is_none());
    }
}

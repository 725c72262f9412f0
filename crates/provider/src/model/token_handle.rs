//! Token handles: codes, refresh tokens, reference access tokens and session cookies. Whoever holds
//! a handle may use it, so the store keeps only its hash.
//!
//! A handle is 43 base64url characters of randomness (256 bits). A refresh token carries more:
//!
//! ```text
//!  8 characters   43 characters                                22 characters
//! +--------------+--------------------------------------------+----------------------+
//! | IssuedAt     | random, or derived from the token before   | Family               |
//! +--------------+--------------------------------------------+----------------------+
//!  48 bits:       256 bits                                     132 bits: its hash is
//!  milliseconds                                                the grant's identifier
//! ```
//!
//! - [`IssuedAt`] comes first, also in the [`TokenHash`]. So tokens of one time lie on one page of
//!   the database.
//! - [`Family`] ends all refresh tokens of one grant. So a token that is no longer stored still
//!   shows which grant a replay belongs to.
//! - A successor is derived from its predecessor and a [`SuccessorSeed`]. The store has the seed
//!   and the client has the token; neither alone can compute the successor. So a repeated request
//!   gets the same answer, although only hashes are stored.

use std::fmt;

use aws_lc_rs::hmac;
use doorward_protocol::{base64url, ids::GrantId, secret::Secret};
use sha2::{Digest as _, Sha256};

use crate::model::time::Entropy;

/// 256 random bits as 43 base64url characters (RFC 6749 section 10.10 asks for 128 or more), or the
/// 73 characters of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHandle(Secret);

/// SHA-256 of a handle, which is what the store keeps. A handle has full entropy, so no salt is
/// needed. The hash of a refresh token is its [`IssuedAt`] and the first 208 bits of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// The end of all refresh tokens of one grant: 132 bits. The identifier of the grant is their hash.
/// Access tokens show that identifier, and it does not show the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family(Secret);

/// The beginning of a refresh token: the timestamp of its issue, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedAt([u8; 6]);

/// From this seed and a refresh token the token's successor is derived: the successor's
/// [`IssuedAt`] and 208 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SuccessorSeed([u8; 32]);

/// Lengths of the three parts in characters.
const ISSUED_AT_LENGTH: usize = 8;
const RANDOM_LENGTH: usize = 43;
const FAMILY_LENGTH: usize = 22;

impl TokenHandle {
    /// Draws a new handle.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(base64url::encode(entropy.bytes())))
    }

    /// Draws the first refresh token of a family.
    pub fn first_of(family: &Family, issued_at: IssuedAt, entropy: &dyn Entropy) -> Self {
        Self::generate(entropy).within(family, issued_at)
    }

    /// The family that a refresh token names. Only the holder of a token of the family can name it.
    pub fn family(&self) -> Option<Family> {
        self.issued_at_and_family().map(|(_, family)| Family(Secret::new(family)))
    }

    fn within(self, Family(family): &Family, IssuedAt(issued_at): IssuedAt) -> Self {
        let parts = [&base64url::encode(issued_at), self.0.expose(), family.expose()];
        Self(Secret::new(parts.concat()))
    }

    /// The first and the last part of what may be a refresh token.
    fn issued_at_and_family(&self) -> Option<(&str, &str)> {
        const FAMILY_AT: usize = ISSUED_AT_LENGTH + RANDOM_LENGTH;
        let text = self.0.expose();
        let has_both = text.is_ascii() && text.len() == FAMILY_AT + FAMILY_LENGTH;
        has_both.then(|| (&text[..ISSUED_AT_LENGTH], &text[FAMILY_AT..]))
    }

    /// Takes the text of a request. It can be anything, and nothing is known about it yet.
    pub fn parse(text: &str) -> Self {
        Self(Secret::new(text))
    }

    /// The hash under which the store knows it.
    pub fn hash(&self) -> TokenHash {
        let mut hash: [u8; 32] = Sha256::digest(self.0.expose()).into();
        let issued_at = self
            .issued_at_and_family()
            .and_then(|(issued_at, _)| base64url::decode(issued_at).ok());
        if let Some(issued_at) = issued_at {
            hash.copy_within(..32 - issued_at.len(), issued_at.len());
            hash[..issued_at.len()].copy_from_slice(&issued_at);
        }
        TokenHash(hash)
    }

    /// The token that follows this one: HMAC-SHA-256 over the seed, keyed by this token, with the
    /// timestamp of the seed and the same family. A token of an earlier version has no family, and
    /// neither has its successor.
    #[must_use]
    pub fn successor(&self, seed: SuccessorSeed) -> Self {
        let successor = self.derive(&seed.0);
        self.family()
            .map_or(successor.clone(), |family| successor.within(&family, seed.issued_at()))
    }

    /// A value that scripts may see where they must not see this handle. It changes with the
    /// handle, and the handle can't be computed from it.
    #[must_use]
    pub fn check_value(&self) -> Self {
        self.derive(b"check value")
    }

    fn derive(&self, message: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose().as_bytes());
        Self(Secret::new(base64url::encode(hmac::sign(&key, message))))
    }

    /// The text itself, to be sent to its owner.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// As a secret for a response.
    pub fn into_secret(self) -> Secret {
        self.0
    }
}

impl Family {
    /// Draws a new family.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::cut_from(entropy.bytes())
    }

    /// The family of the grant that this code leads to. It is stored nowhere. The key is the
    /// provider's, because old codes are kept in browsers' histories and in logs of web servers,
    /// and a reader of those must not learn the family.
    pub fn of_code(code: &TokenHandle, key: &hmac::Key) -> Self {
        Self::cut_from(hmac::sign(key, code.expose().as_bytes()))
    }

    fn cut_from(bytes: impl AsRef<[u8]>) -> Self {
        let mut text = base64url::encode(bytes);
        text.truncate(FAMILY_LENGTH);
        Self(Secret::new(text))
    }

    /// The identifier of its grant.
    pub fn grant_id(&self) -> GrantId {
        let hash =
            Sha256::new().chain_update("grant of family ").chain_update(self.0.expose()).finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        GrantId::from(id)
    }
}

impl IssuedAt {
    /// Takes a timestamp in milliseconds since 1970-01-01 UTC.
    pub fn milliseconds(milliseconds: u64) -> Self {
        let [_, _, bytes @ ..] = milliseconds.to_be_bytes();
        Self(bytes)
    }
}

impl TokenHash {
    /// Takes a hash out of the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl SuccessorSeed {
    /// Draws a new seed, for a successor that is issued at this time.
    pub fn generate(issued_at: IssuedAt, entropy: &dyn Entropy) -> Self {
        let mut seed = entropy.bytes();
        seed[..6].copy_from_slice(&issued_at.0);
        Self(seed)
    }

    fn issued_at(self) -> IssuedAt {
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&self.0[..6]);
        IssuedAt(bytes)
    }

    /// Takes a seed out of the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(redacted)")
    }
}

impl fmt::Debug for SuccessorSeed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SuccessorSeed(redacted)")
    }
}

/// A short random identifier that is not a secret: `jti`, `kid`. 127 bits as 22 base64url
/// characters, of which the first is a letter: on a command line it can't be taken for an option.
pub fn random_id(entropy: &dyn Entropy) -> String {
    base64url::encode(id_bytes(entropy))
}

/// The same for an identifier that has a type: `sid`, `sub`, the identifier of a grant.
pub fn draw_id<T: From<[u8; 16]>>(entropy: &dyn Entropy) -> T {
    T::from(id_bytes(entropy))
}

fn id_bytes(entropy: &dyn Entropy) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&entropy.bytes()[..16]);
    id[0] &= 0x7f;
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::SystemEntropy;

    #[test]
    fn identifiers_begin_with_a_letter() {
        #[derive(Debug)]
        struct Fixed(u8);
        impl Entropy for Fixed {
            fn bytes(&self) -> [u8; 32] {
                [self.0; 32]
            }
        }
        for first in 0..=u8::MAX {
            let id = random_id(&Fixed(first));
            assert_eq!(draw_id::<GrantId>(&Fixed(first)), id.as_str());
            assert!(
                id.len() == 22 && id.starts_with(|letter: char| letter.is_ascii_alphabetic()),
                "{id}"
            );
        }
    }

    #[test]
    fn successor_depends_on_token_and_seed_alone() {
        let (first, other) =
            (TokenHandle::generate(&SystemEntropy), TokenHandle::generate(&SystemEntropy));
        let (seed, other_seed) = (SuccessorSeed([1; 32]), SuccessorSeed([2; 32]));
        assert_eq!(first.successor(seed), first.successor(seed));
        assert_ne!(first.successor(seed), other.successor(seed));
        assert_ne!(first.successor(seed), first.successor(other_seed));
        assert_eq!(first.successor(seed).expose().len(), 43);
    }

    #[test]
    fn a_family_goes_on_in_every_successor_and_tells_the_grant() {
        let code = TokenHandle::generate(&SystemEntropy);
        let [key, other_key] =
            [[1; 32], [2; 32]].map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        let family = Family::of_code(&code, &key);
        assert_eq!(family, Family::of_code(&code, &key));
        assert_ne!(family, Family::of_code(&code, &other_key));
        assert_ne!(family, Family::of_code(&TokenHandle::generate(&SystemEntropy), &key));
        let first = TokenHandle::first_of(&family, IssuedAt::milliseconds(1), &SystemEntropy);
        let third = first.successor(SuccessorSeed([1; 32])).successor(SuccessorSeed([2; 32]));
        assert_eq!((first.family(), third.family()), (Some(family.clone()), Some(family.clone())));
        assert_eq!((third.expose().len(), family.grant_id().len()), (73, 22));
        assert!(!third.expose().contains(family.grant_id().as_str()));
        for other in
            ["", "short", &"x".repeat(43), &"x".repeat(72), &"x".repeat(74), &"€".repeat(24)]
        {
            assert_eq!(TokenHandle::parse(other).family(), None, "{other}");
        }
        // Cut in the middle of a character.
        assert_eq!(
            TokenHandle::parse(&format!("{}€{}", "x".repeat(50), "x".repeat(20))).family(),
            None
        );
    }

    #[test]
    fn refresh_tokens_lie_in_the_order_in_which_they_were_made() {
        let family = Family::generate(&SystemEntropy);
        let made_at = |milliseconds| {
            TokenHandle::first_of(&family, IssuedAt::milliseconds(milliseconds), &SystemEntropy)
        };
        let moments = [0, 1, 255, 256, 1_790_000_000_000, 1_790_000_000_001, (1 << 48) - 1];
        assert!(moments.map(|milliseconds| *made_at(milliseconds).hash().as_bytes()).is_sorted());
        let seed = SuccessorSeed::generate(IssuedAt::milliseconds(256), &SystemEntropy);
        assert_eq!(made_at(1).successor(seed).hash().as_bytes()[..6], [0, 0, 0, 0, 1, 0]);
        assert_ne!(made_at(7).hash(), made_at(7).hash());
    }

    #[test]
    fn what_has_no_timestamp_is_known_by_its_whole_hash() {
        for text in
            ["", "short", &"a".repeat(43), &"€".repeat(24), &"+".repeat(73), &"a".repeat(74)]
        {
            let whole: [u8; 32] = Sha256::digest(text).into();
            assert_eq!(TokenHandle::parse(text).hash().as_bytes(), &whole, "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let token = TokenHandle::parse("visible");
        assert!(!format!("{token:?} {:?}", token.hash()).contains("visible"));
    }
}

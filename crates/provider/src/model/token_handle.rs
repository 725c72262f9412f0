//! Opaque handles: codes, refresh tokens and session cookies. Whoever holds one may use it, so only
//! its hash is kept.

use std::fmt;

use aws_lc_rs::hmac;
use doorward_protocol::{base64url, secret::Secret};
use sha2::{Digest as _, Sha256};

use crate::model::time::Entropy;

/// 256 random bits as 43 base64url characters (RFC 6749 section 10.10 asks for 128 or more).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHandle(Secret);

/// SHA-256 of an opaque token: what the store keeps. The token has full entropy, so that no salt is
/// needed. For a token with a [`Place`] it is that and the first 208 bits of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// What all refresh tokens of one grant end with: 132 bits whose hash is the grant's identifier. So
/// a token that is not kept any more still tells whose replay it is; the identifier, which access
/// tokens show, tells nobody the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family(Secret);

/// What a refresh token begins with: the millisecond at which it was made. It comes first in the
/// token's key, too, so that tokens of one moment lie on one page of the database, and not each on
/// another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place([u8; 6]);

/// A seed from which, together with a refresh token, that token's successor is derived: the
/// successor's [`Place`] and 208 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SuccessorSeed([u8; 32]);

/// Characters of a place, of a token without place and family, and of a family.
const PLACE_LENGTH: usize = 8;
const TOKEN_LENGTH: usize = 43;
const FAMILY_LENGTH: usize = 22;

impl TokenHandle {
    /// Draws a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(base64url::encode(entropy.bytes())))
    }

    /// Draws the first refresh token of a family.
    pub fn first_of(family: &Family, place: Place, entropy: &dyn Entropy) -> Self {
        Self::generate(entropy).within(family, place)
    }

    /// The family that a presented refresh token names. Whoever names one has had a token of it.
    pub fn family(&self) -> Option<Family> {
        self.place_and_family().map(|(_, family)| Family(Secret::new(family)))
    }

    fn within(self, Family(family): &Family, Place(place): Place) -> Self {
        Self(Secret::new([&base64url::encode(place), self.0.expose(), family.expose()].concat()))
    }

    /// The first and the last part of what may be a refresh token.
    fn place_and_family(&self) -> Option<(&str, &str)> {
        const FAMILY_AT: usize = PLACE_LENGTH + TOKEN_LENGTH;
        let text = self.0.expose();
        let has_both = text.is_ascii() && text.len() == FAMILY_AT + FAMILY_LENGTH;
        has_both.then(|| (&text[..PLACE_LENGTH], &text[FAMILY_AT..]))
    }

    /// Takes what a request presented; nothing is known about it yet.
    pub fn parse(text: &str) -> Self {
        Self(Secret::new(text))
    }

    /// The hash under which the store knows it.
    pub fn hash(&self) -> TokenHash {
        let mut hash: [u8; 32] = Sha256::digest(self.0.expose()).into();
        let place = self.place_and_family().and_then(|(place, _)| base64url::decode(place).ok());
        if let Some(place) = place {
            hash.copy_within(..32 - place.len(), place.len());
            hash[..place.len()].copy_from_slice(&place);
        }
        TokenHash(hash)
    }

    /// The token that follows this one: HMAC-SHA-256 over the seed, keyed by this token, at the
    /// place in the seed and of the same family (one of an earlier version, without a family, is
    /// followed by such a one). The store keeps the seed but not the token, the client has the
    /// token but not the seed; so neither alone can tell the successor, and yet a repeated request
    /// within the grace time can be answered with the same successor though only hashes are kept.
    #[must_use]
    pub fn successor(&self, seed: SuccessorSeed) -> Self {
        let successor = self.derive(&seed.0);
        self.family().map_or(successor.clone(), |family| successor.within(&family, seed.place()))
    }

    /// A value that scripts may see where they may not see this token: it changes with the token
    /// and does not tell it.
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
    /// Draws a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::cut_from(entropy.bytes())
    }

    /// The family of the grant that this code leads to, kept nowhere. The key is the provider's:
    /// old codes stand in browsers' histories and in logs of web servers, and must not tell the
    /// family to whoever reads them there.
    pub fn begun_by(code: &TokenHandle, key: &hmac::Key) -> Self {
        Self::cut_from(hmac::sign(key, code.expose().as_bytes()))
    }

    fn cut_from(bytes: impl AsRef<[u8]>) -> Self {
        let mut text = base64url::encode(bytes);
        text.truncate(FAMILY_LENGTH);
        Self(Secret::new(text))
    }

    /// The identifier of its grant.
    pub fn grant_id(&self) -> String {
        let hash =
            Sha256::new().chain_update("grant of family ").chain_update(self.0.expose()).finalize();
        base64url::encode(&hash[..16])
    }
}

impl Place {
    /// That of a token which is made so many milliseconds after 1970-01-01 UTC.
    pub fn at(milliseconds: u64) -> Self {
        let [_, _, place @ ..] = milliseconds.to_be_bytes();
        Self(place)
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
    /// Draws a new one, for a successor at that place.
    pub fn generate(place: Place, entropy: &dyn Entropy) -> Self {
        let mut seed = entropy.bytes();
        seed[..6].copy_from_slice(&place.0);
        Self(seed)
    }

    fn place(self) -> Place {
        let mut place = [0; 6];
        place.copy_from_slice(&self.0[..6]);
        Place(place)
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

/// A short random identifier that is no secret: `sid`, `jti`, `kid`. 127 bits as 22 base64url
/// characters, of which the first is a letter: on a command line it can't be taken for an option.
pub fn random_id(entropy: &dyn Entropy) -> String {
    let mut bytes = entropy.bytes();
    bytes[0] &= 0x7f;
    base64url::encode(&bytes[..16])
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
        let family = Family::begun_by(&code, &key);
        assert_eq!(family, Family::begun_by(&code, &key));
        assert_ne!(family, Family::begun_by(&code, &other_key));
        assert_ne!(family, Family::begun_by(&TokenHandle::generate(&SystemEntropy), &key));
        let first = TokenHandle::first_of(&family, Place::at(1), &SystemEntropy);
        let third = first.successor(SuccessorSeed([1; 32])).successor(SuccessorSeed([2; 32]));
        assert_eq!((first.family(), third.family()), (Some(family.clone()), Some(family.clone())));
        assert_eq!((third.expose().len(), family.grant_id().len()), (73, 22));
        assert!(!third.expose().contains(&family.grant_id()));
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
        let made_at =
            |milliseconds| TokenHandle::first_of(&family, Place::at(milliseconds), &SystemEntropy);
        let moments = [0, 1, 255, 256, 1_790_000_000_000, 1_790_000_000_001, (1 << 48) - 1];
        assert!(moments.map(|milliseconds| *made_at(milliseconds).hash().as_bytes()).is_sorted());
        let seed = SuccessorSeed::generate(Place::at(256), &SystemEntropy);
        assert_eq!(made_at(1).successor(seed).hash().as_bytes()[..6], [0, 0, 0, 0, 1, 0]);
        assert_ne!(made_at(7).hash(), made_at(7).hash());
    }

    #[test]
    fn what_has_no_place_is_known_by_its_whole_hash() {
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

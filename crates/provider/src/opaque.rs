//! Opaque handles: codes, refresh tokens and session cookies. Whoever holds one may use it, so only its hash is kept.

use std::fmt;

use aws_lc_rs::hmac;
use doorward_protocol::{base64url, secret::Secret};
use sha2::{Digest as _, Sha256};

use crate::time::Entropy;

/// 256 random bits as 43 base64url characters (RFC 6749 section 10.10 asks for 128 or more).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpaqueToken(Secret);

/// SHA-256 of an opaque token: what the store keeps. The token has full entropy, so that no salt is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// What all refresh tokens of one grant end with: 128 bits whose hash is the grant's identifier. So a token that is not kept any more
/// still tells whose replay it is; the identifier, which access tokens show, tells nobody the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family(Secret);

/// A random seed from which, together with a refresh token, that token's successor is derived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SuccessorSeed([u8; 32]);

/// Characters of a token without a family, and of a family.
const TOKEN_LENGTH: usize = 43;
const FAMILY_LENGTH: usize = 22;

impl OpaqueToken {
    /// Draws a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(base64url::encode(entropy.bytes())))
    }

    /// Draws the first refresh token of a family.
    pub fn first_of(family: &Family, entropy: &dyn Entropy) -> Self {
        Self::generate(entropy).within(Some(family))
    }

    /// The family that a presented refresh token names. Whoever names one has had a token of it.
    pub fn family(&self) -> Option<Family> {
        let text = self.0.expose();
        let family = text.get(TOKEN_LENGTH..).filter(|_| text.len() == TOKEN_LENGTH + FAMILY_LENGTH)?;
        Some(Family(Secret::new(family)))
    }

    fn within(self, family: Option<&Family>) -> Self {
        match family {
            Some(Family(family)) => Self(Secret::new(format!("{}{}", self.0.expose(), family.expose()))),
            None => self,
        }
    }

    /// Takes what a request presented; nothing is known about it yet.
    pub fn presented(text: &str) -> Self {
        Self(Secret::new(text))
    }

    /// The hash under which the store knows it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose()).into())
    }

    /// The token that follows this one: HMAC-SHA-256 over the seed, keyed by this token, and the same family. The store keeps the
    /// seed but not the token, the client has the token but not the seed; so neither alone can tell the successor, and yet a
    /// repeated request within the grace time can be answered with the same successor though only hashes are kept.
    #[must_use]
    pub fn successor(&self, seed: SuccessorSeed) -> Self {
        self.derive(&seed.0).within(self.family().as_ref())
    }

    /// A value that scripts may see where they may not see this token: it changes with the token and does not tell it.
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
    /// The family of the grant that this code leads to: known to whoever has the code, and kept nowhere.
    pub fn begun_by(code: &OpaqueToken) -> Self {
        let mut text = code.derive(b"family of refresh tokens").0.into_exposed();
        text.truncate(FAMILY_LENGTH);
        Self(Secret::new(text))
    }

    /// The identifier of its grant.
    pub fn grant_id(&self) -> String {
        let hash = Sha256::new().chain_update("grant of family ").chain_update(self.0.expose()).finalize();
        base64url::encode(&hash[..16])
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
    /// Draws a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(entropy.bytes())
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

/// A short random identifier that is no secret: `sid`, `jti`, `kid`. 128 bits as 22 base64url characters.
pub fn random_id(entropy: &dyn Entropy) -> String {
    base64url::encode(&entropy.bytes()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SystemEntropy;

    #[test]
    fn successor_depends_on_token_and_seed_alone() {
        let (first, other) = (OpaqueToken::generate(&SystemEntropy), OpaqueToken::generate(&SystemEntropy));
        let (seed, other_seed) = (SuccessorSeed([1; 32]), SuccessorSeed([2; 32]));
        assert_eq!(first.successor(seed), first.successor(seed));
        assert_ne!(first.successor(seed), other.successor(seed));
        assert_ne!(first.successor(seed), first.successor(other_seed));
        assert_eq!(first.successor(seed).expose().len(), 43);
    }

    #[test]
    fn a_family_goes_on_in_every_successor_and_tells_the_grant() {
        let code = OpaqueToken::generate(&SystemEntropy);
        let family = Family::begun_by(&code);
        assert_eq!(family, Family::begun_by(&code));
        assert_ne!(family, Family::begun_by(&OpaqueToken::generate(&SystemEntropy)));
        let first = OpaqueToken::first_of(&family, &SystemEntropy);
        let third = first.successor(SuccessorSeed([1; 32])).successor(SuccessorSeed([2; 32]));
        assert_eq!((first.family(), third.family()), (Some(family.clone()), Some(family.clone())));
        assert_eq!((third.expose().len(), family.grant_id().len()), (65, 22));
        assert!(!third.expose().contains(&family.grant_id()));
        for other in ["", "short", &"x".repeat(43), &"x".repeat(64), &"x".repeat(66), &"ä".repeat(33)] {
            assert_eq!(OpaqueToken::presented(other).family(), None, "{other}");
        }
        // Cut in the middle of a character.
        assert_eq!(OpaqueToken::presented(&format!("{}€{}", "x".repeat(42), "x".repeat(20))).family(), None);
    }

    #[test]
    fn debug_shows_nothing() {
        let token = OpaqueToken::presented("visible");
        assert!(!format!("{token:?} {:?}", token.hash()).contains("visible"));
    }
}

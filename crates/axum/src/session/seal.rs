//! Encryption of sessions (AES-256-GCM by aws-lc-rs).

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac, rand,
};
use doorward_protocol::base64url;

use super::Key;

/// A text can't be sealed, or not be opened by this key: it is damaged, forged, or another key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealError;

/// A key that seals and opens.
pub(crate) struct Sealing(RandomizedNonceKey);

impl Sealing {
    /// The key of 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes).map(Self).map_err(|_| SealError)
    }

    /// The key that is derived from a random secret for one purpose.
    pub(crate) fn derived(secret: &str, purpose: &str) -> Result<Self, SealError> {
        Self::from_bytes(mac(secret, purpose).as_ref())
    }

    /// Encrypts a text. It opens only with the same context.
    pub(crate) fn seal(&self, context: Key, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = text.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(*context.as_bytes()), &mut sealed)
            .map_err(|_| SealError)?;
        sealed.splice(0..0, nonce.as_ref().iter().copied());
        Ok(sealed)
    }

    /// Decrypts a text.
    pub(crate) fn open(&self, context: Key, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut buffer = ciphertext.to_vec();
        let aad = Aad::from(*context.as_bytes());
        let text = self.0.open_in_place(nonce, aad, &mut buffer).map_err(|_| SealError)?;
        Ok(text.to_vec())
    }
}

/// HMAC-SHA256 of a purpose, by a random secret.
pub(crate) fn mac(secret: &str, purpose: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), purpose.as_bytes())
}

/// 256 random bits as 43 base64url characters.
pub(crate) fn random_text() -> Result<String, SealError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| SealError)?;
    Ok(base64url::encode(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_same_key_and_context_open() {
        let key = Sealing::derived("secret", "session").unwrap();
        let (here, elsewhere) = (Key::of(&["a"]), Key::of(&["b"]));
        let sealed = key.seal(here, b"text").unwrap();
        assert_eq!(key.open(here, &sealed).unwrap(), b"text");
        assert_eq!(key.open(elsewhere, &sealed), Err(SealError));
        for other in [("secret", "request"), ("other", "session")] {
            let other = Sealing::derived(other.0, other.1).unwrap();
            assert_eq!(other.open(here, &sealed), Err(SealError));
        }
        let mut changed = sealed;
        changed[NONCE_LEN] ^= 1;
        assert_eq!(key.open(here, &changed), Err(SealError));
        assert_eq!(key.open(here, b"short"), Err(SealError));
    }
}

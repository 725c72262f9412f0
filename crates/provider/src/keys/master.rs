//! The master key, which encrypts private signing keys at rest (AES-256-GCM) and from which MAC
//! keys are derived (HMAC-SHA-256).

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use doorward_protocol::base64url;

use crate::model::signing_key::SealedKey;

/// 256 bits that encrypt the private signing keys. Kept outside the database.
pub struct MasterKey {
    sealing: RandomizedNonceKey,
    derivation: hmac::Key,
}

/// The sealed key can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing key can't be decrypted: it belongs to another master key, or it is damaged")]
pub struct UnsealError;

impl MasterKey {
    /// Takes 32 bytes as the key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, UnsealError> {
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| UnsealError)?;
        Ok(Self { sealing, derivation: hmac::Key::new(hmac::HMAC_SHA256, bytes) })
    }

    /// Reads the key from its text form, 43 base64url characters.
    pub fn parse(text: &str) -> Result<Self, UnsealError> {
        let bytes = base64url::decode(text.trim()).map_err(|_| UnsealError)?;
        Self::from_bytes(bytes.as_slice().try_into().map_err(|_| UnsealError)?)
    }

    /// A key for message authentication, derived for one purpose: HMAC of the purpose, a
    /// pseudo-random function of the key.
    pub(super) fn mac_key(&self, purpose: &'static str) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.derived_secret(purpose))
    }

    /// A code over these parts by such a key. Each part goes in after its length, so that no two
    /// lists of parts are one text.
    pub(super) fn mac(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.mac_key(purpose));
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }

    /// The bits of such a key. Who takes them must use the purpose for nothing else.
    pub(super) fn derived_secret(&self, purpose: &'static str) -> [u8; 32] {
        let mut secret = [0; 32];
        secret.copy_from_slice(hmac::sign(&self.derivation, purpose.as_bytes()).as_ref());
        secret
    }

    /// Encrypts a private key under its `kid`.
    pub fn seal(&self, kid: &str, private: &[u8]) -> Result<SealedKey, UnsealError> {
        let mut sealed = private.to_vec();
        let nonce = self
            .sealing
            .seal_in_place_append_tag(Aad::from(kid.as_bytes()), &mut sealed)
            .map_err(|_| UnsealError)?;
        sealed.splice(0..0, nonce.as_ref().iter().copied());
        Ok(SealedKey::from_bytes(sealed))
    }

    /// Decrypts a private key.
    pub fn unseal(&self, kid: &str, sealed: &SealedKey) -> Result<Vec<u8>, UnsealError> {
        let (nonce, ciphertext) =
            sealed.as_bytes().split_at_checked(NONCE_LEN).ok_or(UnsealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError)?;
        let mut buffer = ciphertext.to_vec();
        let opened = self
            .sealing
            .open_in_place(nonce, Aad::from(kid.as_bytes()), &mut buffer)
            .map_err(|_| UnsealError)?;
        Ok(opened.to_vec())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn seals_and_unseals_only_with_the_same_key_and_kid() {
        let key = MasterKey::from_bytes(&[7; 32]).unwrap();
        let sealed = key.seal("kid-1", b"private").unwrap();
        assert_eq!(key.unseal("kid-1", &sealed).unwrap(), b"private");
        assert_eq!(key.unseal("kid-2", &sealed), Err(UnsealError));
        assert_eq!(
            MasterKey::from_bytes(&[8; 32]).unwrap().unseal("kid-1", &sealed),
            Err(UnsealError)
        );
        assert_eq!(key.unseal("kid-1", &SealedKey::from_bytes(vec![1, 2])), Err(UnsealError));
        assert!(!sealed.as_bytes().windows(7).any(|window| window == b"private"));
    }

    #[test]
    fn a_code_is_of_its_key_purpose_and_parts() {
        let [key, other] = [7, 8].map(|byte| MasterKey::from_bytes(&[byte; 32]).unwrap());
        let code = key.mac("one", &[b"ab", b"c"]);
        assert_eq!(key.mac("one", &[b"ab", b"c"]), code);
        for another in [
            other.mac("one", &[b"ab", b"c"]),
            key.mac("two", &[b"ab", b"c"]),
            key.mac("one", &[b"a", b"bc"]),
            key.mac("one", &[b"abc"]),
        ] {
            assert_ne!(another, code);
        }
    }
}

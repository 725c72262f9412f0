//! Firebase's hash of a password: what scrypt makes of it is a key of AES-256, by which a key of
//! the project, the signer key, is encrypted in counter mode.
//!
//! Counter mode adds a stream of the key's own to the text. That stream is what is kept here: it is
//! known from hash and signer key, and the store then needs no key of the project.

use std::fmt;

use aws_lc_rs::{
    cipher::{AES_256, AES_256_KEY_LEN, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};

use super::super::{PasswordError, PasswordHash};

/// The parameters of a project's hashes, as Firebase's console shows them. `Debug` is redacted.
#[derive(Clone)]
pub struct FirebaseHashes {
    /// `base64_signer_key`, decoded.
    pub signer_key: Vec<u8>,
    /// `base64_salt_separator`, decoded.
    pub salt_separator: Vec<u8>,
    /// `rounds`: the block size of scrypt.
    pub rounds: u32,
    /// `mem_cost`: the logarithm of the cost of scrypt.
    pub memory_cost: u32,
}

impl FirebaseHashes {
    /// The hash of a user, by their own salt.
    pub fn hash(&self, salt: &[u8], hash: &[u8]) -> Result<PasswordHash, PasswordError> {
        if hash.len() != self.signer_key.len() {
            return Err(PasswordError::NotAHash);
        }
        let stream: Vec<u8> =
            hash.iter().zip(&self.signer_key).map(|(one, key)| one ^ key).collect();
        let salt = [salt, &self.salt_separator].concat();
        let cost = format!("firebase-scrypt$v=1$ln={},r={},p=1", self.memory_cost, self.rounds);
        PasswordHash::of_parts(&cost, &salt, &stream)
    }
}

impl fmt::Debug for FirebaseHashes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FirebaseHashes(redacted)")
    }
}

/// The first bytes of the stream of a key.
pub(super) fn key_stream(key: &[u8; AES_256_KEY_LEN], length: usize) -> Option<Vec<u8>> {
    let key = UnboundCipherKey::new(&AES_256, key).and_then(EncryptingKey::ctr).ok()?;
    // What is added to zeros is what is there then.
    let mut stream = vec![0; length];
    let from_the_first = EncryptionContext::Iv128(FixedLength::from([0; 16]));
    key.less_safe_encrypt(&mut stream, from_the_first).ok()?;
    Some(stream)
}

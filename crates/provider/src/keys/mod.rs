//! Signing keys: how they are kept ([`StoredKey`]), encrypted ([`MasterKey`]), rotated
//! ([`RotationPolicy`]) and used ([`KeyRing`]).

mod master;
mod ring;
mod rotation;
mod signing;

use doorward_protocol::jose::SigningAlgorithm;

pub use self::{
    master::{MasterKey, SealedKey, UnsealError},
    ring::{KeyRing, KeyRingError},
    rotation::RotationPolicy,
    signing::{SigningError, SigningKey},
};
use crate::time::Timestamp;

/// A signing key as the store keeps it.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// Key identifier (RFC 7517 section 4.5), random.
    pub kid: String,
    /// The one algorithm that it signs by.
    pub algorithm: SigningAlgorithm,
    /// From this moment on it signs; before, it is published only.
    pub activates_at: Timestamp,
    /// The private key, encrypted.
    pub sealed: SealedKey,
}

impl StoredKey {
    /// Whether this master key opens it.
    pub fn opens_with(&self, master: &MasterKey) -> bool {
        master.unseal(&self.kid, &self.sealed).is_ok()
    }

    /// The same key, encrypted by another master key.
    pub fn resealed(&self, old: &MasterKey, new: &MasterKey) -> Result<Self, UnsealError> {
        let sealed = new.seal(&self.kid, &old.unseal(&self.kid, &self.sealed)?)?;
        Ok(Self { sealed, ..self.clone() })
    }
}

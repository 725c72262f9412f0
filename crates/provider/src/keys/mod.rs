//! Signing keys: how they are kept ([`StoredKey`]), encrypted ([`MasterKey`]), rotated
//! ([`RotationPolicy`]) and used ([`KeyRing`]).

pub mod document_source;
pub(crate) mod host_limit;
pub(crate) mod kept;
mod master;
pub mod provider_credential;
pub mod remote;
mod ring;
mod rotation;
mod signing;
pub mod waiting_mail;

pub use self::{
    master::{MasterKey, UnsealError},
    ring::{KeyRing, KeyRingError},
    rotation::RotationPolicy,
    signing::{SigningError, SigningKey},
};
use crate::model::signing_key::StoredKey;

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

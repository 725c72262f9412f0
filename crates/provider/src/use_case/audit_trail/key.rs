//! The key of the chain: 256 random bits, which the store has encrypted by the master key. So the
//! chain can be verified when the master key was changed.

use crate::{
    audit::ChainKey,
    keys::{MasterKey, UnsealError},
    model::time::Entropy,
    store::{AuditRecords, StoreError},
};

/// What the key is encrypted for, as [`MasterKey::seal`] wants to know it.
pub const PURPOSE: &str = "audit chain";
/// Whose it is: there is one.
pub const OWNER: &str = "provider";

/// The key of the chain can't be had.
#[derive(Debug, thiserror::Error)]
pub enum AuditKeyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key was encrypted by another master key.
    #[error(
        "the key of the audit chain can't be decrypted: it belongs to another master key, or it \
         is damaged. Give every process on this database one master key, that which was used before"
    )]
    Unseal(#[from] UnsealError),
}

/// The key of the chain in this store. The first process that asks makes it.
pub async fn chain_key(
    store: &dyn AuditRecords,
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<ChainKey, AuditKeyError> {
    let name = format!("{PURPOSE}:{OWNER}");
    let offered = master.seal(&name, &entropy.bytes())?;
    let sealed = store.audit_key(offered).await?;
    Ok(ChainKey::from_bytes(&master.unseal(&name, &sealed)?))
}

//! Signing keys, private parts encrypted.

use async_trait::async_trait;

use crate::{
    model::{signing_key::StoredKey, time::Timestamp},
    store::StoreError,
};

/// The signing keys table.
#[async_trait]
pub trait SigningKeys: Send + Sync + 'static {
    /// All signing keys, private parts encrypted.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError>;
    /// Adds a signing key unless there is a key of the same algorithm with
    /// `activates_at >= unless_since`; returns all keys. So of several processes that start
    /// together one makes the key, and all see it.
    async fn add_signing_key(
        &self,
        key: StoredKey,
        unless_since: Timestamp,
    ) -> Result<Vec<StoredKey>, StoreError>;
    /// Puts other encryptions of the same keys in place of those that are there, all at once;
    /// `false`, and nothing changes, if these are not exactly the store's keys.
    async fn reseal_signing_keys(&self, keys: Vec<StoredKey>) -> Result<bool, StoreError>;
    /// Removes the keys with these `kid`s.
    async fn remove_signing_keys(&self, kids: &[String]) -> Result<(), StoreError>;
}

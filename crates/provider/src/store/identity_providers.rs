//! Other providers by which users sign in, as far as the store defines them.

use async_trait::async_trait;

use crate::{
    model::{
        identity_provider::IdentityProviderName,
        stored_identity_provider::{
            SealedCredential, StoredIdentityProvider, StoredIdentityProviders,
        },
    },
    store::StoreError,
};

/// The table of other providers and its version. They are checked against each other, so every
/// change says which state of all of them it is about.
#[async_trait]
pub trait IdentityProviders: Send + Sync + 'static {
    /// All of them, by their names. There are at most
    /// [`MOST_STORED`](crate::model::stored_identity_provider::MOST_STORED).
    async fn identity_providers(&self) -> Result<StoredIdentityProviders, StoreError>;
    /// The [`StoredIdentityProviders::version`], which each process reads every second.
    async fn identity_providers_version(&self) -> Result<i64, StoreError>;
    /// Adds a provider. Returns `false`, and adds nothing, if its name is taken or the version has
    /// changed.
    async fn add_identity_provider(
        &self,
        provider: StoredIdentityProvider,
        version: i64,
    ) -> Result<bool, StoreError>;
    /// Replaces a provider. Returns `false`, and changes nothing, if it is gone or the version has
    /// changed.
    async fn replace_identity_provider(
        &self,
        provider: StoredIdentityProvider,
        version: i64,
    ) -> Result<bool, StoreError>;
    /// Removes a provider. Links of users with it stay. Returns `false`, and removes nothing, if it
    /// is gone or the version has changed.
    async fn remove_identity_provider(
        &self,
        name: &IdentityProviderName,
        version: i64,
    ) -> Result<bool, StoreError>;
    /// Replaces the encryption of these credentials. The version moves on, also if there are none,
    /// so that no change is made which began before. Returns `false`, and changes nothing, if the
    /// version has changed.
    async fn reseal_identity_providers(
        &self,
        credentials: Vec<(IdentityProviderName, SealedCredential)>,
        version: i64,
    ) -> Result<bool, StoreError>;
}

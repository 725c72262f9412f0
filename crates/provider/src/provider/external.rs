//! Sign-ins by other providers, and the identities that users link: the use cases of [`Provider`]
//! for them.

use std::sync::Arc;

use doorward_protocol::ids::Sub;

use super::Provider;
use crate::{
    model::{
        external_identity::{ExternalId, LinkIntent, StoredIdentity, UpstreamUser},
        identity_provider::IdentityProvider,
        session::{Authentication, Session},
        token_handle::TokenHandle,
        vouching::Vouching,
    },
    store::{RemovedIdentity, StoreError},
    use_case::{
        accounts::Asker,
        external_sign_in::{
            ExternalLink, ExternalSignIn, ExternalSignIns, ExternalVisit, PendingIdentity,
        },
        identity_provider_registry::IdentityProviderRegistry,
    },
};

impl Provider {
    /// Who vouches for users now: the other providers by which they may sign in, and the
    /// directories.
    pub fn vouching(&self) -> Arc<Vouching> {
        self.identity_providers.vouching()
    }

    /// The other providers in use, for those who administer them.
    pub fn identity_providers(&self) -> &IdentityProviderRegistry {
        &self.identity_providers
    }

    /// Finds the user for whom another provider vouches, or makes one. `user` is what the provider
    /// says, after it was verified.
    pub async fn sign_in_externally(
        &self,
        provider: &IdentityProvider,
        user: &UpstreamUser,
        visit: ExternalVisit<'_>,
    ) -> Result<ExternalSignIn, StoreError> {
        self.external_sign_ins(&self.vouching()).sign_in(provider, user, visit).await
    }

    /// Links an identity with the account of the browser's user, if the link began in this very
    /// session.
    pub async fn link_externally(
        &self,
        session: Option<&Session>,
        intent: &LinkIntent,
        provider: &IdentityProvider,
        user: &UpstreamUser,
        asker: Asker<'_>,
    ) -> Result<ExternalLink, StoreError> {
        self.external_sign_ins(&self.vouching()).link(session, intent, provider, user, asker).await
    }

    /// What the user is asked about an identity that is new here; `None` if there is nothing to
    /// decide any more.
    pub async fn pending_identity(
        &self,
        handle: &TokenHandle,
    ) -> Result<Option<PendingIdentity>, StoreError> {
        self.external_sign_ins(&self.vouching()).pending(handle).await
    }

    /// Makes an account for the identity, as the user has decided.
    pub async fn create_pending_identity(
        &self,
        handle: &TokenHandle,
        asker: Asker<'_>,
    ) -> Result<ExternalSignIn, StoreError> {
        self.external_sign_ins(&self.vouching()).create_pending(handle, asker).await
    }

    /// Links the identity with the account of this session's user, as the user has decided.
    pub async fn link_pending_identity(
        &self,
        session: &Authentication,
        handle: &TokenHandle,
        asker: Asker<'_>,
    ) -> Result<ExternalLink, StoreError> {
        self.external_sign_ins(&self.vouching()).link_pending(handle, session, asker).await
    }

    /// The identities at other providers that a user has, the oldest first.
    pub async fn external_identities(&self, sub: &Sub) -> Result<Vec<StoredIdentity>, StoreError> {
        self.store.external_identities(sub).await
    }

    /// Unlinks an identity of this session's user, and ends the sessions that began by it.
    pub async fn unlink_external_identity(
        &self,
        session: &Authentication,
        id: &ExternalId,
        asker: Asker<'_>,
    ) -> Result<RemovedIdentity, StoreError> {
        self.external_sign_ins(&self.vouching()).unlink(&session.sub, id, asker).await
    }

    fn external_sign_ins<'a>(&'a self, vouching: &'a Vouching) -> ExternalSignIns<'a> {
        ExternalSignIns {
            identities: &*self.store,
            external_ids: &*self.store,
            users: &*self.store,
            factors: &*self.store,
            tickets: &*self.store,
            accounts: self.accounts(),
            vouching,
            directories: &self.settings.directories,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }
}

//! What SCIM clients call users and groups: `externalId`, for each client its own.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;

use crate::{
    model::provisioning::{Provisioned, ProvisionedKind},
    store::StoreError,
};

/// The table of external identifiers. They go with the client, the user and the group.
#[async_trait]
pub trait ExternalIds: Send + Sync + 'static {
    /// Notes what a client calls a user or a group; `None`: nothing. Does nothing if the user or
    /// the group is not there.
    async fn set_external_id(
        &self,
        client_id: &ClientId,
        of: &Provisioned,
        external_id: Option<&str>,
    ) -> Result<(), StoreError>;
    /// What a client calls those with these identifiers, as pairs of identifier and external
    /// identifier, in no order. Those without one are left out.
    async fn external_ids(
        &self,
        client_id: &ClientId,
        kind: ProvisionedKind,
        ids: &[String],
    ) -> Result<Vec<(String, String)>, StoreError>;
    /// The identifiers of at most `limit` users or groups that a client calls so, in their order.
    async fn with_external_id(
        &self,
        client_id: &ClientId,
        kind: ProvisionedKind,
        external_id: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;
}

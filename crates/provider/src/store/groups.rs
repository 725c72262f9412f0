//! Groups of users.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;

use crate::{
    model::group::{Group, GroupName, StoredGroup},
    store::StoreError,
};

/// The tables of groups and of their members.
#[async_trait]
pub trait Groups: Send + Sync + 'static {
    /// Adds a group at its version; `false`, and nothing is added, if its name is taken. Nobody is
    /// a member of it: memberships that are left of a removed group of this name are removed
    /// before.
    async fn add_group(&self, group: StoredGroup) -> Result<bool, StoreError>;
    /// Replaces a group. Returns `false`, and changes nothing, if it is gone or has another version
    /// by now.
    async fn replace_group(&self, group: Group, version: i64) -> Result<bool, StoreError>;
    /// Removes a group, and then its memberships in pages. Returns `false`, and removes nothing, if
    /// it is gone or does not have this version by now. After an error it can be repeated.
    async fn remove_group(
        &self,
        name: &GroupName,
        version: Option<i64>,
    ) -> Result<bool, StoreError>;
    /// The group of this name.
    async fn group(&self, name: &GroupName) -> Result<Option<StoredGroup>, StoreError>;
    /// At most `limit` groups in the order of their names, from the one after `after` on.
    async fn groups(
        &self,
        after: Option<&GroupName>,
        limit: u32,
    ) -> Result<Vec<StoredGroup>, StoreError>;
    /// Makes a user a member.
    async fn add_group_member(
        &self,
        name: &GroupName,
        sub: &Sub,
    ) -> Result<AddedGroupMember, StoreError>;
    /// Ends a membership; `false` if there was none.
    async fn remove_group_member(&self, name: &GroupName, sub: &Sub) -> Result<bool, StoreError>;
    /// At most `limit` members in the order of their subject identifiers, from the one after
    /// `after` on.
    async fn group_members(
        &self,
        name: &GroupName,
        after: Option<&Sub>,
        limit: u32,
    ) -> Result<Vec<Sub>, StoreError>;
}

/// What became of a new membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedGroupMember {
    /// The user is a member now.
    Added,
    /// The user was a member already.
    WasMember,
    /// There is no such group.
    NoGroup,
    /// There is no such user.
    NoUser,
    /// The user is in as many groups as are allowed:
    /// [`MOST_PER_USER`](crate::model::group::MOST_PER_USER).
    TooMany,
}
